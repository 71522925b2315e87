//! What is kept is what the ledger says, whatever happened, and nothing is told twice.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::quota::count::{Count, fold};
use crate::quota::event::{Event, Kind};
use crate::quota::notice::Topic;
use crate::quota::plan::{Bound, Item, Reading};
use crate::quota::policy::Source;
use crate::quota::strictness::Mode;
use crate::quota::{Measure, Per, Period, Zone};
use crate::store::Ledger;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> Timestamp {
    at("2026-06-18T12:00:00Z")
}

fn subject(name: &str) -> Subject {
    format!("@{name}:example.org").parse().unwrap()
}

fn resource(aggregate: Aggregate) -> Resource {
    format!("counted_by_{aggregate}").parse().unwrap()
}

const PERIODS: [&str; 6] = ["day", "never", "7d", "rolling 2h", "rolling 7d", "rolling 1 month"];

/// Every kind of window on what adds up as `aggregate`.
fn plan(name: &str, aggregate: Aggregate, amount: i64, at: Timestamp) -> Plan {
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

fn with_limit(period: &str, mode: Mode, limit: i64, amount: i64, at: Timestamp) -> Plan {
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
enum Verb {
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
struct Step {
    who: &'static str,
    aggregate: Aggregate,
    /// How long ago it was, in hours.
    ago: u64,
    verb: Verb,
}

fn step(verb: impl Strategy<Value = Verb>) -> impl Strategy<Value = Step> {
    let who = prop::sample::select(vec!["alice", "bob", "carol"]);
    let aggregate = prop::sample::select(Aggregate::ALL.to_vec());
    let ago = prop_oneof![3 => Just(0), 1 => 0..300_u64];
    let step = |(who, aggregate, ago, verb)| Step { who, aggregate, ago, verb };
    (who, aggregate, ago, verb).prop_map(step)
}

fn verb() -> impl Strategy<Value = Verb> {
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
struct World {
    store: Memory,
    now: Timestamp,
    holds: Vec<HoldId>,
}

impl World {
    async fn new() -> Self {
        let store = Memory::default();
        let measure = |aggregate| Measure { aggregate, ..Measure::COUNT };
        let all = Aggregate::ALL.into_iter().map(|it| (resource(it), measure(it)));
        let layer = Layer { resources: all.collect(), ..Layer::default() };
        store.write_layer(LayerKind::File, layer, PolicyVersion::default()).await.unwrap();
        Self { store, now: start(), holds: Vec::new() }
    }

    fn current(&self, mut plan: Plan) -> Plan {
        plan.version = self.store.books().policy.version;
        plan
    }

    async fn take(&mut self, step: Step) {
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

    async fn readings(&self, who: &str, aggregate: Aggregate) -> Vec<Reading> {
        let plan = self.current(plan(who, aggregate, 1, self.now));
        self.store.read(&plan, self.now).await.unwrap().unwrap().remove(0)
    }
}

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

#[tokio::test]
async fn a_pool_holds_and_counts_what_all_of_the_group_use() {
    let world = World::new().await;
    let (store, now) = (&world.store, world.now);
    let own = |name, amount| world.current(plan(name, Aggregate::Sum, amount, now));
    let life = Life::Until(now.after(Duration::from_mins(1)));
    store.record(&own("bob", 5), None, now).await.unwrap();
    store.record(&own("alice", 3), None, now).await.unwrap();
    store.reserve(&own("alice", 2), HoldId::fresh(), life, now).await.unwrap();
    let day = |name, per: usize| {
        let plan = own(name, 1);
        async move { store.read(&plan, now).await.unwrap().unwrap()[0][per] }
    };
    let figures = |reading: Reading| (reading.used.get(), reading.held.get());
    assert_eq!(figures(day("bob", 0).await), (5, 0));
    assert_eq!(figures(day("bob", 1).await), (5, 0));
    assert_eq!(figures(day("alice", 1).await), (3, 2));
    assert_eq!(figures(day("carol", 1).await), (0, 0));
    assert_eq!(figures(day("carol", 2).await), (8, 2));
    assert_eq!(store.open(now, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_mark_is_told_once_per_window_and_again_when_a_rolling_one_has_moved_on() {
    for (period, again) in [("month", 1), ("never", 1), ("rolling 7d", 2)] {
        let store = Memory::default();
        let mut told = Vec::new();
        for day in ["2026-06-01", "2026-06-09"] {
            for amount in [9, -9, 9, -9] {
                let plan = with_limit(period, Mode::Hard, 10, amount, at(day));
                store.record(&plan, None, at(day)).await.unwrap().unwrap();
            }
            told = store.notices(0, 99).await.unwrap();
        }
        let warned = told.iter().filter(|notice| notice.topic == Topic::Warn);
        assert_eq!(warned.count(), again, "{period}");
        assert!(told.iter().zip(1..).all(|(notice, id)| notice.id == id));
    }
}

#[tokio::test]
async fn every_charge_past_a_soft_limit_is_told_but_none_of_a_bucket_that_has_ended() {
    let store = Memory::default();
    let june = with_limit("month", Mode::Soft, 10, 8, start());
    for _ in 0..3 {
        store.record(&june, None, start()).await.unwrap();
    }
    store.record(&june, None, at("2026-07-02")).await.unwrap();
    let told = store.notices(0, 99).await.unwrap();
    let parts: Vec<_> = told.iter().filter_map(|it| it.part).map(Amount::get).collect();
    assert_eq!(parts, [6, 8]);
    assert_eq!(Some(store.told("a hook").await.unwrap()), told.last().map(|it| it.id));
    assert_eq!(store.notices(2, 1).await.unwrap()[0].id, 3);
}

#[tokio::test]
async fn a_grace_begins_with_the_first_charge_past_the_limit_and_ends_below_it() {
    let store = Memory::default();
    let later = start().after(Duration::from_mins(1));
    let charge = |amount| with_limit("month", Mode::Soft, 10, amount, start());
    let over = |recorded: Option<Recorded>| recorded.unwrap().readings[0][0].over_since;
    assert_eq!(over(store.record(&charge(10), None, start()).await.unwrap()), None);
    assert_eq!(over(store.record(&charge(1), None, start()).await.unwrap()), Some(start()));
    assert_eq!(over(store.record(&charge(1), None, later).await.unwrap()), Some(start()));
    assert_eq!(over(store.record(&charge(-5), None, later).await.unwrap()), None);
    assert_eq!(over(store.record(&charge(5), None, later).await.unwrap()), Some(later));
}

#[tokio::test]
async fn another_aggregate_counts_anew_from_the_ledger() {
    let world = World::new().await;
    let (store, now) = (&world.store, world.now);
    for amount in [5, 3] {
        let plan = world.current(plan("alice", Aggregate::Sum, amount, now));
        store.record(&plan, None, now).await.unwrap();
    }
    let highest = Measure { aggregate: Aggregate::Max, ..Measure::COUNT };
    let resources = [(resource(Aggregate::Sum), highest)].into();
    let layer = Layer { resources, ..Layer::default() };
    let seen = store.policy().await.unwrap().version;
    store.write_layer(LayerKind::File, layer, seen).await.unwrap();
    let mut plan = world.current(plan("alice", Aggregate::Sum, 1, now));
    plan.items[0].aggregate = Aggregate::Max;
    assert_eq!(store.opened().await.unwrap(), []);
    assert_eq!(store.read(&plan, now).await.unwrap().unwrap()[0][0].used.get(), 5);
}

#[tokio::test]
async fn the_forgotten_leave_what_they_did_to_a_name_that_says_nothing() {
    let world = World::new().await;
    let (store, now) = (&world.store, world.now);
    let asked = world.current(plan("alice", Aggregate::Sum, 5, now));
    let key = Key { name: "once".to_owned(), fingerprint: vec![1] };
    store.record(&asked, Some(key), now).await.unwrap();
    let id = HoldId::fresh();
    let life = Life::Until(now.after(Duration::from_mins(1)));
    store.reserve(&asked, id, life, now).await.unwrap();
    let (alice, nobody) = (subject("alice"), subject("nobody"));
    assert!(matches!(store.forget(&alice, &nobody, now).await, Err(StoreError::Conflict(_))));
    store.settle(id, Amount::new(2), None, now).await.unwrap();
    assert!(store.forget(&alice, &nobody, now).await.unwrap());
    assert!(!store.forget(&alice, &nobody, now).await.unwrap());
    let all = Lines { most: 99, ..Lines::default() };
    let lines = store.lines(&all).await.unwrap();
    assert!(lines.iter().all(|line| line.event.subject == nobody && line.key.is_none()));
    let resource = resource(Aggregate::Sum);
    let users = store.users(&resource, now, Page::first(9)).await.unwrap();
    assert_eq!(users.iter().map(|it| &it.subject).collect::<Vec<_>>(), [&nobody]);
    assert!(users[0].counters.contains(&("all".to_owned(), Amount::new(7))));
    let top = store.top(&resource, Aggregate::Sum, &Bucket::all(), None, 9).await.unwrap();
    assert_eq!(top, [Charged { subject: nobody, used: Amount::new(7) }]);
    assert_eq!(store.subjects("@a", Page::first(9)).await.unwrap(), []);
}

#[tokio::test]
async fn a_ledger_survives_being_taken_elsewhere() {
    let mut world = World::new().await;
    for amount in [5, 3] {
        let verb = Verb::Record(amount);
        let step = Step { who: "alice", aggregate: Aggregate::Sum, ago: 60, verb };
        world.take(step).await;
    }
    world.now = world.now.after(Duration::from_hours(24 * 90));
    let month_ago = world.now.before(Duration::from_hours(24 * 31));
    assert_eq!(world.store.prune(month_ago, world.now).await.unwrap().lines, 2);
    world.take(Step { who: "bob", aggregate: Aggregate::Sum, ago: 0, verb: Verb::Record(2) }).await;
    let all = Lines { most: 99, ..Lines::default() };
    let lines = world.store.lines(&all).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), [3]);
    let balances = world.store.balances().await.unwrap();
    let before = world.readings("alice", Aggregate::Sum).await;
    let ledger = Some(Ledger { balances, lines });
    let mut elsewhere = World::new().await;
    elsewhere.now = world.now;
    let seen = elsewhere.store.policy().await.unwrap().version;
    let import = Import { ledger, ..Import::default() };
    let version = elsewhere.store.import(import.clone(), seen).await.unwrap();
    assert!(version > seen);
    assert!(matches!(elsewhere.store.import(import, seen).await, Err(StoreError::Conflict(_))));
    assert_eq!(elsewhere.readings("alice", Aggregate::Sum).await, before);
    assert_eq!(before[5].used.get(), 10, "of everyone, ever");
}
