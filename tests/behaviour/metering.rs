//! What an upload costs.

use std::sync::Arc;

use crate::support::stores::Scripted;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Seen, Sidecar, bytes};

/// Every route that stores media, and one way to use it.
const ROUTES: [(&str, &str); 11] = [
    ("POST", "/_matrix/media/r0/upload"),
    ("POST", "/_matrix/media/v1/upload"),
    ("POST", "/_matrix/media/v3/upload"),
    ("POST", "/_matrix/media/v3/upload?filename=cat.jpg"),
    ("PUT", "/_matrix/media/r0/upload/example.org/abc"),
    ("PUT", "/_matrix/media/v1/upload/example.org/abc"),
    ("PUT", "/_matrix/media/v3/upload/example.org/abc"),
    ("POST", "/_matrix/media/unstable/fi.mau.msc2246/upload"),
    ("PUT", "/_matrix/media/unstable/fi.mau.msc2246/upload/example.org/abc"),
    ("POST", "/_matrix/client/v1/media/upload"),
    ("PATCH", "/_matrix/media/v3/upload"),
];

#[test]
fn an_upload_is_charged_by_its_bytes() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let body = bytes(300_000);
    let answer = sidecar.ask(&Request::upload().body(&body));
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.text(), r#"{"content_uri":"mxc://example.org/abc"}"#);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
    let seen = homeserver.only();
    assert_eq!(seen.body, body);
    assert_eq!(seen.head.header("content-length"), Some("300000"));
}

#[test]
fn a_chunked_upload_is_charged_by_its_bytes_and_stays_chunked() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let body = bytes(300_000);
    assert_eq!(sidecar.ask(&Request::upload().chunks(&body)).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
    let seen = homeserver.only();
    assert_eq!(seen.body, body);
    assert_eq!(seen.head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.head.header("content-length"), None);
}

#[test]
fn the_last_byte_of_a_limit_may_be_used_and_the_next_may_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("100kB/never").start();
    assert_eq!(sidecar.ask(&Request::upload().body(&bytes(60_000))).status, 200);
    let one_too_many = sidecar.ask(&Request::upload().body(&bytes(40_001)));
    one_too_many.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(sidecar.used(), 60_000);
    assert_eq!(sidecar.ask(&Request::upload().body(&bytes(40_000))).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (100_000, 0));
    assert_eq!(homeserver.forwarded().len(), 2);
}

#[test]
fn the_last_byte_of_a_limit_may_be_used_in_chunks_and_the_next_may_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("300kB/never").start();
    let refused = sidecar.ask(&Request::upload().chunks(&bytes(300_001)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    homeserver.ended(Ended::Cut);
    sidecar.comes_to(0);
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(300_000))).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
}

#[test]
fn an_empty_upload_costs_nothing_and_arrives() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    assert_eq!(sidecar.ask(&Request::upload().body(b"")).status, 200);
    assert_eq!(sidecar.ask(&Request::upload()).status, 200);
    assert_eq!(sidecar.used(), 0);
    assert_eq!(homeserver.forwarded().len(), 2);
}

#[test]
fn every_route_that_stores_media_is_metered() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let full = Sidecar::before(&homeserver).limit("999/never").start();
    for (count, (method, target)) in ROUTES.iter().enumerate() {
        let request = Request::new(method, target).token("alice").body(&bytes(1000));
        assert_eq!(sidecar.ask(&request).status, 200, "{method} {target}");
        assert_eq!(sidecar.used(), 1000 * (i64::try_from(count).unwrap() + 1), "{target}");
        full.ask(&request).is_refusal(429, "M_LIMIT_EXCEEDED");
    }
    assert_eq!(homeserver.forwarded().len(), ROUTES.len());
}

#[test]
fn looking_at_an_upload_route_costs_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for (_, target) in ROUTES {
        for method in ["HEAD", "GET", "OPTIONS"] {
            let answer = sidecar.ask(&Request::new(method, target).token("alice"));
            assert_eq!(answer.status, 200, "{method} {target}");
        }
    }
    assert_eq!(homeserver.forwarded().len(), ROUTES.len() * 3);
    assert!(homeserver.seen("/_matrix/client/v3/account/whoami").is_empty());
}

#[test]
fn a_place_to_upload_to_costs_nothing_but_needs_room() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("10kB/never").start();
    let create = Request::post("/_matrix/media/v1/create").token("alice").body(b"{}");
    assert_eq!(sidecar.ask(&create).status, 200);
    assert_eq!(sidecar.upload(10_000), 200);
    assert_eq!(sidecar.used(), 10_000);
    sidecar.ask(&create).is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(homeserver.seen("/_matrix/media/v1/create").len(), 1);
    assert_eq!(sidecar.reserved(), 0);
}

/// Has alice upload 300 kB 24 times at once; returns how many were taken.
fn twenty_four(sidecar: &Sidecar, request: &Request) -> usize {
    let statuses = std::thread::scope(|scope| {
        let asking = [(); 24].map(|()| scope.spawn(|| sidecar.ask(request).status));
        asking.map(|asked| asked.join().unwrap())
    });
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

#[test]
fn parallel_uploads_share_the_room_exactly() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("2MB/never").start();
    let accepted = twenty_four(&sidecar, &Request::upload().body(&bytes(300_000)));
    assert_eq!(accepted, 6);
    sidecar.comes_to(1_800_000);
    assert_eq!(homeserver.forwarded().len(), 6);
}

#[test]
fn parallel_chunked_uploads_never_share_more_than_the_room() {
    let homeserver = Homeserver::start();
    for _ in 0..3 {
        let sidecar = Sidecar::before(&homeserver).limit("2MB/never").start();
        let accepted = twenty_four(&sidecar, &Request::upload().chunks(&bytes(300_000)));
        assert!((5..=6).contains(&accepted), "{accepted} of 24 were accepted");
        sidecar.comes_to(300_000 * i64::try_from(accepted).unwrap());
    }
}

#[test]
fn the_last_byte_leaves_only_once_the_upload_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(Scripted::default());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    let body = bytes(200_000);
    store.stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().body(&body).bytes());
    store.is_stopped_at("settle");
    // The connection to the homeserver may not even stand yet.
    let without_its_end = |seen: &Seen| seen.ended == Ended::NotYet && seen.body.len() < body.len();
    assert!(homeserver.forwarded().iter().all(without_its_end));
    assert_eq!(sidecar.used(), 0);
    store.let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!((homeserver.only().body, sidecar.used()), (body, 200_000));
}

#[test]
fn the_last_chunk_leaves_only_once_the_upload_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(Scripted::default());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    let body = bytes(200_000);
    store.stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(&body));
    assert_eq!(homeserver.has(body.len()).body, body);
    client.send("0\r\n\r\n");
    store.is_stopped_at("settle");
    assert_eq!((homeserver.only().ended, sidecar.used()), (Ended::NotYet, 0));
    store.let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!((homeserver.only().ended, sidecar.used()), (Ended::Whole, 200_000));
}

#[test]
fn the_head_of_an_empty_upload_leaves_only_once_it_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(Scripted::default());
    let sidecar = Sidecar::before(&homeserver).store(&store).start();
    store.stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().body(b"").bytes());
    store.is_stopped_at("settle");
    assert!(homeserver.forwarded().is_empty());
    store.let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!(homeserver.forwarded().len(), 1);
}

#[test]
fn what_the_homeserver_refuses_is_refunded_before_the_client_hears_of_it() {
    for status in [400, 403, 413, 500, 502, 503, 301] {
        let homeserver = Homeserver::start();
        let store = Arc::new(Scripted::default());
        let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
        homeserver.answer_uploads(status, r#"{"errcode":"M_UNKNOWN","error":"No."}"#);
        store.stop_at("refund");
        let mut client = sidecar.client();
        client.send(Request::upload().body(&bytes(100_000)).bytes());
        store.is_stopped_at("refund");
        assert_eq!(sidecar.used(), 100_000);
        assert!(client.is_silent(std::time::Duration::from_millis(50)));
        store.let_go("refund");
        let answer = client.answer();
        assert_eq!((answer.status, sidecar.used()), (status, 0));
        assert_eq!(answer.text(), r#"{"errcode":"M_UNKNOWN","error":"No."}"#);
    }
}
