//! A long history of two subjects, and what is read at its end.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::plan::{Plan, Reading};
use crate::quota::{Aggregate, Grants, Layer, Measure, Resource, Subject};
use crate::store::{LayerKind, Lines, Pruned, Store};

use crate::conformance::words::*;

pub(super) const DAY: Duration = Duration::from_hours(24);

/// What is asked at the end of a long history.
pub(super) const WINDOWS: [&str; 11] = [
    "any/day",
    "any/month",
    "any/year",
    "any/rolling 30d",
    "any/rolling 12h",
    "any/30d",
    "any/never per group",
    "any/never per server",
    "any/month per group",
    "any/rolling 20d per server",
    "any/60d per group",
];

pub(super) fn peak() -> Resource {
    "peak".parse().unwrap()
}

pub(super) fn level() -> Resource {
    "level".parse().unwrap()
}

pub(super) fn rooms() -> Resource {
    "rooms".parse().unwrap()
}

pub(super) fn measures() -> Layer {
    let of = |aggregate| Measure { aggregate, ..Measure::COUNT };
    let resources = [
        (peak(), of(Aggregate::Max)),
        (level(), of(Aggregate::Last)),
        (rooms(), of(Aggregate::Unique)),
    ];
    Layer { resources: resources.into(), ..Layer::default() }
}

pub(super) async fn declared(store: &dyn Store) {
    let seen = store.policy().await.unwrap().version;
    store.write_layer(LayerKind::Store, measures(), seen).await.unwrap();
}

/// Returns the plan of somebody in `free` for `amount` of everything that is counted by amounts.
pub(super) fn everything(subject: Subject, at: Timestamp, amount: i64) -> Plan {
    let mut plan = wants_at(at, amount, &WINDOWS);
    for (resource, aggregate) in [(peak(), Aggregate::Max), (level(), Aggregate::Last)] {
        plan = and_wants(plan, &resource, amount, &WINDOWS);
        plan.items.last_mut().unwrap().aggregate = aggregate;
    }
    within("free", by(subject, plan))
}

pub(super) fn room(subject: Subject, at: Timestamp, name: &str) -> Plan {
    let mut plan = wants_at(at, 0, &[]);
    plan.items.clear();
    within("free", by(subject, member(name, and_wants(plan, &rooms(), 1, &WINDOWS))))
}

/// Where the long history ends.
pub(super) fn end() -> Timestamp {
    moment("2026-06-18T12:00:00Z")
}

/// Tells 400 days of two subjects, a charge every fourth day each, one of them refunded in between.
pub(super) async fn long_history(store: &dyn Store) {
    declared(store).await;
    for days in (0..=400_u32).rev().step_by(4) {
        let at = end().before(days * DAY);
        for subject in [alice(), bob()] {
            let plan = now_planned(store, everything(subject, at, i64::from(days % 7) + 1)).await;
            store.record(&plan, None, at).await.unwrap().unwrap();
        }
        if days % 20 == 0 {
            let plan = now_planned(store, within("free", wants_at(at, 5, &WINDOWS))).await;
            let id = consumed(store, &plan).await;
            store.refund(id, None, at).await.unwrap().unwrap();
        }
    }
}

pub(super) async fn lines(store: &dyn Store) -> Vec<crate::quota::event::Line> {
    let (mut found, mut which) = (Vec::new(), Lines { most: 300, ..Lines::default() });
    loop {
        let part = store.lines(&which).await.unwrap();
        let Some(last) = part.last() else { return found };
        which.behind = Some(last.id);
        found.extend(part);
    }
}

/// Returns what `subjects` read of everything at the end.
pub(super) async fn look(store: &dyn Store, subjects: &[Subject]) -> Vec<Vec<Vec<Reading>>> {
    let mut found = Vec::new();
    for subject in subjects {
        let plan = now_planned(store, everything(subject.clone(), end(), 0)).await;
        found.push(store.read(&plan, end()).await.unwrap().unwrap());
        let plan = now_planned(store, room(subject.clone(), end(), "a")).await;
        found.push(store.read(&plan, end()).await.unwrap().unwrap());
    }
    found
}

/// Asserts that `subjects` read the same in both.
///
/// Where lines were taken out, a window of first use opens with the first that is left.
pub(super) async fn assert_alike(store: &dyn Store, other: &dyn Store, subjects: &[Subject]) {
    let pruned = !other.balances().await.unwrap().is_empty();
    let (found, expected) = (look(store, subjects).await, look(other, subjects).await);
    for (plan, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for (item, (found, expected)) in found.iter().zip(expected).enumerate() {
            for (window, (found, expected)) in found.iter().zip(expected).enumerate() {
                let name = WINDOWS.get(window).unwrap_or(&"in all");
                if pruned && !name.contains("rolling") && name.contains("0d") {
                    continue;
                }
                assert_eq!(found, expected, "{name} of item {item} of plan {plan}");
            }
        }
    }
}

/// Prunes until nothing is left to prune; returns how many lines that were.
pub(super) async fn pruned(store: &dyn Store, before: Timestamp) -> usize {
    let mut all = 0;
    loop {
        let Pruned { lines, more } = store.prune(before, end()).await.unwrap();
        all += lines;
        if !more {
            return all;
        }
    }
}

pub(super) async fn drifts(store: &dyn Store, dry_run: bool) -> Vec<crate::store::Drift> {
    let mut found = Vec::new();
    for opened in store.opened().await.unwrap() {
        found.extend(store.recount(&opened, None, dry_run).await.unwrap());
    }
    found
}

pub(super) fn gold() -> Grants {
    let group = Grant { what: "gold".to_owned(), until: None, note: Some("alice paid".into()) };
    Grants { group: Some(group), ..Grants::default() }
}

pub(super) async fn give(store: &dyn Store, subject: &Subject) {
    let seen = store.policy().await.unwrap().version;
    store.write_grants(subject, gold(), seen).await.unwrap();
}
