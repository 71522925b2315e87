//! Connection: what the requests of one client's connection have in common.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;

use crate::net::listener::Peer;
use crate::telemetry::metrics::Open;

/// A client's connection, shared by its requests and by a tunnel it may become.
///
/// It counts against the cap on connections until the last clone of its `Arc` is dropped.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether its first request is there.
    heard: AtomicBool,
    _place: Place,
}

/// What a connection takes up from the moment it is accepted: it is counted as open, and against
/// the cap.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) _room: OwnedSemaphorePermit,
    pub(super) _open: Open,
}

impl Connection {
    pub(super) const fn new(peer: Peer, place: Place) -> Self {
        Self { peer, heard: AtomicBool::new(false), _place: place }
    }

    /// Notes that a request is there.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }
}
