//! Pools: what reservations of others hold of a window that is shared.
//!
//! Only a plan with such a window looks at them. From then on the writer knows all open
//! reservations, until it has to forget.

use super::open::{self, Open};
use super::step::Step;
use super::window::Window;
use crate::clock::Timestamp;
use crate::quota::held::{Instance, Life};
use crate::quota::{Amount, Per};
use crate::store::StoreError;

/// Returns true if `hold` counts in `window`, wherever it lies in time.
fn shares(hold: &Open, window: &Window<'_>) -> bool {
    match window.per {
        Per::Subject => hold.subject.as_str() == window.account,
        Per::Group => hold.group.as_deref() == Some(window.account),
        Per::Server => true,
    }
}

/// Returns how much `open` reservations, of whomever, hold of a window, at the moments it
/// `holds`.
pub(super) fn held_in<'a>(
    open: impl IntoIterator<Item = &'a Open>,
    window: &Window<'_>,
    holds: &dyn Fn(Timestamp) -> bool,
) -> Amount {
    let sharing = open.into_iter().filter(|hold| shares(hold, window));
    open::held_in(sharing, window.resource, holds)
}

/// Returns how much the open reservations of all but the one whose are given out hold.
pub(super) fn held_by_others(
    step: &mut Step<'_>,
    asking: &str,
    window: &Window<'_>,
    holds: &dyn Fn(Timestamp) -> bool,
    now: Timestamp,
) -> Result<Amount, StoreError> {
    if step.known.all_open().is_none() {
        let mut all = open::load_all(step.db)?;
        all.retain(|hold| hold.subject.as_str() != asking);
        step.known.remember_all_open(all);
    }
    let living = living(step, now)?;
    let all = step.known.all_open().into_iter().flatten();
    let counting = all.filter(|hold| open::counts(hold, &living, now));
    Ok(held_in(counting, window, holds))
}

/// Returns the instances that live, of those that reservations live by.
fn living(step: &mut Step<'_>, now: Timestamp) -> Result<Vec<Instance>, StoreError> {
    let mut all = Vec::<Instance>::new();
    for hold in step.known.all_open().into_iter().flatten() {
        if let Life::While(instance) = &hold.life
            && !all.contains(instance)
        {
            all.push(instance.clone());
        }
    }
    let mut living = Vec::new();
    for instance in all {
        if open::lives(step.own, &instance, now, |instance| step.seen(instance))? {
            living.push(instance);
        }
    }
    Ok(living)
}
