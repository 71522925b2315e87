//! S12: whose reservations live, and whose are given back.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::Period;
use crate::quota::held::{HoldId, Instance, Life, State};
use crate::store::{Admission, INSTANCE_LEASE, Store};

use crate::conformance::words::*;

clauses!(
    a_reservation_lives_while_its_instance_does,
    a_beat_renews_the_lease,
    reserving_is_a_sign_of_life,
    growing_is_a_sign_of_life,
    leaving_gives_its_reservations_back,
    leaving_ends_nobody_else,
    joining_ends_no_living_reservation,
    a_lapse_is_seen_by_everyone,
);

fn later(seconds: u64) -> Timestamp {
    noon().after(Duration::from_secs(seconds))
}

fn lease_over() -> Timestamp {
    noon().after(INSTANCE_LEASE)
}

async fn holds(store: &dyn Store, instance: &Instance, now: Timestamp) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::While(instance.clone());
    let admission = store.reserve(&asks(4 * MB, &[MONTH_10MB]), id, life, now).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?}");
    id
}

async fn held_at(store: &dyn Store, now: Timestamp) -> i64 {
    let plan = asks(0, &[MONTH_10MB]);
    let readings = store.read(&plan, now).await.unwrap().unwrap();
    readings[0][0].held.get()
}

async fn a_reservation_lives_while_its_instance_does(store: &dyn Store) {
    let id = holds(store, &Instance::named("a"), noon()).await;
    assert_eq!(held_at(store, lease_over().before(Duration::from_millis(1))).await, 4 * MB);
    assert_eq!(held_at(store, lease_over()).await, 0);
    let settled = store.settle(id, crate::quota::Amount::new(MB), None, lease_over()).await;
    assert!(settled.unwrap().unwrap().late);
}

async fn a_beat_renews_the_lease(store: &dyn Store) {
    let instance = Instance::named("a");
    let id = holds(store, &instance, noon()).await;
    store.beat(&instance, later(9)).await.unwrap();
    assert_eq!(held_at(store, later(18)).await, 4 * MB);
    let more = asks(MB, &[MONTH_10MB]);
    assert!(matches!(store.grow(id, &more, later(18)).await.unwrap(), Admission::Granted(_)));
}

async fn reserving_is_a_sign_of_life(store: &dyn Store) {
    let instance = Instance::named("a");
    holds(store, &instance, noon()).await;
    holds(store, &instance, later(9)).await;
    assert_eq!(held_at(store, later(18)).await, 8 * MB);
    assert_eq!(held_at(store, later(19)).await, 0);
}

async fn growing_is_a_sign_of_life(store: &dyn Store) {
    let id = holds(store, &Instance::named("a"), noon()).await;
    let more = asks(MB, &[MONTH_10MB]);
    assert!(matches!(store.grow(id, &more, later(9)).await.unwrap(), Admission::Granted(_)));
    assert_eq!(held_at(store, later(18)).await, 5 * MB);
}

async fn leaving_gives_its_reservations_back(store: &dyn Store) {
    let instance = Instance::named("a");
    store.join(&instance, noon()).await.unwrap();
    let id = holds(store, &instance, noon()).await;
    store.leave(&instance, noon()).await.unwrap();
    assert_eq!(held_at(store, noon()).await, 0);
    assert_eq!(store.held(id).await.unwrap().unwrap().state, State::Released);
    // It may come back.
    store.join(&instance, later(1)).await.unwrap();
    holds(store, &instance, later(1)).await;
}

async fn leaving_ends_nobody_else(store: &dyn Store) {
    let (a, b) = (Instance::named("a"), Instance::named("b"));
    holds(store, &a, noon()).await;
    let other = holds(store, &b, noon()).await;
    let api = granted(store, &asks(MB, &[MONTH_10MB])).await;
    store.leave(&a, noon()).await.unwrap();
    assert_eq!(held_at(store, noon()).await, 5 * MB);
    for id in [other, api] {
        assert_eq!(store.held(id).await.unwrap().unwrap().state, State::Open);
    }
}

async fn joining_ends_no_living_reservation(store: &dyn Store) {
    let first = Instance::fresh();
    store.join(&first, noon()).await.unwrap();
    holds(store, &first, noon()).await;
    granted(store, &asks(MB, &[MONTH_10MB])).await;
    assert_eq!(store.join(&Instance::fresh(), later(1)).await.unwrap(), 0);
    assert_eq!(store.join(&first, later(2)).await.unwrap(), 0);
    assert_eq!(held_at(store, later(3)).await, 5 * MB);
}

/// S11, S12.
async fn a_lapse_is_seen_by_everyone(store: &dyn Store) {
    let id = holds(store, &Instance::named("gone"), noon()).await;
    let whole = asks(10 * MB, &[MONTH_10MB]);
    let next = store.reserve(&whole, HoldId::fresh(), long(), lease_over()).await.unwrap();
    assert!(matches!(next, Admission::Granted(_)));
    let held = store.held(id).await.unwrap().unwrap();
    assert_eq!(held.state, State::Lapsed);
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 10 * MB));
}
