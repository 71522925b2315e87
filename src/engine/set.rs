//! set: a count is what it is said to be.

use super::record::Recorded;
use super::report::windows;
use super::{Ask, Engine, EngineError};
use crate::clock::Timestamp;
use crate::quota::plan::{Bound, Item};
use crate::quota::{Aggregate, Amount, Per, Period, Resource, Shape, Subject};

impl Engine {
    /// Brings what `subject` used of `resource` to `value`, whatever the limits; the difference is
    /// one fact. Durable when it returns.
    ///
    /// It is the count of all time that is brought to it. Where the subject's own limit has no
    /// window of all time, it is that of the longest window, one that lies still before one that
    /// rolls. The other counts change by as much.
    ///
    /// # Errors
    /// Bad input for a value below zero, and for a resource that counts members; unavailable if
    /// the store is.
    pub async fn set(
        &self,
        subject: &Subject,
        resource: &Resource,
        value: Amount,
    ) -> Result<Recorded, EngineError> {
        if value.is_negative() {
            return Err(EngineError::BadInput(format!(
                "{resource} cannot be set to less than zero: write 0, or how much there is"
            )));
        }
        let ask = Ask::Resource { resource: resource.clone(), amount: value };
        let now = self.now();
        let mut planning = self.planning(subject, &ask, Some(now));
        let (recorded, planned, basis) = loop {
            let planned = planning.next().await?;
            let basis = planned.plan.items.first().map_or(0, basis);
            if planned.measure(resource).aggregate == Aggregate::Unique {
                return Err(EngineError::BadInput(format!(
                    "{resource} counts different members, which cannot be set: record each by use"
                )));
            }
            if let Some(recorded) = self.0.store.set(&planned.plan, basis, now).await? {
                break (recorded, planned, basis);
            }
        };
        self.charged();
        let mut windows = windows(&planned.plan, &recorded.readings, now);
        let over = windows.iter().any(|window| window.over);
        if basis >= windows.len() {
            return Err(EngineError::BadInput("nothing to set".to_owned()));
        }
        let window = windows.swap_remove(basis);
        let told = (over, recorded.replayed);
        Ok(Recorded::of(subject, resource, &planned.measure(resource), window, told))
    }
}

/// Returns which window of `item` a value is the count of.
fn basis(item: &Item) -> usize {
    let all = || item.bounds.iter().enumerate().filter(|(_, bound)| bound.per == Per::Subject);
    let limited = || all().filter(|(_, bound)| bound.limit.is_some());
    let never = |bound: &Bound| bound.period == Period::Never;
    let stock = limited().find(|(_, bound)| never(bound));
    let longest = || limited().max_by_key(|(_, bound)| length(bound));
    let counted = || all().find(|(_, bound)| never(bound));
    stock.or_else(longest).or_else(counted).map_or(0, |(index, _)| index)
}

/// Returns how long a window is, in milliseconds; those that lie still are longer than those that
/// roll.
fn length(bound: &Bound) -> (bool, i64) {
    let rolls = matches!(bound.bucket.shape, Shape::Rolling { .. });
    let end = bound.bucket.end.map_or(i64::MAX, Timestamp::millis);
    (!rolls, end.saturating_sub(bound.bucket.start.millis()))
}
