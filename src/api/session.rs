//! Sign-in of the dashboard: the token once, then a cookie (RFC 6265).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, COOKIE, HeaderMap, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::asked::Body;
use super::origin;
use super::respond::Problem;
use super::token;
use crate::clock::whole_seconds;

/// The cookie's name.
const NAME: &str = "metergate_session";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    token: Option<String>,
}

/// Returns `POST`, `GET` and `DELETE /session`.
pub(super) fn routes() -> Router<Arc<Desk>> {
    let methods = axum::routing::post(sign_in).get(standing).delete(sign_out);
    Router::new().route("/session", methods)
}

/// Returns true if the request shows the cookie of a session, and a page of ours caused it.
pub(super) fn is_signed_in(desk: &Desk, method: &Method, headers: &HeaderMap) -> bool {
    origin::is_own(method, headers) && names(headers).any(|name| desk.sessions.has(name))
}

/// Takes the token, answers 204 with a cookie. Where there is no token, without one.
async fn sign_in(
    State(desk): State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
    Body(Shown { token: shown }): Body<Shown>,
) -> Result<Response, Problem> {
    let by_a_stranger = origin::is_of_a_page(&headers) && !origin::is_own(&method, &headers);
    if by_a_stranger {
        return Err(Problem::OfAnotherSite);
    }
    let Some(token) = &desk.token else {
        token::may_call_openly(&method, &headers)?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let Some(shown) = shown else {
        let text = "nothing is shown: write {\"token\": \"…\"}".to_owned();
        return Err(Problem::BadRequest(text));
    };
    if let Some(wait) = desk.sessions.closed_for() {
        return Ok(too_many(whole_seconds(wait)));
    }
    if !token.is(shown.as_bytes()) {
        desk.sessions.missed();
        return Err(Problem::Unauthorized);
    }
    let Ok(name) = desk.sessions.begin() else {
        tracing::error!("the system gives no random bytes: nobody can sign in");
        return Err(Problem::Slow);
    };
    Ok(with_cookie(&headers, &name, ""))
}

/// Tells whether one has to sign in, and is.
async fn standing(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let needed = desk.token.is_some();
    let signed_in = !needed || is_signed_in(&desk, request.method(), request.headers());
    let told = Json(json!({ "needed": needed, "signed_in": signed_in }));
    ([(CACHE_CONTROL, "no-store")], told).into_response()
}

/// Ends the session, if there is one.
async fn sign_out(
    State(desk): State<Arc<Desk>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !origin::is_own(&method, &headers) {
        return Err(Problem::OfAnotherSite);
    }
    names(&headers).for_each(|name| desk.sessions.end(name));
    Ok(with_cookie(&headers, "", "; Max-Age=0"))
}

/// Answers 204 and sets the cookie: no script reads it, no other site's page sends it, and what
/// came encrypted never goes back in the clear.
fn with_cookie(headers: &HeaderMap, name: &str, more: &str) -> Response {
    let secure = if origin::is_by_https(headers) { "; Secure" } else { "" };
    let cookie = format!("{NAME}={name}; HttpOnly; SameSite=Strict; Path=/{secure}{more}");
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers that no token is looked at for so many seconds, right or wrong.
fn too_many(seconds: u64) -> Response {
    let message = format!("too many wrong tokens: try again in {seconds} seconds");
    let error = json!({ "error": { "code": "too_many_tries", "message": message } });
    let wait = [(RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, wait, Json(error)).into_response()
}

/// Returns the sessions that the request names.
fn names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(|line| line.split(';'));
    let named = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    named.filter(|(name, _)| *name == NAME).map(|(_, value)| value)
}
