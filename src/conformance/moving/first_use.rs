//! S17: a window of first use opens with the first charge after its end.

use crate::quota::{Amount, Bucket};
use crate::store::Store;

use super::*;

clauses!(
    a_first_use_opens_the_window_and_its_end_closes_it,
    the_next_use_opens_it_anew,
    each_account_opens_its_own,
    a_late_charge_opens_nothing_behind_an_open_one,
    a_reservation_before_the_first_use_holds_room_and_opens_nothing,
    reservations_before_the_first_use_share_the_stretch_they_may_open,
    a_moment_before_the_first_use_reads_nothing,
    a_reset_leaves_the_window_open,
    a_first_use_before_the_window_was_asked_for_opened_it,
);

async fn a_first_use_opens_the_window_and_its_end_closes_it(store: &dyn Store) {
    let window = "10/30d";
    let before = one(store, noon(), window).await;
    assert_eq!((figures(before), before.since), ((0, 0), None));
    consumed(store, &wants(10, &[window])).await;
    let end = moment("2026-07-18");
    for at in [noon(), moment("2026-06-18"), moment("2026-07-01"), end.before(MS)] {
        let reading = one(store, at, window).await;
        assert_eq!(
            (figures(reading), reading.since),
            ((10, 0), Some(moment("2026-06-18"))),
            "{at}"
        );
        assert!(!fits(store, &wants_at(at, 1, &[window]), at).await);
    }
    let after = one(store, end, window).await;
    assert_eq!((figures(after), after.since), ((0, 0), None));
    assert!(fits(store, &wants_at(end, 10, &[window]), end).await);
}

async fn the_next_use_opens_it_anew(store: &dyn Store) {
    let window = "any/30d";
    recorded(store, &wants(10, &[window])).await;
    let next = moment("2026-07-25T09:00:00Z");
    recorded(store, &wants_at(next, 3, &[window])).await;
    let reading = one(store, next, window).await;
    assert_eq!((figures(reading), reading.since), ((3, 0), Some(moment("2026-07-25"))));
    recorded(store, &wants_at(moment("2026-08-23T23:59:59Z"), 4, &[window])).await;
    assert_eq!(count(store, next, window).await, 7);
    let third = moment("2026-08-24");
    recorded(store, &wants_at(third, 5, &[window])).await;
    assert_eq!(count(store, third, window).await, 5);
}

/// S15.
async fn each_account_opens_its_own(store: &dyn Store) {
    let windows_asked = ["any/7d", "any/7d per group", "any/7d per server"];
    let days = |days: u32| noon().after(days * DAY);
    recorded(store, &wants_at(days(0), 1, &windows_asked)).await;
    recorded(store, &within("free", wants_at(days(2), 2, &windows_asked))).await;
    recorded(store, &within("free", by(bob(), wants_at(days(4), 4, &windows_asked)))).await;
    let read = async |subject, at| {
        let plan = within("free", by(subject, wants_at(at, 0, &windows_asked)));
        let readings = windows(store, &plan).await;
        readings[..3].iter().map(|it| (it.used.get(), it.since)).collect::<Vec<_>>()
    };
    let (mine, free) = ((3, Some(moment("2026-06-18"))), (6, Some(moment("2026-06-20"))));
    assert_eq!(read(alice(), days(5)).await, [mine, free, (7, Some(moment("2026-06-18")))]);
    let bobs = (4, Some(moment("2026-06-22")));
    assert_eq!(read(bob(), days(5)).await, [bobs, free, (7, Some(moment("2026-06-18")))]);
    assert_eq!(read(bob(), days(8)).await, [bobs, free, (0, None)]);
    assert_eq!(read(alice(), days(9)).await, [(0, None), (0, None), (0, None)]);
}

async fn a_late_charge_opens_nothing_behind_an_open_one(store: &dyn Store) {
    for window in ["any/30d", "any/10d"] {
        let asked: &[&str] = if window == "any/30d" { &[window] } else { &[] };
        recorded(store, &wants(1, asked)).await;
        let late = wants_at(moment("2026-06-10"), 10, asked);
        store.record(&late, None, noon()).await.unwrap().unwrap();
    }
    for window in ["any/30d", "any/10d"] {
        let reading = one(store, noon(), window).await;
        assert_eq!(
            (figures(reading), reading.since),
            ((2, 0), Some(moment("2026-06-18"))),
            "{window}"
        );
    }
}

/// S5.
async fn a_reservation_before_the_first_use_holds_room_and_opens_nothing(store: &dyn Store) {
    let window = "10/30d";
    let id = granted(store, &wants(6, &[window])).await;
    let reading = one(store, noon(), window).await;
    assert_eq!((figures(reading), reading.since), ((0, 6), None));
    assert!(!fits(store, &wants(5, &[window]), noon()).await);
    granted(store, &wants(4, &[window])).await;
    store.settle(id, Amount::new(5), None, noon().after(3 * DAY)).await.unwrap().unwrap();
    let reading = one(store, noon().after(3 * DAY), window).await;
    assert_eq!((figures(reading), reading.since), ((5, 4), Some(moment("2026-06-18"))));
}

/// S2, S5.
async fn reservations_before_the_first_use_share_the_stretch_they_may_open(store: &dyn Store) {
    let (window, pool) = ("10/30d", "10/30d per server");
    let after = |days: u32, amount| wants_at(noon().after(days * DAY), amount, &[window]);
    let id = granted(store, &after(0, 6)).await;
    for days in [5, 29] {
        assert_eq!(reads(store, &after(days, 0)).await, (0, 6), "after {days} days");
        assert!(!fits(store, &after(days, 5), noon()).await);
        let shared = by(bob(), wants_at(noon().after(days * DAY), 5, &[pool]));
        assert!(!fits(store, &shared, noon()).await);
    }
    let other = granted(store, &after(5, 4)).await;
    // A stretch that began on the fifth day would still be open.
    assert_eq!(reads(store, &after(30, 0)).await, (0, 4));
    assert_eq!(reads(store, &after(35, 0)).await, (0, 0));
    // They are asked for by turns, whichever comes first.
    assert_eq!(reads(store, &after(0, 0)).await, (0, 10));
    store.settle(other, Amount::new(4), None, noon()).await.unwrap().unwrap();
    // Now it is known where it began, and what was before is not in it.
    let reading = one(store, noon().after(30 * DAY), window).await;
    assert_eq!((figures(reading), reading.since), ((4, 0), Some(moment("2026-06-23"))));
    store.settle(id, Amount::new(6), None, noon()).await.unwrap().unwrap();
    assert_eq!(reads(store, &after(29, 0)).await, (4, 0));
}

async fn a_moment_before_the_first_use_reads_nothing(store: &dyn Store) {
    let window = "any/30d";
    recorded(store, &wants(7, &[window])).await;
    let before = moment("2026-06-17T23:59:59.999Z");
    let reading = one(store, before, window).await;
    assert_eq!((figures(reading), reading.since), ((0, 0), None));
}

async fn a_reset_leaves_the_window_open(store: &dyn Store) {
    let window = "any/30d";
    recorded(store, &wants(7, &[window])).await;
    let later = noon().after(3 * DAY);
    let bucket: Bucket = bound(later, window).bucket;
    for bucket in [None, Some(&bucket)] {
        store.reset(&wants_at(later, 0, &[window]), bucket, later).await.unwrap().unwrap();
        let reading = one(store, later, window).await;
        assert_eq!((figures(reading), reading.since), ((0, 0), Some(moment("2026-06-18"))));
        recorded(store, &wants_at(later, 2, &[window])).await;
        assert_eq!(count(store, noon(), window).await, 2);
    }
}

/// S11.
async fn a_first_use_before_the_window_was_asked_for_opened_it(store: &dyn Store) {
    for day in [0, 3, 6, 8] {
        recorded(store, &wants_at(noon().after(day * DAY), 1, &[])).await;
    }
    let at = noon().after(9 * DAY);
    for _ in 0..2 {
        let reading = one(store, at, "any/7d").await;
        assert_eq!((figures(reading), reading.since), ((1, 0), Some(moment("2026-06-26"))));
        let reading = one(store, at, "any/30d").await;
        assert_eq!((figures(reading), reading.since), ((4, 0), Some(moment("2026-06-18"))));
        granted(store, &wants_at(at, 0, &["any/7d", "any/30d"])).await;
    }
    recorded(store, &wants_at(at, 1, &[])).await;
    assert_eq!((count(store, at, "any/7d").await, count(store, at, "any/30d").await), (2, 5));
}
