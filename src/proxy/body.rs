//! Outgoing: the body of an upload on its way to the homeserver, fed piece by piece.
//!
//! It ends only when it is told to: without that word it is an error, so that a cut body never
//! looks whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::net::Segments;

/// Pieces on their way at once; each is at most one read of the client's connection.
const PIECES: usize = 4;
/// The most bytes sent as one chunk.
const CHUNK: usize = 256 * 1024;

/// The body was cut on purpose.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the upload was cut")]
pub(super) struct Cut;

#[derive(Debug)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

/// What makes a body whole: its last bytes, or its trailers, or nothing but its end.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) last: Option<Bytes>,
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
    pub(super) async fn data(&self, data: Bytes) -> Result<(), NobodyTakes> {
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
    /// Pieces received but not sent yet.
    waiting: VecDeque<Piece>,
    /// Bytes still to come, where that is known; else pieces that are there at once go as one
    /// chunk, without a copy.
    left: Option<u64>,
    taken: Arc<AtomicBool>,
    ended: bool,
}

impl Default for Outgoing {
    /// Returns a body of no bytes.
    fn default() -> Self {
        let taken = Arc::default();
        Self { pieces: None, waiting: VecDeque::new(), left: Some(0), taken, ended: true }
    }
}

impl Outgoing {
    /// Returns a body of `length` bytes, or of any number, and what feeds it.
    pub(super) fn fed(length: Option<u64>) -> (Feed, Self) {
        let (sender, receiver) = mpsc::channel(PIECES);
        let taken = Arc::<AtomicBool>::default();
        let body = Self {
            pieces: Some(receiver),
            waiting: VecDeque::new(),
            left: length,
            taken: taken.clone(),
            ended: false,
        };
        (Feed { pieces: sender, taken }, body)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if let Some(piece) = self.waiting.pop_front() {
            return Poll::Ready(Some(piece));
        }
        match &mut self.pieces {
            Some(pieces) => pieces.poll_recv(cx),
            None => Poll::Ready(None),
        }
    }

    /// Adds whatever data is there already to `first`.
    fn joined(&mut self, first: Bytes) -> Segments {
        let mut joined = Segments::from(first);
        let Some(pieces) = self.pieces.as_mut().filter(|_| self.left.is_none()) else {
            return joined;
        };
        while joined.len() < CHUNK {
            match pieces.try_recv() {
                Ok(Piece::Data(data)) => joined.push(data),
                Ok(other) => {
                    self.waiting.push_back(other);
                    break;
                }
                Err(_) => break,
            }
        }
        joined
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
                let data = this.joined(data);
                this.count(data.len());
                Some(Ok(Frame::data(data)))
            }
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::End) => {
                this.ended = true;
                this.taken.store(true, Ordering::Release);
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
