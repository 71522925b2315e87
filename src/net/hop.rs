//! Hop: the headers that are about one connection, not about the message (RFC 9110 §7.6.1).

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, COOKIE, FORWARDED, HOST, HeaderMap, HeaderName, MAX_FORWARDS,
    PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What says how a message is framed, sent on, allowed or read: a trailer comes too late for it.
const NEVER_LAST: [HeaderName; 19] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    FORWARDED,
    HOST,
    MAX_FORWARDS,
    PROXY_AUTHORIZATION,
    SET_COOKIE,
    TRAILER,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    X_REAL_IP,
    X_REQUEST_ID,
    CONNECTION,
];

/// Removes what `Connection` names, unless it is among `kept`, and what always belongs to one hop.
pub fn end_to_end(headers: &mut HeaderMap, kept: &[HeaderName]) {
    if headers.contains_key(CONNECTION) {
        let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let names = values.flat_map(|value| value.split(','));
        let named: Vec<HeaderName> =
            names.filter_map(|name| HeaderName::try_from(name.trim()).ok()).collect();
        for name in named.iter().filter(|name| !kept.contains(name)) {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// Removes from trailers what may not be among them (RFC 9110 §6.5.1), so that no next hop takes it
/// for a header.
pub(super) fn trailers(trailers: &mut HeaderMap) {
    end_to_end(trailers, &[]);
    for name in NEVER_LAST {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_may_come_last_is_a_trailer() {
        let mut map = HeaderMap::new();
        for name in NEVER_LAST.into_iter().chain([TE, TRANSFER_ENCODING, UPGRADE, KEEP_ALIVE]) {
            map.insert(name, HeaderValue::from_static("x"));
        }
        map.insert("grpc-status", HeaderValue::from_static("0"));
        trailers(&mut map);
        assert_eq!(map.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["grpc-status"]);
    }
}
