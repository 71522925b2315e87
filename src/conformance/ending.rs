//! S12 among several processes: what becomes of what a process held when it ends without a word.

use std::sync::Arc;
use std::time::Duration;

use super::clause::Bench;
use super::sharing::two;
use super::words::*;
use crate::clock::Timestamp;
use crate::quota::held::{HoldId, Instance, Life, State};
use crate::quota::{Amount, Period};
use crate::store::{Admission, INSTANCE_LEASE, Store, StoreError};

clauses!(of several:
    a_killed_process_loses_what_it_held_when_its_lease_is_over,
    a_new_process_ends_what_a_dead_one_held_and_nothing_of_the_living,
    a_named_instance_is_taken_over_from_its_former_self_only,
    an_instance_that_was_idle_for_long_is_known_again_when_it_comes_back,
);

/// How long the end of a process may take to be known, where nothing but its connection tells.
const PATIENCE: Duration = Duration::from_secs(10);

fn lease_over() -> Timestamp {
    noon().after(INSTANCE_LEASE)
}

async fn held_by(store: &dyn Store, instance: &Instance) -> HoldId {
    held_by_at(store, instance, noon()).await
}

async fn held_by_at(store: &dyn Store, instance: &Instance, now: Timestamp) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::While(instance.clone());
    let admission = store.reserve(&asks(4 * MB, &[MONTH_10MB]), id, life, now).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)), "{admission:?}");
    id
}

async fn state(store: &dyn Store, id: HoldId) -> State {
    store.held(id).await.unwrap().unwrap().state
}

/// Ends the process that has `handle`, without a word.
fn kill(handle: Arc<dyn Store>) {
    drop(handle);
}

async fn a_killed_process_loses_what_it_held_when_its_lease_is_over(bench: &Bench) {
    let ([first, second], dead) = (two(bench), Instance::fresh());
    first.join(&dead, noon()).await.unwrap();
    let id = held_by(first.as_ref(), &dead).await;
    kill(first);
    assert_eq!(usage(second.as_ref(), alice(), Period::Month).await, (0, 4 * MB));
    let whole = asks(10 * MB, &[MONTH_10MB]);
    let taken = second.reserve(&whole, HoldId::fresh(), long(), lease_over()).await.unwrap();
    assert!(matches!(taken, Admission::Granted(_)), "{taken:?}");
    assert_eq!(state(second.as_ref(), id).await, State::Lapsed);
    // It was charged after all.
    let settled = second.settle(id, Amount::new(MB), None, lease_over()).await.unwrap().unwrap();
    assert!(settled.late);
    assert_eq!(usage(second.as_ref(), alice(), Period::Month).await, (MB, 10 * MB));
}

async fn a_new_process_ends_what_a_dead_one_held_and_nothing_of_the_living(bench: &Bench) {
    let ([first, second], third) = (two(bench), bench.open());
    let (dead, alive, new) = (Instance::fresh(), Instance::fresh(), Instance::fresh());
    first.join(&dead, noon()).await.unwrap();
    second.join(&alive, noon()).await.unwrap();
    let lost = held_by(first.as_ref(), &dead).await;
    let kept = held_by(second.as_ref(), &alive).await;
    let api = granted(second.as_ref(), &asks(MB, &[MONTH_10MB])).await;
    kill(first);
    second.beat(&alive, lease_over().before(Duration::from_secs(1))).await.unwrap();
    assert_eq!(third.join(&new, lease_over()).await.unwrap(), 1);
    assert_eq!(state(third.as_ref(), lost).await, State::Lapsed);
    for id in [kept, api] {
        assert_eq!(state(third.as_ref(), id).await, State::Open);
    }
    assert_eq!(third.join(&Instance::fresh(), lease_over()).await.unwrap(), 0);
}

async fn a_named_instance_is_taken_over_from_its_former_self_only(bench: &Bench) {
    let ([first, second], a) = (two(bench), Instance::named("a/ä"));
    first.join(&a, noon()).await.unwrap();
    let id = held_by(first.as_ref(), &a).await;
    let error = second.join(&a, noon()).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    assert!(error.to_string().contains("already running"), "{error}");
    assert_eq!(state(second.as_ref(), id).await, State::Open);
    kill(first);
    assert_eq!(joined_at_last(second.as_ref(), &a, noon()).await, 1);
    assert_eq!(state(second.as_ref(), id).await, State::Lapsed);
    // It is that one now.
    held_by(second.as_ref(), &a).await;
    second.leave(&a, noon()).await.unwrap();
    bench.open().join(&a, noon()).await.unwrap();
}

async fn an_instance_that_was_idle_for_long_is_known_again_when_it_comes_back(bench: &Bench) {
    let ([first, second], a) = (two(bench), Instance::named("a"));
    first.join(&a, noon()).await.unwrap();
    // Others take it for gone; it goes on.
    second.join(&Instance::fresh(), lease_over()).await.unwrap();
    let id = held_by_at(first.as_ref(), &a, lease_over()).await;
    kill(first);
    assert_eq!(joined_at_last(second.as_ref(), &a, lease_over()).await, 1);
    assert_eq!(state(second.as_ref(), id).await, State::Lapsed);
}

/// Joins as `instance` as soon as its former process is known to be gone; long before its lease is
/// over.
async fn joined_at_last(store: &dyn Store, instance: &Instance, now: Timestamp) -> usize {
    let trying = async {
        loop {
            match store.join(instance, now).await {
                Err(StoreError::Conflict(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                joined => return joined.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.expect("its former process is gone")
}
