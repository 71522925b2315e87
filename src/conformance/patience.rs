//! S14: calls whose answer nobody waited for.

use std::time::Duration;

use crate::quota::held::HoldId;
use crate::quota::{Amount, Period};
use crate::store::{Store, StoreError};

use crate::conformance::words::*;

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
