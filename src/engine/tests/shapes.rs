//! What programs read: the JSON of a decision and of a usage report, to the letter (section 6 of
//! the contract).

use std::sync::Arc;

use serde::Serialize;

use super::{alice, engine_on, limit, media};
use crate::engine::{Ask, Engine, Fact, GroupChange, OverrideChange, Span};
use crate::quota::policy::Rule;
use crate::quota::{Amount, Layer};
use crate::store::memory::Memory;

/// Returns an engine under 10 MB a month and 4 MB a day; alice has used 3 MB, and holds 2000.
async fn engine() -> Engine {
    let engine = engine_on(Arc::new(Memory::default())).await;
    let limits = [(media(), limit("10MB/month,4MB/day"))].into();
    engine.set_group("free", &GroupChange { limits, ..GroupChange::default() }).await.unwrap();
    record(&engine, 3_000_000).await;
    engine
}

async fn record(engine: &Engine, amount: i64) {
    let amount = Amount::new(amount);
    let fact =
        Fact { subject: alice(), resource: media(), amount, member: None, key: None, at: None };
    engine.record(&fact).await.unwrap();
}

/// Asserts that `said` is `expected`, written with a line for each part.
#[track_caller]
fn assert_json(said: &impl Serialize, expected: &[&str]) {
    assert_eq!(serde_json::to_string(said).unwrap(), expected.concat());
}

#[tokio::test(start_paused = true)]
async fn a_denied_decision() {
    let engine = engine().await;
    let held = engine.reserve(&alice(), &Ask::upload(Amount::new(2000))).await.unwrap();
    let decision = engine.check(&alice(), &Ask::upload(Amount::new(2_000_000))).await.unwrap();
    assert!(held.hold.is_some());
    let month = concat!(
        r#""period":"month","bucket":"2026-06","per":"subject","mode":"hard","limit":10000000,"#,
        r#""used":3000000,"reserved":2000,"remaining":6998000,"resets_at":"2026-07-01T00:00:00Z","#,
        r#""over":false,"would_deny":false}"#,
    );
    let day = concat!(
        r#""period":"day","bucket":"2026-06-18","per":"subject","mode":"hard","limit":4000000,"#,
        r#""used":3000000,"reserved":2000,"remaining":998000,"resets_at":"2026-06-19T00:00:00Z","#,
        r#""over":false,"would_deny":true}"#,
    );
    assert_json(
        &decision,
        &[
            r#"{"allowed":false,"reason":"over_limit","source":"default free","policy_version":2,"#,
            r#""binding":{"resource":"media_bytes","requested":2000000,"#,
            day,
            r#","items":[{"resource":"media_bytes","amount":2000000,"windows":[{"#,
            month,
            ",{",
            day,
            r#"]}],"retry_after":43200}"#,
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn an_unlimited_decision() {
    let engine = engine().await;
    engine.exempt(&alice(), None).await.unwrap();
    let decision = engine.check(&alice(), &Ask::upload(Amount::new(2_000_000))).await.unwrap();
    assert_json(
        &decision,
        &[
            r#"{"allowed":true,"reason":"within_limits","source":"exempt","policy_version":3,"#,
            r#""binding":null,"items":[{"resource":"media_bytes","amount":2000000,"windows":[{"#,
            r#""period":"month","bucket":"2026-06","per":"subject","mode":"hard","limit":null,"#,
            r#""used":3000000,"reserved":0,"remaining":null,"resets_at":"2026-07-01T00:00:00Z","#,
            r#""over":false,"would_deny":false}]}],"retry_after":null}"#,
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_too_large() {
    let engine = engine_on(Arc::new(Memory::default())).await;
    let size =
        GroupChange { max_upload_bytes: Some(Some(Amount::new(5))), ..GroupChange::default() };
    engine.set_group("free", &size).await.unwrap();
    let decision = engine.check(&alice(), &Ask::upload(Amount::new(6))).await.unwrap();
    let window = concat!(
        r#""period":"month","bucket":"2026-06","per":"subject","mode":"hard","limit":10000000,"#,
        r#""used":0,"reserved":0,"remaining":10000000,"resets_at":"2026-07-01T00:00:00Z","#,
        r#""over":false,"would_deny":false}"#,
    );
    assert_json(
        &decision,
        &[
            r#"{"allowed":false,"reason":"too_large","source":"default free","policy_version":2,"#,
            r#""binding":{"resource":"media_bytes","requested":6,"#,
            window,
            r#","max_size":5,"items":[{"resource":"media_bytes","amount":6,"windows":[{"#,
            window,
            r#"]}],"retry_after":null}"#,
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn a_usage_report_past_the_limit_and_of_one_without() {
    let engine = engine().await;
    record(&engine, 2_000_000).await;
    let usage = engine.usage(&alice(), &media(), Span::Limits).await.unwrap();
    assert_json(
        &usage,
        &[
            r#"{"subject":"@alice:example.org","resource":"media_bytes","unit":"bytes","#,
            r#""used":5000000,"reserved":0,"limit":4000000,"remaining":0,"overage":1000000,"#,
            r#""period":"day","resets_at":"2026-06-19T00:00:00Z","source":"default free","#,
            r#""windows":[{"period":"month","bucket":"2026-06","per":"subject","mode":"hard","#,
            r#""limit":10000000,"used":5000000,"reserved":0,"remaining":5000000,"#,
            r#""resets_at":"2026-07-01T00:00:00Z","over":false,"would_deny":false},"#,
            r#"{"period":"day","bucket":"2026-06-18","per":"subject","mode":"hard","#,
            r#""limit":4000000,"used":5000000,"reserved":0,"remaining":0,"#,
            r#""resets_at":"2026-06-19T00:00:00Z","over":true,"would_deny":true}]}"#,
        ],
    );
    engine.exempt(&alice(), None).await.unwrap();
    let usage = engine.usage(&alice(), &media(), Span::Period(crate::quota::Period::Never)).await;
    assert_json(
        &usage.unwrap(),
        &[
            r#"{"subject":"@alice:example.org","resource":"media_bytes","unit":"bytes","#,
            r#""used":5000000,"reserved":0,"limit":null,"remaining":null,"overage":0,"#,
            r#""period":"never","resets_at":null,"source":"exempt","#,
            r#""windows":[{"period":"never","bucket":"all","per":"subject","mode":"hard","#,
            r#""limit":null,"used":5000000,"reserved":0,"remaining":null,"resets_at":null,"#,
            r#""over":false,"would_deny":false}]}"#,
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn the_source_says_where_the_limit_comes_from() {
    let engine = engine_on(Arc::new(Memory::default())).await;
    let source = async || {
        let decision = engine.check(&alice(), &Ask::upload(Amount::ONE)).await.unwrap();
        decision.source
    };
    assert_eq!(source().await, "default free");
    engine.set_group("patron", &GroupChange::default()).await.unwrap();
    let rule = Rule { pattern: "@alice:*".parse().unwrap(), group: "patron".to_owned() };
    engine.add_rule(&rule).await.unwrap();
    assert_eq!(source().await, "rule patron");
    engine.assign(&alice(), "free", None).await.unwrap();
    assert_eq!(source().await, "group free");
    let limits = [(media(), limit("1MB"))].into();
    let own = OverrideChange { limits, ..OverrideChange::default() };
    engine.set_overrides(&alice(), &own).await.unwrap();
    assert_eq!(source().await, "override");
    engine.exempt(&alice(), None).await.unwrap();
    assert_eq!(source().await, "exempt");
    let nobody = Engine::start(Arc::new(Memory::default()), Arc::new(crate::clock::System)).await;
    let nobody = nobody.unwrap();
    nobody.apply_file(&Layer::default()).await.unwrap();
    let decision = nobody.check(&alice(), &Ask::upload(Amount::ONE)).await.unwrap();
    assert_eq!(decision.source, "none");
}
