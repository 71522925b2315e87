//! Fold: what the lines of one account come to in a window, where the counts do not tell.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::Redis;
use super::codec;
use super::fault::corrupt;
use super::place::Place;
use super::script::script;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{self, Count};
use crate::quota::event::{Event, Kind, Line};
use crate::quota::held::HoldId;
use crate::quota::plan::{Bound, Item, Plan};
use crate::quota::{Aggregate, Bucket, Per, Resource};
use crate::store::StoreError;

script!(LOOK, WORDS, "verbs/look.lua");

/// Lines asked for at once.
const AT_ONCE: usize = 500;

/// What was looked at: what was worked out from it holds while it is as it was.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Guard {
    epoch: String,
    cards: BTreeMap<String, u64>,
}

/// What is told of a window: what is used, since when and until when, whether the member is known,
/// the moment of the oldest charge.
type Told = [String; 5];

/// What the lines of a window come to, before a call writes and after.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Folded {
    before: Told,
    after: Told,
}

/// What a counter has to be after a line that it cannot follow.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refolded {
    used: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<String>,
}

/// Whose lines, of what time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose<'a> {
    pub(super) resource: &'a Resource,
    pub(super) per: Per,
    pub(super) account: &'a str,
    pub(super) bucket: &'a Bucket,
}

impl Guard {
    /// Remembers how the books were when lines of an account were looked at. What was looked at
    /// when they were otherwise does not fit in, and is found out by the call that it is for.
    fn note(&mut self, moments: String, epoch: String, card: u64) {
        if self.cards.is_empty() {
            self.epoch = epoch;
        }
        self.cards.entry(moments).or_insert(card);
    }
}

/// Folds a window of a plan, as if the lines of `without` were not there, and again with what the
/// call `writes`.
pub(super) async fn window(
    store: &Redis,
    guard: &mut Guard,
    (plan, item, bound): (&Plan, &Item, &Bound),
    without: Option<HoldId>,
    writes: &[Event],
) -> Result<Folded, StoreError> {
    let (resource, per, bucket) = (&item.resource, bound.per, &bound.bucket);
    let account = plan.account(per).unwrap_or_default();
    let whose = Whose { resource, per, account, bucket };
    let Looked { mut events, balance } = look(store, guard, whose).await?;
    events.retain(|event| without.is_none() || event.hold != without);
    let start = start(store, whose, balance, None).await?;
    let before = told(plan, item, bucket, &events, start);
    let ours = writes.iter().filter(|event| {
        event.resource == *resource
            && event.account(per) == Some(account)
            && in_range(bucket, event.at)
    });
    events.extend(ours.cloned());
    let after = told(plan, item, bucket, &events, start);
    Ok(Folded { before, after })
}

fn told(plan: &Plan, item: &Item, bucket: &Bucket, events: &[Event], start: Count) -> Told {
    let count = count::fold(events.iter(), bucket, item.aggregate, start);
    let end = count.since.and_then(|since| bucket.begun(since).end);
    let is_known = item.aggregate == Aggregate::Unique && item.member.is_some() && {
        let mut asked = plan.event(item, Kind::Use);
        if bucket.shape == Shape::Stretch {
            // Whether it is counted there does not hang on the moment of the plan.
            asked.at = bucket.start;
        }
        let with: Vec<_> = events.iter().cloned().chain([asked]).collect();
        count::fold(with.iter(), bucket, item.aggregate, start) == count
    };
    let oldest = events.iter().filter(|event| event.kind.charges()).map(|event| event.at).min();
    [
        count.used.to_string(),
        written(count.since),
        written(end),
        u8::from(is_known).to_string(),
        written(oldest),
    ]
}

fn written(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| "-".to_owned(), |moment| moment.millis().to_string())
}

/// Folds an opened bucket of which a count is kept, with what the call `writes`.
pub(super) async fn anew(
    store: &Redis,
    guard: &mut Guard,
    place: &Place,
    whose: Whose<'_>,
    writes: &[Event],
) -> Result<Refolded, StoreError> {
    let Looked { mut events, balance } = look(store, guard, whose).await?;
    let ours = writes.iter().filter(|event| {
        event.resource == *whose.resource
            && event.account(whose.per) == Some(whose.account)
            && in_range(whose.bucket, event.at)
    });
    events.extend(ours.cloned());
    let start = start(store, whose, balance, Some(place)).await?;
    let count = count::fold(events.iter(), whose.bucket, place.aggregate, start);
    Ok(Refolded::of(count, whose.bucket, members(&events, whose.bucket, place.aggregate)))
}

impl Refolded {
    pub(super) fn of(count: Count, bucket: &Bucket, members: Vec<String>) -> Self {
        let end = count.since.and_then(|since| bucket.begun(since).end);
        Self {
            used: count.used.to_string(),
            newest: count.newest.map(Timestamp::millis),
            since: count.since.map(Timestamp::millis),
            finish: end.map(Timestamp::millis),
            members,
        }
    }

    /// Writes the count: `USED NEWEST SINCE END`.
    pub(super) fn text(&self) -> String {
        let maybe =
            |moment: Option<i64>| moment.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let Self { used, newest, since, finish, .. } = self;
        format!("{used} {} {} {}", maybe(*newest), maybe(*since), maybe(*finish))
    }

    pub(super) fn into_members(self) -> Vec<String> {
        self.members
    }
}

/// Returns the members that are counted in a bucket after `events`.
pub(super) fn members(events: &[Event], bucket: &Bucket, aggregate: Aggregate) -> Vec<String> {
    if aggregate != Aggregate::Unique {
        return Vec::new();
    }
    let refunds = events.iter().filter(|event| event.kind == Kind::Refund);
    let refunded: HashSet<_> = refunds.filter_map(|event| event.hold).collect();
    let taken_back = |event: &&Event| event.hold.is_some_and(|hold| refunded.contains(&hold));
    let mut members = HashSet::new();
    for event in events.iter().filter(|event| !taken_back(event) && bucket.contains(event.at)) {
        let is_about_it = event.bucket.as_ref().is_none_or(|key| *key == bucket.key);
        match (event.kind, &event.member) {
            (Kind::Reset, _) if is_about_it => members.clear(),
            (kind, Some(member)) if kind.charges() => _ = members.insert(member.to_string()),
            _ => {}
        }
    }
    members.into_iter().collect()
}

/// Returns the count with which a fold starts; of what is kept in `place` that may be told.
async fn start(
    store: &Redis,
    whose: Whose<'_>,
    balance: Count,
    place: Option<&Place>,
) -> Result<Count, StoreError> {
    let Whose { resource, account, bucket, .. } = whose;
    let keys = store.keys();
    match bucket.shape {
        Shape::Stretch if bucket.start == Timestamp::MIN => Ok(balance),
        Shape::FirstUse { .. } => {
            let Some(place) = place else { return Ok(Count::default()) };
            // Lines are gone that might tell when it began.
            let is_pruned: bool = store
                .connection
                .ask(redis::cmd("HEXISTS").arg(keys.pruned()).arg(resource.as_str()))
                .await?;
            let counts = keys.counts(&place.id);
            let counted: Option<String> =
                store.connection.ask(redis::cmd("HGET").arg(counts).arg(account)).await?;
            let counted =
                counted.filter(|_| is_pruned).map(|text| read_count(&text)).transpose()?;
            let since = counted.and_then(|counted| counted.since);
            Ok(Count { since, ..Count::default() })
        }
        Shape::Stretch | Shape::Rolling { .. } => Ok(Count::default()),
    }
}

/// Reads `USED NEWEST SINCE END`.
pub(super) fn read_count(text: &str) -> Result<Count, StoreError> {
    let parts: Vec<_> = text.split(' ').collect();
    let [used, newest, since, _] = parts.as_slice() else {
        return Err(corrupt(format!("\"{text}\" is no count")));
    };
    Ok(Count {
        used: codec::amount(used)?,
        newest: codec::maybe(newest)?,
        since: codec::maybe(since)?,
    })
}

/// Reads `USED NEWEST`.
pub(super) fn read_balance(text: &str) -> Result<Count, StoreError> {
    let (used, newest) =
        text.split_once(' ').ok_or_else(|| corrupt(format!("\"{text}\" is no balance")))?;
    Ok(Count { used: codec::amount(used)?, newest: codec::maybe(newest)?, since: None })
}

/// Returns true if a line of the moment `at` may count in the bucket. One that opens by its first
/// use is opened by lines that are not in it.
fn in_range(bucket: &Bucket, at: Timestamp) -> bool {
    matches!(bucket.shape, Shape::FirstUse { .. }) || bucket.contains(at)
}

/// Returns the range of scores in which the lines of a bucket are.
pub(super) fn scores(bucket: &Bucket) -> (String, String) {
    let end = |end: Timestamp| format!("({}", end.millis());
    match bucket.shape {
        Shape::FirstUse { .. } => ("-inf".to_owned(), "+inf".to_owned()),
        Shape::Stretch | Shape::Rolling { .. } => {
            (bucket.start.millis().to_string(), bucket.end.map_or_else(|| "+inf".to_owned(), end))
        }
    }
}

/// What happened to an account in a bucket, in order; what it had used before the first line.
struct Looked {
    events: Vec<Event>,
    balance: Count,
}

/// Looks at the lines of one account that may count in a bucket.
async fn look(store: &Redis, guard: &mut Guard, whose: Whose<'_>) -> Result<Looked, StoreError> {
    let Whose { resource, per, account, bucket } = whose;
    let (from, to) = scores(bucket);
    let moments = store.keys().moments(per, resource, account);
    let balances = store.keys().balances(per, resource);
    let arguments = [&moments, &from, &to, &AT_ONCE.to_string(), &balances, account];
    let answer: Vec<String> = store.connection.run(&LOOK, &arguments).await?;
    let [epoch, card, balance, found @ ..] = answer.as_slice() else {
        return Err(corrupt("an account cannot be looked at"));
    };
    guard.note(moments, epoch.clone(), read_id(card)?);
    let balance = match balance.as_str() {
        "" => Count::default(),
        balance => read_balance(balance)?,
    };
    let (mut lines, mut rest) = (Vec::new(), Vec::new());
    for (index, pair) in found.chunks_exact(2).enumerate() {
        let [id, text] = pair else { continue };
        if index >= AT_ONCE {
            rest.push(id.clone());
        } else if !text.is_empty() {
            lines.push(codec::read_line(read_id(id)?, text)?);
        }
    }
    lines.extend(by_id(store, &rest).await?);
    // A reset is found among the lines of the server, and counts for its subject alone.
    let events = lines.into_iter().map(|line| line.event);
    let events = events.filter(|event| event.account(per) == Some(account)).collect();
    Ok(Looked { events, balance })
}

/// Returns the lines with these ids, which have 20 digits, of those that are there.
pub(super) async fn by_id(store: &Redis, ids: &[String]) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let texts: Vec<Option<String>> =
            store.connection.ask(redis::cmd("HMGET").arg(store.keys().line()).arg(ids)).await?;
        for (id, text) in ids.iter().zip(texts) {
            if let Some(text) = text {
                lines.push(codec::read_line(read_id(id)?, &text)?);
            }
        }
    }
    Ok(lines)
}

/// Reads an id.
pub(super) fn read_id(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| corrupt(format!("\"{text}\" is no id")))
}
