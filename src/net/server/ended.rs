//! Ended: why a connection ended early, in the log and in what is counted.

use std::error::Error;
use std::io;

use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::Connections;

/// The words for a client that was told to calm down (RFC 9113 §7): it took back too many requests,
/// or sent other floods.
const FLOOD: [&str; 2] = ["connection error detected", "excessive load"];

/// Says that one said nothing for `head_timeout`.
pub(super) fn tell_late(counts: &Connections) {
    counts.limited(Hindrance::HeadTimeout);
    tracing::debug!(limit = "head_timeout", "connection ended by a limit");
}

/// Says that a client took nothing for `send_idle_timeout`.
pub(super) fn tell_untaken(counts: &Connections) {
    counts.limited(Hindrance::SendIdleTimeout);
    tracing::debug!(limit = "send_idle_timeout", "answer cut by a limit");
}

/// Says why one ended; hyper's errors quote nothing a client has sent.
pub(super) fn tell_end(error: &hyper::Error, counts: &Connections) {
    if error.is_timeout() {
        tell_late(counts);
    } else if error.is_parse_too_large() {
        counts.limited(Hindrance::HeadSize);
        tracing::debug!(limit = "head_bytes or header_count", "connection ended by a limit");
    } else if is_timed_out(error) {
        tell_untaken(counts);
    } else if is_flood(error) {
        counts.limited(Hindrance::Http2Flood);
        tracing::debug!(limit = "http2_resets or another flood", "connection ended by a limit");
    } else {
        tracing::debug!(%error, "connection ended early");
    }
}

fn is_flood(error: &hyper::Error) -> bool {
    let words = error.source().map(ToString::to_string);
    words.is_some_and(|words| FLOOD.iter().all(|word| words.contains(word)))
}

/// Returns whether the kernel has waited in vain for the client to take what was sent.
fn is_timed_out(error: &hyper::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::TimedOut;
        }
        cause = error.source();
    }
    false
}
