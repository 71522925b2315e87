//! Tunnel: bytes both ways between two connections that have become something else than HTTP.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Carries bytes both ways until both sides have ended, or either broke off.
///
/// Without a limit on time: a tunnel may be silent for as long as both sides like. Dropped, both
/// connections are closed.
pub async fn tunnel(one: OnUpgrade, other: OnUpgrade) {
    let Ok((one, other)) = tokio::try_join!(one, other) else { return };
    let (mut one, mut other) = (TokioIo::new(one), TokioIo::new(other));
    // Breaking off is an ordinary end of a tunnel; hyper has closed the rest.
    drop(tokio::io::copy_bidirectional(&mut one, &mut other).await);
}
