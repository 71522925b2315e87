//! S19: old lines leave the ledger, and no count of now is another for it.

use std::time::Duration;

use crate::quota::bucket::Shape;
use crate::quota::{Aggregate, Amount, Per};
use crate::store::{Balance, Charged, Opened, Page, Store};

use super::history::*;
use crate::conformance::words::*;

clauses!(
    pruning_changes_no_count_of_now,
    pruning_takes_the_oldest_lines_and_no_others,
    what_was_used_in_all_outlives_its_lines,
    charges_go_on_after_pruning,
    what_members_were_counted_by_stays,
    pruned_books_have_no_drift,
    what_is_not_old_is_not_pruned,
    what_ended_long_ago_is_told_by_what_the_ledger_has,
);

async fn pruning_changes_no_count_of_now(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice(), bob()]).await;
    assert!(pruned(store, end().before(35 * DAY)).await > 0);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
    let top = store.top(&media(), Aggregate::Sum, &crate::quota::Bucket::all(), None, 9).await;
    let top: Vec<_> = top.unwrap().into_iter().map(|one| (one.subject, one.used)).collect();
    assert!(top.contains(&(alice(), before[0][0].last().unwrap().used)), "{top:?}");
}

async fn pruning_takes_the_oldest_lines_and_no_others(store: &dyn Store) {
    long_history(store).await;
    let all = lines(store).await;
    let count = pruned(store, end().before(35 * DAY)).await;
    let left = lines(store).await;
    assert_eq!(left.len() + count, all.len());
    assert_eq!(left, all[count..]);
    // This year is asked for, so it stays; last year nobody can ask for.
    assert!(left[0].event.at >= moment("2026-01-01") || left[0].event.at < moment("2026-01-05"));
    assert!(left.iter().any(|line| line.event.at < end().before(100 * DAY)));
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 0);
}

async fn what_was_used_in_all_outlives_its_lines(store: &dyn Store) {
    declared(store).await;
    let old = end().before(300 * DAY);
    for (subject, amount) in [(alice(), 5), (bob(), 7), (alice(), -9), (alice(), 3)] {
        let plan =
            now_planned(store, within("free", by(subject, wants_at(old, amount, &[])))).await;
        store.record(&plan, None, old).await.unwrap().unwrap();
    }
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 4);
    assert!(lines(store).await.is_empty());
    // The pools were never asked for while there were lines.
    let windows = ["any/never", "any/never per group", "any/never per server", "any/year"];
    let plan = now_planned(store, within("free", wants_at(end(), 0, &windows))).await;
    assert_eq!(used(store, &plan).await, [3, 6, 6, 0]);
    granted(store, &plan).await;
    assert_eq!(used(store, &plan).await, [3, 6, 6, 0]);
    let mut balances = store.balances().await.unwrap();
    balances.sort_by_key(|balance| (balance.per, balance.account.clone()));
    let balance = |per, account: &str, amount| Balance {
        resource: media(),
        per,
        account: account.to_owned(),
        used: Amount::new(amount),
        newest: None,
    };
    let expected = [
        balance(Per::Subject, alice().as_str(), 3),
        balance(Per::Subject, bob().as_str(), 7),
        balance(Per::Group, "free", 6),
        balance(Per::Server, "", 6),
    ];
    assert_eq!(balances, expected);
    let users = store.users(&media(), end(), Page::first(9)).await.unwrap();
    let users: Vec<_> = users.into_iter().map(|usage| usage.subject).collect();
    assert_eq!(users, [alice(), bob()]);
}

async fn charges_go_on_after_pruning(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice()]).await;
    pruned(store, end().before(35 * DAY)).await;
    let plan = now_planned(store, everything(alice(), end(), 100)).await;
    consumed(store, &plan).await;
    let id = consumed(store, &plan).await;
    let after = look(store, &[alice()]).await;
    for (window, (was, is)) in before[0][0].iter().zip(&after[0][0]).enumerate() {
        assert_eq!(is.used.get(), was.used.get() + 200, "window {window}");
    }
    for item in [1, 2] {
        assert!(after[0][item].iter().all(|reading| reading.used.get() == 100));
    }
    store.refund(id, None, end()).await.unwrap().unwrap();
    assert!(look(store, &[alice()]).await[0][2].iter().all(|reading| reading.used.get() == 100));
    store.reset(&plan, None, end()).await.unwrap().unwrap();
    let own = look(store, &[alice()]).await[0][0].clone();
    assert_eq!((own[1].used, own.last().unwrap().used), (Amount::ZERO, Amount::ZERO));
}

async fn what_members_were_counted_by_stays(store: &dyn Store) {
    declared(store).await;
    for (days, name) in [(400_u32, "a"), (300, "b"), (200, "a"), (1, "c")] {
        let at = end().before(days * DAY);
        let plan = now_planned(store, room(alice(), at, name)).await;
        store.record(&plan, None, at).await.unwrap().unwrap();
    }
    let before = look(store, &[alice(), bob()]).await;
    pruned(store, end().before(35 * DAY)).await;
    assert_eq!(look(store, &[alice(), bob()]).await, before);
    let plan = now_planned(store, room(alice(), end(), "b")).await;
    let readings = store.record(&plan, None, end()).await.unwrap().unwrap().readings;
    let counted: Vec<_> = readings[0].iter().map(|reading| reading.used.get()).collect();
    assert_eq!(counted, [1, 2, 2, 2, 1, 2, 3, 3, 2, 2, 2, 3]);
}

async fn pruned_books_have_no_drift(store: &dyn Store) {
    long_history(store).await;
    let before = look(store, &[alice(), bob()]).await;
    pruned(store, end().before(35 * DAY)).await;
    assert_eq!(drifts(store, false).await, []);
    assert_eq!(look(store, &[alice(), bob()]).await, before);
}

async fn what_is_not_old_is_not_pruned(store: &dyn Store) {
    declared(store).await;
    let long_ago = end().before(100 * DAY);
    // Of long ago, but told today; told long ago, but of today.
    let first = now_planned(store, wants_at(long_ago, 5, &[])).await;
    store.record(&first, None, end()).await.unwrap().unwrap();
    let second = now_planned(store, wants_at(end(), 7, &[])).await;
    store.record(&second, None, long_ago).await.unwrap().unwrap();
    assert_eq!(pruned(store, end().before(35 * DAY)).await, 0);
    assert_eq!(lines(store).await.len(), 2);
}

async fn what_ended_long_ago_is_told_by_what_the_ledger_has(store: &dyn Store) {
    declared(store).await;
    let windows = ["any/day", "any/month", "any/rolling 12h", "any/rolling 3d per server"];
    let april = moment("2026-04-10T12:00:00Z");
    for (hours, amount) in [(0_u32, 1), (2, 20), (24 * 20 + 1, 300)] {
        let at = april.after(hours * Duration::from_hours(1));
        let plan = now_planned(store, wants_at(at, amount, &windows)).await;
        consumed(store, &plan).await;
    }
    let late = now_planned(store, wants_at(april.after(DAY / 24), 4000, &windows)).await;
    store.record(&late, None, end()).await.unwrap().unwrap();
    assert_eq!(used(store, &late).await, [4021, 4321, 4001, 4001, 4321]);
    assert_eq!(pruned(store, end().before(36 * DAY)).await, 3);
    let opened = store.opened().await.unwrap();
    let lasting = |it: &Opened| it.bucket.shape != Shape::Stretch || it.bucket.contains(end());
    assert!(opened.iter().all(lasting), "{opened:?}");
    for _ in 0..2 {
        assert_eq!(used(store, &late).await, [4000, 4000, 4000, 4000, 4321]);
        let history = store.history(None, &media(), Aggregate::Sum, &[april, end()]).await;
        assert_eq!(history.unwrap(), [Amount::new(4000)]);
        let bucket = &late.items[0].bounds[1].bucket;
        let top = store.top(&media(), Aggregate::Sum, bucket, None, 9).await.unwrap();
        assert_eq!(top, [Charged { subject: alice(), used: Amount::new(4000) }]);
        assert_eq!(drifts(store, false).await, []);
        granted(store, &late).await;
    }
    assert_eq!(used(store, &now_planned(store, wants_at(end(), 0, &windows)).await).await[4], 4321);
}
