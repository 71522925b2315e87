//! Silence: a connection on which nothing is answered any more, though nothing says that it is lost:
//! the server may have vanished with its machine, or another may be in its place.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{RedisError, RedisResult};
use tokio::sync::watch;
use tokio::time::Instant;

use super::fault;

/// How many calls in a row go without an answer before a connection is given up,
const UNANSWERED: u32 = 3;

/// and how long at least.
const LONG: Duration = Duration::from_secs(2);

/// How long a connection has been silent.
#[derive(Debug)]
pub(super) struct Silence {
    since: Mutex<Since>,
    given_up: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Since {
    /// When the first call went out of those that got no answer yet.
    asked: Option<Instant>,
    /// How many callers left without an answer.
    left: u32,
}

impl Default for Silence {
    fn default() -> Self {
        Self { since: Mutex::default(), given_up: watch::Sender::new(false) }
    }
}

impl Silence {
    fn since(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether nothing should be asked over this connection any more.
    pub(super) fn is_given_up(&self) -> bool {
        *self.given_up.borrow()
    }

    /// Returns what `call` is answered; ends it, too, when the connection is given up: as long as
    /// anybody waits, what was sent may still go to the server.
    pub(super) async fn broken_by<T>(
        &self,
        call: impl Future<Output = RedisResult<T>>,
    ) -> RedisResult<T> {
        let mut given_up = self.given_up.subscribe();
        let caller = Caller { silence: self, is_answered: false };
        self.since().asked.get_or_insert_with(Instant::now);
        tokio::select! {
            answer = call => {
                if !answer.as_ref().is_err_and(RedisError::is_timeout) {
                    caller.hears();
                }
                answer
            }
            // It cannot be gone before this is.
            _ = given_up.wait_for(|given_up| *given_up) => Err(fault::silent()),
        }
    }
}

/// Somebody who waits for an answer.
struct Caller<'a> {
    silence: &'a Silence,
    is_answered: bool,
}

impl Caller<'_> {
    fn hears(mut self) {
        self.is_answered = true;
        *self.silence.since() = Since::default();
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut since = self.silence.since();
        let asked = *since.asked.get_or_insert_with(Instant::now);
        since.left += 1;
        if since.left >= UNANSWERED && asked.elapsed() >= LONG {
            self.silence.given_up.send_replace(true);
        }
    }
}
