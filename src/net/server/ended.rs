//! Ended: why a connection ended early, in the log and in what is counted.

use crate::telemetry::labels::Hindrance;
use crate::telemetry::metrics::Connections;

/// Says that one said nothing for `head_timeout`.
pub(super) fn tell_late(counts: &Connections) {
    counts.limited(Hindrance::HeadTimeout);
    tracing::debug!(limit = "head_timeout", "connection ended by a limit");
}

/// Says why one over HTTP/1.1 ended; hyper's errors quote nothing a client has sent.
pub(super) fn tell_end(error: &hyper::Error, counts: &Connections) {
    if error.is_timeout() {
        tell_late(counts);
    } else if error.is_parse_too_large() {
        counts.limited(Hindrance::HeadSize);
        tracing::debug!(limit = "head_bytes or header_count", "connection ended by a limit");
    } else {
        tell_broken(error);
    }
}

/// Likewise of one that no limit ended.
pub(super) fn tell_broken(error: &hyper::Error) {
    tracing::debug!(%error, "connection ended early");
}
