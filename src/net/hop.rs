//! Hop: the headers that are about one connection, not about the message (RFC 9110 §7.6.1).

use http::header::{CONNECTION, HeaderMap, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

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
