//! A store that moves is the same elsewhere, or it is said that it is not.

use std::sync::Arc;
use std::time::Duration;

use super::super::{How, Moved};
use super::{exported, import, nobody_watches, on_memory, visiting};
use crate::engine::{Ask, Engine, EngineError, Fact};
use crate::quota::{Amount, Grants, Resource, Subject};
use crate::store::guarded::{Guard, Guarded};
use crate::store::memory::Memory;
use crate::store::{LayerKind, Store, StoreError};

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn alice() -> Subject {
    "@alice:example.org".parse().unwrap()
}

async fn used(engine: &Engine, amount: i64) {
    let fact = Fact {
        subject: alice(),
        resource: media(),
        amount: Amount::new(amount),
        member: None,
        key: Some(format!("key of {amount}")),
        at: None,
    };
    engine.record(&fact).await.unwrap();
}

/// Returns books with both layers, a subject with something of its own, and two events.
async fn books() -> Engine {
    let engine = on_memory().await;
    let policy = r#"{"groups":{"free":{"media_bytes":["50/month","900/never per server"]}},
        "default_group":"free","overrides":{"@alice:example.org":{"media_bytes":"70/month"}}}"#;
    import(&engine, policy, How::Merge).await.unwrap();
    let file = serde_json::from_str(r#"{"groups":{"staff":{}}}"#).unwrap();
    engine.apply_file(&file).await.unwrap();
    used(&engine, 30).await;
    used(&engine, 12).await;
    engine
}

fn empty() -> Arc<dyn Store> {
    Arc::new(Memory::default())
}

#[tokio::test]
async fn what_is_moved_is_the_same_there() {
    let engine = books().await;
    let target = empty();
    let moved = engine.move_to(&target, &nobody_watches).await.unwrap();
    // The month and all time, each of alice, of her group and of everyone.
    assert_eq!(moved, Moved { lines: 2, balances: 0, counts: 6, subjects: 1 });
    assert_eq!(target.policy().await.unwrap().file, engine.policy().await.unwrap().file);
    let there = visiting(target.clone()).await;
    assert_eq!(exported(&there).await, exported(&engine).await);
    used(&there, 30).await;
    assert_eq!(exported(&there).await, exported(&engine).await, "a key is still known");
}

#[tokio::test]
async fn only_empty_books_are_moved_to() {
    let engine = books().await;
    let error = engine.move_to(&books().await.0.store, &nobody_watches).await.unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
}

#[tokio::test]
async fn books_with_a_reservation_under_way_stay() {
    let engine = books().await;
    let ask = Ask::Resource { resource: media(), amount: Amount::new(5) };
    let held = engine.reserve_until(&alice(), &ask, Duration::from_mins(10)).await.unwrap();
    let target = empty();
    let error = engine.move_to(&target, &nobody_watches).await.unwrap_err();
    assert!(error.to_string().contains("@alice:example.org is under way"), "{error}");
    assert_eq!(target.policy().await.unwrap(), crate::quota::Policy::default());
    drop(held);
}

#[tokio::test]
async fn a_copy_that_was_tampered_with_is_found_out() {
    let engine = books().await;
    for (what, hint) in [("line", "line 3"), ("grants", "subjects"), ("file", "the file")] {
        let target = empty();
        engine.move_to(&target, &nobody_watches).await.unwrap();
        let seen = target.policy().await.unwrap().version;
        match what {
            "line" => used(&visiting(target.clone()).await, 1).await,
            "grants" => {
                target.write_grants(&alice(), Grants::default(), seen).await.map(drop).unwrap();
            }
            _ => {
                let layer = crate::quota::Layer::default();
                target.write_layer(LayerKind::File, layer, seen).await.map(drop).unwrap();
            }
        }
        let error = engine.compare(&*target, &nobody_watches).await.unwrap_err().to_string();
        assert!(error.contains(hint), "{what}: {error}");
    }
}

/// What goes wrong with a store while books are copied to it.
#[derive(Debug)]
enum Trouble {
    /// This call fails.
    Fails(&'static str),
    /// After this call someone takes away what alice has of her own.
    Meddled(&'static str, Arc<dyn Store>),
}

impl Guard for Trouble {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self {
            Self::Fails(bad) if *bad == verb => Err(StoreError::unavailable("test", "disk full")),
            Self::Meddled(bad, store) if *bad == verb => {
                let answer = call.await;
                let seen = store.policy().await?.version;
                store.write_grants(&alice(), Grants::default(), seen).await?;
                answer
            }
            Self::Fails(_) | Self::Meddled(..) => call.await,
        }
    }
}

#[tokio::test]
async fn a_copy_that_fails_half_way_leaves_the_books_and_says_what_to_do() {
    let engine = books().await;
    let before = exported(&engine).await;
    for verb in ["import", "write_layer", "read"] {
        let target: Arc<dyn Store> = Arc::new(Guarded::by(Trouble::Fails(verb), empty()));
        let error = engine.move_to(&target, &nobody_watches).await.unwrap_err();
        let EngineError::Unavailable(error) = error else { panic!("{verb}: {error}") };
        assert!(error.to_string().contains("delete the new ones"), "{verb}: {error}");
    }
    let inner = empty();
    let meddled = Trouble::Meddled("write_layer", inner.clone());
    let target: Arc<dyn Store> = Arc::new(Guarded::by(meddled, inner));
    let error = engine.move_to(&target, &nobody_watches).await.unwrap_err().to_string();
    assert!(error.contains("not the same") && error.contains("delete the new ones"), "{error}");
    assert_eq!(exported(&engine).await, before);
}
