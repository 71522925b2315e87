//! Who may call: those who show the token (RFC 6750 §2.1).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};

use super::Desk;
use super::respond::Problem;

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
    let bearer = first.filter(|_| second.is_none()).and_then(|value| bearer(value.as_bytes()));
    if bearer.is_some_and(|shown| token.is(shown)) {
        return next.run(request).await;
    }
    Problem::Unauthorized.into_response()
}

/// Returns the token of `Bearer …`; the scheme in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Returns true if a browser may have sent it for a page of somebody else: such a page can reach
/// what is open on this machine, by its address or by a name of its own that leads here.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(name, _)| !name.ends_with(':'));
    let name = name.map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    headers.contains_key(ORIGIN) || (name.contains('.') && name.parse::<IpAddr>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_a_page(name: http::HeaderName, value: &str) -> bool {
        is_of_a_page(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn an_address_or_a_name_of_this_machine_is_no_page() {
        for host in ["127.0.0.1:8400", "[::1]:8400", "localhost:8400", "localhost", "metergate", ""]
        {
            assert!(!of_a_page(HOST, host), "{host}");
        }
    }

    #[test]
    fn an_origin_or_a_name_that_leads_here_may_be_a_page() {
        assert!(of_a_page(ORIGIN, "https://evil.example"));
        assert!(of_a_page(ORIGIN, "null"));
        assert!(of_a_page(HOST, "evil.example:8400"));
    }
}
