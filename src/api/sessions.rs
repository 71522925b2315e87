//! Sessions: which browsers showed the token, so that they need not keep it.
//!
//! A session is a random name in the memory of this process, not a text signed with a key: to sign
//! out is to be forgotten, and there is no key to keep. A restart signs everyone out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How long a session lives that nobody uses: a page that is hidden asks nothing.
const IDLE: Duration = Duration::from_hours(12);
/// How long a session lives at most.
const TOTAL: Duration = Duration::from_hours(7 * 24);
/// The most sessions at the same time; past it the one unused for longest ends.
const MOST: usize = 64;
/// The most wrong tokens in a row; then one each so often.
const TRIES: u32 = 10;
const ANOTHER_TRY: Duration = Duration::from_secs(6);

/// The browsers that are signed in, and how often somebody tried in vain.
#[derive(Default)]
pub(super) struct Sessions {
    /// By the digest of their names: what is looked up tells nothing about a name by how long it
    /// takes.
    open: Mutex<HashMap<[u8; 32], Session>>,
    /// When the tries in vain until now are forgiven.
    forgiven: Mutex<Option<Instant>>,
}

struct Session {
    begun: Instant,
    used: Instant,
}

impl Session {
    fn lives(&self, now: Instant) -> bool {
        now - self.begun < TOTAL && now - self.used < IDLE
    }
}

impl Sessions {
    /// Begins one and returns its name; an error if the system gives nothing random.
    pub(super) fn begin(&self) -> Result<String, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        let name = random.iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
        let now = Instant::now();
        let mut open = locked(&self.open);
        open.retain(|_, session| session.lives(now));
        while open.len() >= MOST {
            let Some(oldest) = open.iter().min_by_key(|(_, session)| session.used) else { break };
            let oldest = *oldest.0;
            open.remove(&oldest);
        }
        open.insert(digest(&name), Session { begun: now, used: now });
        Ok(name)
    }

    /// Returns true if there is one of this name, which is thereby used.
    pub(super) fn has(&self, name: &str) -> bool {
        let now = Instant::now();
        let mut open = locked(&self.open);
        let session = open.get_mut(&digest(name)).filter(|session| session.lives(now));
        session.map(|session| session.used = now).is_some()
    }

    /// Ends the one of this name, if there is one.
    pub(super) fn end(&self, name: &str) {
        locked(&self.open).remove(&digest(name));
    }

    /// Returns for how long no token is looked at any more, if there were too many wrong ones.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        let forgiven = (*locked(&self.forgiven))?;
        let owed = forgiven.saturating_duration_since(Instant::now());
        owed.checked_sub(ANOTHER_TRY * (TRIES - 1)).filter(|wait| !wait.is_zero())
    }

    /// Remembers that a token was wrong.
    pub(super) fn missed(&self) {
        let now = Instant::now();
        let mut forgiven = locked(&self.forgiven);
        *forgiven = Some(forgiven.map_or(now, |until| until.max(now)) + ANOTHER_TRY);
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("open", &locked(&self.open).len()).finish_non_exhaustive()
    }
}

fn digest(name: &str) -> [u8; 32] {
    Sha256::digest(name).into()
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_unused_after_a_while_and_used_after_a_longer_one() {
        let sessions = Sessions::default();
        let (unused, used) = (sessions.begin().unwrap(), sessions.begin().unwrap());
        assert_eq!((unused.len(), unused == used), (64, false));
        let hour = Duration::from_hours(1);
        for _ in 0..11 {
            tokio::time::advance(hour).await;
            assert!(sessions.has(&used));
        }
        tokio::time::advance(hour).await;
        assert!(sessions.has(&used) && !sessions.has(&unused));
        for _ in 12..7 * 24 - 1 {
            tokio::time::advance(hour).await;
            assert!(sessions.has(&used));
        }
        tokio::time::advance(hour).await;
        assert!(!sessions.has(&used));
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_so_many() {
        let sessions = Sessions::default();
        let first = sessions.begin().unwrap();
        for _ in 0..2 * MOST {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(sessions.has(&first), "the one in use stays");
            sessions.begin().unwrap();
        }
        assert_eq!(locked(&sessions.open).len(), MOST);
        sessions.end(&first);
        assert!(!sessions.has(&first));
    }

    #[tokio::test(start_paused = true)]
    async fn after_ten_wrong_tokens_another_is_looked_at_every_six_seconds() {
        let sessions = Sessions::default();
        for _ in 0..TRIES {
            assert_eq!(sessions.closed_for(), None);
            sessions.missed();
        }
        assert_eq!(sessions.closed_for(), Some(ANOTHER_TRY));
        tokio::time::advance(ANOTHER_TRY).await;
        assert_eq!(sessions.closed_for(), None);
        sessions.missed();
        assert_eq!(sessions.closed_for(), Some(ANOTHER_TRY));
        tokio::time::advance(ANOTHER_TRY * TRIES).await;
        assert_eq!(sessions.closed_for(), None);
    }
}
