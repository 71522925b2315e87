//! The engine on a store that is watched and may hang.

mod deciding;
mod declaring;
mod many;
mod outage;
mod shapes;
mod watched;

use std::sync::Arc;

use super::{Engine, GroupChange, Span};
use crate::clock::{Manual, Timestamp};
use crate::quota::{Limit, Measure, Resource, Subject};
use crate::store::Store;

fn noon() -> Timestamp {
    "2026-06-18T12:00:00Z".parse().unwrap()
}

fn alice() -> Subject {
    "@alice:example.org".parse().unwrap()
}

fn media() -> Resource {
    "media_bytes".parse().unwrap()
}

fn limit(text: &str) -> Limit {
    Limit::parse(text, &Measure::BYTES).unwrap()
}

/// Returns an engine on `store` at noon, under 10 MB a month for everyone.
async fn engine_on(store: Arc<dyn Store>) -> Engine {
    let engine = Engine::start(store, Arc::new(Manual::at(noon()))).await.unwrap();
    let limits = [(media(), limit("10MB/month"))].into();
    let change = GroupChange { limits, default: true, ..GroupChange::default() };
    engine.set_group("free", &change).await.unwrap();
    engine
}

/// Returns what alice has used, and what is reserved for her.
async fn figures(engine: &Engine) -> (i64, i64) {
    let usage = engine.usage(&alice(), &media(), Span::Limits).await.unwrap();
    (usage.used.get(), usage.reserved.get())
}
