//! S1 … S5, S9: who is let in, and that a no leaves no trace.

use crate::quota::held::HoldId;
use crate::quota::{Amount, Period};
use crate::store::{Admission, Store};

use crate::conformance::crowd::at_once;
use crate::conformance::words::*;

clauses!(
    exactly_as_many_as_fit_are_let_in,
    a_denied_reservation_changes_nothing,
    every_window_must_fit,
    several_resources_are_all_or_nothing,
    the_exact_limit_fits,
    a_subject_has_room_of_its_own,
    open_reservations_count_until_they_end,
    growing_decides_for_the_addition_alone,
    growing_may_add_a_resource,
    a_decision_reads_what_was_before_it,
    a_repeated_reservation_holds_once,
    a_reservation_of_nothing_is_one_all_the_same,
    a_sum_past_64_bits_is_refused_and_changes_nothing,
);

const BOTH: [Cap; 2] = [MONTH_10MB, (Period::Day, Some(20 * MB))];

/// S2.
async fn exactly_as_many_as_fit_are_let_in(store: &dyn Store) {
    let admissions = at_once(64, store, async |_, store| {
        let plan = asks(MB, &BOTH);
        store.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap()
    });
    let granted = admissions.iter().filter(|one| matches!(one, Admission::Granted(_))).count();
    assert_eq!(granted, 10);
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 10 * MB));
    assert_eq!(usage(store, alice(), Period::Day).await, (0, 10 * MB));
    assert_eq!(usage(store, alice(), Period::Never).await, (0, 10 * MB));
}

/// S2.
async fn a_denied_reservation_changes_nothing(store: &dyn Store) {
    charged(store, &asks(7 * MB, &BOTH), 7 * MB).await;
    let id = HoldId::fresh();
    let denied = store.reserve(&asks(4 * MB, &BOTH), id, long(), noon()).await.unwrap();
    let Admission::Denied(readings) = denied else { panic!("{denied:?}") };
    assert_eq!(figures(readings[0][0]), (7 * MB, 0));
    assert_eq!(store.held(id).await.unwrap(), None);
    for period in Period::CALENDAR {
        assert_eq!(usage(store, alice(), period).await, (7 * MB, 0), "{period}");
    }
    granted(store, &asks(3 * MB, &BOTH)).await;
}

/// S3.
async fn every_window_must_fit(store: &dyn Store) {
    let day_is_tight = [(Period::Month, Some(100 * MB)), (Period::Day, Some(5 * MB))];
    granted(store, &asks(5 * MB, &day_is_tight)).await;
    let second = store.reserve(&asks(1, &day_is_tight), HoldId::fresh(), long(), noon()).await;
    assert!(matches!(second.unwrap(), Admission::Denied(_)));
    let tomorrow = asks_at(moment("2026-06-19T12:00:00Z"), 5 * MB, &day_is_tight);
    granted(store, &tomorrow).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 10 * MB));
    assert_eq!(usage(store, alice(), Period::Day).await, (0, 5 * MB));
}

/// S1, S3.
async fn several_resources_are_all_or_nothing(store: &dyn Store) {
    let one_upload = |caps| and(asks(MB, &[MONTH_10MB]), &uploads(), 1, caps);
    charged(store, &one_upload(&[(Period::Month, Some(1))]), MB).await;
    let second = one_upload(&[(Period::Month, Some(1))]);
    let id = HoldId::fresh();
    let denied = store.reserve(&second, id, long(), noon()).await.unwrap();
    let Admission::Denied(readings) = denied else { panic!("{denied:?}") };
    assert_eq!(figures(readings[0][0]), (MB, 0));
    assert_eq!(figures(readings[1][0]), (1, 0));
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
    assert_eq!(store.held(id).await.unwrap(), None);
}

/// S3.
async fn the_exact_limit_fits(store: &dyn Store) {
    granted(store, &asks(10 * MB, &[MONTH_10MB])).await;
    let more = store.reserve(&asks(1, &[MONTH_10MB]), HoldId::fresh(), long(), noon()).await;
    assert!(matches!(more.unwrap(), Admission::Denied(_)));
    granted(store, &asks(0, &[MONTH_10MB])).await;
}

/// S3.
async fn a_subject_has_room_of_its_own(store: &dyn Store) {
    charged(store, &asks(10 * MB, &[MONTH_10MB]), 10 * MB).await;
    granted(store, &by(bob(), asks(10 * MB, &[MONTH_10MB]))).await;
}

/// S5.
async fn open_reservations_count_until_they_end(store: &dyn Store) {
    let plan = asks(10 * MB, &[MONTH_10MB]);
    let first = granted(store, &plan).await;
    let denied = store.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)));
    store.release(first, noon()).await.unwrap().unwrap();
    let second = granted(store, &plan).await;
    store.settle(second, Amount::new(MB), None, noon()).await.unwrap().unwrap();
    granted(store, &asks(9 * MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 9 * MB));
}

/// S9.
async fn growing_decides_for_the_addition_alone(store: &dyn Store) {
    let id = granted(store, &asks(6 * MB, &[MONTH_10MB])).await;
    let grown = store.grow(id, &asks(4 * MB, &[MONTH_10MB]), noon()).await.unwrap();
    let Admission::Granted(readings) = grown else { panic!("{grown:?}") };
    assert_eq!(figures(readings[0][0]), (0, 6 * MB));
    let denied = store.grow(id, &asks(1, &[MONTH_10MB]), noon()).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)));
    let held = store.held(id).await.unwrap().unwrap();
    assert_eq!(held.items[0].amount, Amount::new(10 * MB));
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 10 * MB));
}

/// S9.
async fn growing_may_add_a_resource(store: &dyn Store) {
    let id = granted(store, &asks(MB, &[MONTH_10MB])).await;
    let more = and(asks(MB, &[MONTH_10MB]), &uploads(), 1, &[]);
    assert!(matches!(store.grow(id, &more, noon()).await.unwrap(), Admission::Granted(_)));
    let held = store.held(id).await.unwrap().unwrap();
    let items: Vec<_> = held.items.iter().map(|item| (&item.resource, item.amount.get())).collect();
    assert_eq!(items, [(&media(), 2 * MB), (&uploads(), 1)]);
}

/// S1.
async fn a_decision_reads_what_was_before_it(store: &dyn Store) {
    charged(store, &asks(2 * MB, &[MONTH_10MB]), 2 * MB).await;
    granted(store, &asks(3 * MB, &[MONTH_10MB])).await;
    let plan = asks(MB, &[MONTH_10MB]);
    let third = store.reserve(&plan, HoldId::fresh(), long(), noon()).await.unwrap();
    let Admission::Granted(readings) = third else { panic!("{third:?}") };
    assert_eq!(figures(readings[0][0]), (2 * MB, 3 * MB));
    assert_eq!(usage(store, alice(), Period::Month).await, (2 * MB, 4 * MB));
}

/// S14: every call may be repeated.
async fn a_repeated_reservation_holds_once(store: &dyn Store) {
    let plan = asks(6 * MB, &[MONTH_10MB]);
    let id = HoldId::fresh();
    let first = store.reserve(&plan, id, long(), noon()).await.unwrap();
    let again = store.reserve(&plan, id, long(), noon()).await.unwrap();
    assert_eq!(first, again);
    assert!(matches!(first, Admission::Granted(_)));
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 6 * MB));
    store.release(id, noon()).await.unwrap().unwrap();
    let ended = store.reserve(&plan, id, long(), noon()).await.unwrap();
    assert_eq!(ended, Admission::Lapsed);
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
}

/// S5: a capability may draw on nothing.
async fn a_reservation_of_nothing_is_one_all_the_same(store: &dyn Store) {
    let mut plan = asks(0, &[]);
    plan.items.clear();
    let id = granted(store, &plan).await;
    assert!(matches!(store.grow(id, &plan, noon()).await.unwrap(), Admission::Granted(_)));
    let settled = store.settle(id, Amount::new(MB), None, noon()).await.unwrap().unwrap();
    assert!(!settled.late && !settled.replayed);
    assert!(store.settle(id, Amount::new(MB), None, noon()).await.unwrap().unwrap().replayed);
    store.refund(id, None, noon()).await.unwrap().unwrap();
}

/// S1: checked arithmetic.
async fn a_sum_past_64_bits_is_refused_and_changes_nothing(store: &dyn Store) {
    recorded(store, &asks(i64::MAX, &[(Period::Month, None)])).await;
    let more = asks(1, &[(Period::Month, None)]);
    assert!(store.record(&more, None, noon()).await.is_err());
    assert!(store.reserve(&more, HoldId::fresh(), long(), noon()).await.is_err());
    assert_eq!(usage(store, alice(), Period::Month).await, (i64::MAX, 0));
}
