//! Readings: what the windows of a plan hold, by a call that writes or by one that only reads.

use super::db::Db;
use super::marks::{Marked, PAST};
use super::open::{self, Open};
use super::step::{Step, View};
use super::window::Window;
use super::{buckets, counters, fold, members, pools, rolling};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{self, Count};
use crate::quota::event::Kind;
use crate::quota::held::HoldId;
use crate::quota::plan::{Bound, Item, Plan, Reading, Readings};
use crate::quota::{Aggregate, Amount, Per};
use crate::store::StoreError;

/// Which moments.
type Moments = dyn Fn(Timestamp) -> bool;

/// Who looks.
trait Look {
    fn db(&self) -> &dyn Db;

    /// Opens the bucket of a window, if that is what one does who looks.
    fn open(&mut self, window: &Window<'_>) -> Result<(), StoreError>;

    /// Returns the id of the bucket of a window, and what is counted in it, if it is opened.
    fn count(&mut self, window: &Window<'_>) -> Result<Option<(i64, Count)>, StoreError>;

    /// Returns how much open reservations hold of a window, at the moments it `holds`.
    fn held(&mut self, window: &Window<'_>, holds: &Moments) -> Result<Amount, StoreError>;
}

/// Reads what the windows of `plan` hold, and writes nothing.
pub(super) fn read(
    view: View<'_>,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Readings>, StoreError> {
    if plan.version != super::policy::version(view.db)? {
        return Ok(None);
    }
    let open = open::counting(view, &plan.subject, now)?;
    let mut reader = Reader { view, open, all: None, now };
    windows(&mut reader, plan, |_| true).map(Some)
}

/// Reads what the windows of `plan` hold, beside its own `open` reservations; opens their buckets.
pub(super) fn of(
    step: &mut Step<'_>,
    plan: &Plan,
    open: &[Open],
    now: Timestamp,
) -> Result<Readings, StoreError> {
    let mut decider = Decider { step, subject: plan.subject.as_str(), open, now };
    windows(&mut decider, plan, |_| true)
}

/// Reads what is used of the limited windows of `plan`, which may be of another version.
pub(super) fn used(
    step: &mut Step<'_>,
    plan: &Plan,
    now: Timestamp,
) -> Result<Readings, StoreError> {
    if plan.version != step.version()? {
        let mut reader = Reader { view: step.view(), open: Vec::new(), all: Some(Vec::new()), now };
        return windows(&mut reader, plan, |bound| bound.limit.is_some());
    }
    let mut counter = Counter { step };
    windows(&mut counter, plan, |bound| bound.limit.is_some())
}

/// Reads what the windows of `plan` would hold if `without` had never been charged.
pub(super) fn without(
    step: &mut Step<'_>,
    plan: &Plan,
    open: &[Open],
    without: HoldId,
    now: Timestamp,
) -> Result<Readings, StoreError> {
    let mut decider = Decider { step, subject: plan.subject.as_str(), open, now };
    each(plan, |item, bound| {
        let Some(window) = Window::of(plan, item, bound) else {
            return Ok(Reading::default());
        };
        let found = folded(decider.db(), plan, item, &window, Some(without))?;
        rest(&mut decider, bound, &window, found, Some(without))
    })
}

fn windows<L: Look>(
    look: &mut L,
    plan: &Plan,
    wanted: impl Fn(&Bound) -> bool,
) -> Result<Readings, StoreError> {
    each(plan, |item, bound| match Window::of(plan, item, bound) {
        Some(window) if wanted(bound) => {
            let found = counted(look, plan, item, &window)?;
            rest(look, bound, &window, found, None)
        }
        Some(_) => Ok(Reading::default()),
        None => {
            look.open(&Window::of_nobody(item, bound))?;
            Ok(Reading::default())
        }
    })
}

fn each(
    plan: &Plan,
    mut read: impl FnMut(&Item, &Bound) -> Result<Reading, StoreError>,
) -> Result<Readings, StoreError> {
    let mut item = |item: &Item| item.bounds.iter().map(|bound| read(item, bound)).collect();
    plan.items.iter().map(&mut item).collect()
}

/// What is counted in a window.
#[derive(Clone, Copy, Debug)]
struct Found {
    count: Count,
    known: bool,
}

fn counted<L: Look>(
    look: &mut L,
    plan: &Plan,
    item: &Item,
    window: &Window<'_>,
) -> Result<Found, StoreError> {
    if window.is_in_parts() {
        look.open(window)?;
        let used = rolling::used(look.db(), window)?;
        return Ok(Found { count: Count { used, ..Count::default() }, known: false });
    }
    if !window.is_counted() {
        look.open(window)?;
        return folded(look.db(), plan, item, window, None);
    }
    let Some((id, count)) = look.count(window)? else {
        return folded(look.db(), plan, item, window, None);
    };
    let known = match &item.member {
        Some(member) if item.aggregate == Aggregate::Unique => {
            members::has(look.db(), id, window.account, member)?
        }
        _ => false,
    };
    Ok(Found { count, known })
}

/// Returns what the ledger says of a window.
fn folded(
    db: &dyn Db,
    plan: &Plan,
    item: &Item,
    window: &Window<'_>,
    without: Option<HoldId>,
) -> Result<Found, StoreError> {
    let member = item.member.as_deref().filter(|_| item.aggregate == Aggregate::Unique);
    if window.is_counted() || member.is_none() {
        let tally = fold::one(db, window, without)?;
        let known = member.is_some_and(|member| tally.members.contains(member));
        return Ok(Found { count: tally.count, known });
    }
    // It is known if it would change nothing.
    let mut events = fold::lines(db, window, without)?;
    let fold = |events: &[_]| {
        count::fold(events.iter(), window.bucket, window.aggregate, Count::default())
    };
    let count = fold(&events);
    events.push(plan.event(item, Kind::Use));
    Ok(Found { count, known: fold(&events) == count })
}

/// Reads what there is to know beside the count.
fn rest<L: Look>(
    look: &mut L,
    bound: &Bound,
    window: &Window<'_>,
    found: Found,
    without: Option<HoldId>,
) -> Result<Reading, StoreError> {
    let Found { count, known } = found;
    let mut reading = Reading { used: count.used, known, ..Reading::default() };
    if let Shape::FirstUse { .. } = bound.bucket.shape {
        reading.since =
            count.since.filter(|since| bound.bucket.begun(*since).contains(bound.bucket.start));
        if reading.since.is_none() {
            // It would begin now; or what is asked for is of a time that has passed.
            (reading.used, reading.known) = (Amount::ZERO, false);
        }
    }
    reading.held = look.held(window, &bound.holds(&reading))?;
    if bound.strictness.grace.is_some() && bound.is_past(reading.used) {
        let marked = Marked::of(*window, bound.strictness.mode, &bound.stretch(&reading));
        reading.over_since = marked.find(look.db(), PAST)?;
    }
    if window.is_rolling() {
        reading.oldest = rolling::oldest(look.db(), window, without)?;
    }
    Ok(reading)
}

/// A call that writes.
struct Decider<'a, 's> {
    step: &'a mut Step<'s>,
    subject: &'a str,
    open: &'a [Open],
    now: Timestamp,
}

impl Look for Decider<'_, '_> {
    fn db(&self) -> &dyn Db {
        self.step.db
    }

    fn open(&mut self, window: &Window<'_>) -> Result<(), StoreError> {
        buckets::open(self.step, window).map(drop)
    }

    fn count(&mut self, window: &Window<'_>) -> Result<Option<(i64, Count)>, StoreError> {
        let id = buckets::open(self.step, window)?;
        Ok(Some((id, counters::known(self.step, id, window.account)?)))
    }

    fn held(&mut self, window: &Window<'_>, holds: &Moments) -> Result<Amount, StoreError> {
        if window.per == Per::Subject {
            return Ok(open::held_in(self.open, window.resource, holds));
        }
        let own = pools::held_in(self.open, window, holds);
        let others = pools::held_by_others(self.step, self.subject, window, holds, self.now)?;
        Ok(own.plus(others).unwrap_or(Amount::MAX))
    }
}

/// A call that writes and wants to know what is used, no more.
struct Counter<'a, 's> {
    step: &'a mut Step<'s>,
}

impl Look for Counter<'_, '_> {
    fn db(&self) -> &dyn Db {
        self.step.db
    }

    fn open(&mut self, _: &Window<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn count(&mut self, window: &Window<'_>) -> Result<Option<(i64, Count)>, StoreError> {
        let known = self.step.known.bucket(window.resource, window.per, &window.bucket.key);
        let found = match known {
            None => buckets::find(self.step.db, window)?,
            known => known,
        };
        let Some(id) = found else {
            return Ok(None);
        };
        Ok(Some((id, counters::known(self.step, id, window.account)?)))
    }

    fn held(&mut self, _: &Window<'_>, _: &Moments) -> Result<Amount, StoreError> {
        Ok(Amount::ZERO)
    }
}

/// A call that only reads.
struct Reader<'a> {
    view: View<'a>,
    open: Vec<Open>,
    /// The reservations of all, once a pool has asked for them.
    all: Option<Vec<Open>>,
    now: Timestamp,
}

impl Look for Reader<'_> {
    fn db(&self) -> &dyn Db {
        self.view.db
    }

    fn open(&mut self, _: &Window<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn count(&mut self, window: &Window<'_>) -> Result<Option<(i64, Count)>, StoreError> {
        counters::opened(self.view.db, window)
    }

    fn held(&mut self, window: &Window<'_>, holds: &Moments) -> Result<Amount, StoreError> {
        if window.per == Per::Subject {
            return Ok(open::held_in(&self.open, window.resource, holds));
        }
        if self.all.is_none() {
            self.all = Some(open::counting_of_all(self.view, self.now)?);
        }
        Ok(pools::held_in(self.all.iter().flatten(), window, holds))
    }
}
