//! Two thousand subjects: who of them is over is told exactly, without asking for each.

use std::sync::Arc;

use super::watched::{Watched, watched};
use super::{engine_on, limit, media};
use crate::engine::{Engine, Fact, GroupChange, OverrideChange, Span};
use crate::quota::{Amount, Subject};

const MANY: usize = 2000;

fn user(index: usize) -> Subject {
    format!("@user{index:04}:example.org").parse().unwrap()
}

/// Returns an engine where user n of the group of 10 MB has used n times 10 kB.
async fn engine() -> (Engine, Arc<Watched>) {
    let store = Arc::new(watched());
    let engine = engine_on(store.clone()).await;
    for index in 0..MANY {
        let amount = Amount::new(10_000 * i64::try_from(index).unwrap());
        let fact = Fact {
            subject: user(index),
            resource: media(),
            amount,
            member: None,
            key: None,
            at: None,
        };
        engine.record(&fact).await.unwrap();
    }
    (engine, store)
}

/// Returns who is over by asking for each.
async fn one_by_one(engine: &Engine) -> Vec<(Subject, Amount, Option<Amount>)> {
    let mut over = Vec::new();
    for index in 0..MANY {
        let usage = engine.usage(&user(index), &media(), Span::Limits).await.unwrap();
        let window = usage.windows.iter().rfind(|window| window.over);
        over.extend(window.map(|window| (user(index), window.used, window.limit)));
    }
    over
}

async fn told(engine: &Engine) -> Vec<(Subject, Amount, Option<Amount>)> {
    let over = engine.over(&media()).await.unwrap().into_iter();
    over.map(|used| (used.subject, used.used, used.limit)).collect()
}

#[tokio::test(start_paused = true)]
async fn who_is_over_is_told_without_asking_for_each() {
    let (engine, store) = engine().await;
    let (reads, grants) = (store.guard().calls("read"), store.guard().calls("grants"));
    let over = told(&engine).await;
    assert_eq!((store.guard().calls("read"), store.guard().calls("grants")), (reads, grants));
    assert_eq!(over.len(), 1000);
    assert_eq!(over[0], (user(1000), Amount::new(10_000_000), Some(Amount::new(10_000_000))));
    assert_eq!(over, one_by_one(&engine).await);
}

#[tokio::test(start_paused = true)]
async fn what_subjects_have_of_their_own_counts() {
    let (engine, _) = engine().await;
    let own = |text: &str| OverrideChange {
        limits: [(media(), limit(text))].into(),
        ..OverrideChange::default()
    };
    engine.set_group("patron", &GroupChange::default()).await.unwrap();
    engine.exempt(&user(1999), None).await.unwrap();
    engine.assign(&user(1998), "patron", None).await.unwrap();
    engine.set_overrides(&user(1997), &own("1GB")).await.unwrap();
    engine.set_overrides(&user(5), &own("50kB/month")).await.unwrap();
    engine.set_overrides(&user(6), &own("60kB/day,1MB/month")).await.unwrap();
    let over = told(&engine).await;
    assert_eq!(over, one_by_one(&engine).await);
    assert_eq!(over.len(), 999);
    assert_eq!((&over[0].0, &over[1].0), (&user(5), &user(6)));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_nobody_has_asked_for_yet_is_read() {
    let (engine, store) = engine().await;
    let limits = [(media(), limit("1MB/week"))].into();
    engine.set_group("free", &GroupChange { limits, ..GroupChange::default() }).await.unwrap();
    let reads = store.guard().calls("read");
    let over = told(&engine).await;
    assert_eq!(over.len(), 1900);
    assert_eq!(store.guard().calls("read"), reads + MANY);
    assert_eq!(over, one_by_one(&engine).await);
}
