//! Marks: what is known of a window beside its count: what was told of it, since when it is over.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::Count;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::Bucket;
use crate::quota::bucket::Shape;
use crate::quota::strictness::Mode;

/// The mark of a window of which more than its limit is used.
pub(super) const PAST: &str = "past";

/// A window, as marks are kept of it.
#[derive(Debug)]
pub(super) struct Marked<'a> {
    window: Window<'a>,
    mode: Mode,
    /// The key, and where that is one for many, the first moment.
    key: String,
    end: Option<Timestamp>,
}

impl<'a> Marked<'a> {
    /// Returns `stretch` of a window.
    pub(super) fn of(window: Window<'a>, mode: Mode, stretch: &Bucket) -> Self {
        let (key, end) = match stretch.shape {
            Shape::Stretch => (stretch.key.clone(), stretch.end),
            Shape::FirstUse { .. } => {
                (format!("{} {}", stretch.key, stretch.start.millis()), stretch.end)
            }
            Shape::Rolling { .. } => (stretch.key.clone(), None),
        };
        Self { window, mode, key, end }
    }

    /// Returns when `mark` was set.
    pub(super) fn find(&self, db: &Connection, mark: &str) -> rusqlite::Result<Option<Timestamp>> {
        let Window { resource, per, account, .. } = self.window;
        db.prepare_cached(
            "SELECT at_ms FROM mark WHERE resource = ?1 AND per = ?2 AND account = ?3
             AND bucket = ?4 AND mode = ?5 AND mark = ?6",
        )?
        .query_row(params![resource, per, account, self.key, self.mode.name(), mark], |row| {
            row.get(0)
        })
        .optional()
    }

    /// Sets `mark`, whether it is set or not.
    pub(super) fn set(&self, db: &Connection, mark: &str, now: Timestamp) -> rusqlite::Result<()> {
        let Window { resource, per, account, .. } = self.window;
        let mode = self.mode.name();
        db.prepare_cached(
            "INSERT INTO mark (resource, per, account, bucket, mode, mark, at_ms, end_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (resource, per, account, bucket, mode, mark)
             DO UPDATE SET at_ms = excluded.at_ms",
        )?
        .execute(params![resource, per, account, self.key, mode, mark, now, self.end])
        .map(|_| ())
    }

    /// Takes `mark` away.
    pub(super) fn clear(&self, db: &Connection, mark: &str) -> rusqlite::Result<()> {
        let Window { resource, per, account, .. } = self.window;
        db.prepare_cached(
            "DELETE FROM mark WHERE resource = ?1 AND per = ?2 AND account = ?3
             AND bucket = ?4 AND mode = ?5 AND mark = ?6",
        )?
        .execute(params![resource, per, account, self.key, self.mode.name(), mark])
        .map(|_| ())
    }
}

/// Forgets the marks of stretches that ended before `moment`, at most so many; returns how many.
pub(super) fn tidy(db: &Connection, moment: Timestamp, most: usize) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "DELETE FROM mark WHERE (resource, per, account, bucket, mode, mark) IN
         (SELECT resource, per, account, bucket, mode, mark FROM mark
          WHERE end_ms <= ?1 ORDER BY end_ms LIMIT ?2)",
    )?
    .execute(params![moment, Count(most)])
}
