//! explain: which claim is in force, which window decides, and what would help.

use std::time::Duration;

use super::{alice, engine_under, group, media, upload, used};
use crate::engine::{BoostChange, Explanation, Standing};
use crate::quota::{Amount, Resource};

/// Returns which claims were looked at: where from, and how they stand.
fn claims(explanation: &Explanation) -> Vec<(String, Standing)> {
    let claims = explanation.resources[0].claims.iter();
    claims.map(|claim| (claim.source.to_string(), claim.standing)).collect()
}

fn of_media(amount: i64) -> [(Resource, Amount); 1] {
    [(media(), Amount::new(amount))]
}

#[tokio::test(start_paused = true)]
async fn a_yes_says_why_and_needs_no_remedy() {
    let (engine, _) = engine_under("100/month,9/day observe").await;
    engine
        .add_boosts(
            &alice(),
            &BoostChange { amounts: of_media(5).into(), ..BoostChange::default() },
        )
        .await
        .unwrap();
    let explained = engine.explain(&alice(), &upload(10)).await.unwrap();
    assert!(explained.decision.allowed && explained.remedy.is_none());
    assert_eq!(claims(&explained), [("default free".to_owned(), Standing::Holds)]);
    let [month, day] = &explained.resources[0].windows[..] else { panic!("{explained:?}") };
    assert_eq!(
        (month.declared.get(), month.boost.get(), month.window.limit.unwrap().get()),
        (100, 5, 105)
    );
    assert_eq!(
        (month.binding, month.denies, month.declared_in.as_deref()),
        (true, false, Some("free"))
    );
    assert_eq!((day.boost.get(), day.denies, day.window.would_deny), (0, false, true));
    assert_eq!(month.starts, "2026-06-01".parse().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_no_says_how_long_to_wait_which_boost_and_which_group() {
    let (engine, _) = engine_under("100/month,40/day").await;
    group(&engine, "patron", "1000/month").await;
    group(&engine, "poor", "1/month").await;
    used(&engine, &alice(), 30).await;
    let explained = engine.explain(&alice(), &upload(15)).await.unwrap();
    let remedy = explained.remedy.unwrap();
    assert_eq!(remedy.wait_until, "2026-06-19".parse().ok());
    assert_eq!(remedy.boosts, of_media(5).into());
    assert_eq!((remedy.groups, remedy.reservations), (vec!["patron".to_owned()], false));
    engine
        .add_boosts(&alice(), &BoostChange { amounts: remedy.boosts, ..BoostChange::default() })
        .await
        .unwrap();
    assert!(engine.check(&alice(), &upload(15)).await.unwrap().allowed);
    let never = engine.explain(&alice(), &upload(101)).await.unwrap().remedy.unwrap();
    assert_eq!((never.wait_until, never.lacks), (None, of_media(86).into()));
}

#[tokio::test(start_paused = true)]
async fn a_soft_limit_lacks_what_its_ceiling_lacks_until_the_grace_is_over() {
    let (engine, clock) = engine_under("100/month soft ceiling 120 grace 1d").await;
    used(&engine, &alice(), 110).await;
    let lacks = async || engine.explain(&alice(), &upload(20)).await.unwrap().remedy.unwrap().lacks;
    assert_eq!(lacks().await, of_media(10).into());
    clock.advance(Duration::from_hours(24));
    assert_eq!(lacks().await, of_media(30).into());
}

#[tokio::test(start_paused = true)]
async fn of_a_rolling_limit_it_is_told_when_enough_has_fallen_out() {
    let (engine, clock) = engine_under("100/rolling 7d").await;
    for _ in 0..4 {
        used(&engine, &alice(), 25).await;
        clock.advance(Duration::from_hours(24));
    }
    let remedy = engine.explain(&alice(), &upload(60)).await.unwrap().remedy.unwrap();
    let until = remedy.wait_until.unwrap();
    clock.set(until);
    assert!(engine.check(&alice(), &upload(60)).await.unwrap().allowed);
    clock.set(until.before(Duration::from_secs(2)));
    assert!(!engine.check(&alice(), &upload(60)).await.unwrap().allowed);
}

#[tokio::test(start_paused = true)]
async fn where_only_reservations_stand_in_the_way_it_says_so() {
    let (engine, _) = engine_under("100/month").await;
    let held = engine.reserve(&alice(), &upload(90)).await.unwrap();
    let remedy = engine.explain(&alice(), &upload(20)).await.unwrap().remedy.unwrap();
    assert!(remedy.reservations && held.hold.is_some());
    assert_eq!(remedy.lacks, of_media(10).into());
}

#[tokio::test(start_paused = true)]
async fn no_boost_helps_where_a_pool_denies() {
    let (engine, _) = engine_under("100/month,50/month per server").await;
    let explained = engine.explain(&alice(), &upload(60)).await.unwrap();
    let remedy = explained.remedy.unwrap();
    assert_eq!((remedy.boosts.len(), remedy.lacks), (0, of_media(10).into()));
    let pool = &explained.resources[0].windows[1];
    assert_eq!((pool.source.as_str(), pool.declared_in.as_deref()), ("server", Some("free")));
    assert!(pool.denies && pool.binding);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_no_matter_of_waiting() {
    let (engine, _) = engine_under("100/month").await;
    let size = |size| crate::engine::GroupChange {
        max_upload_bytes: Some(Some(Amount::new(size))),
        ..crate::engine::GroupChange::default()
    };
    engine.set_group("free", &size(5)).await.unwrap();
    engine.set_group("patron", &size(50)).await.unwrap();
    let remedy = engine.explain(&alice(), &upload(6)).await.unwrap().remedy.unwrap();
    assert_eq!((remedy.wait_until, remedy.boosts.len()), (None, 0));
    assert_eq!(remedy.groups, ["patron"]);
}
