//! Upgrades (RFC 9110 §7.8): a tunnel opens only after the homeserver said 101 to one asked for.

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::rejection::Rejection;
use super::{Proxy, forwarding};
use crate::net::{self, Body, Connection};

/// Returns the client's end of a tunnel, if the request asks for one.
pub(super) fn wanted(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11 || !headers.contains_key(UPGRADE) {
        return None;
    }
    let mut values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let asked = values
        .any(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade")));
    asked.then(|| hyper::upgrade::on(request))
}

/// Answers the client; opens the tunnel if both sides want it.
pub(super) fn answer(
    proxy: &Proxy,
    connection: Arc<Connection>,
    client: Option<OnUpgrade>,
    mut response: Response<Incoming>,
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
    drop(proxy.0.shared.shutdown.spawn(carry(connection, client, upstream)));
    let mut answer = forwarding::answer(response);
    let headers = answer.headers_mut();
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
    }
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.map(|_| Body::empty())
}

/// Carries bytes both ways. The connection counts as one until then.
async fn carry(connection: Arc<Connection>, client: OnUpgrade, upstream: OnUpgrade) {
    net::tunnel(client, upstream).await;
    drop(connection);
}
