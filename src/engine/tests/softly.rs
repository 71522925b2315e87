//! Limits that do not simply deny: soft, observed, trailing; and which of several decides.

use std::time::Duration;

use super::{alice, engine_under, upload, used};
use crate::engine::{Decision, Reason};
use crate::quota::Amount;
use crate::quota::strictness::Mode;

const DAY: Duration = Duration::from_hours(24);

/// Returns the period and limit of the window that decided.
fn binding(decision: &Decision) -> (String, i64) {
    let window = &decision.binding.as_ref().unwrap().window;
    (window.period.to_string(), window.limit.unwrap().get())
}

#[tokio::test(start_paused = true)]
async fn a_soft_limit_allows_and_says_over_up_to_its_ceiling() {
    let (engine, _) = engine_under("100/month soft ceiling 120").await;
    used(&engine, &alice(), 90).await;
    let within = engine.check(&alice(), &upload(10)).await.unwrap();
    assert!(within.allowed && !within.binding.unwrap().window.over);
    let past = engine.check(&alice(), &upload(11)).await.unwrap();
    let window = past.binding.unwrap().window;
    assert!(past.allowed && window.over && !window.would_deny, "{window:?}");
    let denied = engine.check(&alice(), &upload(31)).await.unwrap();
    assert_eq!((denied.allowed, denied.reason), (false, Reason::OverLimit));
    assert!(denied.binding.unwrap().window.would_deny);
}

#[tokio::test(start_paused = true)]
async fn a_soft_limit_denies_once_its_grace_is_over_until_a_new_bucket() {
    let (engine, clock) = engine_under("100/month soft grace 2d").await;
    used(&engine, &alice(), 101).await;
    let decision = engine.check(&alice(), &upload(1)).await.unwrap();
    assert!(decision.allowed);
    assert_eq!(decision.binding.unwrap().window.grace_ends, Some(engine.now().after(2 * DAY)));
    clock.advance(2 * DAY);
    assert!(!engine.check(&alice(), &upload(1)).await.unwrap().allowed);
    clock.advance(20 * DAY);
    assert!(engine.check(&alice(), &upload(1)).await.unwrap().allowed);
}

#[tokio::test(start_paused = true)]
async fn an_observed_limit_never_denies_and_never_decides_beside_another() {
    let (engine, _) = engine_under("10/day observe,100/month").await;
    used(&engine, &alice(), 50).await;
    let decision = engine.check(&alice(), &upload(1)).await.unwrap();
    assert!(decision.allowed);
    assert_eq!(binding(&decision), ("month".to_owned(), 100));
    let window = &decision.items[0].windows[0];
    assert_eq!((window.mode, window.would_deny, window.over), (Mode::Observe, true, true));
    let denied = engine.check(&alice(), &upload(51)).await.unwrap();
    assert_eq!((denied.allowed, binding(&denied)), (false, ("month".to_owned(), 100)));
}

#[tokio::test(start_paused = true)]
async fn of_several_that_deny_the_last_to_reset_decides_otherwise_the_least_room() {
    let (engine, _) = engine_under("10/day,100/month,1000/year").await;
    assert_eq!(binding(&engine.check(&alice(), &upload(1)).await.unwrap()).0, "day");
    assert_eq!(binding(&engine.check(&alice(), &upload(50)).await.unwrap()).0, "day");
    assert_eq!(binding(&engine.check(&alice(), &upload(500)).await.unwrap()).0, "month");
    let denied = engine.check(&alice(), &upload(5000)).await.unwrap();
    assert_eq!(binding(&denied).0, "year");
    assert_eq!(denied.retry_after, Some(196 * 86400 + 43200));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_any_room_left_may_begin_where_that_is_enough() {
    let (engine, _) = engine_under("100/month trailing").await;
    used(&engine, &alice(), 99).await;
    let mut hold = engine.reserve(&alice(), &upload(1)).await.unwrap().hold.unwrap();
    assert!(hold.grow(Amount::new(500)).await.unwrap().allowed);
    let _charge = hold.settle(Amount::new(501)).await.unwrap();
    assert!(!engine.check(&alice(), &upload(1)).await.unwrap().allowed);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_limit_frees_what_is_old_and_says_when() {
    let (engine, clock) = engine_under("100/rolling 7d").await;
    let empty = engine.check(&alice(), &upload(101)).await.unwrap();
    assert_eq!((empty.allowed, empty.retry_after), (false, None));
    used(&engine, &alice(), 60).await;
    let first = engine.now();
    clock.advance(2 * DAY);
    used(&engine, &alice(), 40).await;
    let denied = engine.check(&alice(), &upload(1)).await.unwrap();
    let resets_at = denied.binding.as_ref().unwrap().window.resets_at.unwrap();
    assert!(first.until(resets_at) >= 7 * DAY && first.until(resets_at) < 7 * DAY + DAY);
    assert!(denied.retry_after.unwrap() >= 5 * 86400);
    clock.advance(5 * DAY + Duration::from_mins(1));
    assert!(engine.check(&alice(), &upload(60)).await.unwrap().allowed);
    assert!(!engine.check(&alice(), &upload(61)).await.unwrap().allowed);
}

#[tokio::test(start_paused = true)]
async fn days_that_begin_with_the_first_use_count_from_there() {
    let (engine, clock) = engine_under("100/3d").await;
    used(&engine, &alice(), 100).await;
    clock.advance(2 * DAY);
    let denied = engine.check(&alice(), &upload(1)).await.unwrap();
    let end = denied.binding.unwrap().window.resets_at.unwrap();
    assert_eq!(end, "2026-06-21".parse().unwrap());
    clock.set(end);
    assert!(engine.check(&alice(), &upload(100)).await.unwrap().allowed);
}
