//! Gate: the way to a new connection, closed for a while after it led nowhere.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::migrate;
use super::session::Session;
use crate::store::StoreError;

/// How long nobody tries after one has failed; twice as long with every other, up to
/// [`LONGEST`].
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Connects to one database.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) address: Address,
    closed: Mutex<Option<Closed>>,
}

#[derive(Debug)]
struct Closed {
    until: Instant,
    after: Duration,
    what: &'static str,
    why: String,
}

impl Gate {
    pub(super) fn to(address: Address) -> Self {
        Self { address, closed: Mutex::default() }
    }

    /// Connects, and sees to it that the tables are there; blocks meanwhile. Fails at once for a
    /// while after it failed, so that callers do not pile up before a server that is away.
    pub(super) fn pass(&self) -> Result<Session, StoreError> {
        if let Some(closed) = self.closed().as_ref().filter(|it| Instant::now() < it.until) {
            return Err(StoreError::unavailable(closed.what, closed.why.clone()));
        }
        let outcome = Session::connect(&self.address)
            .and_then(|session| migrate::check(session, &self.address.schema));
        let mut closed = self.closed();
        match &outcome {
            Err(StoreError::Unavailable { what, source }) => {
                let after = closed.as_ref().map_or(FIRST, |it| (it.after * 2).min(LONGEST));
                // Not all instances at the same moment.
                let wait = after.mul_f64(0.5 + fastrand::f64() / 2.0);
                let until = Instant::now() + wait;
                *closed = Some(Closed { until, after, what, why: source.to_string() });
            }
            _ => *closed = None,
        }
        outcome
    }

    fn closed(&self) -> MutexGuard<'_, Option<Closed>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
