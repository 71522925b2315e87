//! Parting: a connection whose other side takes no more may still have said why.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pin_project! {
    /// A stream that is read to its end before it admits that it cannot be written any more.
    ///
    /// A server that answers before it has read a request, and closes, resets the connection. Its
    /// answer has arrived all the same; whoever stops at the failed write never reads it.
    pub(super) struct Parting<T> {
        #[pin]
        stream: T,
        // Why it cannot be written any more.
        broken: Option<io::Error>,
        // There is nothing more to read.
        ended: bool,
        // Who waits to be told that it cannot be written.
        writer: Option<Waker>,
    }
}

impl<T> Parting<T> {
    pub(super) const fn new(stream: T) -> Self {
        Self { stream, broken: None, ended: false, writer: None }
    }
}

impl<T: AsyncWrite> Parting<T> {
    fn poll_with<F>(self: Pin<&mut Self>, cx: &mut Context<'_>, write: F) -> Poll<io::Result<usize>>
    where
        F: FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    {
        let this = self.project();
        if this.broken.is_none() {
            match ready!(write(this.stream, cx)) {
                Err(error) if !*this.ended && is_parting(&error) => *this.broken = Some(error),
                other => return Poll::Ready(other),
            }
        }
        if *this.ended {
            return Poll::Ready(Err(this.broken.take().unwrap_or(ErrorKind::BrokenPipe.into())));
        }
        *this.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn is_parting(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

impl<T: AsyncRead> AsyncRead for Parting<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = ready!(this.stream.poll_read(cx, buffer));
        if read.is_err() || (room > 0 && buffer.filled().len() == before) {
            *this.ended = true;
            if let Some(writer) = this.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(read)
    }
}

impl<T: AsyncWrite> AsyncWrite for Parting<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
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
    async fn what_was_said_before_a_connection_broke_is_read_before_the_write_fails() {
        let (here, mut there) = duplex(1024);
        there.write_all(b"no").await.unwrap();
        drop(there);
        let (mut reader, mut writer) = tokio::io::split(Parting::new(here));
        let writing = tokio::spawn(async move { writer.write(b"more").await });
        tokio::task::yield_now().await;
        assert!(!writing.is_finished());
        let mut said = String::new();
        reader.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "no");
        assert_eq!(writing.await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn where_nothing_is_left_to_read_a_failed_write_shows_at_once() {
        let (here, there) = duplex(1024);
        drop(there);
        let mut stream = Parting::new(here);
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(stream.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
