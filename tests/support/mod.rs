//! What the tests stand on: a homeserver that is told what to do, the whole sidecar in this
//! process, and a client that speaks in bytes.
//!
//! Nearly all of it is blocking and reads by hand, so that nothing smooths what is on the wire. Every
//! wait has the deadline [`PATIENCE`]; no outcome is decided by a sleep.

pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod figures;
pub(crate) mod frames;
pub(crate) mod homeserver;
pub(crate) mod http2;
pub(crate) mod origin;
pub(crate) mod process;
pub(crate) mod scene;
pub(crate) mod servers;
pub(crate) mod sidecar;
pub(crate) mod stores;
pub(crate) mod wire;

use std::time::{Duration, Instant};

pub(crate) use client::{Answer, Client, Request};
pub(crate) use homeserver::{Ended, Exchange, Homeserver};
pub(crate) use sidecar::Sidecar;

/// How long anything may take that must happen, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; fails if it never does.
pub(crate) fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(within(PATIENCE, condition), "never happened: {what}");
}

/// Waits until `condition` holds; returns whether it did within `span`.
pub(crate) fn within(span: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let begun = now();
    while begun.elapsed() < span {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    condition()
}

/// Returns the present moment, for deadlines and bounds.
#[expect(clippy::disallowed_methods, reason = "deadlines of tests are in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Returns `size` bytes that are not all the same.
pub(crate) fn bytes(size: usize) -> Vec<u8> {
    let mut bytes = (0..=250_u8).collect::<Vec<_>>().repeat(size / 251 + 1);
    bytes.truncate(size);
    bytes
}
