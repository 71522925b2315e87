//! S10: the same key again changes nothing; for something else it is a conflict.

use crate::quota::Period;
use crate::store::{Store, StoreError};

use crate::conformance::crowd::at_once;
use crate::conformance::words::*;

clauses!(
    a_replayed_key_changes_nothing,
    a_replay_tells_what_is_there_now,
    a_key_for_something_else_is_a_conflict,
    a_key_belongs_to_its_subject,
    of_many_calls_with_one_key_one_counts,
);

const MONTH: Cap = (Period::Month, None);

async fn a_replayed_key_changes_nothing(store: &dyn Store) {
    let plan = asks(MB, &[MONTH]);
    let first = store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap();
    let again = store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.readings, again.readings);
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
}

async fn a_replay_tells_what_is_there_now(store: &dyn Store) {
    let plan = asks(MB, &[MONTH]);
    store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap();
    recorded(store, &plan).await;
    let again = store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap();
    assert_eq!(figures(again.readings[0][0]), (2 * MB, 0));
}

async fn a_key_for_something_else_is_a_conflict(store: &dyn Store) {
    store.record(&asks(MB, &[MONTH]), Some(key("k", MB)), noon()).await.unwrap().unwrap();
    let other = store.record(&asks(2 * MB, &[MONTH]), Some(key("k", 2 * MB)), noon()).await;
    assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
}

async fn a_key_belongs_to_its_subject(store: &dyn Store) {
    for subject in [alice(), bob()] {
        let plan = by(subject, asks(MB, &[MONTH]));
        let recorded = store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap();
        assert!(!recorded.replayed);
    }
    assert_eq!(usage(store, bob(), Period::Month).await, (MB, 0));
}

async fn of_many_calls_with_one_key_one_counts(store: &dyn Store) {
    let recorded = at_once(16, store, async |_, store| {
        let plan = asks(MB, &[MONTH]);
        store.record(&plan, Some(key("k", MB)), noon()).await.unwrap().unwrap()
    });
    assert_eq!(recorded.iter().filter(|one| !one.replayed).count(), 1);
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
}
