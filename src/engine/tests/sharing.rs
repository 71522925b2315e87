//! Pools: what a group, or everyone, uses together.

use super::{alice, engine_under, figures, group, upload, used};
use crate::engine::{Engine, EngineError, OverrideChange};
use crate::quota::{Amount, Limit, Measure, Per, Subject};

fn bob() -> Subject {
    "@bob:example.org".parse().unwrap()
}

async fn source(engine: &Engine, subject: &Subject, amount: i64) -> (bool, String) {
    let decision = engine.check(subject, &upload(amount)).await.unwrap();
    (decision.allowed, decision.source)
}

#[tokio::test(start_paused = true)]
async fn what_one_uses_of_a_pool_is_gone_for_the_other() {
    let (engine, _) = engine_under("80/month,100/month per group").await;
    used(&engine, &bob(), 70).await;
    assert_eq!(source(&engine, &alice(), 30).await, (true, "pool free".to_owned()));
    assert_eq!(source(&engine, &alice(), 31).await, (false, "pool free".to_owned()));
    let denied = engine.check(&alice(), &upload(31)).await.unwrap();
    assert_eq!(denied.binding.unwrap().window.per, Per::Group);
    group(&engine, "patron", "80/month,100/month per group").await;
    engine.assign(&alice(), "patron", None).await.unwrap();
    assert!(source(&engine, &alice(), 80).await.0);
}

#[tokio::test(start_paused = true)]
async fn the_pool_of_the_server_binds_those_of_every_group() {
    let (engine, _) = engine_under("80/month,100/month per server").await;
    group(&engine, "patron", "1000/month").await;
    engine.assign(&alice(), "patron", None).await.unwrap();
    used(&engine, &bob(), 70).await;
    assert_eq!(source(&engine, &alice(), 31).await, (false, "server".to_owned()));
    engine.exempt(&alice(), None).await.unwrap();
    assert_eq!(source(&engine, &alice(), 31).await, (false, "server".to_owned()));
    assert!(source(&engine, &alice(), 30).await.0);
}

#[tokio::test(start_paused = true)]
async fn room_that_is_granted_after_a_change_of_groups_is_told_as_granted() {
    let (engine, _) = engine_under("80/month").await;
    group(&engine, "patron", "1000/month,100/month per group").await;
    engine.assign(&bob(), "patron", None).await.unwrap();
    used(&engine, &bob(), 70).await;
    let mut hold = engine.reserve(&alice(), &upload(40)).await.unwrap().hold.unwrap();
    engine.assign(&alice(), "patron", None).await.unwrap();
    // What she holds counts in the pool she was in; the addition in the one she is in.
    let decision = hold.grow(Amount::new(10)).await.unwrap();
    assert!(decision.allowed && decision.retry_after.is_none(), "{decision:?}");
    assert_eq!((hold.room().get(), figures(&engine).await), (50, (0, 50)));
}

#[tokio::test(start_paused = true)]
async fn usage_tells_what_the_subject_used_itself() {
    let (engine, _) = engine_under("100/month per group").await;
    used(&engine, &bob(), 70).await;
    used(&engine, &alice(), 5).await;
    assert_eq!(figures(&engine).await, (5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_override_cannot_be_shared() {
    let (engine, _) = engine_under("80/month").await;
    let limit = Limit::parse("9 per group", &Measure::BYTES).unwrap();
    let limits = [(super::media(), limit.clone())].into();
    let change = OverrideChange { limits, ..OverrideChange::default() };
    let refused = engine.set_overrides(&alice(), &change).await.unwrap_err();
    assert!(matches!(&refused, EngineError::BadInput(text) if text.contains("media_bytes: ")));
    let refused = engine.check(&alice(), &upload(1).within(Some(limit))).await.unwrap_err();
    assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
}
