//! S3: what is done with what does not fit: denied, let in for a while or up to a ceiling, or only
//! looked at; and how much must fit.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::plan::Plan;
use crate::store::{Admission, Store};

use crate::conformance::words::*;

clauses!(
    a_soft_window_lets_in_what_is_past_it,
    a_ceiling_is_the_end_of_it,
    what_is_set_aside_counts_to_the_ceiling,
    a_hard_window_beside_a_soft_one_denies,
    the_clock_starts_at_the_first_charge_past_the_limit,
    the_clock_stops_when_the_count_falls_back,
    the_clock_starts_anew_where_a_rolling_window_fell_back_by_itself,
    the_clock_shows_nothing_under_a_higher_limit,
    the_clock_starts_with_a_settlement_and_stops_with_a_refund,
    reservations_start_no_clock,
    each_bucket_has_a_clock_of_its_own,
    a_pool_has_one_clock_for_all,
    observing_denies_nothing,
    trailing_lets_in_whoever_has_any_room,
    trailing_goes_on_freely_once_it_began,
);

const DAY: Duration = Duration::from_hours(24);

async fn over_since(store: &dyn Store, plan: &Plan, now: Timestamp) -> Option<Timestamp> {
    windows_at(store, plan, now).await[0].over_since
}

async fn a_soft_window_lets_in_what_is_past_it(store: &dyn Store) {
    let soft = |amount| wants(amount, &["10/month soft"]);
    consumed(store, &soft(8)).await;
    granted(store, &soft(9)).await;
    consumed(store, &soft(70)).await;
    assert_eq!(reads(store, &soft(0)).await, (78, 9));
}

async fn a_ceiling_is_the_end_of_it(store: &dyn Store) {
    let soft = |amount| wants(amount, &["10/month soft ceiling 20"]);
    consumed(store, &soft(15)).await;
    assert!(!fits(store, &soft(6), noon()).await);
    consumed(store, &soft(5)).await;
    assert!(!fits(store, &soft(1), noon()).await);
    assert!(fits(store, &soft(0), noon()).await);
    assert_eq!(reads(store, &soft(0)).await, (20, 0));
}

async fn what_is_set_aside_counts_to_the_ceiling(store: &dyn Store) {
    let soft = |amount| wants(amount, &["10/month soft ceiling 20"]);
    granted(store, &soft(8)).await;
    let id = granted(store, &soft(8)).await;
    assert!(!fits(store, &soft(5), noon()).await);
    let grown = store.grow(id, &soft(5), noon()).await.unwrap();
    assert!(matches!(grown, Admission::Denied(_)), "{grown:?}");
    let grown = store.grow(id, &soft(4), noon()).await.unwrap();
    assert!(matches!(grown, Admission::Granted(_)), "{grown:?}");
}

async fn a_hard_window_beside_a_soft_one_denies(store: &dyn Store) {
    let plan = |amount| {
        wants(amount, &["10/month soft", "30/month per server", "2/month observe", "15/day"])
    };
    consumed(store, &plan(12)).await;
    assert!(!fits(store, &plan(4), noon()).await);
    assert_eq!(used(store, &plan(0)).await, [12; 5]);
    consumed(store, &plan(3)).await;
}

async fn the_clock_starts_at_the_first_charge_past_the_limit(store: &dyn Store) {
    let soft = |at, amount| wants_at(at, amount, &["10/month soft grace 7d"]);
    consumed(store, &soft(noon(), 10)).await;
    assert_eq!(over_since(store, &soft(noon(), 0), noon()).await, None);
    let first = noon().after(DAY);
    consumed(store, &soft(first, 1)).await;
    recorded(store, &soft(first.after(DAY), 5)).await;
    let end = first.after(7 * DAY);
    for now in [first, end.before(Duration::from_millis(1)), end] {
        assert_eq!(over_since(store, &soft(now, 0), now).await, Some(first));
    }
    let just_before = end.before(Duration::from_millis(1));
    assert!(fits(store, &soft(just_before, 99), just_before).await);
    assert!(!fits(store, &soft(end, 1), end).await);
    // A fact is recorded all the same, and what is given back is taken.
    recorded(store, &soft(end, 1)).await;
    assert_eq!(over_since(store, &soft(end, 0), end).await, Some(first));
    consumed(store, &soft(end, -1)).await;
}

async fn the_clock_stops_when_the_count_falls_back(store: &dyn Store) {
    let soft = |at, amount| wants_at(at, amount, &["10/month soft grace 7d"]);
    recorded(store, &soft(noon(), 15)).await;
    recorded(store, &soft(noon(), -4)).await;
    assert_eq!(over_since(store, &soft(noon(), 0), noon()).await, Some(noon()));
    recorded(store, &soft(noon(), -1)).await;
    assert_eq!(over_since(store, &soft(noon(), 0), noon()).await, None);
    let again = noon().after(3 * DAY);
    recorded(store, &soft(again, 1)).await;
    assert_eq!(over_since(store, &soft(again, 0), again).await, Some(again));
    store.reset(&soft(again, 0), None, again).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(again, 0), again).await, None);
    store.set(&soft(again, 30), 0, again).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(again, 0), again).await, Some(again));
    store.set(&soft(again, 3), 0, again).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(again, 0), again).await, None);
}

/// S17.
async fn the_clock_starts_anew_where_a_rolling_window_fell_back_by_itself(store: &dyn Store) {
    let both = ["10/rolling 12h soft grace 1d", "10/rolling 12h soft grace 1d per server"];
    let soft = |at, amount| wants_at(at, amount, &both);
    let hours = |count: u32| noon().after(count * Duration::from_hours(1));
    let clocks = async |at| {
        let readings = windows(store, &soft(at, 0)).await;
        assert_eq!(readings[0].over_since, readings[1].over_since);
        readings[0].over_since
    };
    recorded(store, &soft(hours(0), 11)).await;
    recorded(store, &soft(hours(6), 10)).await;
    assert_eq!(clocks(hours(11)).await, Some(hours(0)));
    // The first charge has left it.
    assert_eq!(clocks(hours(12)).await, None);
    recorded(store, &soft(hours(13), 1)).await;
    recorded(store, &soft(hours(14), 1)).await;
    assert_eq!(clocks(hours(14)).await, Some(hours(13)));
    recorded(store, &soft(hours(17), 10)).await;
    // One day since the first time it was past, but not since it is.
    let late = hours(24);
    assert_eq!(clocks(late).await, Some(hours(13)));
    assert!(fits(store, &soft(late, 5), late).await);
}

async fn the_clock_shows_nothing_under_a_higher_limit(store: &dyn Store) {
    let soft = |at, amount| wants_at(at, amount, &["10/month soft grace 7d"]);
    let raised = |at, amount| wants_at(at, amount, &["20/month soft grace 7d"]);
    recorded(store, &soft(noon(), 15)).await;
    assert_eq!(over_since(store, &raised(noon(), 0), noon()).await, None);
    let later = noon().after(DAY);
    recorded(store, &raised(later, 1)).await;
    assert_eq!(over_since(store, &raised(later, 0), later).await, None);
    // The lower one was first passed when it was, and has been ever since.
    assert_eq!(over_since(store, &soft(later, 0), later).await, Some(noon()));
    recorded(store, &soft(later, 1)).await;
    assert_eq!(over_since(store, &soft(later, 0), later).await, Some(noon()));
}

/// S6, S8.
async fn the_clock_starts_with_a_settlement_and_stops_with_a_refund(store: &dyn Store) {
    let soft = |amount| wants(amount, &["10/month soft grace 7d"]);
    let id = granted(store, &soft(2)).await;
    let later = noon().after(DAY);
    let watched = soft(0);
    store.settle(id, Amount::new(11), Some(&watched), later).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(0), later).await, Some(later));
    store.refund(id, Some(&watched), later.after(DAY)).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(0), later).await, None);
}

async fn reservations_start_no_clock(store: &dyn Store) {
    let soft = |amount| wants(amount, &["10/month soft grace 1d"]);
    let id = granted(store, &soft(50)).await;
    assert_eq!(over_since(store, &soft(0), noon()).await, None);
    store.release(id, noon()).await.unwrap().unwrap();
    assert_eq!(over_since(store, &soft(0), noon()).await, None);
}

async fn each_bucket_has_a_clock_of_its_own(store: &dyn Store) {
    let soft =
        |at, amount| wants_at(at, amount, &["10/day soft grace 1h", "20/month soft grace 1h"]);
    let clocks = async |at| {
        let readings = windows(store, &soft(at, 0)).await;
        [readings[0].over_since, readings[1].over_since]
    };
    recorded(store, &soft(noon(), 15)).await;
    assert_eq!(clocks(noon()).await, [Some(noon()), None]);
    let next = noon().after(DAY);
    assert_eq!(clocks(next).await, [None, None]);
    assert!(fits(store, &soft(next, 12), next).await);
    recorded(store, &soft(next, 12)).await;
    assert_eq!(clocks(next).await, [Some(next), Some(next)]);
    assert_eq!(over_since(store, &by(bob(), soft(next, 0)), next).await, None);
}

/// S15.
async fn a_pool_has_one_clock_for_all(store: &dyn Store) {
    let soft =
        |at, amount| within("free", wants_at(at, amount, &["10/month soft grace 7d per group"]));
    recorded(store, &soft(noon(), 8)).await;
    let later = noon().after(DAY);
    recorded(store, &by(bob(), soft(later, 8))).await;
    for subject in [alice(), bob()] {
        assert_eq!(over_since(store, &by(subject, soft(later, 0)), later).await, Some(later));
    }
    let end = later.after(7 * DAY);
    assert!(!fits(store, &soft(end, 1), end).await);
    assert!(fits(store, &within("gold", soft(end, 1)), end).await);
}

async fn observing_denies_nothing(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month observe"]);
    consumed(store, &plan(100)).await;
    granted(store, &plan(100)).await;
    assert_eq!(reads(store, &plan(0)).await, (100, 100));
}

async fn trailing_lets_in_whoever_has_any_room(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month trailing"]);
    consumed(store, &plan(9)).await;
    let id = granted(store, &plan(50)).await;
    // What that one holds leaves no room for anyone else.
    assert!(!fits(store, &plan(1), noon()).await);
    store.settle(id, Amount::new(50), None, noon()).await.unwrap().unwrap();
    assert!(!fits(store, &plan(1), noon()).await);
    assert_eq!(reads(store, &plan(0)).await, (59, 0));
}

/// S9.
async fn trailing_goes_on_freely_once_it_began(store: &dyn Store) {
    let more = |amount| Plan { growing: true, ..wants(amount, &["10/month trailing", "100/day"]) };
    let id = granted(store, &wants(9, &["10/month trailing", "100/day"])).await;
    let grown = store.grow(id, &more(50), noon()).await.unwrap();
    assert!(matches!(grown, Admission::Granted(_)), "{grown:?}");
    let denied = store.grow(id, &more(50), noon()).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)), "{denied:?}");
    let strict = Plan { growing: true, ..wants(1, &["10/month"]) };
    let denied = store.grow(id, &strict, noon()).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)), "{denied:?}");
    assert_eq!(store.held(id).await.unwrap().unwrap().items[0].amount.get(), 59);
    assert!(!fits(store, &wants(1, &["10/month trailing"]), noon()).await);
}
