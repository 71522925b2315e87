//! What is counted is what the ledger says, line by line.

use std::sync::Arc;

use super::*;
use crate::quota::{Period, Zone};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bucket(period: &str, moment: &str) -> Bucket {
    Bucket::of(period.parse().unwrap(), &Zone::UTC, at(moment))
}

fn june() -> Bucket {
    bucket("month", "2026-06-18")
}

fn line(kind: Kind, amount: i64, moment: &str) -> Event {
    Event {
        subject: "@alice:example.org".parse().unwrap(),
        group: None,
        resource: "media_bytes".parse().unwrap(),
        kind,
        amount: Amount::new(amount),
        member: None,
        at: at(moment),
        hold: None,
        bucket: None,
    }
}

fn used(amount: i64, moment: &str) -> Event {
    line(Kind::Use, amount, moment)
}

fn reset(moment: &str) -> Event {
    line(Kind::Reset, 0, moment)
}

fn member(name: &str, moment: &str) -> Event {
    Event { member: Some(Arc::from(name)), ..used(1, moment) }
}

/// A charge of a reservation, and that charge taken back.
fn refunded(charge: &Event) -> [Event; 2] {
    let charge = Event { kind: Kind::Settle, hold: Some(HoldId::fresh()), ..charge.clone() };
    let amount = Amount::new(-charge.amount.get());
    let back = Event { kind: Kind::Refund, amount, member: None, ..charge.clone() };
    [charge, back]
}

fn folded(lines: &[Event], bucket: &Bucket, aggregate: Aggregate) -> Count {
    fold(lines.iter(), bucket, aggregate, Count::default())
}

fn total(lines: &[Event], bucket: &Bucket, aggregate: Aggregate) -> i64 {
    folded(lines, bucket, aggregate).used.get()
}

#[test]
fn a_sum_adds_what_lies_in_the_bucket() {
    let lines = [used(5, "2026-05-31"), used(3, "2026-06-01"), used(4, "2026-06-30")];
    assert_eq!(total(&lines, &june(), Aggregate::Sum), 7);
    let more = line(Kind::Set, 2, "2026-06-02");
    assert_eq!(total(&[lines.as_slice(), &[more]].concat(), &june(), Aggregate::Sum), 9);
}

#[test]
fn a_sum_never_goes_below_zero_and_never_wraps() {
    let lines = [used(3, "2026-06-01"), used(-9, "2026-06-02"), used(4, "2026-06-03")];
    assert_eq!(total(&lines, &june(), Aggregate::Sum), 4);
    let lines = [used(i64::MAX, "2026-06-01"), used(1, "2026-06-01")];
    assert_eq!(total(&lines, &june(), Aggregate::Sum), i64::MAX);
}

#[test]
fn a_lapse_charges_nothing() {
    let lines = [used(3, "2026-06-01"), line(Kind::Lapse, 0, "2026-06-02")];
    for (aggregate, count) in [(Aggregate::Sum, 3), (Aggregate::Max, 3), (Aggregate::Last, 3)] {
        assert_eq!(total(&lines, &june(), aggregate), count);
    }
}

#[test]
fn the_highest_counts_whenever_it_was() {
    let lines = [used(7, "2026-06-09"), used(9, "2026-06-01"), used(2, "2026-06-20")];
    assert_eq!(total(&lines, &june(), Aggregate::Max), 9);
    assert_eq!(total(&[used(-5, "2026-06-01")], &june(), Aggregate::Max), 0);
}

#[test]
fn the_newest_value_counts_and_of_one_moment_the_later_told() {
    let lines = [used(7, "2026-06-09"), used(9, "2026-06-01")];
    assert_eq!(total(&lines, &june(), Aggregate::Last), 7);
    let tie = [lines.as_slice(), &[used(8, "2026-06-09")]].concat();
    let count = folded(&tie, &june(), Aggregate::Last);
    assert_eq!((count.used, count.newest), (Amount::new(8), Some(at("2026-06-09"))));
}

#[test]
fn each_member_counts_once_and_one_without_a_name_does_not() {
    let lines = [
        member("phone", "2026-06-01"),
        member("laptop", "2026-06-02"),
        member("phone", "2026-06-03"),
        member("tablet", "2026-05-03"),
        used(1, "2026-06-04"),
    ];
    assert_eq!(total(&lines, &june(), Aggregate::Unique), 2);
}

#[test]
fn a_refunded_charge_has_never_been() {
    let [high, back] = refunded(&used(9, "2026-06-10"));
    let lines = [used(3, "2026-06-01"), high, used(4, "2026-06-05"), back];
    assert_eq!(total(&lines, &june(), Aggregate::Sum), 7);
    assert_eq!(total(&lines, &june(), Aggregate::Max), 4);
    assert_eq!(total(&lines, &june(), Aggregate::Last), 4);
}

#[test]
fn a_member_stays_as_long_as_one_of_its_charges_does() {
    let [phone, no_phone] = refunded(&member("phone", "2026-06-10"));
    let [tablet, no_tablet] = refunded(&member("tablet", "2026-06-10"));
    let lines = [phone, tablet, member("phone", "2026-06-11"), no_phone, no_tablet];
    assert_eq!(total(&lines, &june(), Aggregate::Unique), 1);
}

#[test]
fn a_refund_of_what_does_not_add_up_cannot_be_told_from_the_count() {
    let [charge, back] = refunded(&used(9, "2026-06-10"));
    for aggregate in [Aggregate::Max, Aggregate::Last, Aggregate::Unique] {
        let mut count = folded(std::slice::from_ref(&charge), &june(), aggregate);
        assert_eq!(count.add(&back, &june(), aggregate, false), Counted::Unknown);
        let july = bucket("month", "2026-07-01");
        assert_eq!(Count::default().add(&back, &july, aggregate, false), Counted::Same);
    }
}

#[test]
fn a_reset_begins_the_count_anew() {
    for aggregate in Aggregate::ALL {
        let before = [member("phone", "2026-06-01"), member("laptop", "2026-06-01")];
        let after = [reset("2026-06-02"), member("phone", "2026-06-03")];
        let lines = [before, after].concat();
        assert_eq!(total(&lines[..3], &june(), aggregate), 0, "{aggregate}");
        assert_eq!(total(&lines, &june(), aggregate), 1, "{aggregate}");
        let elsewhere = [lines[0].clone(), reset("2026-07-01")];
        assert_eq!(total(&elsewhere, &june(), aggregate), 1, "{aggregate}");
    }
}

#[test]
fn a_reset_of_one_bucket_leaves_the_others() {
    let day = bucket("day", "2026-06-02");
    let only = Event { bucket: Some(day.key.clone()), ..reset("2026-06-02") };
    let lines = [member("phone", "2026-06-02"), only, member("phone", "2026-06-02")];
    for aggregate in [Aggregate::Sum, Aggregate::Unique] {
        assert_eq!(total(&lines, &day, aggregate), 1);
    }
    assert_eq!(total(&lines, &june(), Aggregate::Sum), 2);
    assert_eq!(total(&lines, &june(), Aggregate::Unique), 1);
}

#[test]
fn what_was_used_before_the_first_line_counts() {
    let start = Count { used: Amount::new(5), ..Count::default() };
    let lines = [used(3, "2026-06-01")];
    let count = fold(lines.iter(), &Bucket::all(), Aggregate::Sum, start);
    assert_eq!(count.used, Amount::new(8));
}

#[test]
fn the_first_charge_opens_a_stretch_and_the_first_after_it_the_next() {
    let days = bucket("30d", "2026-06-18");
    let lines = [
        reset("2026-05-01"),
        used(5, "2026-06-18T15:00:00Z"),
        used(6, "2026-07-17T23:00:00Z"),
        used(7, "2026-07-20"),
    ];
    assert_eq!(folded(&lines[..1], &days, Aggregate::Sum), Count::default());
    let first = folded(&lines[..3], &days, Aggregate::Sum);
    assert_eq!((first.used.get(), first.since), (11, Some(at("2026-06-18"))));
    let second = folded(&lines, &days, Aggregate::Sum);
    assert_eq!((second.used.get(), second.since), (7, Some(at("2026-07-20"))));
}

#[test]
fn what_is_told_of_a_stretch_that_has_passed_changes_nothing() {
    let days = bucket("30d", "2026-06-18");
    let lines = [used(5, "2026-06-18"), used(7, "2026-07-20")];
    let late = [used(9, "2026-06-20"), reset("2026-06-20"), used(9, "2026-07-19")];
    for aggregate in [Aggregate::Sum, Aggregate::Max, Aggregate::Last] {
        let count = folded(&[lines.as_slice(), &late].concat(), &days, aggregate);
        assert_eq!((count.used.get(), count.since), (7, Some(at("2026-07-20"))), "{aggregate}");
    }
}

#[test]
fn a_reset_empties_a_stretch_and_leaves_it_open() {
    let days = bucket("30d", "2026-07-01");
    let lines = [
        member("phone", "2026-06-18"),
        reset("2026-06-19"),
        member("phone", "2026-06-20"),
        member("laptop", "2026-06-21"),
    ];
    for (aggregate, count) in [(Aggregate::Sum, 2), (Aggregate::Unique, 2), (Aggregate::Max, 1)] {
        let folded = folded(&lines, &days, aggregate);
        assert_eq!((folded.used.get(), folded.since), (count, Some(at("2026-06-18"))));
    }
}

#[test]
fn a_member_counts_again_in_the_next_stretch() {
    let days = bucket("30d", "2026-06-18");
    let lines = [
        member("phone", "2026-06-18"),
        member("phone", "2026-06-19"),
        member("phone", "2026-07-18"),
        member("phone", "2026-06-20"),
        member("phone", "2026-07-19"),
    ];
    assert_eq!(total(&lines[..2], &days, Aggregate::Unique), 1);
    assert_eq!(total(&lines, &days, Aggregate::Unique), 1);
}

#[test]
fn a_stretch_whose_first_charge_was_refunded_stays_open_only_for_sums() {
    let days = bucket("30d", "2026-06-18");
    let [charge, back] = refunded(&used(5, "2026-06-18"));
    let lines = [charge, back, used(2, "2026-06-25")];
    assert_eq!(folded(&lines, &days, Aggregate::Sum).since, Some(at("2026-06-18")));
    assert_eq!(folded(&lines, &days, Aggregate::Max).since, Some(at("2026-06-25")));
}

#[test]
fn taking_back_what_opened_a_stretch_moves_those_after_it() {
    let days = bucket("7d", "2026-06-18");
    let [charge, back] = refunded(&used(5, "2026-06-18"));
    let lines = [charge, used(2, "2026-06-23"), used(3, "2026-06-25"), back];
    let mut count = folded(&lines[..3], &days, Aggregate::Max);
    assert_eq!(count.since, Some(at("2026-06-25")));
    assert_eq!(count.add(&lines[3], &days, Aggregate::Max, false), Counted::Unknown);
    assert_eq!(folded(&lines, &days, Aggregate::Max).since, Some(at("2026-06-23")));
}

#[test]
fn a_rolling_window_holds_what_it_reaches() {
    let week = |moment: &str| bucket("rolling 7d", moment);
    let lines = [used(5, "2026-06-01"), used(3, "2026-06-05"), used(4, "2026-06-10")];
    for (moment, sum, highest) in
        [("2026-06-05", 8, 5), ("2026-06-08", 3, 3), ("2026-06-10", 7, 4), ("2026-06-17", 0, 0)]
    {
        assert_eq!(total(&lines, &week(moment), Aggregate::Sum), sum, "{moment}");
        assert_eq!(total(&lines, &week(moment), Aggregate::Max), highest, "{moment}");
    }
}

#[test]
fn what_falls_out_of_a_rolling_sum_has_never_been() {
    let lines = [used(5, "2026-06-01"), used(-4, "2026-06-05"), used(3, "2026-06-06")];
    let used = |moment: &str| total(&lines, &bucket("rolling 7d", moment), Aggregate::Sum);
    assert_eq!(used("2026-06-06"), 4);
    assert_eq!(used("2026-06-10"), 0);
    assert_eq!(used("2026-06-12"), 3);
}

#[test]
fn a_reset_in_a_rolling_window_takes_what_was_told_before_it() {
    let lines = [
        used(5, "2026-06-03"),
        member("phone", "2026-06-03"),
        reset("2026-06-04"),
        used(2, "2026-06-03"),
        member("phone", "2026-06-05"),
    ];
    let week = bucket("rolling 7d", "2026-06-06");
    assert_eq!(total(&lines, &week, Aggregate::Sum), 3);
    assert_eq!(total(&lines, &week, Aggregate::Max), 2);
    assert_eq!(total(&lines, &week, Aggregate::Unique), 1);
    let past_the_reset = bucket("rolling 7d", "2026-06-11T00:00:00Z");
    assert_eq!(total(&lines, &past_the_reset, Aggregate::Sum), 1);
}

#[test]
fn counts_that_are_kept_are_those_that_are_folded() {
    let [settled, back] = refunded(&used(9, "2026-06-10"));
    let lines = [
        used(3, "2026-06-01"),
        settled,
        used(-20, "2026-06-11"),
        back,
        reset("2026-06-12"),
        used(4, "2026-07-12"),
        used(1, "2026-06-13"),
    ];
    for period in ["month", "never", "30d", "7d"] {
        let bucket = bucket(period, "2026-06-18");
        let mut kept = Count::default();
        for (index, line) in lines.iter().enumerate() {
            kept.add(line, &bucket, Aggregate::Sum, false);
            let truth = folded(&lines[..=index], &bucket, Aggregate::Sum);
            assert_eq!(kept, truth, "{period}, line {index}");
        }
    }
}

#[test]
fn rolling_windows_and_members_that_count_anew_are_folded() {
    let month = bucket("month", "2026-06-18");
    let days = bucket("30d", "2026-06-18");
    let rolling = bucket("rolling 7d", "2026-06-18");
    assert!(Aggregate::ALL.into_iter().all(|aggregate| can_be_kept(&month, aggregate)));
    assert!(Aggregate::ALL.into_iter().all(|aggregate| !can_be_kept(&rolling, aggregate)));
    assert!(can_be_kept(&days, Aggregate::Max));
    assert!(!can_be_kept(&days, Aggregate::Unique));
    assert_eq!(Bucket::of(Period::Never, &Zone::UTC, at("2026-06-18")), Bucket::all());
}

#[test]
fn less_than_64_bits_hold_is_nothing_in_a_window_that_moves() {
    let least = [(); 3].map(|()| used(i64::MIN, "2026-06-18"));
    assert_eq!(total(&least, &bucket("rolling 30d", "2026-06-18"), Aggregate::Sum), 0);
}
