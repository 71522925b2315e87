//! Two thousand subjects: who of them is over is told exactly, without asking for each.

use std::sync::Arc;

use super::watched::{Watched, watched};
use super::{engine_on, limit, media};
use crate::engine::{Engine, Fact, GroupChange, OverrideChange, Span};
use crate::quota::{Amount, Subject};
use crate::store::Page;

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
    let over = engine.over(&media(), Page::first(usize::MAX)).await.unwrap().into_iter();
    over.map(|used| (used.subject, used.used, used.limit)).collect()
}

#[tokio::test(start_paused = true)]
async fn who_is_over_is_told_without_asking_for_each() {
    let (engine, store) = engine().await;
    let (reads, grants) = (store.guard().calls("read"), store.guard().calls("grants"));
    let over = told(&engine).await;
    assert_eq!(store.guard().calls("read"), reads);
    // Once for each page.
    assert!(store.guard().calls("grants") - grants <= MANY / 1000);
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
async fn windows_whose_counters_are_not_kept_are_not_read_for_each() {
    for (text, most) in [("1MB/week", 64), ("1MB/rolling 7d", 64 + 1900), ("1MB/7d", 64 + 1900)] {
        let (engine, store) = engine().await;
        let limits = [(media(), limit(text))].into();
        engine.set_group("free", &GroupChange { limits, ..GroupChange::default() }).await.unwrap();
        let (reads, tops) = (store.guard().calls("read"), store.guard().calls("top"));
        let over = told(&engine).await;
        assert_eq!(over.len(), 1900, "{text}");
        let reads = store.guard().calls("read") - reads;
        assert!(reads <= most, "{text}: {reads} reads");
        assert!(store.guard().calls("top") - tops <= 1, "{text}");
        assert_eq!(over, one_by_one(&engine).await, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_pages_of_who_is_over_miss_nobody_though_others_come_and_go() {
    let (engine, _) = engine().await;
    let page = async |after: Option<Subject>| {
        let page = Page { after, most: 300 };
        let over = engine.over(&media(), page).await.unwrap().into_iter();
        over.map(|used| used.subject).collect::<Vec<_>>()
    };
    let first = page(None).await;
    assert_eq!((first.len(), &first[0], &first[299]), (300, &user(1000), &user(1299)));
    // One that was told goes, one before it and one behind it come.
    engine.reset(&user(1299), &[media()], None).await.unwrap();
    let fact = |index: usize| Fact {
        subject: user(index),
        resource: media(),
        amount: Amount::new(10_000_000),
        member: None,
        key: None,
        at: None,
    };
    engine.record(&fact(3)).await.unwrap();
    let behind = "@user1299a:example.org".parse::<Subject>().unwrap();
    engine.record(&Fact { subject: behind.clone(), ..fact(3) }).await.unwrap();
    let second = page(first.last().cloned()).await;
    // By name, the colon stands before any letter.
    assert_eq!((second.len(), &second[0], &second[1]), (300, &behind, &user(1300)));
    let third = page(second.last().cloned()).await;
    let fourth = page(third.last().cloned()).await;
    assert_eq!((third.len(), fourth.len()), (300, 101));
    assert_eq!(page(fourth.last().cloned()).await, []);
}
