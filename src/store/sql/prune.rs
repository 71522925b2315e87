//! Prune: takes old lines out of the ledger, and remembers what they came to; and all else that is
//! as old.

use std::collections::{BTreeMap, HashMap};

use super::buckets::{self, Place};
use super::columns::{Count as Number, Id};
use super::db::Db;
use super::fold::TakenBack;
use super::step::{Step, View};
use super::value::values;
use super::{counters, ended, fold, lines, marks, outbox, policy};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::event::{Event, Line};
use crate::quota::held::State;
use crate::quota::{Aggregate, Bucket, Per, Policy, Resource};
use crate::store::{Balance, Pruned, StoreError};

/// Rows of each kind taken out at once, so that no call waits long for it.
const AT_ONCE: usize = 1000;

pub(super) fn prune(
    step: &mut Step<'_>,
    before: Timestamp,
    now: Timestamp,
) -> Result<Pruned, StoreError> {
    let lines = prune_ledger(step, before, now)?;
    let notices = outbox::trim(step.db, before, AT_ONCE)?;
    let marks = marks::tidy(step.db, before, AT_ONCE)?;
    let ended = ended::throw_away(step, before, now, AT_ONCE)?;
    Ok(Pruned { lines, more: lines.max(notices).max(marks).max(ended) >= AT_ONCE })
}

fn prune_ledger(
    step: &mut Step<'_>,
    before: Timestamp,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut old = oldest(step.db)?;
    let mut needed = Needed::by(step, before, now)?;
    let mut stay = None;
    for (place, line) in old.iter().enumerate() {
        if needed.has(step.db, line)? {
            stay = Some(place);
            break;
        }
    }
    old.truncate(stay.unwrap_or(old.len()));
    let Some(last) = old.last() else {
        return Ok(0);
    };
    carry_over(step.db, &old, &needed.policy)?;
    step.db.write("DELETE FROM event WHERE id <= ?1", values![Id(last.id)])?;
    for line in &old {
        step.db.write(
            "INSERT INTO pruned (resource, at_ms, line) VALUES (?1, ?2, ?3)
                 ON CONFLICT (resource) DO UPDATE
                 SET line = excluded.line, at_ms = CASE WHEN pruned.at_ms > excluded.at_ms
                    THEN pruned.at_ms ELSE excluded.at_ms END",
            values![line.event.resource, line.event.at, Id(line.id)],
        )?;
    }
    Ok(old.len())
}

fn oldest(db: &dyn Db) -> Result<Vec<Line>, StoreError> {
    db.all(
        &format!("SELECT {}, {} FROM event ORDER BY id LIMIT ?1", fold::COLUMNS, lines::COLUMNS),
        values![Number(AT_ONCE)],
        lines::line,
    )
}

/// What is still needed of the ledger.
struct Needed {
    policy: Policy,
    before: Timestamp,
    now: Timestamp,
    places: HashMap<Resource, Vec<Place>>,
}

impl Needed {
    fn by(step: &Step<'_>, before: Timestamp, now: Timestamp) -> Result<Self, StoreError> {
        let mut places = HashMap::<_, Vec<_>>::new();
        for (resource, mut place) in buckets::all(step.db)? {
            place.bucket = buckets::at(place.bucket, now)?;
            places.entry(resource).or_default().push(place);
        }
        Ok(Self { policy: policy::load(step.view())?, before, now, places })
    }

    fn has(&mut self, db: &dyn Db, line: &Line) -> Result<bool, StoreError> {
        let event = &line.event;
        if line.recorded >= self.before || event.at >= self.before {
            return Ok(true);
        }
        // Members are not counted twice, so all lines are needed to know them.
        if self.policy.measure(&event.resource).aggregate == Aggregate::Unique {
            return Ok(true);
        }
        for place in self.places.get(&event.resource).into_iter().flatten() {
            if self.is_live(db, place, event)? {
                return Ok(true);
            }
        }
        let Some(hold) = event.hold else {
            return Ok(false);
        };
        let state: Option<State> =
            db.one("SELECT state FROM hold WHERE id = ?1", values![hold], |row| row.get(0))?;
        Ok(state == Some(State::Open))
    }

    /// Returns true if `event` counts in a bucket that goes on.
    fn is_live(&self, db: &dyn Db, place: &Place, event: &Event) -> Result<bool, StoreError> {
        let Some(account) = event.account(place.per) else {
            return Ok(false);
        };
        let goes_on = |bucket: &Bucket| {
            bucket.contains(event.at) && bucket.end.is_none_or(|end| self.now < end)
        };
        Ok(match place.bucket.shape {
            Shape::Stretch => place.bucket.start > Timestamp::MIN && goes_on(&place.bucket),
            Shape::Rolling { .. } => place.bucket.start <= event.at,
            Shape::FirstUse { .. } => {
                let count = counters::find(db, place.id, account)?;
                let since = count.and_then(|count| count.since);
                since.is_some_and(|since| goes_on(&place.bucket.begun(since)))
            }
        })
    }
}

/// Adds to the balances what the lines came to.
fn carry_over(db: &dyn Db, old: &[Line], policy: &Policy) -> Result<(), StoreError> {
    let all = Bucket::all();
    let mut balances = BTreeMap::<(Resource, Per, String), Count>::new();
    let mut ways = HashMap::<Resource, (Aggregate, TakenBack)>::new();
    for Line { event, .. } in old {
        let resource = &event.resource;
        if !ways.contains_key(resource) {
            let aggregate = policy.measure(resource).aggregate;
            let taken_back = fold::taken_back(db, resource, aggregate)?;
            ways.insert(resource.clone(), (aggregate, taken_back));
        }
        let Some((aggregate, taken_back)) = ways.get(resource) else { continue };
        if taken_back.has(event) {
            continue;
        }
        for per in Per::ALL {
            let Some(account) = event.account(per) else { continue };
            let whose = (resource.clone(), per, account.to_owned());
            let known = match balances.get(&whose) {
                Some(count) => Some(*count),
                None => fold::balance(db, resource, per, account)?,
            };
            // Who has only been reset has not used anything.
            if known.is_none() && !event.kind.charges() {
                continue;
            }
            let mut count = known.unwrap_or_default();
            count.add(event, &all, *aggregate, false);
            balances.insert(whose, count);
        }
    }
    for ((resource, per, account), count) in &balances {
        write(db, resource, *per, account, count)?;
    }
    Ok(())
}

/// Writes what an account had used before the first line.
pub(super) fn write(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    account: &str,
    count: &Count,
) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO balance (resource, per, account, used, newest_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (resource, per, account)
         DO UPDATE SET used = excluded.used, newest_ms = excluded.newest_ms",
        values![resource, per, account, count.used, count.newest],
    )
}

/// Returns what accounts had used before the first line of the ledger.
pub(super) fn balances(view: View<'_>) -> Result<Vec<Balance>, StoreError> {
    let mut all: Vec<Balance> = view.db.all(
        "SELECT resource, per, account, used, newest_ms FROM balance",
        values![],
        |row| {
            Ok(Balance {
                resource: row.get(0)?,
                per: row.get(1)?,
                account: row.get(2)?,
                used: row.get(3)?,
                newest: row.get(4)?,
            })
        },
    )?;
    all.sort_by(|one, other| {
        let order = |it: &Balance| (it.resource.clone(), it.per, it.account.clone());
        order(one).cmp(&order(other))
    });
    Ok(all)
}
