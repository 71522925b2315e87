//! S14: calls whose answer nobody waited for.

use std::sync::Arc;
use std::time::Duration;

use metergate::clock::Manual;
use metergate::engine::{Ask, Engine, EngineError};
use metergate::quota::held::HoldId;
use metergate::quota::{Amount, Period};
use metergate::store::sqlite::Sqlite;
use metergate::store::{Store, StoreError, Timed};
use rusqlite::Connection;

use crate::words::*;

clauses!(
    a_reservation_given_up_is_given_back_by_a_later_release,
    a_settlement_given_up_is_taken_back_by_a_later_release_or_refund,
);

/// Makes a call, and leaves at once.
async fn begun<T>(call: impl Future<Output = T>) {
    let _ = tokio::time::timeout(Duration::ZERO, call).await;
}

async fn given_back(store: &dyn Store, id: HoldId) {
    match store.release(id, noon()).await {
        Err(StoreError::Conflict(_)) => _ = store.refund(id, None, noon()).await.unwrap(),
        answer => _ = answer.unwrap(),
    }
}

async fn a_reservation_given_up_is_given_back_by_a_later_release(store: &dyn Store) {
    for _ in 0..50 {
        let (id, plan) = (HoldId::fresh(), asks(MB, &[MONTH_10MB]));
        begun(store.reserve(&plan, id, long(), noon())).await;
        given_back(store, id).await;
    }
    recorded(store, &asks(1, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (1, 0));
}

async fn a_settlement_given_up_is_taken_back_by_a_later_release_or_refund(store: &dyn Store) {
    for _ in 0..50 {
        let id = granted(store, &asks(MB, &[MONTH_10MB])).await;
        begun(store.settle(id, Amount::new(MB), None, noon())).await;
        given_back(store, id).await;
    }
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_given_up_and_what_it_does_late_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metergate.db");
    let store = Arc::new(Sqlite::open(&file).unwrap());
    let timed = Arc::new(Timed::new(store.clone(), Duration::from_millis(100)));
    let engine = Engine::start(timed, Arc::new(Manual::at(noon()))).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reserved = engine.reserve(&alice(), &Ask::upload(Amount::new(MB))).await;
    assert!(matches!(reserved, Err(EngineError::Unavailable(_))), "{reserved:?}");
    other.execute_batch("ROLLBACK").unwrap();
    // Behind the reservation in the queue: now that has happened.
    recorded(store.as_ref(), &asks(1, &[MONTH_10MB])).await;
    while usage(store.as_ref(), alice(), Period::Month).await != (1, 0) {
        tokio::task::yield_now().await;
    }
}
