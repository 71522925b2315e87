//! A store with three subjects and every kind of window, and what can be done to it.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use crate::quota::plan::{Bound, Item, Reading};
use crate::quota::policy::Source;
use crate::quota::strictness::Mode;
use crate::quota::{Measure, Per, Period, Zone};

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn start() -> Timestamp {
    at("2026-06-18T12:00:00Z")
}

pub(super) fn subject(name: &str) -> Subject {
    format!("@{name}:example.org").parse().unwrap()
}

pub(super) fn resource(aggregate: Aggregate) -> Resource {
    format!("counted_by_{aggregate}").parse().unwrap()
}

pub(super) const PERIODS: [&str; 6] =
    ["day", "never", "7d", "rolling 2h", "rolling 7d", "rolling 1 month"];

/// Every kind of window on what adds up as `aggregate`.
pub(super) fn plan(name: &str, aggregate: Aggregate, amount: i64, at: Timestamp) -> Plan {
    let bound = |period: &str, per| {
        let period: Period = period.parse().unwrap();
        let bucket = Bucket::of(period, &Zone::UTC, at);
        Bound { per, ..Bound::counting(period, bucket) }
    };
    let bounds = PERIODS.iter().flat_map(|it| Per::ALL.into_iter().map(|per| bound(it, per)));
    let unique = aggregate == Aggregate::Unique;
    let item = Item {
        resource: resource(aggregate),
        aggregate,
        amount: Amount::new(amount),
        member: unique.then(|| format!("member {}", amount.rem_euclid(3)).into()),
        metered: true,
        source: Source::Nothing,
        bounds: bounds.collect(),
    };
    let group = (name != "carol").then(|| if name == "alice" { "paid" } else { "free" }.into());
    let (version, growing) = (PolicyVersion::default(), false);
    Plan { version, subject: subject(name), group, at, growing, items: vec![item] }
}

pub(super) fn with_limit(period: &str, mode: Mode, limit: i64, amount: i64, at: Timestamp) -> Plan {
    let mut plan = plan("alice", Aggregate::Sum, amount, at);
    let bucket = Bucket::of(period.parse().unwrap(), &Zone::UTC, at);
    let mut bound = Bound::counting(period.parse().unwrap(), bucket);
    bound.limit = Some(Amount::new(limit));
    bound.strictness.mode = mode;
    if mode == Mode::Soft {
        bound.strictness.grace = Some(Duration::from_hours(24));
    }
    plan.items[0].bounds = vec![bound];
    plan
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Record(i64),
    Consume(i64),
    Settle(i64),
    Refund(usize),
    Reset(Option<usize>),
    Set(i64),
    Wait(u64),
    Prune,
    Recount,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) who: &'static str,
    pub(super) aggregate: Aggregate,
    /// How long ago it was, in hours.
    pub(super) ago: u64,
    pub(super) verb: Verb,
}

pub(super) fn step(verb: impl Strategy<Value = Verb>) -> impl Strategy<Value = Step> {
    let who = prop::sample::select(vec!["alice", "bob", "carol"]);
    let aggregate = prop::sample::select(Aggregate::ALL.to_vec());
    let ago = prop_oneof![3 => Just(0), 1 => 0..300_u64];
    let step = |(who, aggregate, ago, verb)| Step { who, aggregate, ago, verb };
    (who, aggregate, ago, verb).prop_map(step)
}

pub(super) fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        6 => (-5..9_i64).prop_map(Verb::Record),
        3 => (0..9_i64).prop_map(Verb::Consume),
        3 => (0..9_i64).prop_map(Verb::Settle),
        3 => (0..6_usize).prop_map(Verb::Refund),
        2 => prop::option::of(0..PERIODS.len()).prop_map(Verb::Reset),
        1 => (0..9_i64).prop_map(Verb::Set),
        3 => (1..80_u64).prop_map(Verb::Wait),
        1 => Just(Verb::Recount),
    ]
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) store: Memory,
    pub(super) now: Timestamp,
    holds: Vec<HoldId>,
}

impl World {
    pub(super) async fn new() -> Self {
        let store = Memory::default();
        let measure = |aggregate| Measure { aggregate, ..Measure::COUNT };
        let all = Aggregate::ALL.into_iter().map(|it| (resource(it), measure(it)));
        let layer = Layer { resources: all.collect(), ..Layer::default() };
        store.write_layer(LayerKind::File, layer, PolicyVersion::default()).await.unwrap();
        Self { store, now: start(), holds: Vec::new() }
    }

    pub(super) fn current(&self, mut plan: Plan) -> Plan {
        plan.version = self.store.books().policy.version;
        plan
    }

    pub(super) async fn take(&mut self, step: Step) {
        let (store, now) = (&self.store, self.now);
        let moment = now.before(Duration::from_hours(step.ago));
        let asked = |amount| self.current(plan(step.who, step.aggregate, amount, moment));
        match step.verb {
            Verb::Record(amount) => {
                store.record(&asked(amount), None, now).await.unwrap().unwrap();
            }
            Verb::Consume(amount) => {
                let id = HoldId::fresh();
                let granted = store.consume(&asked(amount), id, now).await.unwrap();
                assert!(matches!(granted, Admission::Granted(_)));
                let again = store.consume(&asked(amount), id, now).await.unwrap();
                assert_eq!(again, granted, "the same call again");
                self.holds.push(id);
            }
            Verb::Settle(amount) => {
                let id = HoldId::fresh();
                let life = Life::Until(now.after(Duration::from_mins(1)));
                store.reserve(&asked(1), id, life, now).await.unwrap();
                store.settle(id, Amount::new(amount), None, now).await.unwrap().unwrap();
                self.holds.push(id);
            }
            Verb::Refund(which) => {
                if let Some(id) = self.holds.get(which) {
                    store.refund(*id, None, now).await.unwrap().unwrap();
                }
            }
            Verb::Reset(which) => {
                let plan = asked(0);
                let bucket = which.map(|it| plan.items[0].bounds[it * 3].bucket.clone());
                store.reset(&plan, bucket.as_ref(), now).await.unwrap().unwrap();
            }
            Verb::Set(value) => {
                let basis = 0;
                let set = store.set(&asked(value), basis, now).await;
                if step.aggregate == Aggregate::Unique {
                    assert!(matches!(set, Err(StoreError::Conflict(_))));
                } else if step.ago == 0 && step.aggregate != Aggregate::Last {
                    assert_eq!(set.unwrap().unwrap().readings[0][basis].used.get(), value);
                }
            }
            Verb::Wait(hours) => self.now = now.after(Duration::from_hours(hours)),
            Verb::Prune => {
                store.prune(now.before(Duration::from_hours(50)), now).await.unwrap();
            }
            Verb::Recount => {
                for opened in store.opened().await.unwrap() {
                    assert_eq!(store.recount(&opened, None, false).await.unwrap(), []);
                }
            }
        }
    }

    pub(super) async fn readings(&self, who: &str, aggregate: Aggregate) -> Vec<Reading> {
        let plan = self.current(plan(who, aggregate, 1, self.now));
        self.store.read(&plan, self.now).await.unwrap().unwrap().remove(0)
    }
}
