//! One call and its answer: timed, counted, and told in the access log where there is one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;
use tower::ServiceExt;

use super::Api;
use super::respond::Problem;
use crate::net::{Connection, Peer, Watched};
use crate::telemetry::{Access, Asked, End, RequestId, X_REQUEST_ID};

/// How long a request may take, body included.
const TIME: Duration = Duration::from_secs(30);
/// What the access log calls a call.
const KIND: &str = "admin";
/// What takes as long as there is something to do.
const TAKING_LONG: [&str; 4] = ["/v1/export", "/v1/import", "/v1/rebuild", "/v1/simulate"];
/// The same of each group: everyone is looked at.
const PREVIEW: &str = "/preview";

impl Api {
    /// Answers one call. May be dropped at any time: a call then happens whole or not at all.
    pub async fn serve(
        self,
        connection: Arc<Connection>,
        mut request: Request<Incoming>,
    ) -> Response<Watched<Body>> {
        name_host(&mut request);
        let id = RequestId::fresh();
        let access = self.desk.access_log.then(|| watch(&connection, &request, &id));
        let is_head = request.method() == Method::HEAD;
        let request = request.map(|body| told(body, access.clone()));
        let long = takes_long(request.uri().path());
        let time = if long { Duration::MAX } else { TIME };
        let mut response = match timeout(time, self.router.oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => Problem::Slow.into_response(),
        };
        response.headers_mut().insert(X_REQUEST_ID, id.value());
        let status = response.status().as_u16();
        self.desk.metrics.requests.answered_admin(status);
        if let Some(access) = &access {
            access.answered(status);
            if is_head {
                // Nobody looks at its body.
                access.ended(End::Complete);
            }
        }
        response.map(|body| Watched::new(body, access))
    }
}

/// Makes `Host` what the target says, if it says one, as it does over HTTP/2 (RFC 9113 §8.3.1): by
/// which name this machine was asked is looked up there alone.
fn name_host(request: &mut Request<Incoming>) {
    let authority = request.uri().authority();
    if let Some(Ok(host)) = authority.map(|it| HeaderValue::from_str(it.as_str())) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Returns whether the call at `path` may take longer than others.
fn takes_long(path: &str) -> bool {
    TAKING_LONG.contains(&path) || path.starts_with("/v1/groups/") && path.ends_with(PREVIEW)
}

fn watch(connection: &Connection, request: &Request<Incoming>, id: &RequestId) -> Arc<Access> {
    let client = match connection.peer {
        Peer::Ip(address) => Some(address),
        Peer::Unix => None,
    };
    let (method, path) = (request.method(), request.uri().path());
    let access = Access::begin(Asked::by(id.to_string(), method, path, request.version(), client));
    access.is_about(KIND);
    access
}

/// Returns the body of a request, of which the access log is told as it comes.
fn told(body: Incoming, access: Option<Arc<Access>>) -> Body {
    let Some(access) = access else { return Body::new(body) };
    Body::new(body.map_frame(move |frame| {
        access.received(frame.data_ref().map_or(0, bytes::Bytes::len));
        frame
    }))
}
