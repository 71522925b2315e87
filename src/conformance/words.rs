//! Words the clauses speak in: who, what, when, and plans as the engine makes them.

use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Life};
use crate::quota::idempotency::Key;
use crate::quota::plan::{Bound, Item, Plan, Reading};
use crate::quota::policy::Source;
use crate::quota::{
    Aggregate, Amount, Bucket, Measure, Per, Period, PolicyVersion, Resource, Subject, Window, Zone,
};
use crate::store::{Admission, Store, StoreError};

/// A million bytes.
pub const MB: i64 = 1_000_000;

/// Returns who asks, unless somebody else does.
pub fn alice() -> Subject {
    "@alice:example.org".parse().unwrap()
}

/// Returns somebody else.
pub fn bob() -> Subject {
    "@bob:example.org".parse().unwrap()
}

/// Returns what is asked for, counted in bytes.
pub fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

/// Returns what is counted one by one.
pub fn uploads() -> Resource {
    "uploads".parse().unwrap()
}

/// Returns the moment that is written `text`.
pub fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A Thursday noon.
pub fn noon() -> Timestamp {
    moment("2026-06-18T12:00:00Z")
}

/// The limit of a window: at most so much per period; none means it is only counted.
pub type Cap = (Period, Option<i64>);

/// 10 MB a month.
pub const MONTH_10MB: Cap = (Period::Month, Some(10 * MB));
/// 10 MB a day.
pub const DAY_10MB: Cap = (Period::Day, Some(10 * MB));

/// Returns the plan of `alice` for `amount` of `media_bytes` at noon.
pub fn asks(amount: i64, caps: &[Cap]) -> Plan {
    asks_at(noon(), amount, caps)
}

/// Returns the plan of `alice` for `amount` of `media_bytes` at a moment.
pub fn asks_at(at: Timestamp, amount: i64, caps: &[Cap]) -> Plan {
    Plan {
        version: PolicyVersion::default(),
        subject: alice(),
        group: None,
        at,
        growing: false,
        items: vec![item(at, &media(), amount, caps)],
    }
}

/// Returns one item of a plan; like the engine's, it is counted in all as well.
pub fn item(at: Timestamp, resource: &Resource, amount: i64, caps: &[Cap]) -> Item {
    let limited = |(period, limit): &Cap| Bound {
        limit: limit.map(Amount::new),
        ..Bound::counting(*period, Bucket::of(*period, &Zone::UTC, at))
    };
    item_of(at, resource, amount, caps.iter().map(limited).collect())
}

fn item_of(at: Timestamp, resource: &Resource, amount: i64, mut bounds: Vec<Bound>) -> Item {
    let in_all = |bound: &Bound| bound.period == Period::Never && bound.per == Per::Subject;
    if !bounds.iter().any(in_all) {
        bounds.push(bound(at, "any/never"));
    }
    Item {
        resource: resource.clone(),
        aggregate: Aggregate::Sum,
        amount: Amount::new(amount),
        member: None,
        metered: resource.usual_measure().in_bytes(),
        source: Source::Nothing,
        bounds,
    }
}

/// Returns the window that is written `10/month soft per group` at one moment; `any/month` is
/// only counted.
pub fn bound(at: Timestamp, text: &str) -> Bound {
    let counted = text.strip_prefix("any");
    let written = counted.map_or_else(|| text.to_owned(), |rest| format!("0{rest}"));
    let window = Window::parse(&written, &Measure::BYTES).unwrap();
    let period = window.period.unwrap_or(Period::Never);
    Bound {
        period,
        bucket: Bucket::of(period, &window.timezone.unwrap_or_default(), at),
        per: window.per,
        limit: counted.is_none().then_some(window.amount),
        strictness: window.strictness,
    }
}

/// Returns the plan of `alice` for `amount` of `media_bytes` at noon, in windows as they are
/// [written](bound).
pub fn wants(amount: i64, windows: &[&str]) -> Plan {
    wants_at(noon(), amount, windows)
}

/// Returns the same plan at another moment than noon.
pub fn wants_at(at: Timestamp, amount: i64, windows: &[&str]) -> Plan {
    Plan { items: vec![written(at, &media(), amount, windows)], ..asks_at(at, 0, &[]) }
}

/// Returns `plan` with one more item, in windows as they are [written](bound).
pub fn and_wants(mut plan: Plan, resource: &Resource, amount: i64, windows: &[&str]) -> Plan {
    plan.items.push(written(plan.at, resource, amount, windows));
    plan
}

fn written(at: Timestamp, resource: &Resource, amount: i64, windows: &[&str]) -> Item {
    item_of(at, resource, amount, windows.iter().map(|text| bound(at, text)).collect())
}

/// Returns `plan` for somebody else.
pub fn by(subject: Subject, plan: Plan) -> Plan {
    Plan { subject, ..plan }
}

/// Returns `plan` for somebody in `group`.
pub fn within(group: &str, plan: Plan) -> Plan {
    Plan { group: Some(group.into()), ..plan }
}

/// Returns `plan` for resources that add up as `aggregate`.
pub fn adding(aggregate: Aggregate, mut plan: Plan) -> Plan {
    for item in &mut plan.items {
        item.aggregate = aggregate;
    }
    plan
}

/// Returns `plan` for one member of what is counted by members.
pub fn member(name: &str, plan: Plan) -> Plan {
    let mut plan = adding(Aggregate::Unique, plan);
    for item in &mut plan.items {
        item.member = Some(name.into());
    }
    plan
}

/// Returns `plan` with one more item.
pub fn and(mut plan: Plan, resource: &Resource, amount: i64, caps: &[Cap]) -> Plan {
    plan.items.push(item(plan.at, resource, amount, caps));
    plan
}

/// Returns `plan` made from the present policy.
pub async fn now_planned(store: &dyn Store, plan: Plan) -> Plan {
    let version = store.policy().await.unwrap().version;
    Plan { version, ..plan }
}

/// A life that outlasts the test.
pub fn long() -> Life {
    Life::Until(moment("2030-01-01"))
}

/// Reserves by `plan` and returns its id, which must be granted.
pub async fn granted(store: &dyn Store, plan: &Plan) -> HoldId {
    let id = HoldId::fresh();
    let admission = store.reserve(plan, id, long(), plan.at).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?} for {plan:?}");
    id
}

/// Reserves and settles at once.
pub async fn charged(store: &dyn Store, plan: &Plan, total: i64) -> HoldId {
    let id = granted(store, plan).await;
    store.settle(id, Amount::new(total), None, plan.at).await.unwrap().unwrap();
    id
}

/// Records what `plan` asks, which must not be stale.
pub async fn recorded(store: &dyn Store, plan: &Plan) {
    let recorded = store.record(plan, None, plan.at).await.unwrap();
    assert!(recorded.is_some(), "stale: {plan:?}");
}

/// Returns what the first window of `plan` reads: used, and held.
pub async fn reads(store: &dyn Store, plan: &Plan) -> (i64, i64) {
    let readings = store.read(plan, plan.at).await.unwrap();
    let readings = readings.expect("a plan that is not stale");
    figures(readings[0][0])
}

/// Returns what each window of the first item of `plan` reads.
pub async fn windows(store: &dyn Store, plan: &Plan) -> Vec<Reading> {
    windows_at(store, plan, plan.at).await
}

/// Returns the same at another moment than that of the plan.
pub async fn windows_at(store: &dyn Store, plan: &Plan, now: Timestamp) -> Vec<Reading> {
    let readings = store.read(plan, now).await.unwrap();
    readings.expect("a plan that is not stale").swap_remove(0)
}

/// Returns what is used of each of `windows` at `at`, as `plan` asks for it.
pub async fn used(store: &dyn Store, plan: &Plan) -> Vec<i64> {
    windows(store, plan).await.iter().map(|reading| reading.used.get()).collect()
}

/// Returns whether `plan` is let in; nothing is kept of it.
pub async fn fits(store: &dyn Store, plan: &Plan, now: Timestamp) -> bool {
    let id = HoldId::fresh();
    match store.reserve(plan, id, long(), now).await.unwrap() {
        Admission::Granted(_) => {
            store.release(id, now).await.unwrap().unwrap();
            true
        }
        Admission::Denied(_) => false,
        other => panic!("{other:?}"),
    }
}

/// Charges `plan` at once, which must fit.
pub async fn consumed(store: &dyn Store, plan: &Plan) -> HoldId {
    let id = HoldId::fresh();
    let admission = store.consume(plan, id, plan.at).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?} for {plan:?}");
    id
}

/// Asserts that `answer` is a conflict.
#[track_caller]
pub fn assert_conflict<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Conflict(_))), "{answer:?}");
}

/// Returns what `subject` used and holds of `media_bytes` in the `period` of noon.
pub async fn usage(store: &dyn Store, subject: Subject, period: Period) -> (i64, i64) {
    let plan = by(subject, asks(0, &[(period, None)]));
    reads(store, &now_planned(store, plan).await).await
}

/// Returns what is used and held in a window.
pub fn figures(reading: Reading) -> (i64, i64) {
    (reading.used.get(), reading.held.get())
}

/// Returns the key `name` of a call that records `amount` of `media_bytes`.
pub fn key(name: &str, amount: i64) -> Key {
    Key::of_record(name, &media(), Amount::new(amount), None, None).unwrap()
}
