//! The books over time: what is set, told by day, kept, made anew and forgotten.

use std::sync::Arc;
use std::time::Duration;

use super::{alice, limit, media, noon};
use crate::clock::{Clock, Manual, Timestamp};
use crate::engine::{Ask, Charged, Engine, EngineError, Fact, GroupChange, Lines, Page, Span};
use crate::quota::event::Kind;
use crate::quota::{Amount, Layer, Limit, Measure, Period, Resource, Subject};
use crate::store::memory::Memory;

const DAY: Duration = Duration::from_hours(24);

/// Returns an engine at noon, under `text` for everyone, and its clock.
async fn engine(text: &str) -> (Engine, Arc<Manual>) {
    let clock = Arc::new(Manual::at(noon()));
    let engine = Engine::start(Arc::new(Memory::default()), clock.clone()).await.unwrap();
    let limits = [(media(), limit(text)), (requests(), Limit::unlimited())].into();
    let change = GroupChange { limits, default: true, ..GroupChange::default() };
    engine.set_group("free", &change).await.unwrap();
    (engine, clock)
}

fn requests() -> Resource {
    "requests".parse().unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn fact(amount: i64, at: Option<Timestamp>) -> Fact {
    let amount = Amount::new(amount);
    Fact { subject: alice(), resource: media(), amount, member: None, key: None, at }
}

async fn used(engine: &Engine, span: Span) -> i64 {
    engine.usage(&alice(), &media(), span).await.unwrap().used.get()
}

async fn kinds(engine: &Engine) -> Vec<(Kind, i64)> {
    let lines = Lines { most: 100, ..Lines::default() };
    let lines = engine.events(&lines).await.unwrap().into_iter();
    lines.map(|line| (line.event.kind, line.event.amount.get())).collect()
}

#[tokio::test]
async fn what_is_set_is_the_count_of_the_longest_window_that_lies_still() {
    for (text, period) in [
        ("unlimited", Period::Never),
        ("1GB/day,9GB/never", Period::Never),
        ("1GB/day,5GB/month", Period::Month),
        ("5GB/month,1GB/day", Period::Month),
        ("1GB/week,9GB/rolling 60d", Period::Week),
        ("5GB/rolling 3d,5GB/rolling 10d", "rolling 10d".parse().unwrap()),
        ("9GB/never per server,1GB/day", Period::Day),
    ] {
        let (engine, clock) = engine(text).await;
        let long_ago = fact(500, Some(noon().before(DAY * 34)));
        engine.record(&long_ago).await.unwrap();
        engine.record(&fact(70, Some(noon().before(DAY)))).await.unwrap();
        engine.record(&fact(3, None)).await.unwrap();
        clock.advance(Duration::from_secs(1));
        let set = engine.set(&alice(), &media(), Amount::new(40)).await.unwrap();
        assert_eq!((set.window.period, set.window.used.get()), (period, 40), "{text}");
        assert_eq!(used(&engine, Span::Period(period)).await, 40, "{text}");
    }
}

#[tokio::test]
async fn setting_is_one_line_of_the_difference_even_past_a_limit() {
    let (engine, _) = engine("100/never").await;
    engine.record(&fact(30, None)).await.unwrap();
    let set = engine.set(&alice(), &media(), Amount::new(500)).await.unwrap();
    assert!(set.over);
    let set = engine.set(&alice(), &media(), Amount::new(10)).await.unwrap();
    assert!(!set.over);
    engine.set(&alice(), &media(), Amount::new(10)).await.unwrap();
    let expected = [(Kind::Use, 30), (Kind::Set, 470), (Kind::Set, -490)];
    assert_eq!(kinds(&engine).await, expected);
    let refused = engine.set(&alice(), &media(), Amount::new(-1)).await.unwrap_err();
    assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
    assert_eq!(kinds(&engine).await.len(), 3);
}

#[tokio::test]
async fn a_highest_value_can_be_set_lower_and_members_cannot_be_set() {
    let (engine, _) = engine("unlimited").await;
    let measure = |text: &str| Measure { aggregate: text.parse().unwrap(), ..Measure::COUNT };
    let seats: Resource = "seats".parse().unwrap();
    let declared = async |aggregate: &str| {
        let resources = [(seats.clone(), measure(aggregate))].into();
        engine.apply_file(&Layer { resources, ..Layer::default() }).await.unwrap();
    };
    for aggregate in ["max", "last"] {
        declared(aggregate).await;
        for value in [9, 4, 6] {
            let set = engine.set(&alice(), &seats, Amount::new(value)).await.unwrap();
            assert_eq!(set.window.used.get(), value, "{aggregate}");
        }
    }
    declared("unique").await;
    let refused = engine.set(&alice(), &seats, Amount::new(4)).await.unwrap_err();
    assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
}

#[tokio::test]
async fn a_hold_taken_just_before_midnight_settles_into_that_day() {
    let (engine, clock) = engine("1GB/day").await;
    clock.set(moment("2026-06-18T23:59:59.900Z"));
    let hold = engine.reserve(&alice(), &Ask::upload(Amount::new(700))).await.unwrap().hold;
    clock.set(moment("2026-06-19T00:00:01Z"));
    let charge = hold.unwrap().settle(Amount::new(650)).await.unwrap();
    let by_day = async || {
        let (start, end) = (moment("2026-06-18"), moment("2026-06-20"));
        let days = engine.history(Some(&alice()), &media(), Period::Day, start, end).await;
        days.unwrap().into_iter().map(|day| day.used.get()).collect::<Vec<_>>()
    };
    assert_eq!(by_day().await, [650, 0]);
    assert_eq!(used(&engine, Span::Limits).await, 0);
    charge.refund().await;
    assert_eq!(by_day().await, [0, 0]);
}

#[tokio::test]
async fn a_history_goes_by_the_days_of_the_zone_even_those_of_23_and_25_hours() {
    let (engine, clock) = engine("unlimited").await;
    let berlin = Layer { timezone: Some("Europe/Berlin".parse().unwrap()), ..Layer::default() };
    engine.apply_file(&berlin).await.unwrap();
    for (now, hours, before, last) in [
        // The clocks go forward at 01:00 UTC.
        ("2026-03-30T12:00:00Z", 23, "2026-03-28T22:59:59Z", "2026-03-29T21:59:59Z"),
        // The clocks go back at 01:00 UTC.
        ("2026-10-26T12:00:00Z", 25, "2026-10-24T21:59:59Z", "2026-10-25T22:59:59Z"),
    ] {
        clock.set(moment(now));
        let day = moment(before).after(Duration::from_secs(1));
        let next = day.after(Duration::from_hours(hours));
        engine.record(&fact(1, Some(moment(before)))).await.unwrap();
        engine.record(&fact(20, Some(day))).await.unwrap();
        engine.record(&fact(300, Some(moment(last)))).await.unwrap();
        engine.record(&fact(4000, Some(next))).await.unwrap();
        let within = |hours: u64| day.after(Duration::from_hours(hours));
        let history = async |subject: Option<&Subject>, start, end| {
            let days = engine.history(subject, &media(), Period::Day, start, end).await.unwrap();
            days.into_iter().map(|day| (day.start, day.used.get())).collect::<Vec<_>>()
        };
        let told = history(Some(&alice()), within(5), within(hours + 1)).await;
        assert_eq!(told, [(day, 320), (next, 4000)], "{now}");
        // The end does not count, and everyone's days are those of the policy.
        assert_eq!(history(None, day, next).await, [(day, 320)], "{now}");
        let before = day.before(Duration::from_millis(1));
        assert_eq!(history(None, before, next).await.len(), 2, "{now}");
    }
}

#[tokio::test]
async fn a_history_that_cannot_be_told_says_what_would_be() {
    let (engine, _) = engine("unlimited").await;
    let refused = async |period: &str, start: &str, end: &str| {
        let (period, resource) = (period.parse().unwrap(), media());
        let told = engine.history(None, &resource, period, moment(start), moment(end)).await;
        let Err(EngineError::BadInput(text)) = told else { panic!("{told:?}") };
        text
    };
    assert!(refused("day", "2026-06-02", "2026-06-01").await.contains("before it starts"));
    assert!(refused("day", "2026-06-01", "2026-06-01").await.contains("before it starts"));
    for period in ["never", "rolling 30d", "30d"] {
        let text = refused(period, "2026-06-01", "2026-06-02").await;
        assert!(text.contains("hour, day, week"), "{text}");
    }
    assert!(refused("minute", "2026-06-01", "2026-07-01").await.contains("at most"));
}

#[tokio::test]
async fn a_fact_may_be_told_35_days_late_and_5_minutes_early_and_no_more() {
    let (engine, _) = engine("unlimited").await;
    let (late, early) = (noon().before(DAY * 35), noon().after(Duration::from_mins(5)));
    let instant = Duration::from_millis(1);
    for (at, fits) in
        [(late, true), (late.before(instant), false), (early, true), (early.after(instant), false)]
    {
        let recorded = engine.record(&fact(1, Some(at))).await;
        assert_eq!(recorded.is_ok(), fits, "{at}: {recorded:?}");
    }
    assert_eq!(used(&engine, Span::Period(Period::Never)).await, 2);
    assert_eq!(used(&engine, Span::Range(late, late.after(instant))).await, 1);
}

#[tokio::test]
async fn the_pages_of_who_used_most_go_on_behind_the_last_though_others_overtake() {
    let (engine, _) = engine("1GB/day,9GB/month").await;
    let user = |index: i64| format!("@user{index:02}").parse::<Subject>().unwrap();
    let record = async |index: i64, amount: i64| {
        engine.record(&Fact { subject: user(index), ..fact(amount, None) }).await.unwrap();
    };
    for index in 0..10 {
        // Two and two are equal, and stand by name.
        record(index, 1000 - index / 2 * 100).await;
    }
    let page = async |behind: Option<Charged>| {
        let top = engine.top(&media(), Some(Period::Day), behind.as_ref(), 4).await.unwrap();
        let cursor =
            top.last().map(|last| Charged { subject: last.subject.clone(), used: last.used });
        let told: Vec<_> = top.iter().map(|it| (it.subject.clone(), it.used.get())).collect();
        assert!(top.iter().all(|it| it.limit == Some(Amount::new(1_000_000_000))));
        (told, cursor)
    };
    let (first, cursor) = page(None).await;
    assert_eq!(first, [(user(0), 1000), (user(1), 1000), (user(2), 900), (user(3), 900)]);
    // One that was to come overtakes; one that was told falls behind.
    record(9, 5000).await;
    record(0, -950).await;
    let (second, cursor) = page(cursor).await;
    assert_eq!(second, [(user(4), 800), (user(5), 800), (user(6), 700), (user(7), 700)]);
    let (third, cursor) = page(cursor).await;
    assert_eq!(third, [(user(8), 600), (user(0), 50)]);
    assert_eq!(page(cursor).await.0, []);
}

#[tokio::test]
async fn a_summary_tells_every_resource_used_or_not_and_what_is_past_soft_limits() {
    let (engine, _) = engine("100/month,50/day soft,10/week observe").await;
    engine.record(&fact(80, None)).await.unwrap();
    let _held = engine.reserve(&alice(), &Ask::upload(Amount::new(5))).await.unwrap();
    let summary = engine.summary(&alice()).await.unwrap();
    assert_eq!((summary.group.as_deref(), summary.exempt), (Some("free"), false));
    assert_eq!(summary.because.as_deref(), Some("default free"));
    let [media_bytes, requests] = summary.resources.as_slice() else { panic!("{summary:?}") };
    assert_eq!(media_bytes.resource, media());
    let figures = |it: &crate::engine::UsageReport| (it.used, it.reserved, it.limit, it.remaining);
    let (used, reserved) = (Amount::new(80), Amount::new(5));
    let zero = Amount::ZERO;
    assert_eq!(figures(media_bytes), (used, reserved, Some(Amount::new(50)), Some(zero)));
    // Of what is only observed nothing is owed.
    assert_eq!(media_bytes.overage, Amount::new(30));
    assert_eq!(media_bytes.windows.len(), 3);
    assert_eq!(figures(requests), (zero, zero, None, None));
    assert_eq!(*media_bytes, engine.usage(&alice(), &media(), Span::Limits).await.unwrap());
    engine.exempt(&alice(), None).await.unwrap();
    let summary = engine.summary(&alice()).await.unwrap();
    assert!(summary.exempt);
    assert_eq!((summary.resources[0].limit, summary.resources[0].overage), (None, zero));
}

#[tokio::test]
async fn who_is_known_is_told_by_name_with_group_and_last_activity() {
    let (engine, _) = engine("unlimited").await;
    let subject = |name: &str| name.parse::<Subject>().unwrap();
    engine.set_group("patron", &GroupChange::default()).await.unwrap();
    engine.assign(&subject("@carol"), "patron", None).await.unwrap();
    engine.assign(&subject("@bridge"), "patron", None).await.unwrap();
    let at = noon().before(DAY);
    for name in ["@bob", "@bridge"] {
        let fact = Fact { subject: subject(name), ..fact(1, Some(at)) };
        engine.record(&fact).await.unwrap();
    }
    let told = async |prefix: &str, after: Option<&str>, most| {
        let page = Page { after: after.map(subject), most };
        let known = engine.subjects(prefix, page).await.unwrap().into_iter();
        let known = known.map(|it| (it.subject.to_string(), it.group.unwrap(), it.last_activity));
        known.collect::<Vec<_>>()
    };
    let row = |name: &str, group: &str, last| (name.to_owned(), group.to_owned(), last);
    let all = [
        row("@bob", "free", Some(at)),
        row("@bridge", "patron", Some(at)),
        row("@carol", "patron", None),
    ];
    assert_eq!(told("", None, 10).await, all);
    assert_eq!(told("", Some("@bob"), 1).await, all[1..2]);
    assert_eq!(told("@b", Some("@bob"), 10).await, all[1..2]);
    assert_eq!(told("@c", None, 10).await, all[2..]);
    assert_eq!(told("x", None, 10).await, []);
}

#[tokio::test]
async fn lines_go_when_their_time_is_over_and_no_count_changes() {
    let (engine, clock) = engine("1GB/month").await;
    let keep = DAY * 40;
    for day in 0..60 {
        clock.set(noon().after(DAY * day));
        engine.record(&fact(1, None)).await.unwrap();
    }
    let too_short = engine.prune(DAY * 35).await.unwrap_err();
    assert!(matches!(too_short, EngineError::BadInput(_)), "{too_short:?}");
    assert_eq!(kinds(&engine).await.len(), 60);
    // The oldest that stay are those of 19 days and more: 59 less 40.
    assert_eq!(engine.prune(keep).await.unwrap(), 19);
    assert_eq!(engine.prune(keep).await.unwrap(), 0);
    assert_eq!(kinds(&engine).await.len(), 41);
    assert_eq!(used(&engine, Span::Period(Period::Never)).await, 60);
    assert_eq!(used(&engine, Span::Limits).await, 16);
    let rebuilt = engine.rebuild(None, false, |_, _| ()).await.unwrap();
    assert_eq!(rebuilt.drift, []);
    assert_eq!(used(&engine, Span::Period(Period::Never)).await, 60);
}

#[tokio::test(start_paused = true)]
async fn the_ledger_is_looked_through_a_minute_after_the_start_and_then_every_hour() {
    let (engine, clock) = engine("unlimited").await;
    engine.record(&fact(1, None)).await.unwrap();
    clock.advance(DAY * 50);
    let chore = tokio::spawn({
        let engine = engine.clone();
        async move { engine.keep_events(DAY * 40).await }
    });
    let minutes = async |minutes| tokio::time::sleep(Duration::from_mins(minutes)).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(kinds(&engine).await.len(), 1);
    minutes(1).await;
    assert_eq!(kinds(&engine).await.len(), 0);
    engine.record(&fact(1, None)).await.unwrap();
    clock.advance(DAY * 50);
    minutes(58).await;
    assert_eq!(kinds(&engine).await.len(), 1);
    minutes(2).await;
    assert_eq!(kinds(&engine).await.len(), 0);
    chore.abort();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn who_is_forgotten_leaves_sums_and_no_name() {
    let (engine, _) = engine("1GB/month,5GB/month per server").await;
    let kept = async || {
        let history = engine.history(None, &media(), Period::Day, noon(), noon().after(DAY)).await;
        history.unwrap()[0].used.get()
    };
    engine.record(&Fact { key: Some("k".to_owned()), ..fact(70, None) }).await.unwrap();
    let hold = engine.reserve(&alice(), &Ask::upload(Amount::ONE)).await.unwrap().hold.unwrap();
    let open = engine.reservations(10).await.unwrap();
    assert_eq!((open.len(), open[0].id), (1, hold.id()));
    let conflict = engine.forget(&alice()).await.unwrap_err();
    assert!(matches!(conflict, EngineError::Conflict(_)), "{conflict:?}");
    hold.release().await.unwrap();
    assert_eq!(engine.reservations(10).await.unwrap().len(), 0);
    let pseudonym = engine.forget(&alice()).await.unwrap();
    assert!(pseudonym.as_str().starts_with("forgotten-"), "{pseudonym}");
    assert_eq!(used(&engine, Span::Limits).await, 0);
    assert_eq!(kept().await, 70);
    let lines = Lines { subject: Some(pseudonym), most: 10, ..Lines::default() };
    assert_eq!(engine.events(&lines).await.unwrap()[0].key, None);
    let unknown = engine.forget(&alice()).await.unwrap_err();
    assert!(matches!(unknown, EngineError::NotFound(_)), "{unknown:?}");
}

#[tokio::test]
async fn a_rebuild_says_how_far_it_has_come() {
    let (engine, clock) = engine("1GB/month,1GB/day").await;
    engine.record(&fact(70, None)).await.unwrap();
    clock.advance(DAY);
    engine.record(&fact(70, None)).await.unwrap();
    let mut heard = Vec::new();
    let rebuilt = engine.rebuild(Some(&alice()), true, |done, all| heard.push((done, all))).await;
    let rebuilt = rebuilt.unwrap();
    assert_eq!(rebuilt.drift, []);
    assert!(rebuilt.buckets >= 4, "{rebuilt:?}");
    let expected: Vec<_> = (0..=rebuilt.buckets).map(|done| (done, rebuilt.buckets)).collect();
    assert_eq!(heard, expected);
    assert_eq!(clock.now(), noon().after(DAY));
}
