//! S5 … S9: what becomes of a reservation, once and again.

use std::time::Duration;

use crate::quota::held::{HoldId, Life, State};
use crate::quota::{Amount, Period};
use crate::store::{Admission, Settled, Store, StoreError};

use crate::conformance::words::*;

clauses!(
    settling_charges_what_was_really_used,
    settling_past_the_limit_is_charged,
    settling_again_changes_nothing,
    settling_otherwise_is_a_conflict,
    a_late_settlement_is_charged_and_says_so,
    a_settlement_counts_where_the_reservation_was_made,
    counts_are_charged_what_they_hold,
    releasing_again_changes_nothing,
    a_settled_reservation_is_not_released,
    a_released_reservation_is_not_settled,
    a_refund_is_made_once,
    only_what_was_settled_is_refunded,
    a_refund_never_leads_below_zero,
    a_reservation_lapses_at_its_end,
    a_lapsed_reservation_does_not_grow,
    extending_makes_it_live_longer,
    what_nobody_reserved_is_not_known,
    what_lapsed_long_ago_is_charged_once_at_most,
);

const MINUTE: Duration = Duration::from_mins(1);

fn mb(number: i64) -> Amount {
    Amount::new(number * MB)
}

async fn state(store: &dyn Store, id: HoldId) -> State {
    store.held(id).await.unwrap().unwrap().state
}

fn conflicts<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict(_)))
}

/// Reserves 4 MB for a minute from noon.
async fn for_a_minute(store: &dyn Store) -> HoldId {
    let id = HoldId::fresh();
    let life = Life::Until(noon().after(MINUTE));
    let plan = asks(4 * MB, &[MONTH_10MB]);
    let admission = store.reserve(&plan, id, life, noon()).await.unwrap();
    assert!(matches!(admission, Admission::Granted(_)));
    id
}

/// S6.
async fn settling_charges_what_was_really_used(store: &dyn Store) {
    let id = granted(store, &asks(4 * MB, &[MONTH_10MB])).await;
    let settled = store.settle(id, mb(3), None, noon()).await.unwrap();
    assert_eq!(settled, Some(Settled { late: false, replayed: false }));
    assert_eq!(usage(store, alice(), Period::Month).await, (3 * MB, 0));
    assert_eq!(usage(store, alice(), Period::Day).await, (3 * MB, 0));
    let held = store.held(id).await.unwrap().unwrap();
    assert_eq!((held.state, held.items[0].amount), (State::Settled, mb(3)));
}

/// S6.
async fn settling_past_the_limit_is_charged(store: &dyn Store) {
    charged(store, &asks(4 * MB, &[MONTH_10MB]), 30 * MB).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (30 * MB, 0));
}

/// S6.
async fn settling_again_changes_nothing(store: &dyn Store) {
    let id = charged(store, &asks(4 * MB, &[MONTH_10MB]), 3 * MB).await;
    let again = store.settle(id, mb(3), None, noon()).await.unwrap();
    assert_eq!(again, Some(Settled { late: false, replayed: true }));
    assert_eq!(usage(store, alice(), Period::Month).await, (3 * MB, 0));
}

/// S6.
async fn settling_otherwise_is_a_conflict(store: &dyn Store) {
    let id = charged(store, &asks(4 * MB, &[MONTH_10MB]), 3 * MB).await;
    assert!(conflicts(&store.settle(id, mb(2), None, noon()).await));
    assert_eq!(usage(store, alice(), Period::Month).await, (3 * MB, 0));
}

/// S6.
async fn a_late_settlement_is_charged_and_says_so(store: &dyn Store) {
    let id = for_a_minute(store).await;
    let later = noon().after(2 * MINUTE);
    let settled = store.settle(id, mb(4), None, later).await.unwrap();
    assert_eq!(settled, Some(Settled { late: true, replayed: false }));
    let again = store.settle(id, mb(4), None, later).await.unwrap();
    assert_eq!(again, Some(Settled { late: true, replayed: true }));
    assert_eq!(usage(store, alice(), Period::Month).await, (4 * MB, 0));
}

/// S6.
async fn a_settlement_counts_where_the_reservation_was_made(store: &dyn Store) {
    let midnight = moment("2026-06-19");
    let before = midnight.before(Duration::from_secs(1));
    let plan = asks_at(before, MB, &[DAY_10MB]);
    let id = granted(store, &plan).await;
    store.settle(id, mb(1), None, midnight.after(MINUTE)).await.unwrap().unwrap();
    assert_eq!(reads(store, &plan).await, (MB, 0));
    assert_eq!(reads(store, &asks_at(midnight, 0, &[DAY_10MB])).await, (0, 0));
}

/// S6: the amount measures bytes.
async fn counts_are_charged_what_they_hold(store: &dyn Store) {
    let plan = and(asks(4 * MB, &[]), &uploads(), 1, &[(Period::Month, Some(5))]);
    charged(store, &plan, 3 * MB).await;
    let readings = store.read(&plan, noon()).await.unwrap().unwrap();
    assert_eq!(figures(readings[0][0]), (3 * MB, 0));
    assert_eq!(figures(readings[1][0]), (1, 0));
}

/// S7.
async fn releasing_again_changes_nothing(store: &dyn Store) {
    let id = granted(store, &asks(4 * MB, &[MONTH_10MB])).await;
    for _ in 0..2 {
        assert_eq!(store.release(id, noon()).await.unwrap(), Some(()));
        assert_eq!(state(store, id).await, State::Released);
    }
    let lapsed = for_a_minute(store).await;
    let later = noon().after(2 * MINUTE);
    assert_eq!(store.release(lapsed, later).await.unwrap(), Some(()));
    assert_eq!(state(store, lapsed).await, State::Lapsed);
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
}

/// S7.
async fn a_settled_reservation_is_not_released(store: &dyn Store) {
    let id = charged(store, &asks(4 * MB, &[MONTH_10MB]), 4 * MB).await;
    assert!(conflicts(&store.release(id, noon()).await));
    assert_eq!(usage(store, alice(), Period::Month).await, (4 * MB, 0));
}

/// S6.
async fn a_released_reservation_is_not_settled(store: &dyn Store) {
    let id = granted(store, &asks(4 * MB, &[MONTH_10MB])).await;
    store.release(id, noon()).await.unwrap().unwrap();
    assert!(conflicts(&store.settle(id, mb(4), None, noon()).await));
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
}

/// S8.
async fn a_refund_is_made_once(store: &dyn Store) {
    charged(store, &asks(5 * MB, &[MONTH_10MB]), 5 * MB).await;
    let id = charged(store, &asks(4 * MB, &[MONTH_10MB]), 4 * MB).await;
    for _ in 0..2 {
        assert_eq!(store.refund(id, None, noon()).await.unwrap(), Some(()));
        assert_eq!(usage(store, alice(), Period::Month).await, (5 * MB, 0));
        assert_eq!(usage(store, alice(), Period::Day).await, (5 * MB, 0));
    }
    assert_eq!(state(store, id).await, State::Refunded);
    assert!(conflicts(&store.release(id, noon()).await));
    assert!(conflicts(&store.settle(id, mb(3), None, noon()).await));
    assert_eq!(usage(store, alice(), Period::Month).await, (5 * MB, 0));
}

/// S8.
async fn only_what_was_settled_is_refunded(store: &dyn Store) {
    let id = granted(store, &asks(4 * MB, &[MONTH_10MB])).await;
    assert!(conflicts(&store.refund(id, None, noon()).await));
    assert_eq!(state(store, id).await, State::Open);
    store.release(id, noon()).await.unwrap().unwrap();
    assert!(conflicts(&store.refund(id, None, noon()).await));
}

/// S8.
async fn a_refund_never_leads_below_zero(store: &dyn Store) {
    let id = charged(store, &asks(4 * MB, &[MONTH_10MB]), 4 * MB).await;
    store.reset(&asks(0, &[MONTH_10MB]), None, noon()).await.unwrap().unwrap();
    recorded(store, &asks(MB, &[MONTH_10MB])).await;
    store.refund(id, None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
    recorded(store, &asks(-MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Never).await, (0, 0));
}

/// S5.
async fn a_reservation_lapses_at_its_end(store: &dyn Store) {
    let id = for_a_minute(store).await;
    let whole = asks(10 * MB, &[MONTH_10MB]);
    let end = noon().after(MINUTE);
    let just_before = end.before(Duration::from_millis(1));
    let denied = store.reserve(&whole, HoldId::fresh(), long(), just_before).await.unwrap();
    assert!(matches!(denied, Admission::Denied(_)));
    let readings = store.read(&whole, end).await.unwrap().unwrap();
    assert_eq!(figures(readings[0][0]), (0, 0));
    let granted = store.reserve(&whole, HoldId::fresh(), long(), end).await.unwrap();
    assert!(matches!(granted, Admission::Granted(_)));
    assert_eq!(state(store, id).await, State::Lapsed);
}

/// S9.
async fn a_lapsed_reservation_does_not_grow(store: &dyn Store) {
    let id = for_a_minute(store).await;
    let later = noon().after(2 * MINUTE);
    let more = asks(1, &[MONTH_10MB]);
    assert_eq!(store.grow(id, &more, later).await.unwrap(), Admission::Lapsed);
    assert!(!store.extend(id, later.after(MINUTE), later).await.unwrap());
    let released = granted(store, &more).await;
    store.release(released, noon()).await.unwrap().unwrap();
    assert_eq!(store.grow(released, &more, noon()).await.unwrap(), Admission::Lapsed);
    assert!(!store.extend(released, later, noon()).await.unwrap());
}

/// S9.
async fn extending_makes_it_live_longer(store: &dyn Store) {
    let id = for_a_minute(store).await;
    assert!(store.extend(id, noon().after(3 * MINUTE), noon()).await.unwrap());
    let later = noon().after(2 * MINUTE);
    let more = asks(MB, &[MONTH_10MB]);
    assert!(matches!(store.grow(id, &more, later).await.unwrap(), Admission::Granted(_)));
    let settled = store.settle(id, mb(5), None, later).await.unwrap().unwrap();
    assert!(!settled.late);
}

/// S6 … S9.
async fn what_nobody_reserved_is_not_known(store: &dyn Store) {
    let id = HoldId::fresh();
    let more = asks(1, &[MONTH_10MB]);
    assert_eq!(store.held(id).await.unwrap(), None);
    assert_eq!(store.settle(id, mb(1), None, noon()).await.unwrap(), None);
    assert_eq!(store.release(id, noon()).await.unwrap(), None);
    assert_eq!(store.refund(id, None, noon()).await.unwrap(), None);
    assert_eq!(store.grow(id, &more, noon()).await.unwrap(), Admission::Lapsed);
    assert!(!store.extend(id, noon(), noon()).await.unwrap());
}

/// S6, S7: it may be forgotten by then, so it may not be known.
async fn what_lapsed_long_ago_is_charged_once_at_most(store: &dyn Store) {
    let [settled, released] = [for_a_minute(store).await, for_a_minute(store).await];
    let ends = noon().after(2 * MINUTE);
    granted(store, &asks_at(ends, 0, &[MONTH_10MB])).await;
    let later = ends.after(Duration::from_hours(36 * 24));
    let first = store.settle(settled, mb(1), None, later).await.unwrap();
    let again = store.settle(settled, mb(1), None, later).await.unwrap();
    match first {
        Some(first) => {
            assert_eq!(first, Settled { late: true, replayed: false });
            assert_eq!(again, Some(Settled { late: true, replayed: true }));
            assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
        }
        None => assert_eq!((again, usage(store, alice(), Period::Month).await), (None, (0, 0))),
    }
    store.release(released, later).await.unwrap();
}
