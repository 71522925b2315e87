//! Fold: what the ledger makes of a bucket, for everyone or for one account.

use std::collections::{BTreeMap, HashSet};

use super::columns::End;
use super::db::{Db, Row};
use super::tally::Tally;
use super::value::values;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{self, Count};
use crate::quota::event::{Event, Kind};
use crate::quota::held::HoldId;
use crate::quota::{Aggregate, Bucket, Per, Resource};
use crate::store::StoreError;

/// What a line of the ledger says, in the order [`event`] reads it.
pub(super) const COLUMNS: &str = "subject, grp, kind, amount, member, at_ms, hold, bucket";

/// Reads a line about `resource` from its first columns.
pub(super) fn event(row: &dyn Row, resource: &Resource) -> Result<Event, StoreError> {
    Ok(Event {
        subject: row.get(0)?,
        group: row.get(1)?,
        resource: resource.clone(),
        kind: row.get(2)?,
        amount: row.get(3)?,
        member: row.get(4)?,
        at: row.get(5)?,
        hold: row.get(6)?,
        bucket: row.get(7)?,
    })
}

/// Returns the moments of which a bucket may have lines; of a series by first use, all.
pub(super) fn range(bucket: &Bucket) -> (Timestamp, Option<Timestamp>) {
    match bucket.shape {
        Shape::FirstUse { .. } => (Timestamp::MIN, None),
        Shape::Stretch | Shape::Rolling { .. } => (bucket.start, bucket.end),
    }
}

/// Returns what everyone has used of `bucket`, which can be kept.
pub(super) fn everyone(
    db: &dyn Db,
    resource: &Resource,
    aggregate: Aggregate,
    per: Per,
    bucket: &Bucket,
) -> Result<BTreeMap<String, Tally>, StoreError> {
    let mut all = starts(db, resource, per, bucket)?;
    let taken_back = taken_back(db, resource, aggregate)?;
    let (start, end) = range(bucket);
    db.each(
        &format!(
            "SELECT {COLUMNS} FROM event
         WHERE resource = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND kind <> 'lapse' ORDER BY id"
        ),
        values![resource, start, End(end)],
        |row| {
            let event = event(row, resource)?;
            let Some(account) = event.account(per) else { return Ok(()) };
            let is_left_out = taken_back.has(&event);
            match all.get_mut(account) {
                Some(_) if is_left_out => {}
                Some(tally) => tally.add(&event, bucket, aggregate),
                // Who has only been reset has not used anything.
                None if event.kind == Kind::Reset => {}
                None => {
                    let mut tally = Tally::default();
                    if !is_left_out {
                        tally.add(&event, bucket, aggregate);
                    }
                    all.insert(account.to_owned(), tally);
                }
            }
            Ok(())
        },
    )?;
    Ok(all)
}

/// Returns what one account has used, as the ledger tells it; the lines of `without` left out.
pub(super) fn one(
    db: &dyn Db,
    window: &Window<'_>,
    without: Option<HoldId>,
) -> Result<Tally, StoreError> {
    let Window { resource, aggregate, bucket, .. } = *window;
    // What is kept may have begun with the one that is left out.
    let start = match without {
        Some(_) if !is_of_all_time(bucket) => Count::default(),
        _ => start(db, window)?,
    };
    if !window.is_counted() {
        let events = lines(db, window, without)?;
        return Ok(Tally::from(count::fold(events.iter(), bucket, aggregate, start)));
    }
    let taken_back = taken_back(db, resource, aggregate)?;
    let mut tally = Tally::from(start);
    each(db, window, |event| {
        let is_left_out = without.is_some() && event.hold == without;
        if !is_left_out && !taken_back.has(&event) {
            tally.add(&event, bucket, aggregate);
        }
    })?;
    Ok(tally)
}

/// Returns the lines of one account that may count in its window.
pub(super) fn lines(
    db: &dyn Db,
    window: &Window<'_>,
    without: Option<HoldId>,
) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    each(db, window, |event| {
        if without.is_none() || event.hold != without {
            events.push(event);
        }
    })?;
    Ok(events)
}

/// Returns the condition under which a line belongs to the account `?2`.
pub(super) const fn belongs(per: Per) -> &'static str {
    match per {
        Per::Subject => "subject = ?2",
        Per::Group => "grp = ?2 AND kind <> 'reset'",
        // Everyone has no name.
        Per::Server => "?2 = '' AND kind <> 'reset'",
    }
}

fn each(db: &dyn Db, window: &Window<'_>, mut take: impl FnMut(Event)) -> Result<(), StoreError> {
    let (start, end) = range(window.bucket);
    db.each(
        &format!(
            "SELECT {COLUMNS} FROM event
         WHERE resource = ?1 AND {} AND at_ms >= ?3 AND at_ms < ?4 ORDER BY id",
            belongs(window.per)
        ),
        values![window.resource, window.account, start, End(end)],
        |row| {
            take(event(row, window.resource)?);
            Ok(())
        },
    )
}

/// Returns what an account had used before the first line of the ledger.
fn start(db: &dyn Db, window: &Window<'_>) -> Result<Count, StoreError> {
    let Window { resource, per, bucket, account, .. } = *window;
    if is_of_all_time(bucket) {
        return Ok(balance(db, resource, per, account)?.unwrap_or_default());
    }
    let begun = begun(db, resource, per, bucket, Some(account))?;
    Ok(begun.into_values().next().map(|tally| tally.count).unwrap_or_default())
}

/// Returns what an account had used in all before the first line of the ledger.
pub(super) fn balance(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    account: &str,
) -> Result<Option<Count>, StoreError> {
    db.one(
        "SELECT used, newest_ms FROM balance WHERE resource = ?1 AND per = ?2 AND account = ?3",
        values![resource, per, account],
        |row| Ok(Count { used: row.get(0)?, newest: row.get(1)?, since: None }),
    )
}

/// Returns what everyone had used before the first line of the ledger.
fn starts(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    bucket: &Bucket,
) -> Result<BTreeMap<String, Tally>, StoreError> {
    if !is_of_all_time(bucket) {
        return begun(db, resource, per, bucket, None);
    }
    db.all(
        "SELECT account, used, newest_ms FROM balance WHERE resource = ?1 AND per = ?2",
        values![resource, per],
        |row| {
            let count = Count { used: row.get(1)?, newest: row.get(2)?, since: None };
            Ok((row.get(0)?, Tally::from(count)))
        },
    )
}

/// Returns when the present stretches of a bucket by first use began, where the ledger may no
/// longer tell, as lines before them were taken out.
fn begun(
    db: &dyn Db,
    resource: &Resource,
    per: Per,
    bucket: &Bucket,
    account: Option<&str>,
) -> Result<BTreeMap<String, Tally>, StoreError> {
    if !matches!(bucket.shape, Shape::FirstUse { .. }) {
        return Ok(BTreeMap::new());
    }
    db.all(
        "SELECT account, since_ms FROM counter
         WHERE bucket = (SELECT id FROM bucket WHERE resource = ?1 AND per = ?2 AND key = ?3)
         AND (account = ?4 OR ?4 IS NULL)
         AND EXISTS (SELECT 1 FROM pruned WHERE resource = ?1)",
        values![resource, per, bucket.key, account],
        |row| {
            let count = Count { since: row.get(1)?, ..Count::default() };
            Ok((row.get(0)?, Tally::from(count)))
        },
    )
}

fn is_of_all_time(bucket: &Bucket) -> bool {
    bucket.shape == Shape::Stretch && bucket.start == Timestamp::MIN
}

/// The reservations that were refunded, where a refund undoes the charge itself.
#[derive(Debug)]
pub(super) struct TakenBack(HashSet<HoldId>);

impl TakenBack {
    pub(super) fn has(&self, event: &Event) -> bool {
        event.hold.is_some_and(|hold| self.0.contains(&hold))
    }
}

pub(super) fn taken_back(
    db: &dyn Db,
    resource: &Resource,
    aggregate: Aggregate,
) -> Result<TakenBack, StoreError> {
    if aggregate == Aggregate::Sum {
        return Ok(TakenBack(HashSet::new()));
    }
    let holds: HashSet<HoldId> = db.all(
        "SELECT hold FROM event WHERE resource = ?1 AND kind = 'refund' AND hold IS NOT NULL",
        values![resource],
        |row| row.get::<HoldId>(0),
    )?;
    Ok(TakenBack(holds))
}
