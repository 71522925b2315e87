//! Periods read as they are written, and say what would be right.

use proptest::prelude::*;

use super::*;

fn error(text: &str) -> String {
    text.parse::<Period>().unwrap_err().to_string()
}

#[test]
fn every_form_reads() {
    let new_year = CivilDate::new(2026, 1, 1).unwrap();
    for (text, period) in [
        ("quarter", Period::Quarter),
        ("month@15", Period::MonthFrom(15)),
        ("year@02-29", Period::YearFrom { month: 2, day: 29 }),
        ("30d", Period::Days { days: 30, from: None }),
        ("30d@2026-01-01", Period::Days { days: 30, from: Some(new_year) }),
        ("rolling 30d", Period::Rolling(Length::Span(30 * 86_400_000))),
        ("rolling 1 month", Period::Rolling(Length::Months(1))),
        (" rolling  1   month ", Period::Rolling(Length::Months(1))),
    ] {
        assert_eq!(text.parse(), Ok(period), "{text}");
    }
}

#[test]
fn of_several_ways_to_write_a_length_one_is_written_out() {
    for (text, written) in [
        ("rolling 24h", "rolling 1d"),
        ("rolling 2 weeks", "rolling 14d"),
        ("rolling 30 days", "rolling 30d"),
        ("rolling 720 minutes", "rolling 12h"),
        ("rolling 90s", "rolling 90s"),
        ("rolling 1 year", "rolling 12 months"),
        ("rolling 1 months", "rolling 1 month"),
        ("month@05", "month@5"),
    ] {
        assert_eq!(text.parse::<Period>().unwrap().to_string(), written);
    }
}

#[test]
fn a_mistyped_period_suggests_the_nearest_and_lists_the_forms() {
    for (text, near) in [
        ("mnth", "month"),
        ("Quarter", "quarter"),
        ("minuts", "minute"),
        ("roling 30d", "rolling 30d"),
        ("rolling 1 mnth", "month"),
        ("rolling 12 Hours", "hours"),
    ] {
        assert!(error(text).contains(&format!("did you mean \"{near}\"")), "{}", error(text));
    }
    assert!(error("fortnight").contains("year, never, month@15, year@03-01"));
}

#[test]
fn a_day_that_no_month_has_is_refused() {
    for text in ["month@0", "month@32", "month@", "month@-1", "month@1.5", "month@+1", "month@001"]
    {
        assert!(error(text).ends_with("write month@1 to month@31"), "{}", error(text));
    }
    for text in ["year@02-30", "year@13-01", "year@3-1", "year@03", "year@", "year@03-01-01"] {
        assert!(error(text).ends_with("like year@03-01"), "{}", error(text));
    }
    assert!(error("30d@2026-02-29").contains("\"2026-02-29\" is not a date: write 30d@2026-01-01"));
    assert!(error("30d@2026-W01-1").contains("is not a date"));
}

#[test]
fn a_number_of_days_is_whole_and_within_a_hundred_years() {
    for text in ["0d", "-30d", "1.5d", "+30d", "36501d", "99999999999999999999d@2026-01-01", ".d"] {
        assert!(error(text).ends_with("from 1d to 36500d"), "{}", error(text));
    }
    assert!("36500d".parse::<Period>().is_ok());
    assert!(error("12h").ends_with("like rolling 12h"), "{}", error("12h"));
}

#[test]
fn a_rolling_length_is_whole_and_from_a_minute_to_a_hundred_years() {
    for text in [
        "rolling 0d",
        "rolling 59s",
        "rolling 36501d",
        "rolling 101 years",
        "rolling 1201 months",
        "rolling 99999999999999999999h",
        "rolling 18446744073709551615 years",
    ] {
        assert!(error(text).ends_with("from 1 minute to 100 years"), "{}", error(text));
    }
    for text in ["rolling -1d", "rolling 1.5h", "rolling 30", "rolling month", "rolling 1d 2h"] {
        assert!(error(text).contains("like rolling 30d"), "{}", error(text));
    }
    for text in ["rolling 1m", "rolling 36500d", "rolling 100 years"] {
        assert!(text.parse::<Period>().is_ok(), "{text}");
    }
    for text in ["rolling", "rolling30d", "Rolling 30d"] {
        assert!(error(text).contains("is not a period"), "{}", error(text));
    }
}

#[test]
fn what_was_used_is_told_in_plain_words() {
    for (text, words) in [
        ("minute", "this minute"),
        ("month@15", "this month"),
        ("year@03-01", "this year"),
        ("never", "in all"),
        ("30d@2026-01-01", "in these 30 days"),
        ("1d", "today"),
        ("rolling 30d", "in the last 30 days"),
        ("rolling 1d", "in the last 24 hours"),
        ("rolling 1h", "in the last hour"),
        ("rolling 90m", "in the last 90 minutes"),
        ("rolling 1 month", "in the last month"),
        ("rolling 18 months", "in the last 18 months"),
        ("rolling 1 year", "in the last year"),
        ("rolling 2 years", "in the last 2 years"),
    ] {
        assert_eq!(text.parse::<Period>().unwrap().when(), words);
    }
}

fn any_period() -> impl Strategy<Value = Period> {
    let date = (0_i16..=9999, 1_i8..=12, 1_i8..=28)
        .prop_map(|(year, month, day)| CivilDate::new(year, month, day).unwrap());
    let days = 1..=Period::MOST_DAYS;
    prop_oneof![
        prop::sample::select(Period::CALENDAR.to_vec()),
        (1_u8..=31).prop_map(Period::MonthFrom),
        (1_u8..=12, 1_u8..=29).prop_map(|(month, day)| Period::YearFrom { month, day }),
        (days, prop::option::of(date)).prop_map(|(days, from)| Period::Days { days, from }),
        (60_000_u64..=36_500 * 86_400_000).prop_map(|span| Period::Rolling(Length::Span(span))),
        (1_u64..=36_500).prop_map(|days| Period::Rolling(Length::Span(days * 86_400_000))),
        (1_u32..=1200).prop_map(|months| Period::Rolling(Length::Months(months))),
    ]
}

proptest! {
    #[test]
    fn a_period_survives_being_written_and_read(period in any_period()) {
        prop_assert_eq!(period.to_string().parse(), Ok(period));
        let json = serde_json::to_string(&period).unwrap();
        prop_assert_eq!(serde_json::from_str::<Period>(&json).unwrap(), period);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        text in "(rolling |month@|year@|)[-+.@ 0-9a-zé]{0,12}|.{0,12}",
    ) {
        let _ = text.parse::<Period>();
    }
}
