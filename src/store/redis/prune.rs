//! Prune: takes old lines out of the ledger, and remembers what they came to; and all else that is
//! as old.

use std::collections::BTreeMap;
use std::time::Duration;

use super::codec::{read_balance, read_count, read_line, write_balance};
use super::place::Place;
use super::script::{Script, script};
use super::view::{Parts, Tries};
use super::{Redis, import, opened, policy};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::event::{Event, Line};
use crate::quota::held::State;
use crate::quota::{Aggregate, Bucket, Per, Policy, Resource};
use crate::store::{Pruned, StoreError};

script!(LOOK, BOOKS, "verbs/prune_look.lua");
script!(CARRY, BOOKS, "verbs/carry.lua");
script!(PRUNE, BOOKS, "verbs/prune.lua");
script!(TIDY, BOOKS, "verbs/tidy.lua");

/// How many of each kind are taken out at once, so that no call waits long for it.
const AT_ONCE: usize = 500;

/// How long a reservation that has ended is remembered.
const REMEMBERED: Duration = Duration::from_hours(35 * 24);

pub(super) async fn prune(
    store: &Redis,
    before: Timestamp,
    now: Timestamp,
) -> Result<Pruned, StoreError> {
    import::sweep_rest(store).await?;
    let mut tries = Tries::default();
    let lines = loop {
        match prune_ledger(store, before, now).await? {
            Some(lines) => break lines,
            None => tries.again().await?,
        }
    };
    let before = before.millis().to_string();
    let ended = now.before(REMEMBERED).millis().to_string();
    let most = AT_ONCE.to_string();
    let is_more: u8 = store.connection.run(&TIDY, &[&before, &ended, &most]).await?;
    Ok(Pruned { lines, more: lines == AT_ONCE || is_more == 1 })
}

/// What was found of the oldest lines.
struct Oldest {
    epoch: String,
    version: String,
    last_place: String,
    places: Vec<(Per, Resource, Place)>,
    lines: Vec<Old>,
}

/// A line, and what hangs on it.
struct Old {
    id: String,
    line: Line,
    is_held: bool,
    /// When the stretches began that buckets by first use count now, by their ids.
    since: BTreeMap<String, Timestamp>,
}

/// Takes out lines; returns how many, or none if the books were changed meanwhile.
async fn prune_ledger(
    store: &Redis,
    before: Timestamp,
    now: Timestamp,
) -> Result<Option<usize>, StoreError> {
    let policy = policy::load(store).await?;
    let mut oldest = look(store).await?;
    if oldest.version != policy.version.0.to_string() {
        return Ok(None);
    }
    let mut stay = None;
    for (place, old) in oldest.lines.iter().enumerate() {
        if is_needed(&oldest.places, old, &policy, before, now)? {
            stay = Some(place);
            break;
        }
    }
    oldest.lines.truncate(stay.unwrap_or(oldest.lines.len()));
    if oldest.lines.is_empty() {
        return Ok(Some(0));
    }
    carry_over(store, &oldest, &policy).await
}

async fn look(store: &Redis) -> Result<Oldest, StoreError> {
    let answer: Vec<String> = store.connection.run(&LOOK, &[&AT_ONCE.to_string()]).await?;
    let mut parts = Parts::of(answer);
    let (epoch, version, last_place) = (parts.text()?, parts.text()?, parts.text()?);
    let mut places = Vec::new();
    for _ in 0..parts.number()? {
        places.push(parts.text()?);
        places.push(parts.text()?);
    }
    let places = opened::read(&mut Parts::of(places))?;
    let mut lines = Vec::new();
    while !parts.is_empty() {
        let (id, text, state) = (parts.text()?, parts.text()?, parts.text()?);
        let line = read_line(Parts::of(vec![id.clone()]).number()?, &text)?;
        let mut since = BTreeMap::new();
        for _ in 0..parts.number()? {
            let (place, count) = (parts.text()?, parts.text()?);
            if !count.is_empty()
                && let Some(at) = read_count(&count)?.since
            {
                since.insert(place, at);
            }
        }
        lines.push(Old { id, line, is_held: state == State::Open.name(), since });
    }
    Ok(Oldest { epoch, version, last_place, places, lines })
}

fn is_needed(
    places: &[(Per, Resource, Place)],
    old: &Old,
    policy: &Policy,
    before: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Line { event, recorded, .. } = &old.line;
    // Members are not counted twice, so all lines are needed to know them.
    let is_unique = policy.measure(&event.resource).aggregate == Aggregate::Unique;
    if *recorded >= before || event.at >= before || is_unique || old.is_held {
        return Ok(true);
    }
    for (per, resource, place) in places {
        let is_its = *resource == event.resource && event.account(*per).is_some();
        if is_its && is_live(place, event, old.since.get(&place.id).copied(), now)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns true if `event` counts in a bucket that goes on.
fn is_live(
    place: &Place,
    event: &Event,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let goes_on =
        |bucket: &Bucket| bucket.contains(event.at) && bucket.end.is_none_or(|end| now < end);
    let bucket = &place.bucket;
    Ok(match bucket.shape {
        Shape::Stretch => bucket.start > Timestamp::MIN && goes_on(bucket),
        Shape::Rolling { .. } => place.at(now)?.start <= event.at,
        Shape::FirstUse { .. } => since.is_some_and(|since| goes_on(&bucket.begun(since))),
    })
}

/// Whose balance.
type Whose = (Resource, Per, String);

/// Takes the lines out and adds to the balances what they came to.
async fn carry_over(
    store: &Redis,
    oldest: &Oldest,
    policy: &Policy,
) -> Result<Option<usize>, StoreError> {
    let lines: Vec<&Event> = oldest.lines.iter().map(|old| &old.line.event).collect();
    let mut balances = BTreeMap::<Whose, Option<Count>>::new();
    let mut charges = Vec::new();
    for event in &lines {
        for per in Per::ALL {
            if let Some(account) = event.account(per) {
                balances.insert((event.resource.clone(), per, account.to_owned()), None);
            }
        }
        charges.extend(charge(event, policy));
    }
    let accounts: Vec<_> = balances
        .keys()
        .map(|(resource, per, name)| [per.name(), resource.as_str(), name])
        .collect();
    let answer: Option<Vec<String>> =
        run(store, &CARRY, &[&oldest.epoch, &json(&accounts), &json(&charges)]).await?;
    let Some(answer) = answer else { return Ok(None) };
    let mut parts = Parts::of(answer);
    for balance in balances.values_mut() {
        *balance = read_balance(&parts.text()?)?;
    }
    let mut stands = Vec::new();
    let all = Bucket::all();
    for event in lines {
        if let Some(charge) = charge(event, policy) {
            if parts.text()? == "1" {
                continue;
            }
            stands.push(charge);
        }
        let aggregate = policy.measure(&event.resource).aggregate;
        for per in Per::ALL {
            let Some(account) = event.account(per) else { continue };
            let whose = (event.resource.clone(), per, account.to_owned());
            let balance = balances.entry(whose).or_default();
            // Who has only been reset has not used anything.
            if balance.is_some() || event.kind.charges() {
                balance.get_or_insert_default().add(event, &all, aggregate, false);
            }
        }
    }
    let written = balances.iter().filter_map(|((resource, per, account), count)| {
        let count = write_balance(count.as_ref()?);
        Some([per.name().to_owned(), resource.to_string(), account.clone(), count])
    });
    let written: Vec<_> = written.collect();
    let ids: Vec<_> = oldest.lines.iter().map(|old| &old.id).collect();
    let Oldest { epoch, version, last_place, .. } = oldest;
    let arguments = [epoch, version, last_place, &json(&ids), &json(&written), &json(&stands)];
    let done: Option<u8> = run(store, &PRUNE, &arguments.map(String::as_str)).await?;
    Ok(done.map(|_| ids.len()))
}

/// Returns what may have been taken back by another line, so that it has never been: a resource, a
/// subject, a moment and a reservation.
fn charge(event: &Event, policy: &Policy) -> Option<[String; 4]> {
    let hold =
        event.hold.filter(|_| policy.measure(&event.resource).aggregate != Aggregate::Sum)?;
    let at = event.at.millis().to_string();
    Some([event.resource.to_string(), event.subject.to_string(), at, hold.to_string()])
}

async fn run<T: redis::FromRedisValue>(
    store: &Redis,
    script: &Script,
    arguments: &[&str],
) -> Result<T, StoreError> {
    store.connection.run(script, arguments).await
}

fn json(value: &impl serde::Serialize) -> String {
    // Texts can always be written.
    serde_json::to_string(value).unwrap_or_default()
}
