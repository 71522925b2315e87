//! Cases: what is put to a proxy, and what has to come of it.

mod early;
mod framing;
mod http2;
mod identity;
mod slow;
mod streams;
mod upstream;

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::stand::{Kind, Stand};
use crate::support::within;

/// What a smuggler hides in a body.
pub(crate) const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// How long is looked for what must not happen.
const MOMENT: Duration = Duration::from_millis(150);

/// One case.
pub(crate) struct Case {
    /// Which part of proxying it is about.
    pub(crate) about: &'static str,
    /// What has to come of it.
    pub(crate) name: String,
    act: Box<dyn Fn(&Stand) + Send + Sync>,
}

impl Case {
    fn new(
        about: &'static str,
        name: impl Into<String>,
        act: impl Fn(&Stand) + Send + Sync + 'static,
    ) -> Self {
        Self { about, name: name.into(), act: Box::new(act) }
    }

    /// Returns whether it is put over HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.about.starts_with("h2")
    }

    /// Puts it to a proxy of this kind; returns what went wrong.
    pub(crate) fn hold(&self, kind: Kind) -> Result<(), String> {
        let held = catch_unwind(AssertUnwindSafe(|| (self.act)(&Stand::of(kind))));
        held.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            text.unwrap_or_else(|| "it failed".to_owned())
        })
    }
}

/// Returns every case, in the order of the parts of a message.
pub(crate) fn all() -> Vec<Case> {
    [
        framing::cases(),
        identity::cases(),
        streams::cases(),
        early::cases(),
        slow::cases(),
        upstream::cases(),
        http2::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How a proxy took what it should not take.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// It said no.
    Answered(u16),
    /// It closed the connection.
    Closed,
}

/// Sends `bytes`; returns how the proxy took them.
fn taken(stand: &Stand, bytes: impl AsRef<[u8]>) -> Taken {
    let mut client = stand.client();
    let _ = client.try_send(bytes);
    match client.wire.head() {
        Ok(Some(head)) => Taken::Answered(head.word(1).parse().unwrap_or_default()),
        Ok(None) => Taken::Closed,
        Err(error) => match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
                Taken::Closed
            }
            _ => panic!("no answer, and no end: {error}"),
        },
    }
}

/// Asserts that `bytes` are refused, and that nothing of them goes on.
fn is_refused(stand: &Stand, bytes: impl AsRef<[u8]>) {
    let taken = taken(stand, bytes);
    let is_no =
        matches!(taken, Taken::Closed | Taken::Answered(400 | 405 | 414 | 422 | 431 | 501 | 505));
    assert!(is_no, "{taken:?}, and not refused");
    never("it went on", || !stand.homeserver.seen("").is_empty());
}

/// Asserts that `happened` stays false for a while.
fn never(what: &str, happened: impl FnMut() -> bool) {
    assert!(!within(MOMENT, happened), "{what}");
}
