//! Smuggling: a request that can be read in two ways hides no other one.

use crate::support::client::UPLOAD;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar};

/// What a smuggler hides in a body.
const HIDDEN: &str = "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_head_whose_framing_can_be_read_in_two_ways_is_refused() {
    let rows: [&[&str]; 20] = [
        &["Transfer-Encoding: gzip, chunked"],
        &["Transfer-Encoding: chunked, gzip"],
        &["Transfer-Encoding: identity"],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: xchunked"],
        &["Transfer-Encoding: \"chunked\""],
        &["Transfer-Encoding: \x0bchunked"],
        &["Transfer-Encoding : chunked"],
        &["Transfer-Encoding:"],
        &["Content-Length: 5, 5"],
        &["Content-Length: 5, 6"],
        &["Content-Length: 5", "Content-Length: 6"],
        &["Content-Length: +5"],
        &["Content-Length: -5"],
        &["Content-Length: 0x5"],
        &["Content-Length: 1_0"],
        &["Content-Length: 18446744073709551621"],
        &["Content-Length:"],
    ];
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for lines in rows {
        for request in [Request::upload(), Request::post("/x")] {
            let request = lines.iter().fold(request, |request, line| request.line(line));
            let mut client = sidecar.client();
            client.send(request.head());
            let _ = client.try_send(HIDDEN);
            assert!([400, 501].contains(&client.answer().status), "{lines:?}");
        }
    }
    assert!(homeserver.forwarded().is_empty(), "{:?}", homeserver.forwarded());
}

#[test]
fn what_follows_a_head_that_can_be_read_in_two_ways_is_not_read() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for lines in [
        &["Transfer-Encoding: gzip, chunked"][..],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding:", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Host: b"],
    ] {
        let request = Request::post("/x");
        let request = lines.iter().fold(request, |request, line| request.line(line));
        let mut client = sidecar.client();
        client.send(request.head());
        let _ = client.try_send(["0\r\n\r\n", HIDDEN].concat());
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{lines:?}");
        assert!(client.wire.rest().is_empty(), "{lines:?}");
    }
    assert!(homeserver.forwarded().is_empty(), "{:?}", homeserver.forwarded());
}

#[test]
fn chunks_in_http_1_0_are_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let mut client = sidecar.client();
    client.send(format!(
        "POST {UPLOAD} HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer alice\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    ));
    assert_eq!(client.answer().status, 400);
    client.wire.wait_gone();
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_length_beside_chunks_hides_no_request() {
    let chunks = [chunk(b"hello"), b"0\r\n\r\n".to_vec()].concat();
    let rows = [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 500", "Transfer-Encoding: chunked"],
        ["Content-Length: 0", "Transfer-Encoding: Chunked"],
    ];
    for lines in rows {
        for request in [Request::upload(), Request::post("/x")] {
            let homeserver = Homeserver::start();
            let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
            let request = lines.iter().fold(request, |request, line| request.line(line));
            let mut client = sidecar.client();
            client.send(request.head());
            client.send(&chunks);
            client.send(HIDDEN);
            let status = client.answer().status;
            assert!([200, 400].contains(&status), "{lines:?}: {status}");
            client.finish();
            client.wire.wait_gone();
            assert!(homeserver.seen("/smuggled").is_empty(), "{lines:?}");
            for seen in homeserver.forwarded() {
                assert!(seen.head.header("content-length").is_none(), "{lines:?}");
                assert_eq!((seen.body.as_slice(), seen.ended), (&b"hello"[..], Ended::Whole));
            }
            let used = if homeserver.seen(UPLOAD).is_empty() { 0 } else { 5 };
            sidecar.comes_to(used);
        }
    }
}

#[test]
fn a_get_with_a_body_is_one_request() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let mut client = sidecar.client();
    assert_eq!(client.ask(&Request::get("/x").body(HIDDEN.as_bytes())).status, 200);
    assert_eq!(client.ask(&Request::get("/y").chunks(HIDDEN.as_bytes())).status, 200);
    assert_eq!(client.ask(&Request::get("/z")).status, 200);
    let targets: Vec<_> =
        homeserver.forwarded().iter().map(|seen| seen.target().to_owned()).collect();
    assert_eq!(targets, ["/x", "/y", "/z"]);
}

#[test]
fn a_head_that_is_none_is_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for odd in [
        "GET /x HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "G@T /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03\r\n\r\n",
    ] {
        let mut client = sidecar.client();
        client.send(odd);
        // An answer, or the end; never a request.
        client.finish();
        let answer = client.wire.rest();
        let told = String::from_utf8_lossy(&answer);
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 400"), "{odd:?}: {told}");
    }
    assert!(homeserver.seen("").is_empty());
}
