//! S17: a rolling window holds what the ledger has in it at the moment of asking.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::quota::Amount;
use crate::quota::count::{Count, fold};
use crate::quota::event::Event;
use crate::quota::plan::{Plan, Reading};
use crate::store::{Lines, Store};

use super::*;

clauses!(
    a_charge_leaves_a_rolling_window_to_the_millisecond,
    a_charge_enters_a_rolling_window_at_its_moment,
    a_rolling_window_makes_room_as_it_moves,
    reservations_count_in_a_rolling_window_by_their_moment,
    what_was_told_late_counts_in_a_rolling_window_where_it_belongs,
    a_rolling_window_forgets_what_was_before_a_reset,
    a_reset_of_another_bucket_leaves_a_rolling_window,
    a_rolling_window_tells_its_oldest_charge,
    what_fell_out_of_a_rolling_window_has_never_been,
    a_rolling_window_asked_for_later_counts_what_was_before,
    a_long_history_counts_as_its_lines_do,
);

async fn a_charge_leaves_a_rolling_window_to_the_millisecond(store: &dyn Store) {
    for (window, leaves) in [
        ("any/rolling 90m", "2026-06-18T13:30:00Z"),
        ("any/rolling 12h", "2026-06-19T00:00:00Z"),
        ("any/rolling 3d", "2026-06-21T12:00:00Z"),
        ("any/rolling 30d", "2026-07-18T12:00:00Z"),
        ("any/rolling 1 month", "2026-07-18T12:00:00Z"),
        ("any/rolling 100d", "2026-09-26T12:00:00Z"),
        ("any/rolling 1 year", "2027-06-18T12:00:00Z"),
    ] {
        let leaves = moment(leaves);
        for opened in [false, true] {
            let used = count(store, noon(), window).await;
            let asked: &[&str] = if opened { &[window] } else { &[] };
            recorded(store, &wants(7, asked)).await;
            assert_eq!(count(store, noon(), window).await, used + 7, "{window}");
            assert_eq!(count(store, leaves.before(MS), window).await, used + 7, "{window}");
            assert_eq!(count(store, leaves, window).await, 0, "{window}");
        }
    }
}

async fn a_charge_enters_a_rolling_window_at_its_moment(store: &dyn Store) {
    let soon = noon().after(Duration::from_mins(4));
    let window = "any/rolling 12h";
    store.record(&wants_at(soon, 7, &[window]), None, noon()).await.unwrap().unwrap();
    assert_eq!(count(store, noon(), window).await, 0);
    assert_eq!(count(store, soon.before(MS), window).await, 0);
    assert_eq!(count(store, soon, window).await, 7);
}

/// S2.
async fn a_rolling_window_makes_room_as_it_moves(store: &dyn Store) {
    for hours in 0..4_u32 {
        consumed(store, &wants_at(noon().after(hours * 6 * HOUR), 3, &["12/rolling 24h"])).await;
    }
    let day_later = noon().after(DAY);
    let next = |at| wants_at(at, 3, &["12/rolling 24h"]);
    assert!(!fits(store, &next(day_later.before(MS)), day_later.before(MS)).await);
    consumed(store, &next(day_later)).await;
    let later = day_later.after(Duration::from_mins(1));
    assert!(!fits(store, &wants_at(later, 1, &["12/rolling 24h"]), later).await);
    assert_eq!(count(store, later, "any/rolling 24h").await, 12);
}

/// S5.
async fn reservations_count_in_a_rolling_window_by_their_moment(store: &dyn Store) {
    let window = "10/rolling 12h";
    let id = granted(store, &wants(6, &[window])).await;
    assert_eq!(figures(one(store, noon(), window).await), (0, 6));
    let gone = noon().after(12 * HOUR);
    assert_eq!(figures(one(store, gone.before(MS), window).await), (0, 6));
    assert_eq!(figures(one(store, gone, window).await), (0, 0));
    let settled = store.settle(id, Amount::new(4), None, gone).await.unwrap().unwrap();
    assert!(!settled.late);
    assert_eq!(figures(one(store, gone.before(MS), window).await), (4, 0));
    assert_eq!(figures(one(store, gone, window).await), (0, 0));
    store.refund(id, None, gone).await.unwrap().unwrap();
    assert_eq!(figures(one(store, gone.before(MS), window).await), (0, 0));
}

async fn what_was_told_late_counts_in_a_rolling_window_where_it_belongs(store: &dyn Store) {
    let windows = ["any/rolling 12h", "any/rolling 3d", "any/rolling 30d"];
    recorded(store, &wants(1, &windows)).await;
    for (hours, amount) in [(5, 10), (20, 100), (80, 1000), (24 * 31, 10_000)] {
        let plan = wants_at(noon().before(hours * HOUR), amount, &windows);
        store.record(&plan, None, noon()).await.unwrap().unwrap();
    }
    assert_eq!(used(store, &wants(0, &windows)).await[..3], [11, 111, 1111]);
    let then = wants_at(noon().before(20 * HOUR), 0, &windows);
    assert_eq!(used(store, &then).await[..3], [100, 1100, 1100]);
}

async fn a_rolling_window_forgets_what_was_before_a_reset(store: &dyn Store) {
    let windows = ["any/rolling 12h", "any/rolling 3d", "any/rolling 30d"];
    let hour = |hours: u32| noon().after(hours * HOUR);
    recorded(store, &wants_at(hour(0), 1, &windows)).await;
    recorded(store, &wants_at(hour(2), 2, &windows)).await;
    store.reset(&wants_at(hour(2), 0, &windows), None, hour(2)).await.unwrap().unwrap();
    assert_eq!(used(store, &wants_at(hour(2), 0, &windows)).await, [0; 4]);
    // Told after the reset, though of a moment before it.
    let late = wants_at(hour(1), 10, &windows);
    store.record(&late, None, hour(3)).await.unwrap().unwrap();
    recorded(store, &wants_at(hour(3), 100, &windows)).await;
    assert_eq!(used(store, &wants_at(hour(3), 0, &windows)).await[..3], [110; 3]);
    assert_eq!(count(store, hour(13).before(MS), windows[0]).await, 110);
    assert_eq!(count(store, hour(13), windows[0]).await, 100);
    assert_eq!(count(store, hour(15), windows[0]).await, 0);
    // Of long windows it is still out of sight.
    assert_eq!(count(store, hour(3 * 24), windows[1]).await, 110);
    assert_eq!(count(store, hour(3 * 24 + 1), windows[1]).await, 100);
}

async fn a_reset_of_another_bucket_leaves_a_rolling_window(store: &dyn Store) {
    let plan = wants(5, &["any/rolling 12h", "any/rolling 30d", "any/day"]);
    recorded(store, &plan).await;
    let buckets: Vec<_> = plan.items[0].bounds.iter().map(|bound| bound.bucket.clone()).collect();
    for (index, expected) in [(2, [5, 5, 0, 5]), (0, [0, 5, 0, 5]), (1, [0, 0, 0, 5])] {
        store.reset(&plan, Some(&buckets[index]), noon()).await.unwrap().unwrap();
        assert_eq!(used(store, &plan).await, expected);
    }
    recorded(store, &plan).await;
    assert_eq!(used(store, &plan).await, [5, 5, 5, 10]);
}

async fn a_rolling_window_tells_its_oldest_charge(store: &dyn Store) {
    let window = "any/rolling 12h";
    assert_eq!(one(store, noon(), window).await.oldest, None);
    let later = noon().after(3 * HOUR);
    recorded(store, &by(bob(), wants_at(noon().before(HOUR), 1, &[window]))).await;
    recorded(store, &wants_at(later, 1, &[window])).await;
    recorded(store, &wants(1, &[window])).await;
    assert_eq!(one(store, later, window).await.oldest, Some(noon()));
    assert_eq!(one(store, noon().after(12 * HOUR), window).await.oldest, Some(later));
    assert_eq!(one(store, later.after(12 * HOUR), window).await.oldest, None);
    assert_eq!(one(store, later, "any/day").await.oldest, None);
}

async fn what_fell_out_of_a_rolling_window_has_never_been(store: &dyn Store) {
    let window = "any/rolling 12h";
    recorded(store, &wants(5, &[window])).await;
    recorded(store, &wants_at(noon().after(HOUR), -8, &[window])).await;
    recorded(store, &wants_at(noon().after(2 * HOUR), 4, &[window])).await;
    let read = async |hours: u32| count(store, noon().after(hours * HOUR), window).await;
    assert_eq!((read(0).await, read(1).await, read(2).await), (5, 0, 1));
    // What was given back outlives what it was given back from.
    assert_eq!((read(12).await, read(13).await, read(14).await), (0, 4, 0));
}

/// S11.
async fn a_rolling_window_asked_for_later_counts_what_was_before(store: &dyn Store) {
    for hours in 0..60_u32 {
        recorded(store, &wants_at(noon().after(hours * HOUR), 1, &[])).await;
    }
    let windows = ["any/rolling 2h", "any/rolling 12h", "any/rolling 40h", "any/rolling 99d"];
    let end = noon().after(59 * HOUR);
    for _ in 0..2 {
        assert_eq!(used(store, &wants_at(end, 0, &windows)).await[..4], [2, 12, 40, 60]);
        granted(store, &wants_at(end, 0, &windows)).await;
    }
    recorded(store, &wants_at(end, 1, &[])).await;
    recorded(store, &wants_at(noon(), 1, &[])).await;
    assert_eq!(used(store, &wants_at(end, 0, &windows)).await[..4], [3, 13, 41, 62]);
}

/// Numbers that look like chance and are the same each time.
fn dice(seed: &mut u64, sides: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % sides
}

async fn a_long_history_counts_as_its_lines_do(store: &dyn Store) {
    const ALL: [&str; 7] = [
        "any/rolling 90m",
        "any/rolling 12h",
        "any/rolling 30d",
        "any/rolling 1 month",
        "any/rolling 100d",
        "any/30d",
        "any/7d per server",
    ];
    let (mut seed, begin) = (7, moment("2026-01-05"));
    let span = 200 * 24 * 60 * 60 * 1000;
    for index in 0..2000_u64 {
        let jitter = Duration::from_millis(dice(&mut seed, 3_600_000));
        let now = begin.after(Duration::from_millis(span * index / 2000)).after(jitter);
        let late = Duration::from_millis(dice(&mut seed, 35 * 24 * 3_600_000));
        let at = match dice(&mut seed, 12) {
            0 => now.before(late),
            1 => now.after(late / 35 / 24 / 12),
            _ => now,
        };
        // The last windows are asked for when there is a long history already.
        let asked = if index < 1500 { &ALL[..2] } else { &ALL[..] };
        let amount = i64::try_from(dice(&mut seed, 100)).unwrap() - 15;
        let plan = wants_at(at, amount, asked);
        let plan = if dice(&mut seed, 4) == 0 { by(bob(), plan) } else { plan };
        if dice(&mut seed, 150) == 0 {
            let bound = plan.items[0].bounds[usize::from(index % 4 < 2)].bucket.clone();
            let bucket = Some(&bound).filter(|_| index % 2 == 0);
            store.reset(&plan, bucket, now).await.unwrap().unwrap();
        } else {
            store.record(&plan, None, now).await.unwrap().unwrap();
        }
    }
    let events = all_events(store).await;
    assert_eq!(events.len(), 2000);
    for index in 0..60_u64 {
        let random = Duration::from_millis(dice(&mut seed, span));
        // Most of them in the end, where windows are kept.
        let at =
            if index < 20 { begin.after(random) } else { begin.after(random / 10 + 180 * DAY) };
        let plan = wants_at(at, 0, &ALL);
        assert_folds(&plan, &windows(store, &plan).await, &events);
    }
}

async fn all_events(store: &dyn Store) -> Vec<Event> {
    let mut which = Lines { most: 500, ..Lines::default() };
    let mut events = Vec::new();
    loop {
        let lines = store.lines(&which).await.unwrap();
        let Some(last) = lines.last() else { return events };
        which.behind = Some(last.id);
        events.extend(lines.into_iter().map(|line| line.event));
    }
}

/// Asserts that every window reads what the lines of its account are folded to.
fn assert_folds(plan: &Plan, readings: &[Reading], events: &[Event]) {
    let item = &plan.items[0];
    for (bound, reading) in item.bounds.iter().zip(readings) {
        let mine =
            events.iter().filter(|event| event.account(bound.per) == plan.account(bound.per));
        let count = fold(mine, &bound.bucket, item.aggregate, Count::default());
        let open = |since: &Timestamp| bound.bucket.begun(*since).contains(plan.at);
        let first_use = count.since.is_some();
        let expected = if !first_use || count.since.as_ref().is_some_and(open) {
            (count.used, count.since)
        } else {
            (Amount::ZERO, None)
        };
        assert_eq!((reading.used, reading.since), expected, "{} at {}", bound.bucket, plan.at);
    }
}
