//! outbox: what is to be told, and how far whom was told.

use tokio::sync::watch;

use super::{Engine, EngineError};
use crate::quota::notice::Notice;

/// Tells of the charges of one engine.
#[derive(Debug)]
pub struct Charges(watch::Receiver<()>);

impl Charges {
    /// Returns once something was charged since it last returned. Dropped half way, nothing is
    /// missed. Never returns once the engine is gone.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Engine {
    /// Returns the notices behind the one with this id, oldest first.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Amount, Ask, Engine, GroupChange, Limit, Measure};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// // A target begins behind the newest one.
    /// let behind = engine.told("mailer").await?;
    /// let all = Ask::upload(Amount::new(500_000_000));
    /// engine.consume(&"@alice:example.org".parse()?, &all).await?;
    /// let notices = engine.notices(behind, 100).await?;
    /// let last = notices.last().ok_or("a limit was reached")?;
    /// assert_eq!(last.subject.as_str(), "@alice:example.org");
    /// // Once it has taken them:
    /// engine.tell("mailer", last.id).await?;
    /// assert!(engine.notices(engine.told("mailer").await?, 100).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn notices(&self, behind: u64, most: usize) -> Result<Vec<Notice>, EngineError> {
        Ok(self.0.store.notices(behind, most).await?)
    }

    /// Returns up to which notice `target` was told; a new target begins behind the newest one.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn told(&self, target: &str) -> Result<u64, EngineError> {
        Ok(self.0.store.told(target).await?)
    }

    /// Remembers that `target` was told all up to `notice`; never goes back.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn tell(&self, target: &str, notice: u64) -> Result<(), EngineError> {
        Ok(self.0.store.tell(target, notice).await?)
    }

    /// Returns who tells of charges from now on: of those of this engine, not of other processes
    /// on the same store.
    #[must_use]
    pub fn charges(&self) -> Charges {
        Charges(self.0.charged.subscribe())
    }

    /// Tells whoever waits that there may be something in the outbox.
    pub(super) fn charged(&self) {
        // Nearly always nobody waits; looking costs less than telling.
        if self.0.charged.receiver_count() > 0 {
            self.0.charged.send_replace(());
        }
    }
}
