//! Manager: what the service manager is told of this process (`sd_notify`), if it asks.

use sd_notify::NotifyState;

/// Where this process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It serves, by the newest configuration it could take.
    Ready,
    /// It reads its configuration again.
    Reloading,
    /// It ends: what is under way may end, and nothing new begins.
    Stopping,
}

/// Tells the service manager; without one it does nothing.
pub fn tell(phase: Phase) {
    let said = match phase {
        Phase::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // It compares the moment with that of its own order.
        Phase::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        Phase::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = said {
        tracing::warn!(%error, ?phase, "the service manager cannot be told");
    }
}
