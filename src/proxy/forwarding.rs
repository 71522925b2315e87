//! Headers across a hop (RFC 9110 §7.6.1); raw path and query untouched.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, FORWARDED, HOST, HeaderMap,
    HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Method, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::Settings;
use super::rejection::Rejection;
use super::trust::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, say_who};
use crate::net::{Body, Peer, Share, end_to_end};
use crate::telemetry::X_REQUEST_ID;

/// What a `Connection` header may not take away, whoever names it there.
const KEPT: [HeaderName; 10] = [
    HOST,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    AUTHORIZATION,
    COOKIE,
    FORWARDED,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    X_REQUEST_ID,
];

/// Refuses a head whose framing, target or host can be read in two ways; makes `Host` what the target
/// says, if it says one (RFC 9112 §3.2.2).
pub(super) fn admit(parts: &mut Parts) -> Result<(), Rejection> {
    let mut encodings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(encoding) = encodings.next() {
        let chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if !chunked || encodings.next().is_some() || parts.version == Version::HTTP_10 {
            return Err(Rejection::BadRequest("Transfer-Encoding must be chunked, once"));
        }
        // hyper took the body as chunked: a length beside that is not its length.
        parts.headers.remove(CONTENT_LENGTH);
    }
    if parts.uri.path_and_query().is_none() && parts.method != Method::CONNECT {
        return Err(Rejection::BadRequest("the target has no path"));
    }
    let path = parts.uri.path_and_query().map(PathAndQuery::as_str);
    if path == Some("*") && parts.method != Method::OPTIONS {
        return Err(Rejection::BadRequest("only OPTIONS asks for *"));
    }
    if parts.version == Version::HTTP_2 {
        agree(&parts.uri, &parts.headers)?;
        trim(&mut parts.headers);
        one_length(&mut parts.headers)?;
        join_cookies(&mut parts.headers);
    }
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| Rejection::BadRequest("the target's host is unreadable"))?;
        parts.headers.insert(HOST, host);
    }
    // What HTTP/2 says with pseudo-headers is no absolute target.
    if parts.version == Version::HTTP_2
        && let Some(target) = parts.uri.path_and_query()
    {
        parts.uri = Uri::from(target.clone());
    }
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version == Version::HTTP_10 => Ok(()),
        (Some(host), None) if is_host(host) => Ok(()),
        (None, _) => Err(Rejection::BadRequest("a Host header is missing")),
        (Some(_), Some(_)) => Err(Rejection::BadRequest("there are two Host headers")),
        (Some(_), None) => Err(Rejection::BadRequest("the Host header is unreadable")),
    }
}

/// Refuses a request over HTTP/2 whose `Host` is not its `:authority`, or whose path is none (RFC
/// 9113 §8.3.1).
fn agree(target: &Uri, headers: &HeaderMap) -> Result<(), Rejection> {
    let path = target.path_and_query().map(PathAndQuery::as_str);
    if path.is_some_and(|path| !path.starts_with('/') && path != "*") {
        return Err(Rejection::BadRequest("the path does not begin with a slash"));
    }
    let Some(authority) = target.authority() else { return Ok(()) };
    let is_same =
        |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes());
    if headers.get_all(HOST).iter().all(is_same) {
        Ok(())
    } else {
        Err(Rejection::BadRequest("Host and :authority differ"))
    }
}

/// Makes one header of a length that HTTP/2 may say twice (RFC 9110 §8.6).
fn one_length(headers: &mut HeaderMap) -> Result<(), Rejection> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else { return Ok(()) };
    let is_number = !first.is_empty() && first.as_bytes().iter().all(u8::is_ascii_digit);
    if !is_number || lengths.any(|other| other != first) {
        return Err(Rejection::BadRequest("Content-Length must be one number"));
    }
    let first = first.clone();
    headers.insert(CONTENT_LENGTH, first);
    Ok(())
}

/// Takes away the spaces around a value, which are no part of it in HTTP/1.1 (RFC 9113 §8.2.1).
fn trim(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        let trimmed = value.as_bytes().trim_ascii();
        if trimmed.len() < value.len()
            && let Ok(trimmed) = HeaderValue::from_bytes(trimmed)
        {
            *value = trimmed;
        }
    }
}

/// Makes one header of the cookies that HTTP/2 may send apart (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for cookie in std::iter::once(second).chain(cookies) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(cookie.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let authority = Authority::try_from(value.as_bytes());
    authority.is_ok_and(|host| !host.host().is_empty() && !host.as_str().contains('@'))
}

/// Makes the headers of a request fit for the next hop; `from` says from whom it came, and whether
/// over TLS.
pub(super) fn request(
    headers: &mut HeaderMap,
    from: (Peer, bool),
    settings: &Settings,
    upgrade: bool,
) {
    let trailers = wants_trailers(headers);
    let protocol = if upgrade { headers.get(UPGRADE).cloned() } else { None };
    strip(headers);
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    } else if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    say_who(headers, from, settings);
}

/// Says how a body of unknown length is framed where one is not expected: it would be left out.
pub(super) fn frame(head: &mut Parts, body: &Incoming) {
    let is_unexpected = matches!(head.method, Method::GET | Method::HEAD);
    let is_told = head.headers.contains_key(CONTENT_LENGTH);
    if is_unexpected && !body.is_end_stream() && !is_told {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Makes the headers of an answer fit for the client.
pub(super) fn answer(response: Response<Incoming>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        parts.headers.remove(CONTENT_LENGTH);
    }
    strip(&mut parts.headers);
    let body = Body::passing(body);
    // It counts as long as the body is under way.
    let body = match parts.extensions.remove::<Share>() {
        Some(share) => body.with_guard(share),
        None => body,
    };
    Response::from_parts(parts, body)
}

/// Removes what belongs to one hop.
pub(super) fn strip(headers: &mut HeaderMap) {
    end_to_end(headers, &KEPT);
}

/// Returns true if the client takes trailers; it must name `TE` in `Connection` (RFC 9110
/// §10.1.4), but many don't, so that is not asked for.
fn wants_trailers(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TE).iter().filter_map(|value| value.to_str().ok());
    values
        .any(|value| value.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("trailers")))
}

#[cfg(test)]
pub(super) mod tests {
    use http::Request;

    use super::*;

    pub(in crate::proxy) fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }

    fn admitted(
        target: &str,
        lines: &[(&'static str, &'static str)],
    ) -> Result<HeaderMap, Rejection> {
        let mut request = Request::builder().uri(target).body(()).unwrap();
        *request.headers_mut() = headers(lines);
        let (mut parts, ()) = request.into_parts();
        admit(&mut parts).map(|()| parts.headers)
    }

    #[test]
    fn what_every_connection_line_names_is_removed() {
        let mut map = headers(&[
            ("connection", "keep-alive, x-one"),
            ("connection", "X-Two"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "close"),
            ("x-three", "3"),
        ]);
        strip(&mut map);
        assert_eq!(map, headers(&[("x-three", "3")]));
    }

    #[test]
    fn nobody_can_have_host_length_or_identity_removed() {
        let lines = [("host", "a"), ("content-length", "3"), ("authorization", "Bearer x")];
        let mut map = headers(&lines);
        let names = "host, Content-Length, authorization, x-forwarded-for";
        map.append(CONNECTION, HeaderValue::from_static(names));
        strip(&mut map);
        assert_eq!(map, headers(&lines));
    }

    #[test]
    fn the_host_of_an_absolute_target_is_the_host() {
        let map = admitted("http://real.example/x", &[("host", "other.example")]).unwrap();
        assert_eq!(map, headers(&[("host", "real.example")]));
    }

    #[test]
    fn a_host_that_is_missing_doubled_or_odd_is_refused() {
        let odd: [&[(&str, &str)]; 5] = [
            &[],
            &[("host", "a"), ("host", "a")],
            &[("host", "")],
            &[("host", "user@a")],
            &[("host", "a b")],
        ];
        for lines in odd {
            assert!(admitted("/x", lines).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn only_plain_chunked_once_is_a_transfer_encoding() {
        for value in ["gzip, chunked", "identity", "chunked, chunked", "\"chunked\"", "xchunked"] {
            let lines = [("host", "a"), ("transfer-encoding", value)];
            assert!(admitted("/x", &lines).is_err(), "{value}");
        }
        let twice =
            [("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert!(admitted("/x", &twice).is_err());
        assert!(admitted("/x", &[("host", "a"), ("transfer-encoding", "Chunked")]).is_ok());
    }
}
