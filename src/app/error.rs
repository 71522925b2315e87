//! Why metergate did not start.

use std::io;

use crate::engine::EngineError;
use crate::net::Address;
use crate::store::StoreError;
use crate::telemetry::MetricsError;

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A listening address cannot be had.
    #[error("cannot listen on {address} (stop what listens there, or name another address)")]
    Listen {
        /// The address.
        address: Address,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[from] StoreError),
    /// The engine cannot start.
    #[error("cannot start the engine")]
    Engine(#[from] EngineError),
    /// What is counted cannot be.
    #[error("cannot count")]
    Metrics(#[from] MetricsError),
    /// The machine gives no more threads.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}
