//! Who may call: those who show the token (RFC 6750 §2.1), and pages of ours that did.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap};

use super::Desk;
use super::origin;
use super::respond::Problem;
use super::session;
use crate::net::bearer;

/// Lets a call pass that shows the token or a session, or, where there is no token, every call
/// that no page of somebody else makes.
pub(super) async fn demand(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    match may_call(&desk, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn may_call(desk: &Desk, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = &desk.token else { return may_call_openly(method, headers) };
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (shown.next(), shown.next());
    let Some(first) = first else {
        let signed_in = session::is_signed_in(desk, method, headers);
        return if signed_in { Ok(()) } else { Err(Problem::Unauthorized) };
    };
    let bearer = bearer(first).filter(|_| second.is_none());
    if bearer.is_some_and(|shown| token.is(shown)) { Ok(()) } else { Err(Problem::Unauthorized) }
}

/// Says whether one may call where there is no token: programs of this machine, and the pages that
/// it serves itself. Both ask it by a name that no page elsewhere can have.
pub(super) fn may_call_openly(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let by_a_stranger = origin::is_of_a_page(headers) && !origin::is_own(method, headers);
    if by_a_stranger || !origin::host_is_loopback(headers) {
        return Err(Problem::OfAPage);
    }
    Ok(())
}
