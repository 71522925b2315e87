//! Silent: a store in memory that is out when told to, or loses its answers, or shows a time of
//! its own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::{Manual, Timestamp};
use crate::engine::{Engine, EngineError, Outages};
use crate::quota::held::Instance;
use crate::quota::{Group, Layer, OnOutage};
use crate::store::StoreError;
use crate::store::guarded::{Guard, Guarded};
use crate::store::memory::Memory;

use super::{limit, media, noon};

/// A store under orders.
pub(super) type Silent = Guarded<Orders>;

/// What it is told to do.
#[derive(Debug, Default)]
pub(super) struct Orders {
    out: AtomicBool,
    hangs: AtomicBool,
    /// These calls happen the next time, and their answers are lost.
    lost: Mutex<BTreeSet<&'static str>>,
    /// The time it shows, if it shows any.
    time: Mutex<Option<Timestamp>>,
    calls: AtomicI64,
}

pub(super) fn silent() -> Arc<Silent> {
    Arc::new(Silent::by(Orders::default(), Arc::new(Memory::default())))
}

impl Orders {
    pub(super) fn be_out(&self, out: bool) {
        self.out.store(out, Ordering::SeqCst);
    }

    /// From now on no call ends, or all do.
    pub(super) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, Ordering::SeqCst);
    }

    /// The answer of the next call of `verb` is lost.
    pub(super) fn lose(&self, verb: &'static str) {
        self.lost.lock().unwrap().insert(verb);
    }

    /// No answer is lost that is not lost yet.
    pub(super) fn lose_nothing(&self) {
        self.lost.lock().unwrap().clear();
    }

    pub(super) fn show(&self, time: Timestamp) {
        *self.time.lock().unwrap() = Some(time);
    }

    /// Returns how often it was called.
    pub(super) fn calls(&self) -> i64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Guard for Orders {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.out.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("it was told so", "it is out"));
        }
        let answer = call.await;
        if self.lost.lock().unwrap().remove(verb) {
            return Err(StoreError::unavailable("it was told so", "the answer is lost"));
        }
        answer
    }

    fn time(&self, told: Option<Timestamp>) -> Option<Timestamp> {
        self.time.lock().unwrap().or(told)
    }
}

/// Returns the layer where everyone has `text` on media, and files of 20 MB at most.
pub(super) fn layer(text: &str) -> Layer {
    let limits = [(media(), limit(text))].into();
    let max_upload_bytes = Some(crate::quota::Amount::new(20_000_000));
    let free = Group { limits, max_upload_bytes, ..Group::default() };
    Layer {
        groups: [("free".to_owned(), free)].into(),
        default_group: Some("free".to_owned()),
        ..Layer::default()
    }
}

/// A place where engines begin and end.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) store: Arc<Silent>,
    pub(super) clock: Arc<Manual>,
    pub(super) folder: tempfile::TempDir,
    pub(super) outages: Outages,
    pub(super) layer: Layer,
}

impl Place {
    /// Returns one at noon, where everyone has `text` on media.
    pub(super) fn under(text: &str, on_outage: OnOutage) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Some(folder.path().join("journal"));
        let layer = layer(text);
        let outages = Outages { on_outage, journal, begin_with: Some(layer.clone()) };
        let clock = Arc::new(Manual::at(noon()));
        Self { store: silent(), clock, folder, outages, layer }
    }

    /// Begins an engine, as a process does.
    pub(super) async fn engine(&self) -> Engine {
        let engine = self.try_engine().await.unwrap();
        if !engine.has_yet_to_arrive() {
            engine.apply_file(&self.layer).await.unwrap();
        }
        engine
    }

    pub(super) async fn try_engine(&self) -> Result<Engine, EngineError> {
        let (store, clock, outages) =
            (self.store.clone(), self.clock.clone(), self.outages.clone());
        Engine::start_with(store, clock, Instance::fresh(), outages).await
    }
}

/// Waits until the store is asked again, and nothing waits for it.
pub(super) async fn is_right(engine: &Engine) {
    for _ in 0..20_000 {
        let standing = engine.store_standing();
        if standing.out_since.is_none() && standing.waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        // The journal is written by a thread, which does not heed the time of a test.
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never right: {:?}", engine.store_standing());
}
