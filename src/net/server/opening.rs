//! Opening: how a connection begins before its first request, and how long that may take.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::AsyncRead;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::net::ahead::Ahead;
use crate::net::shutdown::Shutdown;

/// What a client begins with that speaks HTTP/2 without asking (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a connection that was accepted before shutdown may take to say what it wants: its
/// client has had no chance to go elsewhere.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Returns whether a client speaks HTTP/2, which its first bytes tell.
///
/// Whatever else they are is left to HTTP/1.1, to be refused in its words.
pub(super) async fn is_http2<T: AsyncRead + Unpin>(stream: &mut Ahead<T>) -> io::Result<bool> {
    loop {
        let seen = stream.seen();
        if seen.starts_with(PREFACE) {
            return Ok(true);
        }
        if !PREFACE.starts_with(seen) || !stream.look().await? {
            return Ok(false);
        }
    }
}

/// Why a connection is to end now, or soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// The first request has not come within `head_timeout`.
    Late,
    /// This process ends.
    Stopping,
}

pin_project! {
    /// What a connection heeds beside its client: the clock until its first request, and the end
    /// of the process.
    ///
    /// As in `shutdown`: registered once, then one atomic load a poll.
    pub(super) struct Watch {
        shutdown: Shutdown,
        #[pin]
        stopping: WaitForCancellationFutureOwned,
        #[pin]
        late: Sleep,
        // Set when the process ends and nothing was heard yet.
        moment: Option<Pin<Box<Sleep>>>,
        watching: bool,
    }
}

impl Watch {
    /// Begins with the connection.
    pub(super) fn new(shutdown: Shutdown, head_timeout: Duration) -> Self {
        let now = Instant::now();
        // A limit past the end of time is none.
        let late = now.checked_add(head_timeout).unwrap_or(now + Duration::from_hours(24 * 365));
        Self {
            stopping: shutdown.stopping(),
            shutdown,
            late: sleep_until(late),
            moment: None,
            watching: false,
        }
    }

    /// Rings; `heard` once the first request is there. The clock of the first request has to be
    /// asked as long as that is not so.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, heard: bool) -> Poll<Alarm> {
        let this = self.project();
        if !heard && this.late.poll(cx).is_ready() {
            return Poll::Ready(Alarm::Late);
        }
        if *this.watching && !this.shutdown.is_stopping() {
            return Poll::Pending;
        }
        *this.watching = true;
        if this.stopping.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if !heard {
            let moment = this.moment.get_or_insert_with(|| Box::pin(sleep(FIRST_WORD)));
            if moment.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(Alarm::Stopping)
    }
}
