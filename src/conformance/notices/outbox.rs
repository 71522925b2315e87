//! S18, S19: notices wait in order, each target is told from its place on, and old ones go.

use std::time::Duration;

use crate::store::Store;

use super::*;

clauses!(
    notices_come_in_order_page_by_page,
    a_target_is_told_from_when_it_was_first_seen,
    what_a_target_was_told_never_goes_back,
    old_notices_go_and_no_id_comes_twice,
);

async fn notices_come_in_order_page_by_page(store: &dyn Store) {
    for _ in 0..7 {
        recorded(store, &wants(1, &["0/month soft warn none"])).await;
    }
    let whole = all(store).await;
    assert_eq!(whole.len(), 8);
    let (mut found, mut seen) = (Vec::new(), 0);
    loop {
        let page = store.notices(seen, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        seen = last.id;
        found.extend(page);
    }
    assert_eq!(found, whole);
    assert!(found.windows(2).all(|pair| pair[0].id < pair[1].id));
}

async fn a_target_is_told_from_when_it_was_first_seen(store: &dyn Store) {
    let charge = || async { recorded(store, &wants(1, &["0/month soft warn none"])).await };
    assert_eq!(store.told("early").await.unwrap(), 0);
    charge().await;
    let newest = all(store).await.pop().unwrap().id;
    assert_eq!(store.told("late").await.unwrap(), newest);
    charge().await;
    assert_eq!(store.told("late").await.unwrap(), newest);
    assert_eq!(store.told("early").await.unwrap(), 0);
}

async fn what_a_target_was_told_never_goes_back(store: &dyn Store) {
    for _ in 0..4 {
        recorded(store, &wants(1, &["0/month soft warn none"])).await;
    }
    for target in ["a", "b"] {
        store.tell(target, 2).await.unwrap();
    }
    store.tell("a", 4).await.unwrap();
    store.tell("a", 3).await.unwrap();
    assert_eq!(store.told("a").await.unwrap(), 4);
    assert_eq!(store.told("b").await.unwrap(), 2);
}

/// S19.
async fn old_notices_go_and_no_id_comes_twice(store: &dyn Store) {
    let charge = async |days: u32| {
        let at = noon().after(days * Duration::from_hours(24));
        recorded(store, &wants_at(at, 8, &["10/day"])).await;
    };
    charge(0).await;
    store.tell("slow", 1).await.unwrap();
    for days in 1..4 {
        charge(days).await;
    }
    store.tell("quick", 4).await.unwrap();
    let before = all(store).await;
    let ids = async || all(store).await.iter().map(|notice| notice.id).collect::<Vec<_>>();
    assert_eq!(ids().await, [1, 2, 3, 4]);
    let moment = noon().after(Duration::from_hours(48));
    store.prune(moment, moment).await.unwrap();
    assert_eq!(all(store).await, before[2..]);
    let now = noon().after(Duration::from_hours(240));
    store.prune(now, now).await.unwrap();
    assert_eq!(all(store).await, before[3..], "the newest stays");
    charge(12).await;
    assert_eq!(ids().await, [4, 5]);
    // Who was told less goes on with what is left, and nobody is told anything twice.
    let next = async |target| {
        let told = store.told(target).await.unwrap();
        store.notices(told, 9).await.unwrap().first().map(|notice| notice.id)
    };
    assert_eq!(
        (next("slow").await, next("quick").await, next("new").await),
        (Some(4), Some(5), None)
    );
}
