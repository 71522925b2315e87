//! What passes while the store is out, and is charged once when it is back.

use std::fs;
use std::time::Duration;

use super::silent::{Place, is_right};
use super::{alice, figures, media, noon, upload};
use crate::engine::{Engine, EngineError, Fact, Reason, Span};
use crate::quota::capability::UPLOAD;
use crate::quota::{Amount, Capability, OnOutage, Period, Subject};
use crate::store::Timed;

/// Lets alice upload so much; returns what the homeserver then would be told to keep.
async fn carried(engine: &Engine, size: i64) -> Result<crate::engine::Charge, EngineError> {
    let reserved = engine.reserve(&alice(), &upload(size)).await?;
    let hold = reserved.hold.ok_or_else(|| EngineError::Conflict("refused".to_owned()))?;
    hold.settle(Amount::new(size)).await
}

async fn used_in(engine: &Engine, start: &str, end: &str) -> i64 {
    let span = Span::Range(start.parse().unwrap(), end.parse().unwrap());
    engine.usage(&alice(), &media(), span).await.unwrap().used.get()
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_charged_once_the_store_is_back() {
    let place = Place::under("10MB/month", OnOutage::Open);
    let engine = place.engine().await;
    _ = carried(&engine, 9_000_000).await.unwrap();
    place.store.guard().be_out(true);
    // Past the limit, which nobody can look up.
    _ = carried(&engine, 5_000_000).await.unwrap();
    carried(&engine, 700).await.unwrap().refund().await;
    let standing = engine.store_standing();
    assert!(standing.out_since.is_some() && standing.uploads_pass, "{standing:?}");
    assert_eq!((standing.waiting, standing.oldest), (3, Some(noon())));
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert_eq!(figures(&engine).await, (14_000_000, 0));
    assert!(!engine.check(&alice(), &upload(1)).await.unwrap().allowed);
    engine.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closed_refuses_and_says_that_it_would() {
    let place = Place::under("10MB/month", OnOutage::Closed);
    let engine = place.engine().await;
    place.store.guard().be_out(true);
    assert!(matches!(carried(&engine, 700).await, Err(EngineError::Unavailable(_))));
    assert!(!engine.store_standing().uploads_pass);
    assert!(engine.check_unseen(&alice(), &upload(1)).unwrap().is_none());
    // Nothing was written down that did not happen.
    assert!(!place.folder.path().join("journal").exists());
}

#[tokio::test(start_paused = true)]
async fn a_capability_has_the_last_word() {
    for (usual, own) in [(OnOutage::Closed, OnOutage::Open), (OnOutage::Open, OnOutage::Closed)] {
        let place = Place::under("10MB/month", usual);
        let engine = place.engine().await;
        let capability = Capability::new(vec![media()]).unwrap().when_out(Some(own));
        engine.set_capability(UPLOAD, capability).await.unwrap();
        place.store.guard().be_out(true);
        assert_eq!(carried(&engine, 700).await.is_ok(), own == OnOutage::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_fit_is_refused_and_what_one_has_of_its_own_is_remembered() {
    let place = Place::under("10MB/month", OnOutage::Open);
    let engine = place.engine().await;
    let bob: Subject = "@bob:example.org".parse().unwrap();
    engine.exempt(&bob, None).await.unwrap();
    _ = engine.check(&bob, &upload(1)).await.unwrap();
    // Another change forgets what belongs to an older version, but not for an outage.
    engine.exempt(&"@eve:example.org".parse().unwrap(), None).await.unwrap();
    place.store.guard().be_out(true);
    let large = engine.reserve(&alice(), &upload(30_000_000)).await.unwrap().decision;
    assert_eq!((large.allowed, large.reason), (false, Reason::TooLarge));
    let wide = engine.reserve(&alice(), &upload(10_000_001)).await.unwrap().decision;
    assert_eq!((wide.allowed, wide.reason), (false, Reason::OverLimit));
    assert!(engine.reserve(&alice(), &upload(10_000_000)).await.unwrap().decision.allowed);
    assert!(engine.reserve(&bob, &upload(30_000_000)).await.unwrap().decision.allowed);
    // A body that grows past it is cut there.
    let mut hold = engine.reserve(&alice(), &upload(1)).await.unwrap().hold.unwrap();
    assert!(hold.grow(Amount::new(9_999_999)).await.unwrap().allowed);
    assert!(!hold.grow(Amount::ONE).await.unwrap().allowed);
    hold.release().await.unwrap();
    assert_eq!(engine.store_standing().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_any_step_is_passed_over() {
    for step in 0..3 {
        let place = Place::under("10MB/month", OnOutage::Open);
        let engine = place.engine().await;
        let out = |at| place.store.guard().be_out(step == at);
        let mut hold = engine.reserve(&alice(), &upload(100)).await.unwrap().hold.unwrap();
        out(0);
        assert!(hold.grow(Amount::new(100)).await.unwrap().allowed);
        out(1);
        if step == 0 {
            // Back before the end: the store knows the reservation, and charges all of it.
            is_right(&engine).await;
        }
        let charge = hold.settle(Amount::new(200)).await.unwrap();
        out(2);
        if step == 2 {
            charge.refund().await;
        }
        place.store.guard().be_out(false);
        is_right(&engine).await;
        let expected = if step == 2 { 0 } else { 200 };
        assert_eq!(figures(&engine).await, (expected, 0), "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_the_process_ends_is_charged_by_the_next() {
    let place = Place::under("10MB/month", OnOutage::Open);
    let engine = place.engine().await;
    let hold = engine.reserve(&alice(), &upload(700)).await.unwrap().hold.unwrap();
    place.store.guard().be_out(true);
    _ = hold.settle(Amount::new(600)).await.unwrap();
    // The store is back, and the process ends before it brings that in.
    place.store.guard().be_out(false);
    engine.close().await.unwrap();
    drop(engine);
    place.clock.advance(Duration::from_mins(1));
    let engine = place.engine().await;
    is_right(&engine).await;
    assert_eq!(figures(&engine).await, (600, 0));
    engine.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_lapsed_while_the_store_was_out_is_charged_all_the_same() {
    let place = Place::under("10MB/month", OnOutage::Open);
    let engine = place.engine().await;
    let mut hold = engine.reserve(&alice(), &upload(100)).await.unwrap().hold.unwrap();
    place.store.guard().be_out(true);
    place.clock.advance(Duration::from_mins(5));
    assert!(hold.grow(Amount::new(100)).await.unwrap().allowed);
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert!(hold.grow(Amount::new(100)).await.unwrap().allowed);
    _ = hold.settle(Amount::new(300)).await.unwrap();
    assert_eq!(figures(&engine).await, (300, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_was_lost_with_a_server_is_charged_once() {
    let place = Place::under("10MB/month", OnOutage::Closed);
    let engine = place.engine().await;
    // The store that takes over has never heard of it.
    let known = engine.reserve(&alice(), &upload(500)).await.unwrap().hold.unwrap();
    let who = alice();
    let mut planning = engine.planning(&who, known.ask(), Some(noon()));
    let plan = planning.next().await.unwrap().plan;
    let lost = engine.hold(&alice(), &upload(500)).unwrap().granted_in(plan);
    known.release().await.unwrap();
    let charge = lost.settle(Amount::new(400)).await.unwrap();
    assert_eq!(figures(&engine).await, (400, 0));
    charge.refund().await;
    assert_eq!(figures(&engine).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_passed_in_november_is_charged_to_november() {
    let place = Place::under("10MB/month", OnOutage::Open);
    place.clock.set("2026-11-30T23:59:59Z".parse().unwrap());
    let engine = place.engine().await;
    place.store.guard().be_out(true);
    _ = carried(&engine, 700).await.unwrap();
    place.clock.set("2026-12-02".parse().unwrap());
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert_eq!(used_in(&engine, "2026-11-30", "2026-12-01").await, 700);
    assert_eq!(figures(&engine).await, (0, 0), "of December");
    let month = Span::Period("month".parse::<Period>().unwrap());
    assert_eq!(engine.usage(&alice(), &media(), month).await.unwrap().used, Amount::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_35_days_is_charged_now() {
    let place = Place::under("10MB/month", OnOutage::Open);
    let engine = place.engine().await;
    place.store.guard().be_out(true);
    _ = carried(&engine, 700).await.unwrap();
    place.clock.advance(Duration::from_hours(36 * 24));
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert_eq!(used_in(&engine, "2026-06-18", "2026-06-19").await, 0);
    assert_eq!(figures(&engine).await, (700, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_store_that_hangs_but_the_first() {
    const LIMIT: Duration = Duration::from_secs(5);
    for on_outage in OnOutage::ALL {
        let place = Place::under("10MB/month", on_outage);
        let (clock, outages) = (place.clock.clone(), place.outages.clone());
        let store = std::sync::Arc::new(Timed::new(place.store.clone(), LIMIT));
        let instance = crate::quota::held::Instance::fresh();
        let engine = Engine::start_with(store, clock, instance, outages).await.unwrap();
        engine.apply_file(&place.layer).await.unwrap();
        _ = carried(&engine, 1).await.unwrap();
        place.store.guard().hang(true);
        let begun = tokio::time::Instant::now();
        let open = on_outage == OnOutage::Open;
        let reserved = engine.reserve(&alice(), &upload(700)).await;
        assert_eq!(begun.elapsed(), LIMIT);
        assert_eq!(reserved.is_ok(), open);
        if let Ok(reserved) = reserved {
            _ = reserved.hold.unwrap().settle(Amount::new(700)).await.unwrap();
        }
        // One more question decides that it is out.
        tokio::time::sleep(LIMIT + Duration::from_millis(100)).await;
        let (asked, begun) = (place.store.guard().calls(), tokio::time::Instant::now());
        for _ in 0..1000 {
            assert_eq!(carried(&engine, 1).await.is_ok(), open);
        }
        // While the journal is written, the time of a test leaps.
        assert!(open || begun.elapsed() < Duration::from_millis(50), "{:?}", begun.elapsed());
        assert!(open || place.store.guard().calls() - asked <= 2, "probes alone");
        place.store.guard().hang(false);
        is_right(&engine).await;
        let expected = if open { 1 + 700 + 1000 } else { 1 };
        assert_eq!(figures(&engine).await.0, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_that_can_be_written_nothing_passes() {
    let mut place = Place::under("10MB/month", OnOutage::Open);
    place.outages.journal = Some(place.folder.path().join("missing/journal"));
    let engine = place.engine().await;
    place.store.guard().be_out(true);
    assert!(matches!(carried(&engine, 700).await, Err(EngineError::Unavailable(_))));
    assert!(!engine.store_standing().uploads_pass);
    fs::create_dir(place.folder.path().join("missing")).unwrap();
    _ = carried(&engine, 700).await.unwrap();
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert_eq!(figures(&engine).await, (700, 0));
}

#[tokio::test(start_paused = true)]
async fn an_engine_begins_without_its_store_by_the_policy_of_the_file() {
    let place = Place::under("10MB/month", OnOutage::Open);
    place.store.guard().be_out(true);
    let engine = place.engine().await;
    assert!(engine.has_yet_to_arrive());
    _ = carried(&engine, 700).await.unwrap();
    assert!(carried(&engine, 10_000_001).await.is_err(), "the limit of the file");
    place.store.guard().be_out(false);
    is_right(&engine).await;
    assert!(!engine.has_yet_to_arrive());
    let policy = engine.policy().await.unwrap();
    assert_eq!(policy.file, place.layer);
    assert_eq!(figures(&engine).await, (700, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_out_is_an_error_where_it_would_not_come_back_by_itself() {
    let mut place = Place::under("10MB/month", OnOutage::Open);
    place.outages.begin_with = None;
    place.store.guard().be_out(true);
    assert!(matches!(place.try_engine().await, Err(EngineError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn machines_whose_clocks_disagree_go_by_that_of_the_store() {
    let hour = Duration::from_hours(1);
    let place = Place::under("10MB/month", OnOutage::Open);
    place.store.guard().show(noon().after(hour));
    let engine = place.engine().await;
    let mut other = Place::under("10MB/month", OnOutage::Open);
    other.store = place.store.clone();
    other.clock.set(noon().before(hour));
    let there = other.engine().await;
    let visitor = Engine::visit(place.store.clone(), other.clock.clone()).await.unwrap();
    for engine in [&engine, &there, &visitor] {
        assert_eq!(engine.now(), noon().after(hour));
    }
    _ = carried(&there, 700).await.unwrap();
    let fact = Fact {
        subject: alice(),
        resource: media(),
        amount: Amount::new(30),
        member: None,
        key: None,
        at: None,
    };
    engine.record(&fact).await.unwrap();
    // Both count in the same hour.
    assert_eq!(used_in(&engine, "2026-06-18T13:00:00Z", "2026-06-18T14:00:00Z").await, 730);
    // It is kept while the store is out, and measured again every minute.
    place.store.guard().be_out(true);
    assert!(carried(&engine, 1).await.is_ok());
    assert_eq!(engine.now(), noon().after(hour));
    place.store.guard().be_out(false);
    is_right(&engine).await;
    place.store.guard().show(noon().after(2 * hour));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(engine.now(), noon().after(2 * hour));
}
