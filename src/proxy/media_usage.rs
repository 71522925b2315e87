//! What a client is told about what its user has uploaded, by MSC4034:
//! <https://github.com/matrix-org/matrix-spec-proposals/pull/4034>
//!
//! In the windows whose size `media/config` tells, so that the two can be subtracted.

use std::sync::Arc;

use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::Proxy;
use super::action::Kind;
use super::rejection::Rejection;
use crate::engine::Uploaded;
use crate::matrix::json;
use crate::net::{Body, Connection};

const USED: &str = "org.matrix.msc4034.storage.used";
const FILES: &str = "org.matrix.msc4034.storage.files";

/// Answers a request for what its user has uploaded.
pub(super) async fn answer(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match uploaded(proxy, connection, &parts).await {
        Ok(uploaded) => {
            proxy.read_away(&parts, body);
            let mut response = json(&told(uploaded));
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(rejection) => proxy.refuse(rejection, &parts, body),
    }
}

async fn uploaded(
    proxy: &Proxy,
    connection: &Connection,
    parts: &Parts,
) -> Result<Uploaded, Rejection> {
    let subject = proxy.who(connection, parts).await?;
    let uploaded = proxy.engine().uploaded(&subject).await;
    uploaded.map_err(|error| Rejection::from_engine(&error, Kind::Upload))
}

fn told(uploaded: Uploaded) -> Map<String, Value> {
    let both = [(USED, uploaded.bytes), (FILES, uploaded.files)];
    let known = both.into_iter().filter_map(|(key, amount)| Some((key, amount?.get())));
    known.map(|(key, amount)| (key.to_owned(), amount.into())).collect()
}
