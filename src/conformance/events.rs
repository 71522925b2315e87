//! S10, S11: the ledger is the truth, and counters follow from it, whenever they are asked for.

use crate::quota::{Amount, Bucket, Period, Zone};
use crate::store::Store;

use crate::conformance::words::*;

clauses!(
    a_fact_is_recorded_whatever_the_limit,
    a_fact_in_the_past_counts_in_its_own_bucket,
    a_negative_fact_gives_back_and_stops_at_zero,
    a_record_tells_what_its_windows_then_read,
    a_window_asked_for_later_counts_what_was_before,
    switching_the_period_back_and_forth_loses_nothing,
    a_charge_counts_in_windows_nobody_asks_for_now,
    a_stretch_of_time_is_read_from_the_ledger,
    zones_are_windows_of_their_own,
    a_reset_brings_every_bucket_of_the_moment_to_zero,
    a_reset_of_one_bucket_leaves_the_others,
    a_reset_counts_in_windows_asked_for_later,
    a_reset_leaves_others_and_reservations_alone,
);

const MONTH: Cap = (Period::Month, None);
const DAY: Cap = (Period::Day, None);
const WEEK: Cap = (Period::Week, None);

/// S10.
async fn a_fact_is_recorded_whatever_the_limit(store: &dyn Store) {
    recorded(store, &asks(30 * MB, &[MONTH_10MB])).await;
    recorded(store, &asks(MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (31 * MB, 0));
}

/// S10.
async fn a_fact_in_the_past_counts_in_its_own_bucket(store: &dyn Store) {
    let may = asks_at(moment("2026-05-20T08:00:00Z"), MB, &[MONTH]);
    recorded(store, &may).await;
    recorded(store, &asks(2 * MB, &[MONTH])).await;
    assert_eq!(reads(store, &may).await, (MB, 0));
    assert_eq!(usage(store, alice(), Period::Month).await, (2 * MB, 0));
    assert_eq!(usage(store, alice(), Period::Never).await, (3 * MB, 0));
}

/// S10.
async fn a_negative_fact_gives_back_and_stops_at_zero(store: &dyn Store) {
    recorded(store, &asks(5 * MB, &[MONTH_10MB])).await;
    recorded(store, &asks(-2 * MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (3 * MB, 0));
    recorded(store, &asks(-9 * MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 0));
    recorded(store, &asks(MB, &[MONTH_10MB])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
    assert_eq!(usage(store, alice(), Period::Week).await, (MB, 0));
}

/// S10.
async fn a_record_tells_what_its_windows_then_read(store: &dyn Store) {
    granted(store, &asks(2 * MB, &[MONTH, DAY])).await;
    let plan = and(asks(MB, &[MONTH, DAY]), &uploads(), 1, &[MONTH]);
    let recorded = store.record(&plan, None, noon()).await.unwrap().unwrap();
    assert!(!recorded.replayed);
    let figures: Vec<Vec<_>> =
        recorded.readings.iter().map(|item| item.iter().copied().map(figures).collect()).collect();
    let media = vec![(MB, 2 * MB); 3];
    assert_eq!(figures, [media, vec![(1, 0); 2]]);
}

/// S11.
async fn a_window_asked_for_later_counts_what_was_before(store: &dyn Store) {
    let earlier = moment("2026-06-02T09:00:00Z");
    recorded(store, &asks_at(earlier, 4 * MB, &[MONTH])).await;
    recorded(store, &by(bob(), asks(MB, &[MONTH]))).await;
    let id = charged(store, &asks(3 * MB, &[MONTH]), 2 * MB).await;
    charged(store, &asks(MB, &[MONTH]), MB).await;
    store.refund(id, None, noon()).await.unwrap().unwrap();
    // Read without writing, then opened by a call that writes.
    assert_eq!(usage(store, alice(), Period::Day).await, (MB, 0));
    granted(store, &asks(0, &[DAY, WEEK])).await;
    assert_eq!(usage(store, alice(), Period::Day).await, (MB, 0));
    assert_eq!(usage(store, bob(), Period::Day).await, (MB, 0));
    let then = asks_at(earlier, 0, &[DAY]);
    assert_eq!(reads(store, &then).await, (4 * MB, 0));
    recorded(store, &asks_at(earlier, MB, &[DAY])).await;
    assert_eq!(reads(store, &then).await, (5 * MB, 0));
    assert_eq!(usage(store, alice(), Period::Month).await, (6 * MB, 0));
}

/// S11.
async fn switching_the_period_back_and_forth_loses_nothing(store: &dyn Store) {
    charged(store, &asks(MB, &[MONTH_10MB]), MB).await;
    charged(store, &asks(2 * MB, &[DAY_10MB]), 2 * MB).await;
    recorded(store, &by(bob(), asks(7 * MB, &[DAY_10MB]))).await;
    charged(store, &asks(4 * MB, &[MONTH_10MB]), 4 * MB).await;
    for period in Period::CALENDAR {
        assert_eq!(usage(store, alice(), period).await, (7 * MB, 0), "{period}");
        assert_eq!(usage(store, bob(), period).await, (7 * MB, 0), "{period}");
    }
}

/// S11.
async fn a_charge_counts_in_windows_nobody_asks_for_now(store: &dyn Store) {
    recorded(store, &asks(MB, &[MONTH, DAY, WEEK])).await;
    let id = granted(store, &asks(MB, &[])).await;
    store.settle(id, Amount::new(MB), None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(store, alice(), Period::Week).await, (2 * MB, 0));
    store.refund(id, None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(store, alice(), Period::Week).await, (MB, 0));
}

/// S11.
async fn a_stretch_of_time_is_read_from_the_ledger(store: &dyn Store) {
    for day in ["2026-06-16", "2026-06-17", "2026-06-18"] {
        recorded(store, &asks_at(moment(day), MB, &[MONTH])).await;
    }
    let mut plan = asks(0, &[MONTH]);
    plan.items[0].bounds[0].bucket = Bucket::range(moment("2026-06-16"), moment("2026-06-18"));
    assert_eq!(reads(store, &plan).await, (2 * MB, 0));
}

/// S11.
async fn zones_are_windows_of_their_own(store: &dyn Store) {
    let auckland: Zone = "Pacific/Auckland".parse().unwrap();
    let mut plan = asks(MB, &[DAY]);
    recorded(store, &plan).await;
    plan.items[0].bounds[0].bucket = Bucket::of(Period::Day, &auckland, noon());
    recorded(store, &plan).await;
    assert_eq!(reads(store, &plan).await, (2 * MB, 0));
    // Six in the morning is another day there.
    recorded(store, &asks_at(moment("2026-06-18T06:00:00Z"), MB, &[DAY])).await;
    assert_eq!(reads(store, &plan).await, (2 * MB, 0));
    assert_eq!(usage(store, alice(), Period::Day).await, (3 * MB, 0));
}

/// S11.
async fn a_reset_brings_every_bucket_of_the_moment_to_zero(store: &dyn Store) {
    let yesterday = asks_at(moment("2026-06-17"), MB, &[DAY, MONTH]);
    recorded(store, &yesterday).await;
    recorded(store, &asks(MB, &[DAY, MONTH])).await;
    store.reset(&asks(0, &[DAY, MONTH]), None, noon()).await.unwrap().unwrap();
    for period in Period::CALENDAR {
        assert_eq!(usage(store, alice(), period).await, (0, 0), "{period}");
    }
    assert_eq!(reads(store, &yesterday).await, (MB, 0));
    recorded(store, &asks(MB, &[DAY, MONTH])).await;
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
}

/// S11.
async fn a_reset_of_one_bucket_leaves_the_others(store: &dyn Store) {
    recorded(store, &asks(MB, &[DAY, MONTH])).await;
    let plan = asks(0, &[DAY, MONTH]);
    let today = plan.items[0].bounds[0].bucket.clone();
    store.reset(&plan, Some(&today), noon()).await.unwrap().unwrap();
    assert_eq!(usage(store, alice(), Period::Day).await, (0, 0));
    assert_eq!(usage(store, alice(), Period::Month).await, (MB, 0));
    assert_eq!(usage(store, alice(), Period::Never).await, (MB, 0));
}

/// S11.
async fn a_reset_counts_in_windows_asked_for_later(store: &dyn Store) {
    recorded(store, &asks(MB, &[MONTH])).await;
    store.reset(&asks(0, &[MONTH]), None, noon()).await.unwrap().unwrap();
    recorded(store, &asks(2 * MB, &[MONTH])).await;
    assert_eq!(usage(store, alice(), Period::Week).await, (2 * MB, 0));
    granted(store, &asks(0, &[WEEK])).await;
    assert_eq!(usage(store, alice(), Period::Week).await, (2 * MB, 0));
}

/// S11, S5.
async fn a_reset_leaves_others_and_reservations_alone(store: &dyn Store) {
    recorded(store, &by(bob(), asks(MB, &[MONTH]))).await;
    recorded(store, &asks(MB, &[MONTH])).await;
    granted(store, &asks(2 * MB, &[MONTH])).await;
    store.reset(&asks(0, &[MONTH]), None, noon()).await.unwrap().unwrap();
    assert_eq!(usage(store, alice(), Period::Month).await, (0, 2 * MB));
    assert_eq!(usage(store, bob(), Period::Month).await, (MB, 0));
}
