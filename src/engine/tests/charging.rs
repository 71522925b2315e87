//! consume: decided and charged in one step.

use std::sync::Arc;
use std::time::Duration;

use super::watched::{Hang, watched};
use super::{alice, engine_on, engine_under, figures, media, upload};
use crate::engine::{Ask, EngineError};
use crate::quota::{Aggregate, Amount, Measure};
use crate::store::Timed;

#[tokio::test(start_paused = true)]
async fn what_is_consumed_is_charged_and_what_does_not_fit_is_not() {
    let (engine, _) = engine_under("100/month").await;
    let consumed = engine.consume(&alice(), &upload(60)).await.unwrap();
    assert!(consumed.decision.allowed);
    assert_eq!(figures(&engine).await, (60, 0));
    let denied = engine.consume(&alice(), &upload(41)).await.unwrap();
    assert!(!denied.decision.allowed && denied.charge.is_none());
    assert_eq!(figures(&engine).await, (60, 0));
    consumed.charge.unwrap().refund().await;
    assert_eq!(figures(&engine).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn several_resources_are_consumed_together_or_not_at_all() {
    let (engine, _) = engine_under("100/month").await;
    let seats: crate::quota::Resource = "seats".parse().unwrap();
    engine.set_resource(&seats, &Measure::COUNT).await.unwrap();
    let ask = |media_bytes: i64| {
        let items = [(media(), media_bytes), (seats.clone(), 1)];
        Ask::Items(items.map(|(name, amount)| (name, Amount::new(amount))).into())
    };
    assert!(engine.consume(&alice(), &ask(101)).await.unwrap().charge.is_none());
    let usage = async || engine.usage(&alice(), &seats, crate::engine::Span::Limits).await.unwrap();
    assert_eq!(usage().await.used, Amount::ZERO);
    let _charge = engine.consume(&alice(), &ask(100)).await.unwrap().charge.unwrap();
    assert_eq!((usage().await.used, figures(&engine).await), (Amount::ONE, (100, 0)));
}

#[tokio::test(start_paused = true)]
async fn members_are_consumed_but_not_reserved() {
    let (engine, _) = engine_under("100/month").await;
    let visitors: crate::quota::Resource = "visitors".parse().unwrap();
    let unique = Measure { aggregate: Aggregate::Unique, ..Measure::COUNT };
    engine.set_resource(&visitors, &unique).await.unwrap();
    let ask = Ask::Member { resource: visitors.clone(), member: "x".into() };
    for _ in 0..2 {
        let _charge = engine.consume(&alice(), &ask).await.unwrap().charge.unwrap();
    }
    let usage = engine.usage(&alice(), &visitors, crate::engine::Span::Limits).await.unwrap();
    assert_eq!(usage.used, Amount::ONE);
    for refused in [
        engine.reserve(&alice(), &ask).await.map(drop),
        engine.consume(&alice(), &upload(-1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(EngineError::BadInput(_))), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_charge_whose_answer_got_lost_is_taken_back() {
    let store = Arc::new(watched());
    let engine = engine_on(Arc::new(Timed::new(store.clone(), Duration::from_secs(1)))).await;
    store.guard().hang("consume", Hang::After);
    engine.consume(&alice(), &upload(60)).await.unwrap_err();
    store.guard().recover();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(figures(&engine).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_opens_no_spent_window_again() {
    let (engine, clock) = engine_under("100/day").await;
    let day = Duration::from_hours(24);
    let takes = async |amount: i64| {
        engine.consume(&alice(), &upload(amount)).await.unwrap().decision.allowed
    };
    assert!(takes(100).await);
    // Back a day, which has room of its own; and forth again, into the day that is spent.
    clock.set(super::noon().before(day));
    assert!(takes(60).await);
    clock.set(super::noon());
    assert!(!takes(1).await);
    // Far ahead, and back: neither day forgets.
    clock.set(super::noon().after(day * 40));
    assert!(takes(70).await && !takes(31).await);
    clock.set(super::noon());
    assert!(!takes(1).await);
    clock.set(super::noon().before(day));
    assert!(takes(40).await && !takes(1).await);
}

#[tokio::test(start_paused = true)]
async fn an_upload_past_midnight_is_charged_to_the_day_it_began() {
    let (engine, clock) = engine_under("100/day").await;
    let hold = engine.reserve(&alice(), &upload(80)).await.unwrap().hold.unwrap();
    clock.set(super::noon().after(Duration::from_hours(13)));
    assert_eq!(figures(&engine).await, (0, 0));
    let charge = hold.settle(Amount::new(80)).await.unwrap();
    assert!(engine.consume(&alice(), &upload(100)).await.unwrap().decision.allowed);
    clock.set(super::noon());
    assert_eq!(figures(&engine).await, (80, 0));
    charge.refund().await;
    assert_eq!(figures(&engine).await, (0, 0));
}
