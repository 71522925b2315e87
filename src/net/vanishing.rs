//! Vanishing: peers that are gone without a word, or take nothing, are cut by the kernel.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long an upstream may take nothing.
pub(super) const UNTAKEN: Duration = Duration::from_mins(1);
/// How long a connection may be silent before the kernel asks whether the other side is there. It
/// answers without its program, so a long poll stays.
const SILENT: Duration = Duration::from_mins(1);
/// How long between two such questions; how long they may go unanswered is that of what is sent.
const ASKED_EVERY: Duration = Duration::from_secs(15);

/// Has the kernel cut `stream` when its other side has vanished or takes nothing.
///
/// What was sent may go unacknowledged for `untaken`, or unsent because the other side reads nothing
/// (a zero window), counted from the first byte that waits (`TCP_USER_TIMEOUT`, RFC 5482). One that
/// takes a little now and then stays; a long poll has nothing under way, so it is not meant.
///
/// # Errors
/// When the kernel does not take the options, as it does of a connection that is gone.
pub(super) fn cut_vanished(stream: &TcpStream, untaken: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(SILENT).with_interval(ASKED_EVERY);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(untaken))?;
    // Elsewhere the kernel's own patience has to do.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = untaken;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Returns two ends of a connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn silence_is_asked_after() {
        let (_client, server) = connection().await;
        cut_vanished(&server, UNTAKEN).unwrap();
        let socket = SockRef::from(&server);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), SILENT);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), ASKED_EVERY);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNTAKEN));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_cut() {
        let (_client, mut server) = connection().await;
        cut_vanished(&server, Duration::from_millis(500)).unwrap();
        let piece = vec![0; 64 * 1024];
        let error = loop {
            if let Err(error) = server.write_all(&piece).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_is_merely_silent_is_not_cut() {
        let (mut client, mut server) = connection().await;
        cut_vanished(&server, Duration::from_millis(100)).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
    }
}
