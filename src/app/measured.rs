//! Measured: a store each of whose calls is counted, with how long it took and how it failed.

use std::sync::Arc;

use tokio::time::Instant;

use crate::store::guarded::{Guard, Guarded};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use crate::telemetry::labels::Fault;

/// A store whose calls are counted.
pub(super) type Measured = Guarded<Gauge>;

/// What counts them.
#[derive(Debug)]
pub(super) struct Gauge(Arc<Metrics>);

impl Measured {
    /// Returns `inner`, counted in `metrics`.
    pub(super) const fn new(inner: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self::by(Gauge(metrics), inner)
    }
}

impl Guard for Gauge {
    async fn pass<T: Send>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let answer = call.await;
        self.0.store.made_call(verb, begun.elapsed(), answer.as_ref().err().map(fault));
        answer
    }
}

const fn fault(error: &StoreError) -> Fault {
    match error {
        StoreError::Unavailable { .. } => Fault::Unavailable,
        StoreError::Conflict(_) => Fault::Conflict,
        StoreError::Corrupt(_) => Fault::Corrupt,
        StoreError::Misconfigured(_) => Fault::Misconfigured,
        StoreError::Overflow(_) => Fault::Overflow,
    }
}
