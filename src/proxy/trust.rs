//! Trust: whose word counts on who the client is, and what is said where it does not.

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

use super::Settings;
use crate::net::Peer;
use crate::telemetry::RequestId;

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Keeps a trusted peer's word on who the client is, and what it asked for; of any other, its
/// address is the client, and what it spoke here is what it spoke.
pub(super) fn say_who(
    headers: &mut HeaderMap,
    (peer, is_sealed): (Peer, bool),
    settings: &Settings,
) {
    let Some(address) = untrusted(peer, settings) else { return };
    headers.remove(FORWARDED);
    headers.remove(X_REAL_IP);
    headers.remove(X_FORWARDED_HOST);
    // In the clear nobody asks, unless somebody says otherwise.
    if is_sealed || headers.contains_key(X_FORWARDED_PROTO) {
        let scheme = if is_sealed { "https" } else { "http" };
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
    if let Some(value) = address_value(address) {
        headers.insert(X_FORWARDED_FOR, value);
    }
}

/// Returns what the homeserver is told of the client's address.
pub(super) fn client_address(
    headers: &HeaderMap,
    peer: Peer,
    settings: &Settings,
) -> Option<HeaderValue> {
    match untrusted(peer, settings) {
        Some(address) => address_value(address),
        None => headers.get(X_FORWARDED_FOR).cloned(),
    }
}

/// Returns by which id a request is told of: a trusted peer's word on it, or a new one.
pub(super) fn request_id(headers: &HeaderMap, peer: Peer, settings: &Settings) -> RequestId {
    match untrusted(peer, settings) {
        Some(_) => RequestId::fresh(),
        None => RequestId::kept(headers),
    }
}

/// Returns the client's address, as far as those tell it who are trusted: the last in
/// `X-Forwarded-For` that is not theirs.
pub(super) fn client(headers: &HeaderMap, peer: Peer, settings: &Settings) -> Option<IpAddr> {
    let mut client = match peer {
        Peer::Ip(address) => Some(address),
        Peer::Unix => None,
    };
    if untrusted(peer, settings).is_some() {
        return client;
    }
    let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().collect();
    let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for hop in hops {
        let hop = std::str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse::<IpAddr>().ok());
        let Some(address) = hop else { break };
        let address = address.to_canonical();
        client = Some(address);
        if !is_trusted(address, settings) {
            break;
        }
    }
    client
}

/// Returns the address of a peer that is not believed.
fn untrusted(peer: Peer, settings: &Settings) -> Option<IpAddr> {
    let Peer::Ip(address) = peer else { return None };
    (!is_trusted(address, settings)).then_some(address)
}

/// Returns whether that is an address of those whose word counts.
pub(super) fn is_trusted(address: IpAddr, settings: &Settings) -> bool {
    settings.trusted_proxies.iter().any(|trusted| trusted.contains(&address))
}

fn address_value(address: IpAddr) -> Option<HeaderValue> {
    HeaderValue::try_from(address.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::forwarding::tests::headers;

    fn settings() -> Settings {
        Settings {
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            ..Settings::before("http://127.0.0.1:8008".parse().unwrap())
        }
    }

    #[test]
    fn a_stranger_cannot_say_who_the_client_is() {
        let told =
            [("x-forwarded-for", "1.2.3.4"), ("x-real-ip", "1.2.3.4"), ("forwarded", "for=x")];
        let mut map = headers(&told);
        let stranger = Peer::Ip("192.0.2.9".parse().unwrap());
        say_who(&mut map, (stranger, false), &settings());
        assert_eq!(map, headers(&[("x-forwarded-for", "192.0.2.9")]));
        for (is_sealed, scheme) in [(false, "http"), (true, "https")] {
            let mut map =
                headers(&[("x-forwarded-proto", "gopher"), ("x-forwarded-host", "evil.example")]);
            say_who(&mut map, (stranger, is_sealed), &settings());
            let expected = [("x-forwarded-proto", scheme), ("x-forwarded-for", "192.0.2.9")];
            assert_eq!(map, headers(&expected));
        }
    }

    #[test]
    fn what_passed_on_the_way_here_is_not_touched() {
        let told = [("via", "1.1 elsewhere"), ("via", "2 nearer"), ("x-forwarded-port", "8448")];
        for peer in ["127.0.0.1", "192.0.2.9"] {
            let mut map = headers(&told);
            say_who(&mut map, (Peer::Ip(peer.parse().unwrap()), true), &settings());
            map.remove(X_FORWARDED_FOR);
            map.remove(X_FORWARDED_PROTO);
            assert_eq!(map, headers(&told));
        }
    }

    #[test]
    fn a_trusted_proxy_and_a_unix_peer_are_believed() {
        for peer in [Peer::Ip("127.0.0.1".parse().unwrap()), Peer::Unix] {
            let told = [
                ("x-forwarded-for", "1.2.3.4"),
                ("x-real-ip", "1.2.3.4"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "example.org"),
            ];
            let mut map = headers(&told);
            say_who(&mut map, (peer, true), &settings());
            assert_eq!(map, headers(&told));
        }
    }

    #[test]
    fn the_client_is_the_last_who_is_not_trusted() {
        let (trusted, unix) = (Peer::Ip("127.0.0.1".parse().unwrap()), Peer::Unix);
        let stranger = Peer::Ip("192.0.2.9".parse().unwrap());
        for (peer, told, expected) in [
            (stranger, "1.2.3.4", Some("192.0.2.9")),
            (trusted, "1.2.3.4", Some("1.2.3.4")),
            (trusted, "6.6.6.6, 1.2.3.4, 127.0.0.2", Some("1.2.3.4")),
            (trusted, "127.0.0.3,127.0.0.2", Some("127.0.0.3")),
            (trusted, "6.6.6.6, ::ffff:1.2.3.4, ::ffff:127.0.0.2", Some("1.2.3.4")),
            (trusted, "1.2.3.4, unknown, 127.0.0.2", Some("127.0.0.2")),
            (trusted, "unknown", Some("127.0.0.1")),
            (unix, "2001:db8::1", Some("2001:db8::1")),
            (unix, "", None),
        ] {
            let headers = headers(&[("x-forwarded-for", told)]);
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(client(&headers, peer, &settings()), expected, "{told}");
        }
        let lines = headers(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(client(&lines, unix, &settings()), "1.2.3.4".parse().ok());
    }
}
