//! Tunnel: bytes both ways between two connections that have become something else than HTTP.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::telemetry::Access;

/// Carries bytes both ways until both sides have ended, or either broke off; tells `access` of
/// what the client sent and got.
///
/// Without a limit on time: a tunnel may be silent for as long as both sides like. Dropped, both
/// connections are closed.
pub async fn tunnel(client: OnUpgrade, upstream: OnUpgrade, access: Option<Arc<Access>>) {
    let Ok((client, upstream)) = tokio::try_join!(client, upstream) else { return };
    let mut client = Counted { stream: TokioIo::new(client), access };
    let mut upstream = TokioIo::new(upstream);
    // Breaking off is an ordinary end of a tunnel; hyper has closed the rest.
    drop(tokio::io::copy_bidirectional(&mut client, &mut upstream).await);
}

/// The client's end, counted where somebody is to be told.
struct Counted<T> {
    stream: T,
    access: Option<Arc<Access>>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if let Some(access) = &this.access {
            access.received(buffer.filled().len() - before);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        if let Some(access) = &this.access {
            access.sent(written);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
