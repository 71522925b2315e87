//! Own pages: what is ours below `/_metergate/`: what a user may see of the own quota.
//!
//! | path | |
//! |---|---|
//! | `/_metergate/v1/quota` | the own quota in JSON, by access token |
//! | `/_metergate/quota` | a page that explains it, and shows it to who signs in |
//! | `/_metergate/quota/…` | what that page is made of |

mod files;
mod page;
mod quota;
mod settings;
mod words;

use std::sync::Arc;

use http::header::{ACCESS_CONTROL_MAX_AGE, ALLOW};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

pub(super) use page::Pages;
pub use settings::Page;

use super::Proxy;
use super::rejection::Rejection;
use crate::matrix::allow_any_origin;
use crate::net::{Body, Connection};

/// What all of it may be asked by.
const METHODS: &str = "GET, HEAD, OPTIONS";
const QUOTA: &str = "/_metergate/v1/quota";

/// Answers a request below `/_metergate/`.
pub(super) async fn answer(
    proxy: &Proxy,
    connection: &Arc<Connection>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (path, pages) = (parts.uri.path(), &proxy.0.shared.pages);
    if path != QUOTA && !pages.has(path) {
        return proxy.refuse(Rejection::Unrecognized, &parts, body);
    }
    let answered = match parts.method {
        Method::OPTIONS => Ok(preflight()),
        Method::GET | Method::HEAD if path == QUOTA => {
            return quota::answer(proxy, connection, parts, body).await;
        }
        Method::GET | Method::HEAD => pages.answer(proxy, &parts).await,
        _ => Err(Rejection::Method(METHODS)),
    };
    match answered {
        Ok(response) => {
            proxy.read_away(&parts, body);
            response
        }
        Err(rejection) => proxy.refuse(rejection, &parts, body),
    }
}

/// Tells a browser that scripts of any origin may ask.
fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    allow_any_origin(headers);
    response
}
