//! Connection: what the requests of one client's connection have in common.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;

use crate::net::concurrency::Slot;
use crate::net::listener::Peer;
use crate::telemetry::metrics::Open;

/// A client's connection, shared by its requests and by a tunnel it may become.
///
/// It counts against the cap on connections until the last clone of its `Arc` is dropped.
#[derive(Debug)]
pub struct Connection {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether it is under TLS that ends here.
    pub is_sealed: bool,
    /// Whether its first request is there.
    heard: AtomicBool,
    _place: Place,
    _slot: Slot<IpAddr>,
}

/// What a connection takes up from the moment it is accepted: it is counted as open, and against
/// the cap.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) _room: OwnedSemaphorePermit,
    pub(super) _open: Open,
}

/// Who is let in.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) peer: Peer,
    /// It counts among the connections of its client until this is dropped.
    pub(super) slot: Slot<IpAddr>,
}

impl Connection {
    pub(super) fn new(guest: Guest, is_sealed: bool, place: Place) -> Self {
        let Guest { peer, slot } = guest;
        Self { peer, is_sealed, heard: AtomicBool::new(false), _place: place, _slot: slot }
    }

    /// Notes that a request is there.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }
}
