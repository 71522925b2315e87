//! Buckets tile time, none shares a key with another, and no moment is too odd.

use proptest::prelude::*;

use super::*;
use crate::quota::period::CivilDate;

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "America/Juneau",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Cairo",
];

/// Moments at large, and within days of the odd ones of the zones above.
fn moments() -> impl Strategy<Value = i64> {
    let odd = [
        "1867-10-18T20:00:00Z",
        "1986-01-01T00:00:00+05:30",
        "2010-11-07T02:31:00Z",
        "2011-12-30T10:00:00Z",
        "2026-03-08T07:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-04-04T15:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-10-29T21:00:00Z",
        "2026-11-01T06:00:00Z",
        "2024-02-29T12:00:00Z",
        "2026-03-01T00:00:00Z",
    ];
    let odd = prop::sample::select(odd.map(|moment| at(moment).millis()).to_vec());
    prop_oneof![
        -4_102_444_800_000_i64..8_204_889_600_000,
        (odd.clone(), -260_000_000_i64..260_000_000).prop_map(|(moment, by)| moment + by),
        (odd, -7_300_000_i64..7_300_000).prop_map(|(moment, by)| moment + by),
    ]
}

fn stretches() -> impl Strategy<Value = Period> {
    let date = (2000_i16..2050, 1_i8..=12, 1_i8..=28)
        .prop_map(|(year, month, day)| CivilDate::new(year, month, day).ok());
    prop_oneof![
        prop::sample::select(Period::CALENDAR.to_vec()),
        (1_u8..=31).prop_map(Period::MonthFrom),
        (1_u8..=12, 1_u8..=31).prop_map(|(month, day)| Period::YearFrom { month, day }),
        (1_u32..60, date).prop_map(|(days, from)| Period::Days { days, from }),
    ]
}

fn lengths() -> impl Strategy<Value = Length> {
    prop_oneof![
        (60_000_u64..4_000_000_000).prop_map(Length::Span),
        (1_u32..=24).prop_map(Length::Months),
        (1_u32..=2).prop_map(Length::Months),
    ]
}

fn any_period() -> impl Strategy<Value = Period> {
    prop_oneof![
        prop::sample::select(Period::CALENDAR.to_vec()),
        any::<u8>().prop_map(Period::MonthFrom),
        any::<(u8, u8)>().prop_map(|(month, day)| Period::YearFrom { month, day }),
        any::<u32>().prop_map(|days| Period::Days { days, from: None }),
        any::<u32>().prop_map(|days| Period::Days { days, from: Some(CivilDate::MIN) }),
        any::<u32>().prop_map(|days| Period::Days { days, from: Some(CivilDate::MAX) }),
        any::<u64>().prop_map(|span| Period::Rolling(Length::Span(span))),
        any::<u32>().prop_map(|months| Period::Rolling(Length::Months(months))),
        (0_u32..300_000).prop_map(|months| Period::Rolling(Length::Months(months))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn every_moment_is_in_its_own_bucket_and_buckets_meet_without_gap(
        millis in moments(),
        within in 0.0..1.0,
        period in stretches(),
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let (zone, moment) = (zone(name), Timestamp::from_millis(millis));
        let bucket = Bucket::of(period, &zone, moment);
        prop_assert!(bucket.contains(moment));
        prop_assert_eq!(Bucket::of(period, &zone, bucket.start), bucket.clone());
        let Some(end) = bucket.end else {
            prop_assert_eq!(period, Period::Never);
            return Ok(());
        };
        let millisecond = Duration::from_millis(1);
        let other = bucket.start.after(bucket.start.until(end.before(millisecond)).mul_f64(within));
        prop_assert_eq!(Bucket::of(period, &zone, other), bucket.clone());
        prop_assert_eq!(Bucket::of(period, &zone, end.before(millisecond)), bucket.clone());
        let next = Bucket::of(period, &zone, end);
        prop_assert_eq!(next.start, end);
        prop_assert_ne!(&next.key, &bucket.key);
        let before = Bucket::of(period, &zone, bucket.start.before(millisecond));
        prop_assert_eq!(before.end, Some(bucket.start));
        prop_assert_ne!(&before.key, &bucket.key);
        prop_assert_ne!(&before.key, &next.key);
    }

    #[test]
    fn no_two_buckets_share_a_key(
        one in (moments(), stretches(), prop::sample::select(ZONES.to_vec())),
        by in -90_000_000_i64..90_000_000,
        other in (stretches(), prop::sample::select(ZONES.to_vec())),
    ) {
        let (millis, period, name) = one;
        let first = Bucket::of(period, &zone(name), Timestamp::from_millis(millis));
        let near = Timestamp::from_millis(millis + by);
        for (other, place) in [other, (period, other.1), (other.0, name), (period, name)] {
            let second = Bucket::of(other, &zone(place), near);
            prop_assert_eq!(first.key == second.key, first == second && (place == name || period == Period::Never));
        }
    }

    #[test]
    fn a_charge_counts_from_when_it_is_made_until_it_leaves(
        millis in moments(),
        ago in 0.0..1.2,
        near in -7_200_000_i64..7_200_000,
        length in lengths(),
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let (zone, charged) = (zone(name), Timestamp::from_millis(millis));
        let period = Period::Rolling(length);
        let leaves = Bucket::of(period, &zone, charged).leaves(charged).unwrap();
        let span = charged.until(leaves);
        let moments = [
            charged.after(span.mul_f64(ago)),
            Timestamp::from_millis(charged.millis() + near),
            Timestamp::from_millis(leaves.millis() + near),
            leaves,
            Timestamp::from_millis(leaves.millis() - 1),
        ];
        for now in moments {
            let bucket = Bucket::of(period, &zone, now);
            prop_assert_eq!(bucket.end, Some(now.after(Duration::from_millis(1))));
            prop_assert_eq!(bucket.contains(charged), charged <= now && now < leaves, "{} {}", now, leaves);
            prop_assert_eq!(bucket.leaves(charged), Some(leaves));
        }
    }

    #[test]
    fn no_moment_makes_the_calendar_panic(
        millis: i64,
        edge in 0_i64..90_000_000,
        period in any_period(),
        name in prop::sample::select(ZONES.to_vec()),
    ) {
        let zone = zone(name);
        for millis in [millis, i64::MIN, i64::MAX, Timestamp::MIN.millis() + edge, Timestamp::MAX.millis() - edge] {
            let moment = Timestamp::from_millis(millis);
            let bucket = Bucket::of(period, &zone, moment);
            if !matches!(period, Period::Rolling(Length::Span(0) | Length::Months(0))) {
                prop_assert!(bucket.contains(moment), "{} {:?}", moment, bucket);
            }
            let _ = bucket.leaves(moment);
            let _ = bucket.begun(Timestamp::from_millis(millis.wrapping_neg()));
        }
    }
}
