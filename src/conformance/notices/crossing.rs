//! S18: what is told of which crossing, and what is not.

use crate::quota::held::{HoldId, Life};
use crate::quota::notice::{Notice, Topic};
use crate::quota::strictness::Mode;
use crate::quota::{Aggregate, Amount, Grants, Per, Period};
use crate::store::Store;

use super::*;

clauses!(
    a_notice_says_what_was_crossed_by_whom,
    each_mark_is_told_once_per_window,
    the_next_bucket_is_told_of_anew,
    what_falls_below_its_limit_has_recovered_once,
    each_charge_past_a_soft_limit_is_told_with_its_part,
    every_verb_that_charges_is_watched,
    a_settlement_is_watched_by_the_plan_it_is_given,
    what_charges_nothing_tells_nothing,
    what_is_not_limited_is_not_told,
    a_bucket_that_has_ended_is_not_told_of,
    a_replay_tells_nothing_anew,
    a_pool_is_told_of_once_whoever_crosses_it,
    windows_of_different_strictness_are_told_apart,
    a_rolling_window_is_told_of_again_after_its_length,
    a_window_of_first_use_is_told_of_again_when_it_opens_anew,
    what_does_not_add_up_is_told_by_its_count,
    of_many_charges_at_once_each_mark_is_told_once,
);

async fn a_notice_says_what_was_crossed_by_whom(store: &dyn Store) {
    let plan = within("free", wants(9, &["10/month warn 90", "8/day soft warn none per group"]));
    let now = noon().after(HOUR);
    store.record(&plan, None, now).await.unwrap().unwrap();
    let own = Notice {
        id: 1,
        topic: Topic::Warn,
        subject: alice(),
        resource: media(),
        per: Per::Subject,
        group: None,
        period: Period::Month,
        bucket: "2026-06".to_owned(),
        mode: Mode::Hard,
        limit: Amount::new(10),
        used: Amount::new(9),
        percentage: Some(90),
        part: None,
        at: now,
    };
    let pool = Notice {
        id: 2,
        topic: Topic::Over,
        per: Per::Group,
        group: Some("free".to_owned()),
        period: Period::Day,
        bucket: "2026-06-18".to_owned(),
        mode: Mode::Soft,
        limit: Amount::new(8),
        percentage: None,
        ..own.clone()
    };
    let part =
        Notice { id: 3, topic: Topic::ChargeOver, part: Some(Amount::new(1)), ..pool.clone() };
    assert_eq!(all(store).await, [own, pool, part]);
}

async fn each_mark_is_told_once_per_window(store: &dyn Store) {
    let charge = |amount| wants(amount, &["100/month warn 50 80 120"]);
    let mut seen = 0;
    for (amount, expected) in [
        (49, &[][..]),
        (1, &["warn 50"]),
        (-20, &[]),
        (25, &[]),
        (40, &["warn 80"]),
        (6, &["over"]),
        (-60, &["recovered"]),
        (60, &[]),
        (20, &["warn 120"]),
    ] {
        recorded(store, &charge(amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "{amount}");
    }
    recorded(store, &by(bob(), charge(85))).await;
    assert_eq!(told(store, &mut seen).await, ["warn 50", "warn 80"]);
}

async fn the_next_bucket_is_told_of_anew(store: &dyn Store) {
    let mut seen = 0;
    for at in [noon(), moment("2026-06-19"), moment("2026-07-01")] {
        recorded(store, &wants_at(at, 85, &["100/day"])).await;
        assert_eq!(told(store, &mut seen).await, ["warn 80"], "{at}");
    }
    // The same window back in time has ended.
    recorded(store, &wants_at(moment("2026-07-01"), 14, &["100/day"])).await;
    assert!(told(store, &mut seen).await.is_empty());
}

async fn what_falls_below_its_limit_has_recovered_once(store: &dyn Store) {
    let charge = |amount| wants(amount, &["10/month warn none"]);
    let mut seen = 0;
    for (amount, expected) in
        [(10, &[][..]), (-1, &["recovered"]), (5, &["over"]), (-9, &[]), (9, &[]), (-9, &[])]
    {
        recorded(store, &charge(amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "{amount}");
    }
}

async fn each_charge_past_a_soft_limit_is_told_with_its_part(store: &dyn Store) {
    let charge = |amount| wants(amount, &["10/month soft warn none"]);
    let mut seen = 0;
    for (amount, expected) in [
        (8, &[][..]),
        (5, &["over", "past by 3"]),
        (5, &["past by 5"]),
        (-10, &["recovered"]),
        (4, &["past by 2"]),
        (0, &[]),
    ] {
        consumed(store, &charge(amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "{amount}");
    }
}

async fn every_verb_that_charges_is_watched(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month"]);
    let mut seen = 0;
    consumed(store, &plan(8)).await;
    assert_eq!(told(store, &mut seen).await, ["warn 80"]);
    recorded(store, &plan(2)).await;
    assert_eq!(told(store, &mut seen).await, ["warn 100"]);
    store.set(&plan(11), 0, noon()).await.unwrap().unwrap();
    assert_eq!(told(store, &mut seen).await, ["over"]);
    store.reset(&plan(0), None, noon()).await.unwrap().unwrap();
    assert_eq!(told(store, &mut seen).await, ["recovered"]);
    let last = all(store).await.pop().unwrap();
    assert_eq!((last.used, last.limit), (Amount::ZERO, Amount::new(10)));
}

/// S6, S8.
async fn a_settlement_is_watched_by_the_plan_it_is_given(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month soft"]);
    let mut seen = 0;
    let unwatched = granted(store, &plan(2)).await;
    store.settle(unwatched, Amount::new(9), None, noon()).await.unwrap().unwrap();
    assert!(told(store, &mut seen).await.is_empty());
    let watched = granted(store, &plan(2)).await;
    assert!(told(store, &mut seen).await.is_empty());
    // Of whatever version it is.
    let seen_version = store.policy().await.unwrap().version;
    let group = crate::quota::grant::Grant { what: "gold".to_owned(), until: None, note: None };
    let grants = Grants { group: Some(group), ..Grants::default() };
    store.write_grants(&bob(), grants, seen_version).await.unwrap();
    for _ in 0..2 {
        store.settle(watched, Amount::new(4), Some(&plan(0)), noon()).await.unwrap().unwrap();
    }
    assert_eq!(told(store, &mut seen).await, ["warn 100", "over", "past by 3"]);
    for _ in 0..2 {
        store.refund(watched, Some(&plan(0)), noon()).await.unwrap().unwrap();
    }
    assert_eq!(told(store, &mut seen).await, ["recovered"]);
    store.refund(unwatched, None, noon()).await.unwrap().unwrap();
    assert!(told(store, &mut seen).await.is_empty());
}

async fn what_charges_nothing_tells_nothing(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month soft ceiling 30"]);
    let id = granted(store, &plan(25)).await;
    assert!(!fits(store, &plan(25), noon()).await);
    store.grow(id, &plan(1), noon()).await.unwrap();
    store.release(id, noon()).await.unwrap().unwrap();
    let life = Life::Until(noon().after(HOUR));
    let gone = HoldId::fresh();
    store.reserve(&plan(25), gone, life, noon()).await.unwrap();
    let later = noon().after(2 * HOUR);
    assert_eq!(figures(windows_at(store, &plan(0), later).await[0]), (0, 0));
    let id = HoldId::fresh();
    store.consume(&plan(31), id, later).await.unwrap();
    assert!(all(store).await.is_empty());
}

async fn what_is_not_limited_is_not_told(store: &dyn Store) {
    recorded(store, &wants(1000, &["any/month", "any/day per server"])).await;
    // A window that somebody else is limited by.
    recorded(store, &by(bob(), wants(1, &["5/month"]))).await;
    recorded(store, &wants(1000, &["any/month"])).await;
    assert!(all(store).await.is_empty());
}

async fn a_bucket_that_has_ended_is_not_told_of(store: &dyn Store) {
    let may =
        wants_at(moment("2026-05-20"), 100, &["10/month soft", "50/year", "50/day per server"]);
    store.record(&may, None, noon()).await.unwrap().unwrap();
    let marks: Vec<_> = all(store).await.iter().map(|it| (it.period, words(it))).collect();
    let year = |text: &str| (Period::Year, text.to_owned());
    assert_eq!(marks, [year("warn 80"), year("warn 100"), year("over")]);
}

/// S10.
async fn a_replay_tells_nothing_anew(store: &dyn Store) {
    let plan = wants(12, &["10/month soft warn none"]);
    for _ in 0..3 {
        store.record(&plan, Some(key("k", 12)), noon()).await.unwrap().unwrap();
    }
    let id = HoldId::fresh();
    for _ in 0..3 {
        store.consume(&wants(1, &["10/month soft warn none"]), id, noon()).await.unwrap();
    }
    let mut seen = 0;
    assert_eq!(told(store, &mut seen).await, ["over", "past by 2", "past by 1"]);
}

/// S15.
async fn a_pool_is_told_of_once_whoever_crosses_it(store: &dyn Store) {
    let plan = |amount| wants(amount, &["10/month per group", "30/month per server"]);
    let mut seen = 0;
    recorded(store, &within("free", plan(7))).await;
    recorded(store, &within("free", by(bob(), plan(2)))).await;
    assert_eq!(told(store, &mut seen).await, ["warn 80"]);
    assert_eq!(all(store).await[0].subject, bob());
    recorded(store, &within("free", plan(-5))).await;
    recorded(store, &within("free", plan(5))).await;
    assert!(told(store, &mut seen).await.is_empty());
    recorded(store, &within("gold", plan(9))).await;
    assert_eq!(told(store, &mut seen).await, ["warn 80"]);
    assert_eq!(all(store).await[1].group.as_deref(), Some("gold"));
    recorded(store, &by(bob(), plan(7))).await;
    assert_eq!(told(store, &mut seen).await, ["warn 80"]);
    let last = all(store).await.pop().unwrap();
    assert_eq!((last.per, last.group, last.used.get()), (Per::Server, None, 25));
}

async fn windows_of_different_strictness_are_told_apart(store: &dyn Store) {
    let plan = |amount| wants(amount, &["100/month warn 80", "50/month observe warn 80 160"]);
    recorded(store, &plan(40)).await;
    recorded(store, &plan(40)).await;
    let told: Vec<_> = all(store).await.iter().map(|it| (it.mode, words(it))).collect();
    let expected = [
        (Mode::Observe, "warn 80"),
        (Mode::Hard, "warn 80"),
        (Mode::Observe, "warn 160"),
        (Mode::Observe, "over"),
    ];
    assert_eq!(told, expected.map(|(mode, text)| (mode, text.to_owned())));
}

/// S17.
async fn a_rolling_window_is_told_of_again_after_its_length(store: &dyn Store) {
    let charge =
        |hours: u32, amount| wants_at(noon().after(hours * HOUR), amount, &["10/rolling 12h"]);
    let mut seen = 0;
    for (hours, amount, expected) in [
        (0, 8, &["warn 80"][..]),
        (1, -5, &[]),
        (2, 6, &[]),
        (11, 1, &["warn 100"]),
        // What was told at noon is half a day old now; seven were charged since then.
        (14, 2, &[]),
        (15, 6, &["warn 80"]),
        (16, 2, &["over"]),
    ] {
        recorded(store, &charge(hours, amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "after {hours} hours");
    }
}

/// S17.
async fn a_window_of_first_use_is_told_of_again_when_it_opens_anew(store: &dyn Store) {
    let charge = |day, amount| wants_at(moment(day), amount, &["10/7d"]);
    let mut seen = 0;
    for (day, amount, expected) in [
        ("2026-06-18", 8, &["warn 80"][..]),
        ("2026-06-24", -5, &[]),
        ("2026-06-24", 5, &[]),
        ("2026-06-25", 9, &["warn 80"]),
        ("2026-06-30", 1, &["warn 100"]),
    ] {
        recorded(store, &charge(day, amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "{day}");
    }
}

/// S16.
async fn what_does_not_add_up_is_told_by_its_count(store: &dyn Store) {
    let charge = |amount| adding(Aggregate::Max, wants(amount, &["10/month"]));
    let mut seen = 0;
    for (amount, expected) in
        [(5, &[][..]), (8, &["warn 80"]), (8, &[]), (12, &["warn 100", "over"])]
    {
        recorded(store, &charge(amount)).await;
        assert_eq!(told(store, &mut seen).await, expected, "{amount}");
    }
}

/// S1.
async fn of_many_charges_at_once_each_mark_is_told_once(store: &dyn Store) {
    crate::conformance::crowd::at_once(32, store, async |_, store| {
        consumed(store, &wants(1, &["20/month soft warn 50 100"])).await;
    });
    let told = all(store).await;
    let count = |topic| told.iter().filter(|notice| notice.topic == topic).count();
    assert_eq!((count(Topic::Warn), count(Topic::Over), count(Topic::ChargeOver)), (2, 1, 12));
}
