//! Rolling: what a rolling window holds: whole parts inside it, and lines at its ends.

use super::db::Db;
use super::fold;
use super::parts::{MINUTE, ceiling, floor, kept, plus, sizes};
use super::value::values;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::held::HoldId;
use crate::quota::{Amount, Bucket, Per};
use crate::store::StoreError;

/// How much later than it is written down a line may be dated: clocks differ by less.
const DATED_AHEAD: i64 = 5 * MINUTE;

/// Returns the sum of a rolling window.
pub(super) fn used(db: &dyn Db, window: &Window<'_>) -> Result<Amount, StoreError> {
    let (start, end) = bounds(window.bucket);
    let kept = kept(db, window.resource, window.per)?;
    let from = |size: &i64| kept.iter().find(|(kept, _)| kept == size).map(|(_, from)| *from);
    let sizes: Vec<_> = sizes(window).iter().filter_map(|it| Some((*it, from(it)?))).collect();
    let parts = Parts { db, window };
    let Some(reset) = last_reset(db, window)? else {
        return Ok(parts.between(start, end, &sizes)?.at_least_zero());
    };
    // What was written down before it is dated before this.
    let cut = reset.recorded.saturating_add(DATED_AHEAD).saturating_add(1).clamp(start, end);
    let first = parts.lines(start, cut, reset.line)?;
    Ok(plus(first, parts.between(cut, end, &sizes)?).at_least_zero())
}

/// Returns the first moment of a bucket and the first after it.
pub(super) fn bounds(bucket: &Bucket) -> (i64, i64) {
    (bucket.start.millis(), bucket.end.map_or(i64::MAX, Timestamp::millis))
}

struct Reset {
    line: i64,
    recorded: i64,
}

fn last_reset(db: &dyn Db, window: &Window<'_>) -> Result<Option<Reset>, StoreError> {
    if window.per != Per::Subject {
        return Ok(None);
    }
    let (start, end) = bounds(window.bucket);
    db.one(
        "SELECT id, recorded_ms FROM event INDEXED BY event_reset
         WHERE subject = ?1 AND resource = ?2 AND at_ms >= ?3 AND at_ms < ?4 AND kind = 'reset'
         AND (bucket IS NULL OR bucket = ?5) ORDER BY id DESC LIMIT 1",
        values![window.account, window.resource, start, end, window.bucket.key],
        |row| Ok(Reset { line: row.get(0)?, recorded: row.get(1)? }),
    )
}

/// The parts of one account.
pub(super) struct Parts<'a> {
    pub(super) db: &'a dyn Db,
    pub(super) window: &'a Window<'a>,
}

impl Parts<'_> {
    /// Returns what the lines in `[start, end)` add up to, by the largest parts there are.
    fn between(&self, start: i64, end: i64, sizes: &[(i64, i64)]) -> Result<Amount, StoreError> {
        if start >= end {
            return Ok(Amount::ZERO);
        }
        let Some(((size, from), finer)) = sizes.split_first() else {
            return self.lines(start, end, 0);
        };
        let first = ceiling(start.max(*from), *size);
        let last = floor(end, *size);
        if first >= last {
            return self.between(start, end, finer);
        }
        let before = self.between(start, first, finer)?;
        let whole = self.whole(first, last, *size)?;
        Ok(plus(plus(before, whole), self.between(last, end, finer)?))
    }

    /// Returns what the parts of a size from `first` to before `last` add up to.
    pub(super) fn whole(&self, first: i64, last: i64, size: i64) -> Result<Amount, StoreError> {
        let Window { resource, per, account, .. } = self.window;
        let mut sum = Amount::ZERO;
        self.db.each(
            "SELECT net FROM part WHERE resource = ?1 AND per = ?2 AND size_ms = ?3
             AND account = ?4 AND start_ms >= ?5 AND start_ms < ?6",
            values![resource, per, size, account, first, last],
            |row| {
                sum = plus(sum, row.get(0)?);
                Ok(())
            },
        )?;
        Ok(sum)
    }

    /// Returns what the lines in `[start, end)` behind the line `behind` add up to.
    fn lines(&self, start: i64, end: i64, behind: i64) -> Result<Amount, StoreError> {
        let values = values![self.window.resource, self.window.account, start, end, behind];
        let mut sum = Amount::ZERO;
        self.db.each(
            &format!(
                "SELECT amount FROM event WHERE resource = ?1 AND {} AND at_ms >= ?3 AND at_ms < ?4
             AND +id > ?5 AND kind NOT IN ('lapse', 'reset')",
                fold::belongs(self.window.per)
            ),
            values,
            |row| {
                sum = plus(sum, row.get(0)?);
                Ok(())
            },
        )?;
        Ok(sum)
    }
}

/// Returns the moment of the oldest charge in a rolling window, other than by `without`.
pub(super) fn oldest(
    db: &dyn Db,
    window: &Window<'_>,
    without: Option<HoldId>,
) -> Result<Option<Timestamp>, StoreError> {
    let (start, end) = bounds(window.bucket);
    let oldest = db.one(
        &format!(
            "SELECT at_ms FROM event WHERE resource = ?1 AND {} AND at_ms >= ?3 AND at_ms < ?4
         AND kind NOT IN ('lapse', 'reset') AND (hold IS DISTINCT FROM ?5 OR ?5 IS NULL)
         ORDER BY at_ms LIMIT 1",
            fold::belongs(window.per)
        ),
        values![window.resource, window.account, start, end, without],
        |row| row.get(0),
    )?;
    Ok(oldest)
}
