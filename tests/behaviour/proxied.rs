//! The PROXY protocol: believed of trusted proxies, and of nobody else.

use std::time::Duration;

use crate::support::{Homeserver, Request, Sidecar};

const FIRST: &str = "PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n";

fn sidecar(homeserver: &Homeserver, trusted: &str) -> Sidecar {
    let setup = Sidecar::before(homeserver);
    let setup = setup.limits(|limits| limits.head_timeout = Duration::from_secs(1));
    setup
        .proxy(|proxy| {
            proxy.proxy_protocol = true;
            proxy.trusted_proxies = vec![trusted.parse().unwrap()];
        })
        .start()
}

/// Returns what the homeserver is told of the client's address after this header; none if it is not
/// asked at all.
fn told(header: &[u8], trusted: &str) -> Option<String> {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, trusted);
    let mut client = sidecar.client();
    client.send(header);
    let request = Request::get("/x").line("X-Forwarded-For: 203.0.113.7").line("Connection: close");
    // It may have been cut.
    let _ = client.try_send(request.bytes());
    let answered = client.wire.rest();
    let seen = homeserver.forwarded();
    assert_eq!(answered.starts_with(b"HTTP/1.1 200"), seen.len() == 1);
    seen.first().map(|one| one.head.header("x-forwarded-for").unwrap().to_owned())
}

#[test]
fn a_trusted_proxy_says_whose_connection_it_is() {
    let second =
        [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[192, 0, 2, 9, 198, 51, 100, 1, 1, 2, 3, 4]]
            .concat();
    for header in [FIRST.as_bytes(), &second] {
        // The client is a stranger: what it says of itself does not count.
        assert_eq!(told(header, "127.0.0.0/8"), Some("192.0.2.9".to_owned()), "{header:?}");
    }
}

#[test]
fn a_proxy_that_speaks_for_itself_is_believed_as_without_a_header() {
    let own = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&own[..], b"PROXY UNKNOWN\r\n"] {
        assert_eq!(told(header, "127.0.0.0/8"), Some("203.0.113.7".to_owned()));
    }
}

#[test]
fn a_trusted_proxy_without_a_header_is_not_served() {
    for header in ["", "PROXY nonsense\r\n"] {
        assert_eq!(told(header.as_bytes(), "127.0.0.0/8"), None, "{header}");
    }
}

#[test]
fn of_anyone_else_a_header_is_no_request() {
    assert_eq!(told(FIRST.as_bytes(), "192.0.2.1/32"), None);
    assert_eq!(told(b"", "192.0.2.1/32"), Some("127.0.0.1".to_owned()));
}

#[test]
fn a_header_that_does_not_come_is_waited_for_no_longer_than_a_head() {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, "127.0.0.0/8");
    for begun_with in ["", "PROXY TCP4 192"] {
        let mut client = sidecar.client();
        client.send(begun_with);
        assert!(client.is_closed(), "{begun_with}");
    }
}
