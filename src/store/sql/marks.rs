//! Marks: what is known of a window beside its count: what was told of it, since when it is over.

use super::columns::Count;
use super::db::Db;
use super::value::values;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::Bucket;
use crate::quota::bucket::Shape;
use crate::quota::strictness::Mode;
use crate::store::StoreError;

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
    pub(super) fn find(&self, db: &dyn Db, mark: &str) -> Result<Option<Timestamp>, StoreError> {
        let Window { resource, per, account, .. } = self.window;
        db.one(
            "SELECT at_ms FROM mark WHERE resource = ?1 AND per = ?2 AND account = ?3
             AND bucket = ?4 AND mode = ?5 AND mark = ?6",
            values![resource, per, account, self.key, self.mode.name(), mark],
            |row| row.get(0),
        )
    }

    /// Sets `mark`, whether it is set or not.
    pub(super) fn set(&self, db: &dyn Db, mark: &str, now: Timestamp) -> Result<(), StoreError> {
        let Window { resource, per, account, .. } = self.window;
        let mode = self.mode.name();
        db.write(
            "INSERT INTO mark (resource, per, account, bucket, mode, mark, at_ms, end_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (resource, per, account, bucket, mode, mark)
             DO UPDATE SET at_ms = excluded.at_ms",
            values![resource, per, account, self.key, mode, mark, now, self.end],
        )
    }

    /// Takes `mark` away.
    pub(super) fn clear(&self, db: &dyn Db, mark: &str) -> Result<(), StoreError> {
        let Window { resource, per, account, .. } = self.window;
        db.write(
            "DELETE FROM mark WHERE resource = ?1 AND per = ?2 AND account = ?3
             AND bucket = ?4 AND mode = ?5 AND mark = ?6",
            values![resource, per, account, self.key, self.mode.name(), mark],
        )
    }
}

/// Forgets the marks of stretches that ended before `moment`, at most so many; returns how many.
pub(super) fn tidy(db: &dyn Db, moment: Timestamp, most: usize) -> Result<usize, StoreError> {
    db.change(
        "DELETE FROM mark WHERE (resource, per, account, bucket, mode, mark) IN
         (SELECT resource, per, account, bucket, mode, mark FROM mark
          WHERE end_ms <= ?1 ORDER BY end_ms LIMIT ?2)",
        values![moment, Count(most)],
    )
}
