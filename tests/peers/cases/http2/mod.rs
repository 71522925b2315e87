//! HTTP/2: the same cases over frames, and those that only frames can have (RFC 9113).

mod bodies;
mod floods;
mod heads;
mod protocol;
mod requests;

use super::{Case, never};
use crate::frames::{Fields, Frames, Told};
use crate::stand::Stand;

pub(super) fn cases() -> Vec<Case> {
    [heads::cases(), requests::cases(), bodies::cases(), protocol::cases(), floods::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Asserts that an answer is a refusal: in words, of the stream, or of the connection.
#[track_caller]
fn is_no(told: &Told) {
    let is_no = told.gone
        || told.reset.is_some_and(|reason| reason != 0 && told.status < 300)
        || matches!(told.status, 400 | 404 | 405 | 413 | 414 | 421 | 422 | 431 | 501);
    let (status, reset) = (told.status, told.reset);
    assert!(is_no, "answered {status}, reset {reset:?}, and not refused");
}

/// Asserts that a request is refused, and that nothing of it goes on.
#[track_caller]
fn is_refused(stand: &Stand, fields: &Fields) {
    is_no(&stand.frames().ask(fields));
    never("it went on", || !stand.homeserver.seen("").is_empty());
}

/// Asserts that others are served as if nothing were.
#[track_caller]
fn others_are_served(stand: &Stand) {
    assert_eq!(stand.frames().ask(&Fields::get("/other")).status, 200, "another connection");
}

/// Asserts that this connection still serves.
#[track_caller]
fn goes_on(frames: &mut Frames) {
    assert_eq!(frames.ask(&Fields::get("/next")).status, 200, "the same connection");
}
