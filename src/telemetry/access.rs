//! Access: one line in the log for each exchange, written when the last of it has ended.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Version};
use tokio::time::Instant;

use super::labels::{Label, Outcome};
use super::path;

/// What lines are filtered by: they are all of it.
pub(super) const TARGET: &str = "metergate::access";

/// An exchange as it is told. Everything that has a part in it (the answer's body, the task that
/// carries an upload, a tunnel) shares it; the line is written when the last of them drops it.
#[derive(Debug)]
pub struct Access {
    asked: Asked,
    begun: Instant,
    received: AtomicU64,
    sent: AtomicU64,
    answer: Mutex<Answer>,
}

/// What was asked for, and by whom.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The id of the request.
    pub id: String,
    /// A word for the method.
    method: &'static str,
    /// As much of the path as may be told.
    path: String,
    version: &'static str,
    /// The client's address; none on a Unix socket that told of nobody.
    pub client: Option<IpAddr>,
}

impl Asked {
    /// Returns what a request asks for.
    #[must_use]
    pub fn by(
        id: String,
        method: &Method,
        path: &str,
        version: Version,
        client: Option<IpAddr>,
    ) -> Self {
        let (method, path, version) =
            (method_word(method), path::told(path), version_word(version));
        Self { id, method, path, version, client }
    }
}

/// What has become of it so far.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    kind: Option<&'static str>,
    /// None as long as no head was sent.
    status: Option<u16>,
    head: Option<Duration>,
    end: Option<End>,
    metering: Option<Outcome>,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was sent to its end.
    Complete,
    /// The homeserver broke it off.
    Broken,
    /// The client left.
    Left,
}

impl Access {
    /// Begins to watch an exchange.
    #[must_use]
    pub fn begin(asked: Asked) -> Arc<Self> {
        Arc::new(Self {
            asked,
            begun: Instant::now(),
            received: AtomicU64::default(),
            sent: AtomicU64::default(),
            answer: Mutex::default(),
        })
    }

    /// Says what is asked for.
    pub fn is_about(&self, kind: &'static str) {
        self.answer().kind = Some(kind);
    }

    /// Counts bytes of the request's body, or of a tunnel.
    pub fn received(&self, bytes: usize) {
        self.received.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts bytes of the answer's body, or of a tunnel.
    pub fn sent(&self, bytes: usize) {
        self.sent.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Says that the answer's head goes out.
    pub fn answered(&self, status: u16) {
        let mut answer = self.answer();
        (answer.status, answer.head) = (Some(status), Some(self.begun.elapsed()));
    }

    /// Says that the client has left, whatever is sent after it.
    pub fn left(&self) {
        self.answer().end = Some(End::Left);
    }

    /// Says how the answer ended. Not told, the client has left.
    pub fn ended(&self, end: End) {
        self.answer().end.get_or_insert(end);
    }

    /// Says what became of an upload.
    pub fn metered(&self, outcome: Outcome) {
        self.answer().metering = Some(outcome);
    }

    fn answer(&self) -> MutexGuard<'_, Answer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        let Answer { kind, status, head, end, metering } = *self.answer();
        let Asked { id, method, path, version, client } = &self.asked;
        let end = match (status, end) {
            (Some(_), Some(End::Complete)) => "complete",
            (Some(_), Some(End::Broken)) => "upstream broke off",
            (Some(_), Some(End::Left) | None) | (None, _) => "client left",
        };
        tracing::info!(
            target: TARGET,
            parent: None,
            id,
            method,
            path,
            version,
            client = client.as_ref().map(tracing::field::display),
            kind,
            status = status.unwrap_or(499),
            metering = metering.map(Label::word),
            received = self.received.load(Ordering::Relaxed),
            sent = self.sent.load(Ordering::Relaxed),
            head_ms = head.map(milliseconds),
            duration_ms = milliseconds(self.begun.elapsed()),
            end,
            "answered"
        );
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A method may be any word, a secret too.
fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => "other",
    }
}

const fn version_word(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        _ => "other",
    }
}
