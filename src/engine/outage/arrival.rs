//! Arrival: what is to be done when the store answers, at the start or after it was out.

use super::fuse::whole;
use crate::engine::{Engine, EngineError};
use crate::quota::{Layer, Policy, PolicyVersion};
use crate::store::{LayerKind, Store, StoreError};

/// By how many milliseconds this machine's clock may differ from the store's without a word.
const NOTEWORTHY: i64 = 1000;
/// How often the file layer is laid again because the policy changed meanwhile.
const TRIES: usize = 32;

impl Engine {
    /// Makes this instance known, takes over the store's clock, gives it the file layer it was
    /// not given yet, and learns the policy.
    pub(in crate::engine) async fn arrive(&self) -> Result<(), EngineError> {
        let (outage, instance) = (&self.0.outage, &self.0.instance);
        self.align().await?;
        let (joined, pending) = {
            let state = outage.state();
            (state.joined, state.pending.clone())
        };
        if joined {
            outage.store.beat(instance, self.now()).await?;
        } else {
            let ended = outage.store.join(instance, self.now()).await?;
            if ended > 0 {
                tracing::info!(ended, "reservations of a dead instance were ended");
            }
            outage.state().joined = true;
        }
        if let Some(layer) = pending {
            self.lay(&layer).await?;
            outage.state().pending = None;
        }
        let policy = outage.store.policy().await?;
        if let Some(layer) = self.lost_layer(&policy) {
            tracing::warn!(
                "the store has gone back to an earlier state: the file layer is laid again"
            );
            self.lay(&layer).await?;
            self.0.known.learn(outage.store.policy().await?);
        } else {
            self.0.known.learn(policy);
        }
        Ok(())
    }

    /// Returns the file layer last seen, if the store has lost it together with later changes.
    fn lost_layer(&self, present: &Policy) -> Option<Layer> {
        let known = self.snapshot();
        let lost = present.version < known.policy.version && present.file != known.policy.file;
        lost.then(|| known.policy.file.clone())
    }

    /// Goes by the clock that all instances on the store share, if there is one.
    pub(in crate::engine) async fn align(&self) -> Result<(), EngineError> {
        let clock = &self.0.clock;
        let before = clock.own();
        let Some(told) = self.0.outage.store.time().await? else { return Ok(()) };
        let moved = clock.align(before, told, clock.own());
        if moved.abs() >= NOTEWORTHY {
            tracing::warn!(
                ahead_ms = clock.ahead(),
                "the clock of the store differs from this machine's: the store's counts"
            );
        }
        Ok(())
    }

    /// Writes the file layer, past the fuse.
    async fn lay(&self, layer: &Layer) -> Result<PolicyVersion, EngineError> {
        let store: &dyn Store = self.0.outage.store.as_ref();
        for _ in 0..TRIES {
            let Policy { version, store: own, .. } = store.policy().await?;
            let whole = Policy { version, file: layer.clone(), store: own };
            whole.has_no_circle()?;
            match store.write_layer(LayerKind::File, layer.clone(), version).await {
                Err(StoreError::Conflict(_)) => {}
                written => return Ok(written?),
            }
        }
        Err(EngineError::outrun())
    }

    /// Begins although the store is out: decides by `layer` until it answers.
    pub(in crate::engine) fn begin_out(&self, layer: &Layer, error: &StoreError) {
        let outage = &self.0.outage;
        outage.state().pending = Some(layer.clone());
        self.0.known.suppose(layer.clone());
        self.go_out(&whole(error));
    }

    /// Returns true if the store was out at the start and has not answered since; the file layer
    /// is written when it does.
    #[must_use]
    pub fn has_yet_to_arrive(&self) -> bool {
        self.0.outage.state().pending.is_some()
    }
}
