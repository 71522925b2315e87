//! Connection: what the requests of one client's connection have in common.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;

use crate::net::listener::Peer;

/// A client's connection, shared by its requests and by a tunnel it may become.
///
/// It counts against the cap on connections until the last clone of its `Arc` is dropped.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether its first request is there.
    heard: AtomicBool,
    _room: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) const fn new(peer: Peer, room: OwnedSemaphorePermit) -> Self {
        Self { peer, heard: AtomicBool::new(false), _room: room }
    }

    /// Notes that a request is there.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }
}
