//! S19: counters are made to equal the ledger, and where they did not is told.

use crate::quota::{Aggregate, Amount};
use crate::store::{Opened, Store};

use super::history::*;
use crate::conformance::words::*;

clauses!(honest_books_have_no_drift, opened_buckets_are_named,);

async fn honest_books_have_no_drift(store: &dyn Store) {
    long_history(store).await;
    for name in ["a", "b", "a"] {
        consumed(store, &now_planned(store, room(alice(), end(), name)).await).await;
    }
    let plan = now_planned(store, everything(alice(), end(), 4)).await;
    let id = granted(store, &plan).await;
    store.settle(id, Amount::new(9), None, end()).await.unwrap().unwrap();
    store.reset(&plan, Some(&plan.items[0].bounds[1].bucket), end()).await.unwrap().unwrap();
    let before = look(store, &[alice(), bob()]).await;
    assert!(store.opened().await.unwrap().len() > 10);
    assert_eq!(drifts(store, true).await, []);
    assert_eq!(drifts(store, false).await, []);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
}

async fn opened_buckets_are_named(store: &dyn Store) {
    let plan = wants(1, &["any/month", "any/rolling 30d", "any/7d", "any/day per server"]);
    recorded(store, &plan).await;
    let opened = store.opened().await.unwrap();
    for bound in &plan.items[0].bounds {
        let find = |it: &&Opened| {
            let same = (&it.resource, it.per, &it.bucket.key);
            same == (&media(), bound.per, &bound.bucket.key)
        };
        let found = opened.iter().find(find);
        let found = found.unwrap_or_else(|| panic!("{} is not in {opened:?}", bound.bucket));
        assert_eq!(found.aggregate, Aggregate::Sum);
    }
    // A bucket that is only read is not opened.
    reads(store, &wants(0, &["any/quarter"])).await;
    assert_eq!(store.opened().await.unwrap().len(), opened.len());
}
