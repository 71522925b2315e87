//! Changes of the policy: all of one, or none of it.

use std::sync::Arc;
use std::time::Duration;

use super::watched::{Hang, Watched};
use super::{alice, engine_on, limit, media};
use crate::engine::{Engine, EngineError, OverrideChange};
use crate::quota::{Amount, Grants};
use crate::store::Timed;

async fn engine() -> (Engine, Arc<Watched>) {
    let store = Arc::new(Watched::default());
    (engine_on(Arc::new(Timed::new(store.clone(), Duration::from_secs(1)))).await, store)
}

async fn grants(engine: &Engine) -> Grants {
    engine.subject(&alice()).await.unwrap().grants
}

fn change(limits: &[(&str, &str)]) -> OverrideChange {
    let limits = limits.iter().map(|(name, text)| (name.parse().unwrap(), limit(text)));
    OverrideChange {
        limits: limits.collect(),
        max_upload_bytes: Some(Some(Amount::new(5))),
        note: Some("asked on Monday".to_owned()),
        ..OverrideChange::default()
    }
}

#[tokio::test(start_paused = true)]
async fn several_overrides_are_one_change() {
    let (engine, store) = engine().await;
    engine.set_capability("upload_media", vec![media(), "uploads".parse().unwrap()]).await.unwrap();
    let before = engine.policy_version().await.unwrap();
    engine
        .set_overrides(&alice(), &change(&[("media_bytes", "1MB/day"), ("uploads", "7")]))
        .await
        .unwrap();
    assert_eq!(engine.policy_version().await.unwrap().0, before.0 + 1);
    assert_eq!(store.calls("write_grants"), 1);
    let grants = grants(&engine).await;
    assert_eq!(grants.overrides.len(), 2);
    assert_eq!(grants.overrides[&media()].note.as_deref(), Some("asked on Monday"));
    assert_eq!(grants.max_upload_bytes.unwrap().what, Some(Amount::new(5)));
}

#[tokio::test(start_paused = true)]
async fn of_overrides_that_fail_none_is_set() {
    let (engine, store) = engine().await;
    let unknown = change(&[("media_bytes", "1MB"), ("media_byte", "1MB")]);
    let refused = engine.set_overrides(&alice(), &unknown).await.unwrap_err();
    assert!(matches!(refused, EngineError::BadInput(_)), "{refused:?}");
    assert!(refused.to_string().contains("did you mean \"media_bytes\""), "{refused}");
    store.hang("write_grants", Hang::Before);
    engine.set_overrides(&alice(), &change(&[("media_bytes", "1MB")])).await.unwrap_err();
    store.recover();
    assert_eq!(grants(&engine).await, Grants::default());
}

#[tokio::test(start_paused = true)]
async fn what_an_override_does_not_name_stays() {
    let (engine, _) = engine().await;
    engine.set_overrides(&alice(), &change(&[("media_bytes", "1MB")])).await.unwrap();
    let lift =
        OverrideChange { max_upload_bytes: Some(None), until: None, ..OverrideChange::default() };
    engine.set_overrides(&alice(), &lift).await.unwrap();
    let grants = grants(&engine).await;
    assert_eq!(grants.overrides[&media()].what, limit("1MB"));
    assert_eq!(grants.max_upload_bytes.unwrap().what, None);
}

#[tokio::test(start_paused = true)]
async fn several_counts_start_anew_in_one_step() {
    let (engine, store) = engine().await;
    let uploads = "uploads".parse().unwrap();
    engine.set_capability("upload_media", vec![media(), uploads]).await.unwrap();
    let resources = engine.resources().await.unwrap();
    assert_eq!(resources.len(), 2);
    engine.reset(&alice(), &resources, None).await.unwrap();
    assert_eq!(store.calls("reset"), 1);
}
