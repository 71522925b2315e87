//! Outgoing: the body of an upload on its way to the homeserver, fed piece by piece.
//!
//! It ends only when it is told to: without that word it is an error, so that a cut body never
//! looks whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::net::Segments;

/// Pieces on their way at once, beside the one that is sent: each may be large.
const PIECES: usize = 1;

/// The body was cut on purpose.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the upload was cut")]
pub(super) struct Cut;

#[derive(Debug)]
enum Piece {
    Data(Segments),
    Trailers(HeaderMap),
    End,
}

/// What makes a body whole: its last bytes, or its trailers, or nothing but its end.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) last: Option<Segments>,
    pub(super) trailers: Option<HeaderMap>,
}

/// The homeserver's connection takes no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct NobodyTakes;

/// The end that is fed.
#[derive(Debug)]
pub(super) struct Feed {
    pieces: mpsc::Sender<Piece>,
    taken: Arc<AtomicBool>,
}

impl Feed {
    /// Passes data on; waits while the homeserver is slower than the client.
    pub(super) async fn data(&self, data: Segments) -> Result<(), NobodyTakes> {
        self.piece(Piece::Data(data)).await
    }

    /// Ends the body.
    pub(super) async fn end(&self, end: End) -> Result<(), NobodyTakes> {
        if let Some(data) = end.last {
            self.data(data).await?;
        }
        if let Some(trailers) = end.trailers {
            self.piece(Piece::Trailers(trailers)).await?;
        }
        self.piece(Piece::End).await
    }

    /// Returns true if the last piece has gone to the connection, so that the homeserver may
    /// have all of it.
    pub(super) fn all_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire)
    }

    async fn piece(&self, piece: Piece) -> Result<(), NobodyTakes> {
        self.pieces.send(piece).await.map_err(|_| NobodyTakes)
    }
}

/// The end that is sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// None: a body of no bytes.
    pieces: Option<mpsc::Receiver<Piece>>,
    /// The first piece, received but not sent yet.
    first: Option<Piece>,
    /// Bytes still to come, where that is known.
    left: Option<u64>,
    taken: Arc<AtomicBool>,
    ended: bool,
}

impl Default for Outgoing {
    /// Returns a body of no bytes.
    fn default() -> Self {
        let taken = Arc::default();
        Self { pieces: None, first: None, left: Some(0), taken, ended: true }
    }
}

impl Outgoing {
    /// Returns a body of `length` bytes, or of any number, and what feeds it.
    pub(super) fn fed(length: Option<u64>) -> (Feed, Self) {
        let (sender, receiver) = mpsc::channel(PIECES);
        let taken = Arc::<AtomicBool>::default();
        let body = Self {
            pieces: Some(receiver),
            first: None,
            left: length,
            taken: taken.clone(),
            ended: false,
        };
        (Feed { pieces: sender, taken }, body)
    }

    /// Waits until there is something to send, or nothing will come.
    ///
    /// Head and body of a small upload then leave together. Dropped half way, nothing is lost.
    pub(super) async fn begun(&mut self) {
        if let Some(pieces) = &mut self.pieces {
            self.first = pieces.recv().await;
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        match (self.first.take(), &mut self.pieces) {
            (Some(piece), _) => Poll::Ready(Some(piece)),
            (None, Some(pieces)) => pieces.poll_recv(cx),
            (None, None) => Poll::Ready(None),
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.taken.store(true, Ordering::Release);
    }

    fn count(&mut self, sent: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(u64::try_from(sent).unwrap_or(u64::MAX));
            if *left == 0 {
                self.taken.store(true, Ordering::Release);
            }
        }
    }
}

impl Body for Outgoing {
    type Data = Segments;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Segments>, Cut>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(this.poll_piece(cx)) {
            Some(Piece::Data(data)) => {
                this.count(data.len());
                Some(Ok(Frame::data(data)))
            }
            // Nothing follows them: nobody asks whether something does.
            Some(Piece::Trailers(trailers)) => {
                this.end();
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Piece::End) => {
                this.end();
                None
            }
            None => Some(Err(Cut)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
