//! Whatever is carried arrives as it was, or not at all.

mod carrying;
mod moving;
mod reading;

use std::sync::Arc;

use super::{Document, Draft, How, Imported, Wanted};
use crate::clock::{Manual, Timestamp};
use crate::engine::{Engine, EngineError};
use crate::store::memory::Memory;
use crate::store::{Import, Store};

fn noon() -> Timestamp {
    "2026-06-18T12:00:00Z".parse().unwrap()
}

fn nobody_watches(_: usize, _: usize) {}

async fn visiting(store: Arc<dyn Store>) -> Engine {
    Engine::visit(store, Arc::new(Manual::at(noon()))).await.unwrap()
}

async fn on_memory() -> Engine {
    visiting(Arc::new(Memory::default())).await
}

/// Returns books that hold `document`.
async fn holding(store: Arc<dyn Store>, document: &Document) -> Engine {
    let Document { layer, grants, ledger } = document.clone();
    let grants = grants.into_iter().collect();
    let import = Import { layer, grants, no_others: true, ledger };
    let seen = store.policy().await.unwrap().version;
    store.import(import, seen).await.unwrap();
    visiting(store).await
}

async fn exported(engine: &Engine) -> String {
    let wanted = Wanted { ledger: true, ..Wanted::default() };
    let document = engine.export(wanted, &nobody_watches).await.unwrap();
    serde_json::to_string_pretty(&document).unwrap()
}

fn draft(text: &str) -> Draft {
    serde_json::from_str(text).unwrap()
}

async fn import(engine: &Engine, text: &str, how: How) -> Result<Imported, EngineError> {
    engine.import(&draft(text), how, false).await
}
