//! Heads of requests: how long they may take, and how large they may be.

use std::time::Duration;

use crate::limits::{NOT_LATE, SOON};
use crate::support::{Homeserver, Request, Sidecar, now};

#[test]
fn a_head_that_does_not_come_to_its_end_is_cut() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.head_timeout = SOON).start();
    let begun = now();
    for half in ["", "GET", "GET /x HTTP/1.1\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut client = sidecar.client();
        client.send(half);
        let answer = client.wire.rest();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{half:?}");
    }
    // A connection that was used is no better.
    let mut client = sidecar.client();
    assert_eq!(client.ask(&Request::get("/x")).status, 200);
    assert!(client.is_closed());
    assert!(begun.elapsed() < NOT_LATE);
}

#[test]
fn a_head_that_drips_is_cut_all_the_same() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.head_timeout = SOON).start();
    let mut client = sidecar.client();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n");
    let begun = now();
    while client.try_send("X: 1\r\n").is_ok() {
        assert!(begun.elapsed() < NOT_LATE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| (limits.head_bytes, limits.header_count) = (16 * 1024, 20))
        .start();
    let large = "x".repeat(20_000);
    let many = |count| (0..count).fold(Request::get("/x"), |it, n| it.line(&format!("X-{n}: 1")));
    for request in [
        Request::get("/x").line(&format!("X: {large}")),
        Request::get(&format!("/{large}")),
        Request::get("/x").line(&format!("{large}: x")),
        // Host is one more.
        many(20),
        many(5000),
    ] {
        let mut client = sidecar.client();
        // It may be refused before all of it is sent.
        let _ = client.try_send(request.head());
        let answer = client.answer_to("GET");
        assert!([414, 431].contains(&answer.status), "{}", answer.status);
    }
    assert!(homeserver.forwarded().is_empty());
    assert_eq!(sidecar.ask(&many(19)).status, 200);
    assert_eq!(
        sidecar.ask(&Request::get("/x").line(&format!("X: {}", &large[..15_000]))).status,
        200
    );
}

#[test]
fn the_default_head_is_large_enough_for_browsers() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let request = Request::get(&format!("/x?{}", "y".repeat(30_000)));
    let request = request.line(&format!("Cookie: {}", "z".repeat(30_000)));
    assert_eq!(sidecar.ask(&request).status, 200);
    let seen = homeserver.only();
    assert_eq!(seen.head.header("cookie").map(str::len), Some(30_000));
}
