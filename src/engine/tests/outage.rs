//! A store that does not answer in time is given up; what is then true of the books (S14).

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::watched::{Hang, Watched, watched};
use super::{alice, engine_on, figures, media};
use crate::engine::{Ask, Engine, EngineError, Fact, Hold};
use crate::quota::Amount;
use crate::store::{Store, Timed};

const LIMIT: Duration = Duration::from_secs(2);
/// Long enough for whatever goes on in the background.
const A_WHILE: Duration = Duration::from_mins(1);

const BOTH: [Hang; 2] = [Hang::Before, Hang::After];

async fn engine() -> (Engine, Arc<Watched>) {
    let store = Arc::new(watched());
    let engine = engine_on(Arc::new(Timed::new(store.clone(), LIMIT))).await;
    (engine, store)
}

async fn hold(engine: &Engine) -> Hold {
    let reserved = engine.reserve(&alice(), &Ask::upload(Amount::new(700))).await.unwrap();
    reserved.hold.unwrap()
}

async fn a_while() {
    tokio::time::sleep(A_WHILE).await;
}

#[track_caller]
fn assert_given_up<T: std::fmt::Debug>(answer: Result<T, EngineError>) {
    let error = answer.unwrap_err();
    assert!(matches!(error, EngineError::Unavailable(_)), "{error:?}");
    let text = error.source().and_then(Error::source).unwrap().to_string();
    assert!(text.contains("storage.timeout") && text.contains("2s"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_the_limit_and_names_it() {
    let (engine, store) = engine().await;
    store.guard().hang("read", Hang::Before);
    let begun = tokio::time::Instant::now();
    assert_given_up(engine.check(&alice(), &Ask::upload(Amount::ONE)).await);
    assert_eq!(begun.elapsed(), LIMIT);
    store.guard().recover();
    assert!(engine.check(&alice(), &Ask::upload(Amount::ONE)).await.unwrap().allowed);
}

#[tokio::test(start_paused = true)]
async fn room_that_a_call_given_up_may_have_reserved_goes_back() {
    for when in BOTH {
        let (engine, store) = engine().await;
        store.guard().hang("reserve", when);
        assert_given_up(engine.reserve(&alice(), &Ask::upload(Amount::new(700))).await);
        store.guard().recover();
        a_while().await;
        assert_eq!(figures(&engine).await, (0, 0), "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_growth_that_was_given_up_ends_with_its_hold() {
    for when in BOTH {
        let (engine, store) = engine().await;
        let mut hold = hold(&engine).await;
        store.guard().hang("grow", when);
        assert_given_up(hold.grow(Amount::new(50)).await);
        assert_eq!(hold.room(), Amount::new(700));
        store.guard().recover();
        let charge = hold.settle(Amount::new(720)).await.unwrap();
        assert_eq!(figures(&engine).await, (720, 0), "{when:?}");
        charge.refund().await;
        assert_eq!(figures(&engine).await, (0, 0), "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_was_given_up_is_taken_back_whether_it_happened_or_not() {
    for when in BOTH {
        let (engine, store) = engine().await;
        let hold = hold(&engine).await;
        store.guard().hang("settle", when);
        assert_given_up(hold.settle(Amount::new(700)).await);
        store.guard().recover();
        a_while().await;
        assert_eq!(figures(&engine).await, (0, 0), "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_back_is_given_back_once_the_store_answers_again() {
    for verb in ["release", "refund", "beat"] {
        for when in BOTH {
            let (engine, store) = engine().await;
            let hold = hold(&engine).await;
            store.guard().hang("settle", Hang::After);
            store.guard().hang(verb, when);
            assert_given_up(hold.settle(Amount::new(700)).await);
            a_while().await;
            store.guard().recover();
            a_while().await;
            assert_eq!(figures(&engine).await, (0, 0), "{verb} {when:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_was_given_up_happens_once() {
    for when in BOTH {
        let (engine, store) = engine().await;
        let other = hold(&engine).await.settle(Amount::new(5)).await.unwrap();
        let charge = hold(&engine).await.settle(Amount::new(700)).await.unwrap();
        store.guard().hang("refund", when);
        charge.refund().await;
        a_while().await;
        store.guard().recover();
        a_while().await;
        assert_eq!(figures(&engine).await, (5, 0), "{when:?}");
        assert_eq!(other.total(), Amount::new(5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fact_with_a_key_is_recorded_once_though_its_answer_was_lost() {
    for when in BOTH {
        let (engine, store) = engine().await;
        let fact = Fact {
            subject: alice(),
            resource: media(),
            amount: Amount::new(30),
            member: None,
            key: Some("upload-1".to_owned()),
            at: None,
        };
        store.guard().hang("record", when);
        assert_given_up(engine.record(&fact).await);
        store.guard().recover();
        let again = engine.record(&fact).await.unwrap();
        assert_eq!(again.replayed, when == Hang::After);
        assert_eq!(figures(&engine).await, (30, 0), "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fact_without_a_key_is_not_told_twice_by_the_engine() {
    let (engine, store) = engine().await;
    let amount = Amount::new(30);
    let fact =
        Fact { subject: alice(), resource: media(), amount, member: None, key: None, at: None };
    store.guard().hang("record", Hang::After);
    assert_given_up(engine.record(&fact).await);
    a_while().await;
    assert_eq!(store.guard().calls("record"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_policy_can_be_made_again_though_its_answer_was_lost() {
    for when in BOTH {
        let (engine, store) = engine().await;
        store.guard().hang("write_grants", when);
        assert_given_up(engine.assign(&alice(), "free", None).await);
        store.guard().recover();
        engine.assign(&alice(), "free", None).await.unwrap();
        let view = engine.subject(&alice()).await.unwrap();
        assert_eq!(view.group.as_deref(), Some("group free"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_closes_though_its_store_hangs() {
    for verb in ["leave", "close", "release"] {
        let (engine, store) = engine().await;
        drop(hold(&engine).await);
        store.guard().hang(verb, Hang::Before);
        let closed = engine.close().await;
        assert_eq!(closed.is_ok(), verb == "release", "{closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_store_is_that_of_the_one_inside() {
    let (_, store) = engine().await;
    assert_eq!(Timed::new(store.clone(), LIMIT).describe(), store.describe());
}
