//! Outbox: what there is to tell, each mark once per window; who was told how much.

use std::collections::HashMap;

use super::Books;
use super::account::Account;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::notice::{Crossing, Notice, crossings};
use crate::quota::plan::{Bound, Item, Plan, Reading};
use crate::quota::strictness::Mode;
use crate::quota::{Amount, Per, Subject};

/// One window of one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowOf {
    pub(super) account: Account,
    bucket: String,
    /// Of a bucket that opens by its first use: which one.
    since: Option<Timestamp>,
    mode: Mode,
    /// The first moment after it; none if it moves, or does not end.
    pub(super) end: Option<Timestamp>,
}

impl WindowOf {
    pub(super) fn new(account: Account, bound: &Bound, reading: &Reading) -> Self {
        let (bucket, mode) = (bound.bucket.key.clone(), bound.strictness.mode);
        let stretch = bound.stretch(reading);
        let (since, end) = match stretch.shape {
            Shape::Stretch => (None, stretch.end),
            Shape::FirstUse { .. } => (Some(stretch.start), stretch.end),
            Shape::Rolling { .. } => (None, None),
        };
        Self { account, bucket, since, mode, end }
    }
}

/// What there is to tell, and what was told.
#[derive(Debug, Default)]
pub(in crate::store::memory) struct Outbox {
    notices: Vec<Notice>,
    /// When a mark was last told of a window.
    marks: HashMap<(WindowOf, String), Timestamp>,
    /// Up to which notice each target was told.
    told: HashMap<String, u64>,
}

impl Outbox {
    pub(in crate::store::memory) fn behind(&self, id: u64, most: usize) -> Vec<Notice> {
        self.notices.iter().filter(|notice| notice.id > id).take(most).cloned().collect()
    }

    pub(in crate::store::memory) fn told(&mut self, target: &str) -> u64 {
        let newest = self.newest();
        *self.told.entry(target.to_owned()).or_insert(newest)
    }

    pub(in crate::store::memory) fn tell(&mut self, target: &str, notice: u64) {
        let told = self.told.entry(target.to_owned()).or_default();
        *told = notice.max(*told);
    }

    /// Takes out at most so many of the first notices, of before `before`; never the newest, whose
    /// id the next one follows. Returns how many.
    pub(super) fn trim(&mut self, before: Timestamp, most: usize) -> usize {
        let old = self.notices.iter().take(self.notices.len().saturating_sub(1)).take(most);
        let count = old.take_while(|notice| notice.at < before).count();
        self.notices.drain(..count);
        count
    }

    fn newest(&self) -> u64 {
        self.notices.last().map_or(0, |notice| notice.id)
    }

    /// Puts a crossing in, unless it was told of this window before.
    fn put(&mut self, window: &WindowOf, bound: &Bound, crossing: &Crossing, notice: Notice) {
        if let Some(mark) = crossing.mark() {
            let mark = (window.clone(), mark);
            let moves = matches!(bound.bucket.shape, Shape::Rolling { .. });
            let is_past = |told: &Timestamp| {
                moves && bound.bucket.leaves(*told).is_some_and(|end| end <= notice.at)
            };
            if self.marks.get(&mark).is_some_and(|told| !is_past(told)) {
                return;
            }
            self.marks.insert(mark, notice.at);
        }
        self.notices.push(Notice { id: self.newest() + 1, ..notice });
    }

    /// Forgets what was told of windows that ended before `before`.
    pub(super) fn forget_ended(&mut self, before: Timestamp) {
        self.marks.retain(|(window, _), _| window.end.is_none_or(|end| end > before));
    }

    /// Begins all windows anew; what waits to be told stays.
    pub(super) fn forget_marks(&mut self) {
        self.marks.clear();
    }

    pub(super) fn rename(&mut self, subject: &Subject, pseudonym: &Subject) {
        for notice in self.notices.iter_mut().filter(|notice| notice.subject == *subject) {
            notice.subject = pseudonym.clone();
        }
        let marks = std::mem::take(&mut self.marks).into_iter();
        let renamed = |((window, mark), at)| ((renamed(window, subject, pseudonym), mark), at);
        self.marks = marks.map(renamed).collect();
    }
}

/// Returns the window, as that of `pseudonym` if it was that of `subject`.
pub(super) fn renamed(window: WindowOf, subject: &Subject, pseudonym: &Subject) -> WindowOf {
    let Account { resource, per, name } = &window.account;
    if *per != Per::Subject || **name != *subject.as_str() {
        return window;
    }
    WindowOf { account: Account::new(resource, *per, pseudonym.as_str()), ..window }
}

impl Books {
    /// Does `what`, and tells what became of the windows of `plan` by it.
    pub(super) fn watched<T>(
        &mut self,
        plan: Option<&Plan>,
        now: Timestamp,
        what: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = plan.map(|plan| self.read(plan, now));
        let done = what(self);
        let Some((plan, before)) = plan.zip(before) else {
            return done;
        };
        let after = self.read(plan, now);
        for (item, (before, after)) in plan.items.iter().zip(before.iter().zip(&after)) {
            for (bound, (before, after)) in item.bounds.iter().zip(before.iter().zip(after)) {
                self.went(plan, item, bound, before.used, after, now);
            }
        }
        done
    }

    /// Tells and remembers what it means that a window went from `before` to `after`.
    fn went(
        &mut self,
        plan: &Plan,
        item: &Item,
        bound: &Bound,
        before: Amount,
        after: &Reading,
        now: Timestamp,
    ) {
        let Some((limit, name)) = bound.limit.zip(plan.account(bound.per)) else {
            return;
        };
        let account = Account::new(&item.resource, bound.per, name);
        let window = WindowOf::new(account, bound, after);
        if !bound.is_past(after.used) {
            if bound.is_past(before) {
                self.over.remove(&window);
            }
        } else if bound.is_past(before) {
            self.over.entry(window.clone()).or_insert(now);
        } else {
            // It may have been past before, and fallen back by itself.
            self.over.insert(window.clone(), now);
        }
        if has_ended(bound, after, plan.at, now) {
            return;
        }
        for crossing in crossings(bound, before, after.used) {
            let notice = Notice {
                id: 0,
                topic: crossing.topic,
                subject: plan.subject.clone(),
                resource: item.resource.clone(),
                per: bound.per,
                group: (bound.per == Per::Group).then(|| name.to_owned()),
                period: bound.period,
                bucket: bound.bucket.key.clone(),
                mode: bound.strictness.mode,
                limit,
                used: after.used,
                percentage: crossing.percentage,
                part: crossing.part,
                at: now,
            };
            self.outbox.put(&window, bound, &crossing, notice);
        }
    }
}

/// Returns true if what happened at `at` no longer counts in this window.
fn has_ended(bound: &Bound, reading: &Reading, at: Timestamp, now: Timestamp) -> bool {
    let end = match bound.bucket.shape {
        Shape::Rolling { .. } => bound.bucket.leaves(at),
        Shape::Stretch | Shape::FirstUse { .. } => bound.stretch(reading).end,
    };
    end.is_some_and(|end| end <= now)
}
