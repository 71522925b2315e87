//! Counters: what is used per bucket and subject.
//!
//! A bucket is *opened* by the first call that writes with it in its plan: the ledger is folded
//! for everyone. From then on every charge keeps the counters of all opened buckets it falls in,
//! whatever the policy says by then, so they stay complete and a missing counter is zero. So a
//! period may be switched back and forth, and no charge is lost.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::End;
use super::ledger;
use super::step::{Step, View};
use crate::clock::Timestamp;
use crate::quota::event::{Event, Kind};
use crate::quota::plan::Plan;
use crate::quota::{Amount, Bucket, Resource, Shape, Subject};
use crate::store::StoreError;

/// Opens every bucket of `plan`, and for each resource the one of all time: that lists everyone.
pub(super) fn open_all(step: &mut Step<'_>, plan: &Plan) -> Result<(), StoreError> {
    for item in &plan.items {
        open(step, &item.resource, &Bucket::all())?;
        for bound in &item.bounds {
            open(step, &item.resource, &bound.bucket)?;
        }
    }
    Ok(())
}

/// Returns the id of `bucket`, which is opened if it was not.
pub(super) fn open(
    step: &mut Step<'_>,
    resource: &Resource,
    bucket: &Bucket,
) -> Result<i64, StoreError> {
    if let Some(id) = step.known.bucket(resource, &bucket.key) {
        return Ok(id);
    }
    let id = match find(step.db, resource, bucket)? {
        Some(id) => id,
        None => fill(step.db, resource, bucket)?,
    };
    step.known.remember_bucket(resource, &bucket.key, id);
    Ok(id)
}

/// Returns the id of `bucket`, if it is opened.
pub(super) fn find(
    db: &Connection,
    resource: &Resource,
    bucket: &Bucket,
) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM bucket WHERE resource = ?1 AND key = ?2")?
        .query_row(params![resource, bucket.key], |row| row.get(0))
        .optional()
}

fn fill(db: &Connection, resource: &Resource, bucket: &Bucket) -> Result<i64, StoreError> {
    db.prepare_cached(
        "INSERT INTO bucket (resource, key, start_ms, end_ms) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![resource, bucket.key, bucket.start, End(bucket.end)])?;
    let id = db.last_insert_rowid();
    for (subject, used) in ledger::fold(db, resource, bucket)? {
        write(db, id, &subject, used)?;
    }
    Ok(id)
}

/// Returns what `subject` has used of an opened bucket.
pub(super) fn used(db: &Connection, id: i64, subject: &Subject) -> rusqlite::Result<Amount> {
    let used = db
        .prepare_cached("SELECT used FROM counter WHERE bucket = ?1 AND subject = ?2")?
        .query_row(params![id, subject], |row| row.get(0))
        .optional()?;
    Ok(used.unwrap_or_default())
}

/// Returns what `subject` has used of an opened bucket, as the writer knows it.
pub(super) fn used_by(step: &mut Step<'_>, id: i64, subject: &Subject) -> rusqlite::Result<Amount> {
    if let Some(used) = step.known.used(id, subject) {
        return Ok(used);
    }
    let used = used(step.db, id, subject)?;
    step.known.remember_used(id, subject, used);
    Ok(used)
}

/// Returns what `subject` has used of a bucket, opened or not.
pub(super) fn used_or_folded(
    view: View<'_>,
    subject: &Subject,
    resource: &Resource,
    bucket: &Bucket,
) -> Result<Amount, StoreError> {
    match find(view.db, resource, bucket)? {
        Some(id) => Ok(used(view.db, id, subject)?),
        None => ledger::fold_one(view.db, subject, resource, bucket),
    }
}

/// Returns the opened buckets of `resource` that hold `moment`, by key.
pub(super) fn holding(
    db: &Connection,
    resource: &Resource,
    moment: Timestamp,
) -> rusqlite::Result<Vec<(i64, Bucket)>> {
    let mut query = db.prepare_cached(
        "SELECT id, key, start_ms, end_ms FROM bucket
         WHERE resource = ?1 AND end_ms > ?2 AND start_ms <= ?2 ORDER BY key",
    )?;
    let rows = query.query_map(params![resource, moment], |row| {
        let end = row.get::<_, End>(3)?.0;
        let bucket = Bucket { key: row.get(1)?, start: row.get(2)?, end, shape: Shape::Stretch };
        Ok((row.get(0)?, bucket))
    })?;
    rows.collect()
}

/// Counts `event` in every opened bucket it falls in.
pub(super) fn count(step: &mut Step<'_>, event: &Event) -> Result<(), StoreError> {
    for (id, bucket) in holding(step.db, &event.resource, event.at)? {
        let before = used_by(step, id, &event.subject)?;
        let after = event.fold(before, &bucket);
        // Who has only been reset has not used anything.
        if after != before || event.kind != Kind::Reset {
            write(step.db, id, &event.subject, after)?;
            step.known.remember_used(id, &event.subject, after);
        }
    }
    Ok(())
}

fn write(db: &Connection, id: i64, subject: &Subject, used: Amount) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO counter (bucket, subject, used) VALUES (?1, ?2, ?3)
         ON CONFLICT (bucket, subject) DO UPDATE SET used = excluded.used",
    )?
    .execute(params![id, subject, used])
    .map(|_| ())
}
