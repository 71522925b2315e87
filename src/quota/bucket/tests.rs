//! Windows turn over exactly where the calendar of their zone says.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
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

proptest! {
    #[test]
    fn every_moment_is_in_its_own_bucket_and_buckets_meet_without_gap(
        millis in 0_i64..4_102_444_800_000,
        period in prop::sample::select(Period::ALL.to_vec()),
        name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Havana", "Pacific/Apia"]),
    ) {
        let (zone, moment) = (zone(name), Timestamp::from_millis(millis));
        let bucket = Bucket::of(period, &zone, moment);
        prop_assert!(bucket.contains(moment));
        if let Some(end) = bucket.end {
            let next = Bucket::of(period, &zone, end);
            prop_assert_eq!(next.start, end);
            prop_assert_ne!(next.key, bucket.key);
        }
    }

    #[test]
    fn no_moment_makes_the_calendar_panic(millis: i64) {
        for period in Period::ALL {
            let _ = Bucket::of(period, &Zone::UTC, Timestamp::from_millis(millis));
        }
    }
}
