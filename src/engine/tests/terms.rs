//! What users are told of their uploads before they make them.

use std::time::Duration;

use super::{alice, engine_under, group, noon, used};
use crate::engine::{CommonLimit, Engine, Uploaded};
use crate::quota::policy::Rule;
use crate::quota::{Amount, Per, Period};

async fn room(engine: &Engine) -> Option<i64> {
    engine.room_for_upload(&alice()).await.unwrap().map(Amount::get)
}

async fn common(engine: &Engine) -> Vec<(i64, Period, Per, bool)> {
    let terms = engine.common_terms().await.unwrap();
    let told = |it: CommonLimit| (it.amount.get(), it.period, it.per, it.soft);
    terms.limits.into_iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn room_is_what_every_window_leaves() {
    let (engine, _) = engine_under("10MB/month,4MB/day,5MB/week per group").await;
    assert_eq!(room(&engine).await, Some(4_000_000));
    used(&engine, &alice(), 1_000_000).await;
    used(&engine, &"@bob:example.org".parse().unwrap(), 2_500_000).await;
    assert_eq!(room(&engine).await, Some(1_500_000), "the pool has the least");
    used(&engine, &alice(), 9_000_000).await;
    assert_eq!(room(&engine).await, Some(0));
    engine.exempt(&alice(), None).await.unwrap();
    assert_eq!(room(&engine).await, Some(0), "a pool holds for everyone");
}

#[tokio::test(start_paused = true)]
async fn a_soft_limit_leaves_room_until_its_grace_is_over() {
    let (engine, clock) = engine_under("1MB/month soft ceiling 3MB grace 2d").await;
    used(&engine, &alice(), 2_000_000).await;
    assert_eq!(room(&engine).await, Some(1_000_000));
    clock.set(noon().after(Duration::from_hours(49)));
    assert_eq!(room(&engine).await, Some(0));
    let (endless, _) = engine_under("1MB/month soft").await;
    used(&endless, &alice(), 2_000_000).await;
    assert_eq!(room(&endless).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_uploaded_is_of_the_smallest_window_that_denies() {
    let (engine, clock) = engine_under("10MB/month,4MB/day,1MB/week observe").await;
    used(&engine, &alice(), 3_000_000).await;
    let bytes = |bytes| Uploaded { bytes: Some(Amount::new(bytes)), files: None };
    assert_eq!(engine.uploaded(&alice()).await.unwrap(), bytes(3_000_000));
    clock.set(noon().after(Duration::from_hours(24)));
    assert_eq!(engine.uploaded(&alice()).await.unwrap(), bytes(0), "another day");
    engine.exempt(&alice(), None).await.unwrap();
    assert_eq!(engine.uploaded(&alice()).await.unwrap(), bytes(3_000_000), "in all");
}

#[tokio::test(start_paused = true)]
async fn what_everyone_may_is_what_who_is_in_no_group_by_name_may() {
    let limits = "10MB/month,4MB/day soft,1MB/week observe,9MB per group";
    let (engine, _) = engine_under(limits).await;
    let month = (10_000_000, Period::Month, Per::Subject, false);
    let pool = (9_000_000, Period::Month, Per::Group, false);
    let expected = [month, (4_000_000, Period::Day, Per::Subject, true), pool];
    assert_eq!(common(&engine).await, expected);
    // Others have other limits, but what the server has is everyone's.
    group(&engine, "patron", "50MB/month,70MB/year per server").await;
    let server = (70_000_000, Period::Year, Per::Server, false);
    assert_eq!(common(&engine).await, [expected.as_slice(), &[server]].concat());
    let rule = |pattern: &str| Rule { pattern: pattern.parse().unwrap(), group: "patron".into() };
    engine.add_rule(&rule("@a*")).await.unwrap();
    assert_eq!(common(&engine).await.len(), 4);
    engine.add_rule(&rule("*")).await.unwrap();
    assert_eq!(common(&engine).await, [(50_000_000, Period::Month, Per::Subject, false), server]);
}
