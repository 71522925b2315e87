//! Ahead: a stream some bytes of which were read before it was known what they are.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is read ahead in one go: as much as is read of a request anyway.
const PIECE: usize = 8 * 1024;

pin_project! {
    /// A stream that gives what was read ahead before the rest.
    #[derive(Debug)]
    pub(super) struct Ahead<T> {
        ahead: BytesMut,
        #[pin]
        stream: T,
    }
}

impl<T> Ahead<T> {
    pub(super) fn new(stream: T) -> Self {
        Self { ahead: BytesMut::new(), stream }
    }

    /// Returns what was read ahead and not taken yet.
    pub(super) fn seen(&self) -> &[u8] {
        &self.ahead
    }

    /// Throws away the first `count` bytes of it, or all.
    pub(super) fn skip(&mut self, count: usize) {
        self.ahead.advance(count.min(self.ahead.len()));
    }
}

impl<T: AsyncRead + Unpin> Ahead<T> {
    /// Reads more ahead; false at the end of the stream. Dropped half way, nothing is lost.
    pub(super) async fn look(&mut self) -> io::Result<bool> {
        let before = self.ahead.len();
        poll_fn(|cx| self.poll_look(cx)).await?;
        Ok(self.ahead.len() > before)
    }

    fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
        self.ahead.extend_from_slice(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead> AsyncRead for Ahead<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.ahead.is_empty() {
            return this.stream.poll_read(cx, buffer);
        }
        let count = this.ahead.len().min(buffer.remaining());
        buffer.put_slice(&this.ahead[..count]);
        this.ahead.advance(count);
        if this.ahead.is_empty() {
            // Nothing is kept for a connection that is silent for hours.
            *this.ahead = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> AsyncWrite for Ahead<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_was_read_ahead_comes_before_the_rest() {
        let (here, mut there) = duplex(64);
        let mut stream = Ahead::new(here);
        there.write_all(b"one ").await.unwrap();
        assert!(stream.look().await.unwrap());
        assert_eq!(stream.seen(), b"one ");
        there.write_all(b"two").await.unwrap();
        drop(there);
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "one two");
        assert!(!stream.look().await.unwrap());
    }
}
