//! Lingering: a connection whose last bytes still arrive after it is done with.
//!
//! What was written last may wait in this machine for a slow client. Closed while that client
//! still says something, if only how much it has read, the connection is reset and the rest is lost
//! (RFC 9112 §9.6 tells it of HTTP/1.1; HTTP/2 says something all the time).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use crate::net::shutdown::Shutdown;

/// How long ago something was written that may still be on its way.
const RECENT: Duration = Duration::from_mins(1);
/// A shorter piece is a word about the connection, whose loss nobody sees, in bytes.
const WORD: usize = 512;
/// How long the client may say nothing before nobody listens any more.
const SILENCE: Duration = Duration::from_secs(10);
/// How long it may go on.
const LONGEST: Duration = Duration::from_mins(2);
/// How much it may say, in bytes: enough to tell of gigabytes that it has read them.
const MOST: usize = 256 * 1024;

/// A stream that, dropped while bytes may be on their way, says that it ends and reads away what the
/// client still says, in a task that keeps `K`.
pub(super) struct Lingering<T, K>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    K: Send + 'static,
{
    /// Gone with the drop alone.
    stream: Option<(T, K)>,
    /// When something was written that is missed if it is lost.
    written: Option<Instant>,
    shutdown: Shutdown,
}

impl<T, K> Lingering<T, K>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    K: Send + 'static,
{
    pub(super) const fn new(stream: T, shutdown: Shutdown, kept: K) -> Self {
        Self { stream: Some((stream, kept)), written: None, shutdown }
    }

    fn poll_with<R>(
        &mut self,
        act: impl FnOnce(Pin<&mut T>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        match &mut self.stream {
            Some((stream, _)) => act(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn wrote(&mut self, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(done, Poll::Ready(Ok(count)) if count > WORD) {
            self.written = Some(Instant::now());
        }
        done
    }
}

impl<T, K> Drop for Lingering<T, K>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    K: Send + 'static,
{
    fn drop(&mut self) {
        let is_recent = self.written.is_some_and(|written| written.elapsed() < RECENT);
        if let Some((stream, kept)) = self.stream.take()
            && is_recent
            && Handle::try_current().is_ok()
        {
            drop(self.shutdown.spawn(async move {
                linger(stream).await;
                drop(kept);
            }));
        }
    }
}

/// Ends with the connection, or when the client has said enough.
async fn linger<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T) {
    let read = async {
        stream.shutdown().await?;
        let (mut buffer, mut left) = ([0; 1024], MOST);
        while left > 0 {
            let Ok(read) = timeout(SILENCE, stream.read(&mut buffer)).await else { break };
            match read? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<_, io::Error>(())
    };
    // Whatever ends it: there is nobody to be told.
    let _ = timeout(LONGEST, read).await;
}

impl<T, K> AsyncRead for Lingering<T, K>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    K: Send + Unpin + 'static,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_with(|stream| stream.poll_read(cx, buffer))
    }
}

impl<T, K> AsyncWrite for Lingering<T, K>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    K: Send + Unpin + 'static,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = this.poll_with(|stream| stream.poll_write(cx, bytes));
        this.wrote(done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = this.poll_with(|stream| stream.poll_write_vectored(cx, slices));
        this.wrote(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(|(stream, _)| stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_with(|stream| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;

    use super::*;

    /// Large enough to be missed.
    const END: [u8; 1000] = [b'x'; 1000];

    #[tokio::test]
    async fn what_was_written_last_arrives_though_the_client_still_speaks() {
        let (here, mut there) = duplex(2000);
        let shutdown = Shutdown::new();
        let mut stream = Lingering::new(here, shutdown.clone(), ());
        stream.write_all(&END).await.unwrap();
        drop(stream);
        there.write_all(&[b'w'; 4000]).await.unwrap();
        let mut heard = Vec::new();
        there.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, END);
        drop(there);
        assert!(shutdown.finish(Duration::from_secs(10)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_says_nothing_or_too_much_is_not_listened_to_for_ever() {
        for speaks in [false, true] {
            let (here, mut there) = duplex(2000);
            let kept = Arc::new(());
            let mut stream = Lingering::new(here, Shutdown::new(), Arc::clone(&kept));
            stream.write_all(&END).await.unwrap();
            drop(stream);
            if speaks {
                while there.write_all(&[b'w'; 64]).await.is_ok() {}
            }
            while Arc::strong_count(&kept) > 1 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_told_nothing_of_late_is_not_waited_for() {
        let (here, _there) = duplex(2000);
        let kept = Arc::new(());
        let mut stream = Lingering::new(here, Shutdown::new(), Arc::clone(&kept));
        stream.write_all(&END).await.unwrap();
        tokio::time::sleep(RECENT).await;
        stream.write_all(b"ping").await.unwrap();
        drop(stream);
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
