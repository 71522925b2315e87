//! Upgrades (RFC 9110 §7.8): a tunnel opens only after the homeserver said 101 to one asked for.
//!
//! Never one in which HTTP goes on: requests in it would pass unseen, uploads among them.

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::rejection::Rejection;
use super::{Proxy, forwarding};
use crate::net::{self, Body, Connection};
use crate::telemetry::Access;

/// Protocols that carry HTTP, in any version, or hide it (RFC 7540 §3.2, RFC 2817 §3).
const CARRIES_HTTP: [&str; 5] = ["http", "h2c", "h2", "h3", "tls"];

/// Returns the client's end of a tunnel, if the request asks for one. One that asks for a protocol
/// that carries HTTP, among others or alone, is an ordinary request.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !headers.contains_key(UPGRADE) {
        return None;
    }
    if headers.get_all(UPGRADE).iter().any(carries_http) {
        return None;
    }
    let mut values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let asked = values
        .any(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade")));
    asked.then(|| hyper::upgrade::on(request))
}

/// Returns whether one of these protocols carries HTTP, however they are set apart; what is
/// unreadable may.
fn carries_http(protocols: &HeaderValue) -> bool {
    let Ok(protocols) = protocols.to_str() else {
        return true;
    };
    let mut words = protocols.split(|it: char| !(it.is_ascii_alphanumeric() || "-_.".contains(it)));
    words.any(|word| CARRIES_HTTP.iter().any(|name| word.eq_ignore_ascii_case(name)))
}

/// Answers the client; opens the tunnel if both sides want it.
pub(super) fn answer(
    proxy: &Proxy,
    connection: Arc<Connection>,
    client: Option<OnUpgrade>,
    mut response: Response<Incoming>,
    access: Option<Arc<Access>>,
) -> Response<Body> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return forwarding::answer(response);
    }
    let Some(client) = client else {
        tracing::warn!("homeserver switched protocols without being asked");
        return Rejection::Upstream.into_response(proxy.settings());
    };
    let upstream = hyper::upgrade::on(&mut response);
    let protocol = response.headers().get(UPGRADE).cloned();
    drop(proxy.0.shared.shutdown.spawn(carry(connection, client, upstream, access)));
    let mut answer = forwarding::answer(response);
    let headers = answer.headers_mut();
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.map(|_| Body::empty())
}

/// Carries bytes both ways. The connection counts as one until then.
async fn carry(
    connection: Arc<Connection>,
    client: OnUpgrade,
    upstream: OnUpgrade,
    access: Option<Arc<Access>>,
) {
    net::tunnel(client, upstream, access).await;
    drop(connection);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_protocol_that_carries_http_is_one() {
        for protocols in [
            "h2c",
            "H2C",
            "HTTP/2.0",
            "http/1.1",
            "TLS/1.0",
            "websocket, h2c",
            "websocket,TLS/1.2",
            "websocket h2c",
            "websocket\th2c",
            "h2c;q=1",
            "\"h2c\"",
        ] {
            assert!(carries_http(&HeaderValue::from_static(protocols)), "{protocols}");
        }
        assert!(carries_http(&HeaderValue::from_bytes(b"ws\xff").unwrap()));
    }

    #[test]
    fn other_protocols_are_none() {
        for protocols in ["websocket", "WebSocket", "IRC/6.9, RTA/x11", "x-http", "h2chat", ""] {
            assert!(!carries_http(&HeaderValue::from_static(protocols)), "{protocols}");
        }
    }
}
