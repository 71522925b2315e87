//! Outbox: what is to be told, and who was told of it.

use serde_json::Value;

use std::ops::ControlFlow;

use super::columns::{Count, Id};
use super::db::Db;
use super::policy::{parsed, written};
use super::step::{Step, View};
use super::value::values;
use crate::clock::Timestamp;
use crate::quota::notice::Notice;
use crate::store::StoreError;

/// Writes a notice; its place in the outbox is the next.
pub(super) fn add(db: &dyn Db, notice: &Notice) -> Result<(), StoreError> {
    db.write(
        "INSERT INTO notice (id, subject, document)
         SELECT coalesce(max(id), 0) + 1, ?1, ?2 FROM notice",
        values![notice.subject, written(&anonymous(notice)?)?],
    )?;
    Ok(())
}

/// What of a notice stands in columns of its own, so that nobody's name is in the document.
const COLUMNS: [&str; 2] = ["id", "subject"];

fn anonymous(notice: &Notice) -> Result<Value, StoreError> {
    let mut document: Value = parsed(&written(notice)?, "a notice")?;
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| !COLUMNS.contains(&name.as_str()));
    }
    Ok(document)
}

/// Returns the notice that `document` and the columns beside it make.
fn whole(id: u64, subject: &str, document: &str) -> Result<Notice, StoreError> {
    let mut whole: Value = parsed(document, "a notice")?;
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("id".to_owned(), id.into());
        fields.insert("subject".to_owned(), subject.into());
    }
    parsed(&whole.to_string(), "a notice")
}

/// Returns the notices behind the one with this id, oldest first.
pub(super) fn notices(view: View<'_>, behind: u64, most: usize) -> Result<Vec<Notice>, StoreError> {
    view.db.all(
        "SELECT id, subject, document FROM notice WHERE id > ?1 ORDER BY id LIMIT ?2",
        values![Id(behind), Count(most)],
        |row| {
            let Id(id) = row.get(0)?;
            whole(id, &row.get::<String>(1)?, &row.get::<String>(2)?)
        },
    )
}

/// Takes out at most so many of the first notices, of before `before`; never the newest, whose id
/// the next one follows. Returns how many.
pub(super) fn trim(db: &dyn Db, before: Timestamp, most: usize) -> Result<usize, StoreError> {
    let (mut last, mut count) = (Id(0), 0);
    let oldest = "SELECT id, subject, document FROM notice WHERE id < (SELECT max(id) FROM notice)
         ORDER BY id LIMIT ?1";
    db.query(oldest, values![Count(most)], &mut |row| {
        let (Id(id), subject, document): (_, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if whole(id, &subject, &document)?.at >= before {
            return Ok(ControlFlow::Break(()));
        }
        (last, count) = (Id(id), count + 1);
        Ok(ControlFlow::Continue(()))
    })?;
    if count > 0 {
        db.write("DELETE FROM notice WHERE id <= ?1", values![last])?;
    }
    Ok(count)
}

/// Returns up to which notice `target` was told, if it is known.
pub(super) fn told(view: View<'_>, target: &str) -> Result<Option<u64>, StoreError> {
    let told =
        view.db
            .one("SELECT notice FROM told WHERE target = ?1", values![target], |row| row.get(0))?;
    Ok(told.map(|Id(id)| id))
}

/// Makes a new target begin behind the newest notice; returns where it stands.
pub(super) fn begin(step: &Step<'_>, target: &str) -> Result<u64, StoreError> {
    step.db.write(
        "INSERT INTO told (target, notice) SELECT ?1, coalesce(max(id), 0) FROM notice
             WHERE true ON CONFLICT (target) DO NOTHING",
        values![target],
    )?;
    Ok(told(step.view(), target)?.unwrap_or_default())
}

/// Remembers that `target` was told all up to `notice`; never goes back.
pub(super) fn tell(step: &Step<'_>, target: &str, notice: u64) -> Result<(), StoreError> {
    step.db.write(
        "INSERT INTO told (target, notice) VALUES (?1, ?2) ON CONFLICT (target)
             DO UPDATE SET notice = excluded.notice
             WHERE told.notice < excluded.notice",
        values![target, Id(notice)],
    )?;
    Ok(())
}
