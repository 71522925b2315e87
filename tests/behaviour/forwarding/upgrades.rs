//! Upgrades: what becomes a tunnel, and what never does.

use std::time::Duration;

use crate::support::client::UPLOAD;
use crate::support::{Exchange, Homeserver, Request, Sidecar, bytes};

/// Answers an upgrade, then sends back whatever comes.
fn echo(exchange: &mut Exchange) {
    exchange.send(
        "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\n\r\n",
    );
    while let Ok(came) = exchange.wire.some(64 * 1024) {
        if came.is_empty() {
            break;
        }
        exchange.send(came);
    }
    exchange.close();
}

fn upgrade(target: &str) -> Request {
    Request::get(target)
        .line("Connection: keep-alive, Upgrade")
        .line("Upgrade: websocket")
        .line("Sec-WebSocket-Key: abc")
}

#[test]
fn an_upgrade_becomes_a_tunnel_that_may_be_silent() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| {
            limits.body_idle_timeout = Duration::from_millis(50);
            limits.head_timeout = Duration::from_millis(50);
        })
        .start();
    homeserver.on("/ws", echo);
    let mut client = sidecar.client();
    client.send(upgrade("/ws").head());
    let answer = client.head("GET");
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert!(answer.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(answer.header("x-own"), Some("1"));
    client.send("hello");
    assert_eq!(client.wire.exactly(5).unwrap(), b"hello");
    // Past every limit.
    std::thread::sleep(Duration::from_millis(300));
    client.send(bytes(1_000_000));
    assert_eq!(client.wire.exactly(1_000_000).unwrap(), bytes(1_000_000));
    let seen = homeserver.only();
    assert_eq!(seen.head.header("upgrade"), Some("websocket"));
    assert_eq!(seen.head.header("sec-websocket-key"), Some("abc"));
    client.finish();
    assert!(client.is_closed());
}

#[test]
fn after_a_refused_upgrade_bytes_are_requests() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    let mut client = sidecar.client();
    // Sent at once, as if it were a tunnel already.
    client.send([upgrade("/ws").head(), Request::upload().body(b"x").bytes()].concat());
    assert_eq!(client.answer_to("GET").status, 200);
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(homeserver.only().target(), "/ws");
}

#[test]
fn an_upgrade_to_more_http_is_an_ordinary_request() {
    for lines in [
        ["Upgrade: h2c", ""],
        ["Upgrade: HTTP/2.0", ""],
        ["Upgrade: TLS/1.0", ""],
        ["Upgrade: websocket, H2C", ""],
        ["Upgrade: websocket", "Upgrade: h2c"],
        ["Upgrade: h2c", "Upgrade: websocket"],
    ] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).limit("0").start();
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        let request = Request::get("/x")
            .line("Connection: Upgrade")
            // Named in Connection or not, it goes.
            .line("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA");
        let request = lines.fold(request, Request::line);
        let mut client = sidecar.client();
        // What follows is a request like any other, and metered.
        client.send([request.head(), Request::upload().body(b"x").bytes()].concat());
        assert_eq!(client.answer_to("GET").status, 200);
        client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
        let seen = homeserver.only();
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert!(seen.head.all(gone).is_empty(), "{gone}: {:?}", seen.head);
        }
        // A homeserver that switches all the same is not followed.
        homeserver.on("/x", echo);
        assert_eq!(sidecar.ask(&request).status, 502);
    }
}

#[test]
fn an_upload_never_becomes_a_tunnel() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    for target in [UPLOAD, "/_matrix/media/v1/create"] {
        let request = Request::post(target)
            .token("alice")
            .line("Connection: Upgrade")
            .line("Upgrade: websocket")
            .body(&bytes(10));
        assert_eq!(sidecar.ask(&request).status, 200);
        let seen = homeserver.forwarded().pop().unwrap();
        assert!(seen.head.all("upgrade").is_empty() && seen.head.all("connection").is_empty());
    }
    // Not even if the homeserver would like to.
    homeserver.on("/_matrix/media/", |exchange| {
        exchange.read_body();
        echo(exchange);
    });
    for target in [UPLOAD, "/_matrix/media/v1/create", "/x"] {
        homeserver.on("/x", echo);
        let answer = sidecar.ask(&Request::post(target).token("alice").body(&bytes(10)));
        assert_eq!(answer.status, 502, "{target}");
    }
    // That is no final word on the file.
    sidecar.comes_to(20);
}
