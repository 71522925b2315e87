//! Charging: who asks, what is told of a refusal, and what a break costs, as over HTTP/1.1.

use std::time::Duration;

use http::Request as Head;

use crate::support::client::UPLOAD;
use crate::support::http2::{AUTHORITY, Http2, Sending, request};
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes};

const MEDIA: &str = "/_matrix/media/";

fn pair(limit: &str) -> (Homeserver, Sidecar) {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit(limit).start();
    (homeserver, sidecar)
}

/// An upload with this query and these headers, of 1000 bytes.
fn upload(client: &mut Http2, query: &str, lines: &[(&str, &str)]) -> (u16, String) {
    let head = Head::post(format!("http://{AUTHORITY}{UPLOAD}{query}"));
    let head = lines.iter().fold(head, |head, (name, value)| head.header(*name, *value));
    let mut sending = client.begin(head.body(()).unwrap(), false);
    client.send(&mut sending.body, &bytes(1000), true);
    let told = client.answer(sending.answer);
    (told.status, told.errcode())
}

/// Begins an upload of `length` bytes, or of nobody knows how many.
fn begun(client: &mut Http2, length: Option<usize>) -> Sending {
    let mut head = request("POST", UPLOAD);
    if let Some(length) = length {
        head = head.header("content-length", length);
    }
    client.begin(head.body(()).unwrap(), false)
}

#[test]
fn of_two_tokens_neither_is_believed() {
    let (alice, bob) = (("authorization", "Bearer alice"), ("authorization", "Bearer bob"));
    let (homeserver, sidecar) = pair("1MB/never");
    let mut client = sidecar.http2();
    let rows: [(&str, &[(&str, &str)]); 6] = [
        ("?access_token=bob", &[alice]),
        ("?access%5Ftoken=bob", &[alice]),
        ("", &[alice, bob]),
        ("", &[alice, alice]),
        ("?access_token=alice&access_token=bob", &[]),
        ("", &[("authorization", "Basic abc"), alice]),
    ];
    for (query, lines) in rows {
        let told = upload(&mut client, query, lines);
        assert_eq!(told, (401, "M_UNAUTHORIZED".to_owned()), "{query} {lines:?}");
    }
    assert!(homeserver.seen("").is_empty());
}

#[test]
fn one_token_is_charged_to_its_user_and_none_is_answered_by_the_homeserver() {
    let (homeserver, sidecar) = pair("1MB/never");
    let mut client = sidecar.http2();
    assert_eq!(upload(&mut client, "", &[("authorization", "bearer alice")]).0, 200);
    assert_eq!(upload(&mut client, "?access_token=alice", &[]).0, 200);
    sidecar.comes_to(2000);
    let asked = homeserver.forwarded().len();
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (query, lines) in [("", &[][..]), ("?x;access_token=alice", &[form][..])] {
        let told = upload(&mut client, query, lines);
        assert_eq!(told, (401, "M_MISSING_TOKEN".to_owned()), "{query}");
    }
    assert_eq!(homeserver.forwarded().len(), asked);
}

#[test]
fn a_refusal_tells_all_that_it_tells_over_http1() {
    let (_homeserver, sidecar) = pair("500kB/month");
    sidecar.record(498_000);
    let expected = sidecar.ask(&Request::upload().body(&bytes(12_000)));
    let told = sidecar.http2().upload(&bytes(12_000), true);
    assert_eq!((told.status, told.text()), (429, expected.text()));
    let of_its_own = ["date", "x-request-id", "connection"];
    for (name, value) in &expected.head.headers {
        let name = name.to_lowercase();
        if !of_its_own.contains(&name.as_str()) {
            assert_eq!(told.headers[&name], value.as_str(), "{name}");
        }
    }
    assert_eq!(told.headers["retry-after"], "60");
}

#[test]
fn a_file_that_is_too_large_is_413() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).largest(1000).start();
    for tell_length in [true, false] {
        let told = sidecar.http2().upload(&bytes(300_000), tell_length);
        assert_eq!((told.status, told.errcode().as_str()), (413, "M_TOO_LARGE"));
    }
    homeserver.keeps_nothing();
    sidecar.comes_to(0);
}

#[test]
fn a_body_that_stops_coming_costs_nothing() {
    for length in [Some(100_000), None] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| limits.body_idle_timeout = Duration::from_millis(500))
            .limit("1MB/never")
            .start();
        let mut client = sidecar.http2();
        let mut sending = begun(&mut client, length);
        client.send(&mut sending.body, &bytes(1000), false);
        assert_eq!(client.answer(sending.answer).status, 408);
        homeserver.keeps_nothing();
        sidecar.comes_to(0);
        assert_eq!(client.get("/x").status, 200);
    }
}

#[test]
fn a_homeserver_that_dies_or_is_down_is_502_and_costs_nothing() {
    for length in [Some(400_000), None] {
        let (homeserver, sidecar) = pair("1MB/never");
        homeserver.on(MEDIA, |exchange| {
            exchange.read(1000);
            exchange.close();
        });
        let mut client = sidecar.http2();
        let mut sending = begun(&mut client, length);
        client.send(&mut sending.body, &bytes(200_000), false);
        assert_eq!(client.answer(sending.answer).status, 502);
        sidecar.comes_to(0);
        homeserver.stop_listening();
        // Who asks is known already.
        assert_eq!(client.upload(&bytes(1000), length.is_some()).status, 502);
        sidecar.comes_to(0);
    }
}

#[test]
fn a_homeserver_that_dies_with_the_whole_body_is_502_and_is_paid_for() {
    for tell_length in [true, false] {
        let (homeserver, sidecar) = pair("1MB/never");
        homeserver.on(MEDIA, |exchange| {
            assert!(exchange.read_body());
            exchange.close();
        });
        assert_eq!(sidecar.http2().upload(&bytes(100_000), tell_length).status, 502);
        sidecar.comes_to(100_000);
        assert_eq!(homeserver.only().ended, Ended::Whole);
    }
}

#[test]
fn an_early_no_of_the_homeserver_is_heard_and_costs_nothing() {
    for length in [Some(8_000_000), None] {
        let (homeserver, sidecar) = pair("1GB/never");
        homeserver.on(MEDIA, |exchange| {
            exchange.read(1000);
            exchange.answer(413, r#"{"errcode":"M_TOO_LARGE"}"#);
            exchange.read_body();
        });
        let mut client = sidecar.http2();
        let mut sending = begun(&mut client, length);
        client.send(&mut sending.body, &bytes(8_000_000), true);
        let told = client.answer(sending.answer);
        assert_eq!((told.status, told.errcode().as_str()), (413, "M_TOO_LARGE"));
        sidecar.comes_to(0);
        assert_eq!(client.get("/x").status, 200);
    }
}

#[test]
fn a_user_without_room_may_do_everything_else() {
    let (homeserver, sidecar) = pair("0/month");
    let mut client = sidecar.http2();
    assert_eq!(client.upload(b"x", true).status, 429);
    for (method, target) in [
        ("GET", "/_matrix/client/v3/sync"),
        ("PUT", "/_matrix/client/v3/rooms/!a/send/m.room.message/1"),
        ("GET", "/_matrix/client/v1/media/download/a/b"),
        ("POST", "/_matrix/client/v3/keys/upload"),
        ("OPTIONS", UPLOAD),
    ] {
        let told = client.ask(request(method, target).body(()).unwrap());
        assert_eq!(told.status, 200, "{method} {target}");
        assert_eq!(homeserver.forwarded().pop().unwrap().target(), target);
    }
}
