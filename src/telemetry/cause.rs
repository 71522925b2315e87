//! cause: an error as a field of a log line, so that the whole chain behind it is told.

use std::error::Error;

/// Returns `error` as `tracing` takes it: it then writes the causes too.
#[must_use]
pub fn cause<E: Error + 'static>(error: &E) -> &(dyn Error + 'static) {
    error
}
