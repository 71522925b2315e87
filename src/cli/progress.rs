//! Progress: how far a long work is, for whoever watches on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells how far a work is; nothing unless standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    verb: &'static str,
    shown: bool,
    /// The percentage that was told last, and one more; 0 before the first.
    told: AtomicU64,
}

impl Progress {
    /// Returns the progress of what `verb` says: `exporting`.
    pub(super) fn of(verb: &'static str) -> Self {
        Self { verb, shown: io::stderr().is_terminal(), told: AtomicU64::new(0) }
    }

    /// Tells that so much is done.
    pub(super) fn step(&self, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        if self.shown && self.told.swap(percent + 1, Ordering::Relaxed) != percent + 1 {
            // If nobody can be told, nobody is.
            let _ = write!(io::stderr(), "\r{} {percent} %", self.verb);
        }
    }
}

/// Leaves the line as it was found.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.load(Ordering::Relaxed) > 0 && self.shown {
            let _ = write!(io::stderr(), "\r{:width$}\r", "", width = self.verb.len() + 6);
        }
    }
}
