//! What the one rule says, in every mode.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::quota::policy::Source;
use crate::quota::{Bucket, Period, Strictness};

fn reading(used: i64, held: i64) -> Reading {
    Reading { used: Amount::new(used), held: Amount::new(held), ..Reading::default() }
}

/// One window and what is asked of it; the limit is 10 unless it is said.
#[derive(Clone)]
struct Judged {
    item: Item,
    bound: Bound,
    reading: Reading,
    growing: bool,
    now: Timestamp,
}

fn judging(used: i64, held: i64, asked: i64) -> Judged {
    let item = Item {
        resource: "seats".parse().unwrap(),
        aggregate: Aggregate::Sum,
        amount: Amount::new(asked),
        member: None,
        metered: true,
        source: Source::Nothing,
        bounds: Vec::new(),
    };
    let mut bound = Bound::counting(Period::Never, Bucket::all());
    bound.limit = Some(Amount::new(10));
    let now = "2026-06-15".parse().unwrap();
    Judged { item, bound, reading: reading(used, held), growing: false, now }
}

impl Judged {
    fn under(mut self, strictness: Strictness) -> Self {
        self.bound.strictness = strictness;
        self
    }

    fn counted_by(mut self, aggregate: Aggregate) -> Self {
        self.item.aggregate = aggregate;
        self
    }

    fn case(&self) -> Case<'_> {
        let Self { item, bound, reading, growing, now } = self;
        Case { item, growing: *growing, bound, reading: *reading, now: *now }
    }

    fn verdict(&self) -> Verdict {
        self.case().judge().unwrap()
    }
}

fn judged(used: i64, held: i64, asked: i64, limit: i64) -> Verdict {
    let mut judging = judging(used, held, asked);
    judging.bound.limit = Some(Amount::new(limit));
    judging.verdict()
}

#[test]
fn the_exact_limit_fits_and_one_more_does_not() {
    assert_eq!(judged(7, 0, 3, 10), Verdict::Fits);
    assert_eq!(judged(7, 0, 4, 10), Verdict::Exceeds);
}

#[test]
fn room_held_by_others_can_be_waited_for() {
    assert_eq!(judged(5, 3, 3, 10), Verdict::Waits);
    assert_eq!(judged(8, 1, 3, 10), Verdict::Exceeds);
}

#[test]
fn nothing_fits_at_the_limit_and_a_refund_past_it() {
    assert_eq!(judged(10, 0, 0, 10), Verdict::Fits);
    assert_eq!(judged(11, 0, 0, 10), Verdict::Exceeds);
    assert_eq!(judged(11, 0, -1, 10), Verdict::Fits);
    assert_eq!(judged(0, 0, 1, 0), Verdict::Exceeds);
}

#[test]
fn a_sum_past_64_bits_is_an_error() {
    assert_eq!(judging(i64::MAX, 0, 1).case().judge(), Err(Overflow));
}

#[test]
fn a_soft_window_goes_on_until_its_ceiling() {
    let soft =
        Strictness { mode: Mode::Soft, ceiling: Some(Amount::new(12)), ..Strictness::default() };
    let over = judging(9, 0, 3).under(soft);
    assert_eq!(over.verdict(), Verdict::Fits);
    assert!(over.case().passes_limit().unwrap());
    assert_eq!(judging(9, 0, 4).under(soft).verdict(), Verdict::Exceeds);
    assert_eq!(judging(9, 2, 3).under(soft).verdict(), Verdict::Waits);
    let endless = Strictness { ceiling: None, ..soft };
    assert_eq!(judging(900, 0, 4).under(endless).verdict(), Verdict::Fits);
}

#[test]
fn a_soft_window_denies_once_its_grace_has_run_out() {
    let grace = Some(Duration::from_hours(24));
    let mut over =
        judging(11, 0, 1).under(Strictness { mode: Mode::Soft, grace, ..Strictness::default() });
    assert_eq!(over.verdict(), Verdict::Fits);
    over.reading.over_since = Some("2026-06-14T00:00:01Z".parse().unwrap());
    assert_eq!(over.verdict(), Verdict::Fits);
    over.reading.over_since = Some("2026-06-14".parse().unwrap());
    assert_eq!(over.verdict(), Verdict::Exceeds);
    over.item.amount = Amount::new(-1);
    assert_eq!(over.verdict(), Verdict::Fits);
    // It has fallen back below the limit: what fits is not denied.
    over.reading.used = Amount::new(5);
    over.item.amount = Amount::new(5);
    assert_eq!(over.verdict(), Verdict::Fits);
}

#[test]
fn an_observed_window_never_denies() {
    let observe = Strictness { mode: Mode::Observe, ..Strictness::default() };
    let over = judging(11, 0, 1).under(observe);
    assert_eq!(over.verdict(), Verdict::Fits);
    assert!(over.case().passes_limit().unwrap());
}

#[test]
fn who_has_any_room_may_begin_where_admission_trails() {
    let trailing = Strictness { admit: Admit::Trailing, ..Strictness::default() };
    assert_eq!(judging(9, 0, 500).under(trailing).verdict(), Verdict::Fits);
    assert_eq!(judging(10, 0, 500).under(trailing).verdict(), Verdict::Exceeds);
    assert_eq!(judging(9, 1, 500).under(trailing).verdict(), Verdict::Waits);
    let mut grown = judging(9, 500, 500).under(trailing);
    grown.growing = true;
    assert_eq!(grown.verdict(), Verdict::Fits);
}

#[test]
fn a_highest_one_is_charged_by_its_rise() {
    let judged = |used, asked| judging(used, 0, asked).counted_by(Aggregate::Max).verdict();
    assert_eq!(judged(8, 10), Verdict::Fits);
    assert_eq!(judged(8, 11), Verdict::Exceeds);
    assert_eq!(judged(8, 3), Verdict::Fits);
}

#[test]
fn a_last_one_may_always_fall() {
    let judged = |used, asked| judging(used, 0, asked).counted_by(Aggregate::Last).verdict();
    assert_eq!(judged(3, 10), Verdict::Fits);
    assert_eq!(judged(3, 11), Verdict::Exceeds);
    assert_eq!(judged(50, 20), Verdict::Fits);
}

#[test]
fn a_member_that_is_known_costs_nothing() {
    let mut full = judging(10, 0, 1).counted_by(Aggregate::Unique);
    assert_eq!(full.verdict(), Verdict::Exceeds);
    full.reading.known = true;
    assert_eq!(full.verdict(), Verdict::Fits);
}

proptest! {
    #[test]
    fn whatever_fits_stays_within_the_limit(
        limit in 0_i64..1000,
        asked in prop::collection::vec(0_i64..300, 0..40),
    ) {
        let (mut used, mut denied) = (0, Vec::new());
        for amount in asked {
            match judged(used, 0, amount, limit) {
                Verdict::Fits => used += amount,
                Verdict::Waits | Verdict::Exceeds => denied.push((used, amount)),
            }
            prop_assert!(used <= limit);
        }
        for (used, amount) in denied {
            prop_assert!(used + amount > limit, "{used} + {amount} was denied under {limit}");
        }
    }

    #[test]
    fn less_is_never_judged_worse(used: u32, held: u32, asked: u32, limit: u32) {
        let asked = i64::from(asked);
        let (used, held, limit) = (i64::from(used), i64::from(held), i64::from(limit));
        prop_assert!(judged(used, held, asked / 2, limit) <= judged(used, held, asked, limit));
        prop_assert!(judged(used, held / 2, asked, limit) <= judged(used, held, asked, limit));
    }

    #[test]
    fn what_remains_fits_exactly(used in 0_i64..100, held in 0_i64..100, limit in 0_i64..300) {
        let left = remaining(reading(used, held), Amount::new(limit)).get();
        if used + held <= limit {
            prop_assert_eq!(judged(used, held, left, limit), Verdict::Fits);
            prop_assert_ne!(judged(used, held, left + 1, limit), Verdict::Fits);
        } else {
            prop_assert_eq!(left, 0);
        }
    }
}
