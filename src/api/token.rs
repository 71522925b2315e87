//! Who may call: those who show the token (RFC 6750 §2.1).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderMap, ORIGIN};

use super::Desk;
use super::respond::Problem;
use crate::net::bearer;

/// Lets a call pass that shows the token, or every call where there is none.
pub(super) async fn demand(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &desk.token else {
        if is_of_a_page(request.headers()) {
            return Problem::OfAPage.into_response();
        }
        return next.run(request).await;
    };
    let mut shown = request.headers().get_all(AUTHORIZATION).iter();
    let (first, second) = (shown.next(), shown.next());
    let bearer = first.filter(|_| second.is_none()).and_then(bearer);
    if bearer.is_some_and(|shown| token.is(shown)) {
        return next.run(request).await;
    }
    Problem::Unauthorized.into_response()
}

/// Returns true if a browser sent it for a page of somebody else: such a page can reach what is
/// open on this machine, but not without saying where it comes from (Fetch, "Origin").
fn is_of_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN)
}
