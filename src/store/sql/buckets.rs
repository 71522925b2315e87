//! Buckets: which ones are opened, so that their counters, or their parts, are complete.
//!
//! A bucket is *opened* by the first call that writes with it in its plan: the ledger is folded
//! for everyone. From then on every charge is counted in all opened buckets it falls in, whatever
//! the policy says by then, so they stay complete and a missing counter is zero. So a period may
//! be switched back and forth, and no charge is lost.

use std::sync::Arc;
use std::time::Duration;

use super::columns::End;
use super::db::{Db, LateIndex, Row};
use super::step::Step;
use super::value::values;
use super::window::Window;
use super::{counters, fold, members, parts};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::can_be_kept;
use crate::quota::plan::Plan;
use crate::quota::{Aggregate, Bucket, Invalid, Per, Period, Policy, Resource, Zone};
use crate::store::{Opened, StoreError};

/// An opened bucket.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: i64,
    pub(super) per: Per,
    pub(super) aggregate: Aggregate,
    /// Of a series (by first use, rolling): the one it was opened for.
    pub(super) bucket: Bucket,
}

impl Place {
    /// Returns true if something at `moment` may count in it.
    pub(super) fn holds(&self, moment: Timestamp) -> bool {
        self.bucket.shape != Shape::Stretch || self.bucket.contains(moment)
    }
}

/// Opens every bucket of `plan`.
pub(super) fn open_all(step: &mut Step<'_>, plan: &Plan) -> Result<(), StoreError> {
    let bounds = plan.items.iter().flat_map(|item| item.bounds.iter().map(move |it| (item, it)));
    for (item, bound) in bounds {
        open(step, &Window::of_nobody(item, bound))?;
    }
    Ok(())
}

/// Returns the id of the bucket of `window`, which is opened if it was not. One of which nothing
/// can be kept is written down all the same: so it is known which lines are needed.
pub(super) fn open(step: &mut Step<'_>, window: &Window<'_>) -> Result<i64, StoreError> {
    let (resource, per, key) = (window.resource, window.per, window.bucket.key.as_str());
    let id = if let Some(id) = step.known.bucket(resource, per, key) {
        id
    } else {
        let id = match find(step.db, window)? {
            Some(id) => id,
            None => fill(step, window)?,
        };
        step.known.remember_bucket(resource, per, key, id);
        id
    };
    if window.is_in_parts() {
        parts::complete(step, window)?;
    }
    Ok(id)
}

/// Returns the id of the bucket of `window`, if it is opened.
pub(super) fn find(db: &dyn Db, window: &Window<'_>) -> Result<Option<i64>, StoreError> {
    db.one(
        "SELECT id FROM bucket WHERE resource = ?1 AND per = ?2 AND key = ?3 AND aggregate = ?4",
        values![window.resource, window.per, window.bucket.key, window.aggregate],
        |row| row.get(0),
    )
}

fn fill(step: &mut Step<'_>, window: &Window<'_>) -> Result<i64, StoreError> {
    let (resource, per, bucket) = (window.resource, window.per, window.bucket);
    if per == Per::Group {
        step.db.index(LateIndex::LinesByGroup)?;
    }
    // One that adds up in another way has not been closed, if another process is of another mind.
    let other = step.db.one(
        "SELECT id FROM bucket WHERE resource = ?1 AND per = ?2 AND key = ?3",
        values![resource, per, bucket.key],
        |row| row.get(0),
    )?;
    if let Some(other) = other {
        close(step, other)?;
    }
    let (start, end) = match bucket.shape {
        Shape::Stretch => (bucket.start, bucket.end),
        Shape::FirstUse { .. } | Shape::Rolling { .. } => (Timestamp::MIN, None),
    };
    let id = step.db.sure(
        "INSERT INTO bucket (resource, per, key, aggregate, shape, at_ms, start_ms, end_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        values![
            resource,
            per,
            bucket.key,
            window.aggregate,
            shape(bucket),
            moment(bucket),
            start,
            End(end)
        ],
        |row| row.get(0),
    )?;
    step.known.forget_places(resource);
    if window.is_counted() {
        for (account, tally) in fold::everyone(step.db, resource, window.aggregate, per, bucket)? {
            counters::write(step.db, id, &account, &tally.count)?;
            members::add_all(step.db, id, &account, &tally.members)?;
        }
    }
    Ok(id)
}

const fn shape(bucket: &Bucket) -> &'static str {
    match bucket.shape {
        Shape::Stretch => "stretch",
        Shape::FirstUse { .. } => "first",
        Shape::Rolling { .. } => "rolling",
    }
}

/// Returns a moment by which a bucket of a series can be made again.
fn moment(bucket: &Bucket) -> Timestamp {
    match (&bucket.shape, bucket.end) {
        (Shape::Rolling { .. }, Some(end)) => end.before(Duration::from_millis(1)),
        _ => bucket.start,
    }
}

/// Forgets the counters of a bucket, so that it is folded anew when it is asked for.
pub(super) fn close(step: &mut Step<'_>, id: i64) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM counter WHERE bucket = ?1",
        "DELETE FROM member WHERE bucket = ?1",
        "DELETE FROM bucket WHERE id = ?1",
    ] {
        step.db.write(statement, values![id])?;
    }
    step.known.forget();
    Ok(())
}

/// Closes the buckets of resources that add up in another way by `policy`.
pub(super) fn close_changed(step: &mut Step<'_>, policy: &Policy) -> Result<(), StoreError> {
    for (resource, place) in all(step.db)? {
        let aggregate = policy.measure(&resource).aggregate;
        if aggregate != place.aggregate {
            close(step, place.id)?;
        }
        if aggregate != Aggregate::Sum && matches!(place.bucket.shape, Shape::Rolling { .. }) {
            parts::forget(step, &resource, place.per)?;
        }
    }
    Ok(())
}

const COLUMNS: &str = "id, per, aggregate, key, shape, at_ms, end_ms";

fn place(row: &dyn Row) -> Result<Place, StoreError> {
    let (key, shape): (String, String) = (row.get(3)?, row.get(4)?);
    let (at, End(end)) = (row.get(5)?, row.get(6)?);
    let bucket = if shape == "stretch" {
        Bucket { key, start: at, end, shape: Shape::Stretch }
    } else {
        series(&key, at).map_err(|error| corrupt(&error))?
    };
    Ok(Place { id: row.get(0)?, per: row.get(1)?, aggregate: row.get(2)?, bucket })
}

/// Returns the bucket of a series, of which the key tells all, as it is at `moment`.
fn series(key: &str, moment: Timestamp) -> Result<Bucket, Invalid> {
    let (period, zone) = match key.split_once('@') {
        Some((period, zone)) => (period, zone.parse()?),
        None => (key, Zone::UTC),
    };
    Ok(Bucket::of(period.parse::<Period>()?, &zone, moment))
}

/// Returns `bucket` as it is at `moment`, if it is one of a series.
pub(super) fn at(bucket: Bucket, moment: Timestamp) -> Result<Bucket, StoreError> {
    if bucket.shape == Shape::Stretch {
        return Ok(bucket);
    }
    series(&bucket.key, moment).map_err(|error| corrupt(&error))
}

fn corrupt(error: &Invalid) -> StoreError {
    StoreError::Corrupt(format!("the database holds what cannot be read: {error}"))
}

/// Returns the opened buckets of `resource` that hold `moment`, those that end first before the others.
pub(super) fn holding(
    db: &dyn Db,
    resource: &Resource,
    moment: Timestamp,
) -> Result<Vec<Place>, StoreError> {
    let mut places = ending_after(db, resource, moment)?;
    places.retain(|place| place.holds(moment));
    Ok(places)
}

/// Returns the opened buckets of `resource` that end after `moment`, in the same order, and maybe
/// others, as the writer knows them.
pub(super) fn around(
    step: &mut Step<'_>,
    resource: &Resource,
    moment: Timestamp,
) -> Result<Arc<[Place]>, StoreError> {
    if let Some(places) = step.known.places(resource, moment) {
        return Ok(places);
    }
    let places: Arc<[Place]> = ending_after(step.db, resource, moment)?.into();
    step.known.remember_places(resource, moment, places.clone());
    Ok(places)
}

fn ending_after(
    db: &dyn Db,
    resource: &Resource,
    moment: Timestamp,
) -> Result<Vec<Place>, StoreError> {
    db.all(
        &format!(
            "SELECT {COLUMNS} FROM bucket
         WHERE resource = ?1 AND end_ms > ?2 ORDER BY end_ms, key, per"
        ),
        values![resource, moment],
        place,
    )
}

/// Returns all opened buckets.
pub(super) fn all(db: &dyn Db) -> Result<Vec<(Resource, Place)>, StoreError> {
    db.all(
        &format!(
            "SELECT {COLUMNS}, resource FROM bucket WHERE shape <> 'ended'
             ORDER BY resource, per, key"
        ),
        values![],
        |row| Ok((row.get(7)?, place(row)?)),
    )
}

/// Returns the buckets whose counters are kept.
pub(super) fn opened(db: &dyn Db) -> Result<Vec<Opened>, StoreError> {
    let named = |(resource, Place { per, aggregate, bucket, .. })| {
        let is_rolling = matches!(bucket.shape, Shape::Rolling { .. });
        let is_kept =
            can_be_kept(&bucket, aggregate) || (is_rolling && aggregate == Aggregate::Sum);
        is_kept.then_some(Opened { resource, aggregate, per, bucket })
    };
    let mut all: Vec<_> = all(db)?.into_iter().filter_map(named).collect();
    all.sort_by(|one, other| {
        let order = |it: &Opened| {
            let end = it.bucket.end.filter(|_| it.bucket.shape == Shape::Stretch);
            let end = end.unwrap_or(Timestamp::MAX);
            (it.resource.clone(), it.per, end, it.bucket.key.clone())
        };
        order(one).cmp(&order(other))
    });
    Ok(all)
}
