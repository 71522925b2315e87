//! Watch: looks at what a charge did to the windows of a plan: writes what there is to tell, and
//! since when a limit is passed.

use super::marks::{Marked, PAST};
use super::step::Step;
use super::window::Window;
use super::{outbox, readings};
use crate::clock::Timestamp;
use crate::quota::Per;
use crate::quota::bucket::Shape;
use crate::quota::notice::{Crossing, Notice, crossings};
use crate::quota::plan::{Bound, Item, Plan, Reading, Readings};
use crate::store::StoreError;

/// Looks at every limited window of `plan`, which read `before` and `after` a charge. Returns true
/// if there is one with a grace, which may read otherwise now.
pub(super) fn watch(
    step: &mut Step<'_>,
    plan: &Plan,
    before: &Readings,
    after: &Readings,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut is_in_grace = false;
    let items = plan.items.iter().zip(before.iter().zip(after));
    for (item, (before, after)) in items {
        for (bound, (before, after)) in item.bounds.iter().zip(before.iter().zip(after)) {
            if let Some(window) = Window::of(plan, item, bound).filter(|_| bound.limit.is_some()) {
                let seen = Seen { plan, item, bound, window, before: *before, after: *after };
                seen.keep_past(step, now)?;
                seen.tell(step, now)?;
                is_in_grace |= bound.strictness.grace.is_some();
            }
        }
    }
    Ok(is_in_grace)
}

/// Lets `write` charge, and looks at what that does to the windows of `watched`.
pub(super) fn watching<T>(
    step: &mut Step<'_>,
    watched: Option<&Plan>,
    now: Timestamp,
    write: impl FnOnce(&mut Step<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let Some(plan) = watched else {
        return write(step);
    };
    let before = readings::used(step, plan, now)?;
    let written = write(step)?;
    let after = readings::used(step, plan, now)?;
    watch(step, plan, &before, &after, now)?;
    Ok(written)
}

struct Seen<'a> {
    plan: &'a Plan,
    item: &'a Item,
    bound: &'a Bound,
    window: Window<'a>,
    before: Reading,
    after: Reading,
}

impl Seen<'_> {
    fn marked(&self) -> Marked<'_> {
        let stretch = self.bound.stretch(&self.after);
        Marked::of(self.window, self.bound.strictness.mode, &stretch)
    }

    /// Remembers since when more than the limit is used.
    fn keep_past(&self, step: &Step<'_>, now: Timestamp) -> Result<(), StoreError> {
        let marked = self.marked();
        let was_past = self.bound.is_past(self.before.used);
        if !self.bound.is_past(self.after.used) {
            return if was_past { Ok(marked.clear(step.db, PAST)?) } else { Ok(()) };
        }
        // It may have been past before, and fallen back by itself.
        if !was_past || marked.find(step.db, PAST)?.is_none() {
            marked.set(step.db, PAST, now)?;
        }
        Ok(())
    }

    fn tell(&self, step: &Step<'_>, now: Timestamp) -> Result<(), StoreError> {
        let found = crossings(self.bound, self.before.used, self.after.used);
        if found.is_empty() || self.has_ended(now) {
            return Ok(());
        }
        let marked = self.marked();
        for crossing in found {
            if let Some(mark) = crossing.mark() {
                let told = marked.find(step.db, &mark)?;
                if told.is_some_and(|told| self.still_counts(told, now)) {
                    continue;
                }
                marked.set(step.db, &mark, now)?;
            }
            if let Some(notice) = self.notice(crossing, now) {
                outbox::add(step.db, &notice)?;
            }
        }
        Ok(())
    }

    /// Returns true if what happened in the window no longer counts in it.
    fn has_ended(&self, now: Timestamp) -> bool {
        let stretch = self.bound.stretch(&self.after);
        stretch.leaves(self.plan.at).is_some_and(|end| end <= now)
    }

    /// Returns true if what was told at `told` need not be told again.
    fn still_counts(&self, told: Timestamp, now: Timestamp) -> bool {
        let bucket = &self.bound.bucket;
        !matches!(bucket.shape, Shape::Rolling { .. })
            || bucket.leaves(told).is_none_or(|gone| now < gone)
    }

    fn notice(&self, crossing: Crossing, now: Timestamp) -> Option<Notice> {
        let bound = self.bound;
        let group = self.plan.group.as_deref().filter(|_| bound.per == Per::Group);
        Some(Notice {
            id: 0,
            topic: crossing.topic,
            subject: self.plan.subject.clone(),
            resource: self.item.resource.clone(),
            per: bound.per,
            group: group.map(str::to_owned),
            period: bound.period,
            bucket: bound.bucket.key.clone(),
            mode: bound.strictness.mode,
            limit: bound.limit?,
            used: self.after.used,
            percentage: crossing.percentage,
            part: crossing.part,
            at: now,
        })
    }
}
