//! Pools, notices, grace, aggregates, forgetting and import, each by a short story.

use std::time::Duration;

use super::super::*;
use super::world::*;
use crate::quota::Measure;
use crate::quota::notice::Topic;
use crate::quota::plan::Reading;
use crate::quota::strictness::Mode;
use crate::store::Ledger;

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
