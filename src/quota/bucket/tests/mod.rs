//! Windows turn over exactly where the calendar of their zone says.

use std::time::Duration;

use super::*;

mod properties;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn of(period: &str, name: &str, moment: &str) -> Bucket {
    Bucket::of(period.parse().unwrap(), &zone(name), at(moment))
}

/// The keys of the buckets from the one at `moment` on.
fn keys(period: &str, name: &str, moment: &str, count: usize) -> Vec<String> {
    let first = of(period, name, moment);
    let next =
        |it: &Bucket| it.end.map(|end| Bucket::of(period.parse().unwrap(), &zone(name), end));
    std::iter::successors(Some(first), next).take(count).map(|bucket| bucket.key).collect()
}

fn hours(bucket: &Bucket) -> u64 {
    bucket.start.until(bucket.end.unwrap()).as_secs() / 3600
}

#[test]
fn a_month_ends_where_the_next_begins() {
    let february = Bucket::of(Period::Month, &Zone::UTC, at("2024-02-29T23:59:59Z"));
    assert_eq!(february.key, "2024-02");
    assert_eq!(february.start, at("2024-02-01"));
    assert_eq!(february.end, Some(at("2024-03-01")));
    let march = Bucket::of(Period::Month, &Zone::UTC, at("2024-03-01T00:00:00Z"));
    assert_eq!(march.key, "2024-03");
}

#[test]
fn december_rolls_over_to_january() {
    let december = Bucket::of(Period::Month, &Zone::UTC, at("2026-12-31T12:00:00Z"));
    assert_eq!(december.end, Some(at("2027-01-01")));
}

#[test]
fn a_week_starts_on_monday_and_bears_its_iso_number() {
    let week = Bucket::of(Period::Week, &Zone::UTC, at("2027-01-02T10:00:00Z"));
    assert_eq!(week.key, "2026-W53");
    assert_eq!(week.start, at("2026-12-28"));
    assert_eq!(week.end, Some(at("2027-01-04")));
}

#[test]
fn days_of_23_and_25_hours_are_whole_days() {
    let berlin = zone("Europe/Berlin");
    let spring = Bucket::of(Period::Day, &berlin, at("2026-03-29T10:00:00Z"));
    let autumn = Bucket::of(Period::Day, &berlin, at("2026-10-25T10:00:00Z"));
    assert_eq!((spring.key.as_str(), hours(&spring)), ("2026-03-29@Europe/Berlin", 23));
    assert_eq!((autumn.key.as_str(), hours(&autumn)), ("2026-10-25@Europe/Berlin", 25));
}

#[test]
fn a_skipped_midnight_moves_to_the_first_later_moment() {
    let day = Bucket::of(Period::Day, &zone("America/Asuncion"), at("2023-10-01T12:00:00Z"));
    assert_eq!(day.start, at("2023-10-01T04:00:00Z"));
    assert_eq!(hours(&day), 23);
}

#[test]
fn of_a_doubled_midnight_the_earlier_counts() {
    let day = Bucket::of(Period::Day, &zone("America/Havana"), at("2023-11-05T12:00:00Z"));
    assert_eq!(day.start, at("2023-11-05T04:00:00Z"));
    assert_eq!(hours(&day), 25);
}

#[test]
fn never_is_one_bucket_for_all_time() {
    let bucket = Bucket::of(Period::Never, &zone("Asia/Tokyo"), at("2026-01-01"));
    assert_eq!(bucket, Bucket::all());
    assert!(bucket.contains(Timestamp::MIN) && bucket.contains(Timestamp::MAX));
}

#[test]
fn an_unknown_zone_says_what_would_be_one() {
    let error = "Mars/Olympus".parse::<Zone>().unwrap_err();
    assert!(error.to_string().contains("Europe/Berlin"), "{error}");
}

#[test]
fn a_reset_is_told_in_words() {
    assert_eq!(Zone::UTC.tell(at("2026-12-01")), "1 December 2026 00:00 UTC");
}

#[test]
fn every_period_names_its_bucket() {
    for (period, key) in [
        ("minute", "2026-06-18T14:30"),
        ("hour", "2026-06-18T14"),
        ("day", "2026-06-18"),
        ("week", "2026-W25"),
        ("month", "2026-06"),
        ("quarter", "2026-Q2"),
        ("year", "2026"),
        ("never", "all"),
        ("month@15", "month@15:2026-06-15"),
        ("month@19", "month@19:2026-05-19"),
        ("year@03-01", "year@03-01:2026-03-01"),
        ("year@07-01", "year@07-01:2025-07-01"),
        ("30d@2026-01-01", "30d@2026-01-01:2026-05-31"),
        ("30d", "30d"),
        ("rolling 1 month", "rolling 1 month"),
    ] {
        assert_eq!(of(period, "UTC", "2026-06-18T14:30:59Z").key, key);
    }
    let there = |period| of(period, "Asia/Kathmandu", "2026-06-18T14:30:59Z").key;
    assert_eq!(there("minute"), "2026-06-18T20:15+05:45@Asia/Kathmandu");
    assert_eq!(there("month@15"), "month@15:2026-06-15@Asia/Kathmandu");
    assert_eq!(there("rolling 30d"), "rolling 30d@Asia/Kathmandu");
    assert_eq!(there("never"), "all");
}

#[test]
fn the_31st_of_january_comes_back_on_28_february_and_31_march() {
    assert_eq!(
        keys("month@31", "UTC", "2026-01-31T08:00:00Z", 4),
        ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
            .map(|day| format!("month@31:{day}"))
    );
    assert_eq!(keys("month@31", "UTC", "2026-02-27", 1), ["month@31:2026-01-31"]);
    assert_eq!(keys("month@30", "UTC", "2024-02-29", 1), ["month@30:2024-02-29"]);
}

#[test]
fn a_leap_day_comes_back_on_28_february_in_common_years() {
    assert_eq!(
        keys("year@02-29", "UTC", "2023-06-01", 3),
        ["2023-02-28", "2024-02-29", "2025-02-28"].map(|day| format!("year@02-29:{day}"))
    );
    assert_eq!(hours(&of("year", "UTC", "2024-06-01")), 366 * 24);
    assert_eq!(hours(&of("year", "UTC", "2026-06-01")), 365 * 24);
}

#[test]
fn a_quarter_ends_with_its_third_month() {
    let first = of("quarter", "UTC", "2026-03-31T23:59:59Z");
    assert_eq!((first.start, first.end), (at("2026-01-01"), Some(at("2026-04-01"))));
    let keys = keys("quarter", "UTC", "2026-01-01", 5);
    assert_eq!(keys, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2027-Q1"]);
}

#[test]
fn a_fixed_length_runs_both_ways_from_its_date_by_local_midnights() {
    let first = of("30d@2026-03-10", "Europe/Berlin", "2026-03-10T00:00:00+01:00");
    assert_eq!(first.key, "30d@2026-03-10:2026-03-10@Europe/Berlin");
    assert_eq!(first.end, Some(at("2026-04-09T00:00:00+02:00")));
    let before = of("30d@2026-03-10", "Europe/Berlin", "2026-03-09T23:59:59+01:00");
    assert_eq!(before.key, "30d@2026-03-10:2026-02-08@Europe/Berlin");
    assert_eq!(before.end, Some(first.start));
}

#[test]
fn a_length_without_a_date_begins_on_the_day_of_first_use() {
    let ahead = of("30d", "Europe/Berlin", "2026-03-10T15:00:00Z");
    assert_eq!(ahead.start, at("2026-03-10T00:00:00+01:00"));
    let used = ahead.begun(at("2026-03-20T22:30:00Z"));
    assert_eq!(used.start, at("2026-03-20T00:00:00+01:00"));
    assert_eq!(used.end, Some(at("2026-04-19T00:00:00+02:00")));
    assert_eq!((used.key.as_str(), &used.shape), ("30d@Europe/Berlin", &ahead.shape));
    assert_eq!(used.leaves(at("2026-03-21")), used.end);
    let month = of("month", "UTC", "2026-03-10");
    assert_eq!(month.begun(at("2026-05-01")), month);
}

#[test]
fn the_hour_that_comes_twice_is_two_hours() {
    assert_eq!(
        keys("hour", "Europe/Berlin", "2026-10-24T23:10:00Z", 4),
        ["01+02:00", "02+02:00", "02+01:00", "03+01:00"]
            .map(|hour| format!("2026-10-25T{hour}@Europe/Berlin"))
    );
    assert_eq!(
        keys("hour", "Europe/Berlin", "2026-03-29T00:10:00Z", 2),
        ["01+01:00", "03+02:00"].map(|hour| format!("2026-03-29T{hour}@Europe/Berlin"))
    );
}

#[test]
fn clocks_put_back_by_half_an_hour_make_half_an_hour() {
    let again = of("hour", "Australia/Lord_Howe", "2026-04-04T15:10:00Z");
    assert_eq!(again.key, "2026-04-05T01+10:30@Australia/Lord_Howe");
    assert_eq!(again.start, at("2026-04-04T15:00:00Z"));
    assert_eq!(again.end, Some(at("2026-04-04T15:30:00Z")));
}

#[test]
fn clocks_put_forward_at_midnight_begin_the_day_at_one() {
    let day = of("day", "Africa/Cairo", "2026-04-24T12:00:00Z");
    assert_eq!((day.start, hours(&day)), (at("2026-04-24T01:00:00+03:00"), 23));
    let day = of("day", "Africa/Cairo", "2026-10-29T12:00:00Z");
    assert_eq!((day.end, hours(&day)), (Some(at("2026-10-30T00:00:00+02:00")), 25));
}

#[test]
fn clocks_put_back_past_midnight_do_not_begin_the_day_again() {
    // At 00:01 on the 31st it was 23:01 on the 30th once more.
    let again = of("day", "America/St_Johns", "2010-11-07T02:45:00Z");
    assert_eq!(again.key, "2010-11-07@America/St_Johns");
    assert_eq!((again.start, hours(&again)), (at("2010-11-07T00:00:00-02:30"), 25));
}

#[test]
fn a_date_that_was_left_out_has_no_bucket() {
    assert_eq!(
        keys("day", "Pacific/Apia", "2011-12-29T20:00:00Z", 2),
        ["2011-12-29", "2011-12-31"].map(|day| format!("{day}@Pacific/Apia"))
    );
}

#[test]
fn a_rolling_span_ends_now_and_forgets_to_the_millisecond() {
    let now = at("2026-06-18T14:30:00Z");
    let day = Bucket::of("rolling 1d".parse().unwrap(), &Zone::UTC, now);
    assert!(day.contains(now) && !day.contains(now.after(Duration::from_millis(1))));
    let then = at("2026-06-17T14:30:00Z");
    assert!(!day.contains(then) && day.contains(then.after(Duration::from_millis(1))));
    assert_eq!(day.leaves(then), Some(now));
}

#[test]
fn a_rolling_month_goes_back_to_the_last_day_of_a_shorter_one() {
    for (now, from) in [
        ("2026-03-31T12:00:00Z", "2026-02-28T12:00:00Z"),
        ("2026-03-31", "2026-02-28"),
        ("2026-03-30T12:00:00Z", "2026-02-28"),
        ("2026-03-27T12:00:00Z", "2026-02-27T12:00:00Z"),
        ("2026-04-01", "2026-03-01"),
        ("2026-07-15T12:00:00Z", "2026-06-15T12:00:00Z"),
    ] {
        let from = at(from);
        let bucket = of("rolling 1 month", "UTC", now);
        assert_eq!(bucket.start, from.after(Duration::from_millis(1)), "{now}");
    }
    let year = of("rolling 1 year", "UTC", "2024-02-29T12:00:00Z");
    assert_eq!(year.start, at("2023-02-28T12:00:00.001Z"));
    let month = of("rolling 1 month", "UTC", "2026-02-28");
    assert_eq!(month.leaves(at("2026-02-27T12:00:00Z")), Some(at("2026-03-27T12:00:00Z")));
    assert_eq!(month.leaves(at("2026-02-28T12:00:00Z")), Some(at("2026-03-31T12:00:00Z")));
    assert_eq!(month.leaves(at("2026-01-31T12:00:00Z")), Some(at("2026-03-01")));
}

#[test]
fn a_rolling_month_keeps_the_time_of_day_when_the_clocks_change() {
    let berlin = of("rolling 1 month", "Europe/Berlin", "2026-04-20T12:00:00+02:00");
    assert_eq!(berlin.start, at("2026-03-20T12:00:00.001+01:00"));
    // What the clocks skipped a month ago begins where they went on.
    let berlin = of("rolling 1 month", "Europe/Berlin", "2026-04-29T02:30:00+02:00");
    assert_eq!(berlin.start, at("2026-03-29T03:00:00.001+02:00"));
}
