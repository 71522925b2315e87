//! Words the clauses speak in: who, what, when, and plans as the engine makes them.

use metergate::clock::Timestamp;
use metergate::quota::held::{HoldId, Life};
use metergate::quota::idempotency::Key;
use metergate::quota::plan::{Bound, Item, Plan, Reading};
use metergate::quota::policy::Source;
use metergate::quota::{Amount, Bucket, Period, PolicyVersion, Resource, Subject, Zone};
use metergate::store::{Admission, Store};

pub(crate) const MB: i64 = 1_000_000;

pub(crate) fn alice() -> Subject {
    "@alice:example.org".parse().unwrap()
}

pub(crate) fn bob() -> Subject {
    "@bob:example.org".parse().unwrap()
}

pub(crate) fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

pub(crate) fn uploads() -> Resource {
    "uploads".parse().unwrap()
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A Thursday noon.
pub(crate) fn noon() -> Timestamp {
    moment("2026-06-18T12:00:00Z")
}

/// The limit of a window: at most so much per period; none means it is only counted.
pub(crate) type Cap = (Period, Option<i64>);

pub(crate) const MONTH_10MB: Cap = (Period::Month, Some(10 * MB));
pub(crate) const DAY_10MB: Cap = (Period::Day, Some(10 * MB));

/// Returns the plan of `alice` for `amount` of `media_bytes` at noon.
pub(crate) fn asks(amount: i64, caps: &[Cap]) -> Plan {
    asks_at(noon(), amount, caps)
}

pub(crate) fn asks_at(at: Timestamp, amount: i64, caps: &[Cap]) -> Plan {
    Plan {
        version: PolicyVersion::default(),
        subject: alice(),
        at,
        items: vec![item(at, &media(), amount, caps)],
    }
}

/// Returns one item of a plan; like the engine's, it is counted in all as well.
pub(crate) fn item(at: Timestamp, resource: &Resource, amount: i64, caps: &[Cap]) -> Item {
    let mut caps = caps.to_vec();
    if caps.iter().all(|(period, _)| *period != Period::Never) {
        caps.push((Period::Never, None));
    }
    let bounds = caps.iter().map(|(period, limit)| Bound {
        period: *period,
        bucket: Bucket::of(*period, &Zone::UTC, at),
        limit: limit.map(Amount::new),
    });
    Item {
        resource: resource.clone(),
        amount: Amount::new(amount),
        source: Source::Nothing,
        bounds: bounds.collect(),
    }
}

/// Returns `plan` for somebody else.
pub(crate) fn by(subject: Subject, plan: Plan) -> Plan {
    Plan { subject, ..plan }
}

/// Returns `plan` with one more item.
pub(crate) fn and(mut plan: Plan, resource: &Resource, amount: i64, caps: &[Cap]) -> Plan {
    plan.items.push(item(plan.at, resource, amount, caps));
    plan
}

/// Returns `plan` made from the present policy.
pub(crate) async fn now_planned(store: &dyn Store, plan: Plan) -> Plan {
    let version = store.policy().await.unwrap().version;
    Plan { version, ..plan }
}

/// A life that outlasts the test.
pub(crate) fn long() -> Life {
    Life::Until(moment("2030-01-01"))
}

/// Reserves by `plan` and returns its id, which must be granted.
pub(crate) async fn granted(store: &dyn Store, plan: &Plan) -> HoldId {
    let id = HoldId::fresh();
    let admission = store.reserve(plan, id, long(), plan.at).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?} for {plan:?}");
    id
}

/// Reserves and settles at once.
pub(crate) async fn charged(store: &dyn Store, plan: &Plan, total: i64) -> HoldId {
    let id = granted(store, plan).await;
    store.settle(id, Amount::new(total), plan.at).await.unwrap().unwrap();
    id
}

pub(crate) async fn recorded(store: &dyn Store, plan: &Plan) {
    let recorded = store.record(plan, None, plan.at).await.unwrap();
    assert!(recorded.is_some(), "stale: {plan:?}");
}

/// Returns what the first window of `plan` reads: used, and held.
pub(crate) async fn reads(store: &dyn Store, plan: &Plan) -> (i64, i64) {
    let readings = store.read(plan, plan.at).await.unwrap();
    let readings = readings.expect("a plan that is not stale");
    figures(readings[0][0])
}

/// Returns what `subject` used and holds of `media_bytes` in the `period` of noon.
pub(crate) async fn usage(store: &dyn Store, subject: Subject, period: Period) -> (i64, i64) {
    let plan = by(subject, asks(0, &[(period, None)]));
    reads(store, &now_planned(store, plan).await).await
}

pub(crate) fn figures(reading: Reading) -> (i64, i64) {
    (reading.used.get(), reading.held.get())
}

/// Returns the key `name` of a call that records `amount` of `media_bytes`.
pub(crate) fn key(name: &str, amount: i64) -> Key {
    Key::of_record(name, &media(), Amount::new(amount), None).unwrap()
}
