//! The engine on a store that is watched and may hang.

mod books;
mod charging;
mod deciding;
mod declaring;
mod explaining;
mod many;
mod outage;
mod passing;
mod raising;
mod shapes;
mod sharing;
mod silent;
mod softly;
mod surviving;
mod terms;
mod waking;
mod watched;

use std::sync::Arc;

use super::{Ask, Engine, Fact, GroupChange, Span};
use crate::clock::{Manual, Timestamp};
use crate::quota::{Amount, Limit, Measure, Resource, Subject};
use crate::store::Store;
use crate::store::memory::Memory;

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
    engine_by(store, Arc::new(Manual::at(noon()))).await
}

/// Returns the same by `clock`.
async fn engine_by(store: Arc<dyn Store>, clock: Arc<Manual>) -> Engine {
    let engine = Engine::start(store, clock).await.unwrap();
    let limits = [(media(), limit("10MB/month"))].into();
    let change = GroupChange { limits, default: true, ..GroupChange::default() };
    engine.set_group("free", &change).await.unwrap();
    engine
}

/// Returns an engine in memory where everyone is in group free, which has `text` on media, and
/// its clock at noon.
async fn engine_under(text: &str) -> (Engine, Arc<Manual>) {
    let clock = Arc::new(Manual::at(noon()));
    let engine = engine_by(Arc::new(Memory::default()), clock.clone()).await;
    group(&engine, "free", text).await;
    (engine, clock)
}

/// Makes a group with `text` on media.
async fn group(engine: &Engine, name: &str, text: &str) {
    let limits = [(media(), limit(text))].into();
    engine.set_group(name, &GroupChange { limits, ..GroupChange::default() }).await.unwrap();
}

/// Records that `subject` used `amount` of media.
async fn used(engine: &Engine, subject: &Subject, amount: i64) {
    let (subject, amount) = (subject.clone(), Amount::new(amount));
    let fact = Fact { subject, resource: media(), amount, member: None, key: None, at: None };
    engine.record(&fact).await.unwrap();
}

/// Returns the question for so much of media.
fn upload(amount: i64) -> Ask {
    Ask::upload(Amount::new(amount))
}

/// Returns what alice has used, and what is reserved for her.
async fn figures(engine: &Engine) -> (i64, i64) {
    let usage = engine.usage(&alice(), &media(), Span::Limits).await.unwrap();
    (usage.used.get(), usage.reserved.get())
}
