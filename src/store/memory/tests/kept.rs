//! After any sequence of calls, what is kept is what the ledger is folded to.

use proptest::prelude::*;

use super::super::*;
use super::world::*;
use crate::quota::count::{Count, fold};
use crate::quota::event::{Event, Kind};
use crate::quota::plan::{Bound, Reading};

/// What the definition says of a window.
fn truth(lines: &[Line], plan: &Plan, bound: &Bound) -> Reading {
    let item = &plan.items[0];
    let own = |event: &&Event| {
        event.resource == item.resource && event.account(bound.per) == plan.account(bound.per)
    };
    let events: Vec<_> = lines.iter().map(|line| &line.event).filter(own).collect();
    if plan.account(bound.per).is_none() {
        return Reading::default();
    }
    let count = |events: &[&Event]| {
        let events = events.iter().copied();
        let count = fold(events, &bound.bucket, item.aggregate, Count::default());
        let stretch = count.since.map(|since| bound.bucket.begun(since));
        let stands = stretch.is_none_or(|stretch| stretch.contains(plan.at));
        if stands { count } else { Count::default() }
    };
    let Count { used, since, .. } = count(&events);
    let asked = plan.event(item, Kind::Use);
    let more = [events.as_slice(), &[&asked]].concat();
    let known = item.member.is_some() && count(&more) == count(&events);
    let charges = events.iter().filter(|event| event.kind.charges());
    let inside = charges.filter(|event| bound.bucket.contains(event.at)).map(|event| event.at);
    let rolling = bound.period.to_string().starts_with("rolling");
    let oldest = inside.min().filter(|_| rolling);
    Reading { used, since, known, oldest, ..Reading::default() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_is_what_the_ledger_says(
        steps in prop::collection::vec(step(verb()), 1..40)
    ) {
        runtime().block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
                let all = Lines { most: usize::MAX, ..Lines::default() };
                let lines = world.store.lines(&all).await.unwrap();
                let plan = plan(step.who, step.aggregate, 1, world.now);
                let found = world.readings(step.who, step.aggregate).await;
                for (bound, reading) in plan.items[0].bounds.iter().zip(found) {
                    let Bound { period, per, .. } = bound;
                    let truth = truth(&lines, &plan, bound);
                    prop_assert_eq!(reading, truth, "{} per {} after {:?}", period, per, step);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn taking_old_lines_out_changes_no_count(
        steps in prop::collection::vec(step(verb()), 1..30),
        more in prop::collection::vec(
            step(prop_oneof![verb(), verb(), Just(Verb::Prune)]),
            1..30,
        ),
    ) {
        runtime().block_on(async {
            let (mut whole, mut pruned) = (World::new().await, World::new().await);
            for step in steps {
                whole.take(step).await;
                pruned.take(step).await;
            }
            for step in more {
                // What lies in the past counts in what may have been taken out.
                let verb = match step.verb {
                    Verb::Refund(_) => Verb::Wait(400),
                    other => other,
                };
                let step = Step { ago: 0, verb, ..step };
                pruned.take(step).await;
                if !matches!(step.verb, Verb::Prune) {
                    whole.take(step).await;
                }
                let expected = whole.readings(step.who, step.aggregate).await;
                let found = pruned.readings(step.who, step.aggregate).await;
                prop_assert_eq!(found, expected, "after {:?}", step);
            }
            Ok(())
        })?;
    }
}
