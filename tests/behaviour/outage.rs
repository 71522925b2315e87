//! While the books are out: uploads wait outside, everything else flows, and nothing is lost.

use std::time::Duration;

use crate::support::scene::Scene;
use crate::support::wire::chunk;
use crate::support::{Answer, Ended, Homeserver, Request, Sidecar, bytes, eventually};

fn scene() -> Scene {
    Scene::with(|sidecar| sidecar)
}

#[track_caller]
fn is_out(answer: &Answer) {
    answer.is_refusal(503, "M_UNKNOWN");
    assert!(answer.header("retry-after").is_some());
}

/// Waits until the store is asked again.
fn is_back(sidecar: &Sidecar) {
    eventually("it is asked again", || sidecar.api(&Request::get("/readyz")).status == 200);
}

/// Returns how the second request ended.
fn second(homeserver: &Homeserver) -> Option<Ended> {
    homeserver.forwarded().get(1).map(|seen| seen.ended)
}

#[test]
fn uploads_are_503_and_everything_else_flows() {
    let Scene { homeserver, store, sidecar } = scene();
    store.guard().be_out(true);
    let metered = [
        Request::upload().body(&bytes(1000)),
        Request::upload().chunks(&bytes(1000)),
        Request::upload().body(b""),
        Request::new("PUT", "/_matrix/media/v3/upload/example.org/abc").token("alice").body(b"x"),
        Request::post("/_matrix/media/v1/create").token("alice").body(b"{}"),
    ];
    for request in &metered {
        is_out(&sidecar.ask(request));
    }
    assert_eq!(homeserver.forwarded().len(), 1, "the one before");
    for request in [
        Request::get("/_matrix/client/v3/sync").token("alice"),
        Request::new("PUT", "/_matrix/client/v3/rooms/!a/send/m.room.message/1").body(b"{}"),
        Request::get("/_matrix/media/v3/config").token("alice"),
        Request::get("/_matrix/media/v3/upload"),
    ] {
        assert_eq!(sidecar.ask(&request).status, 200);
    }
    assert_eq!(sidecar.api(&Request::get("/readyz")).status, 503);
    assert_eq!(sidecar.api(&Request::get("/healthz")).status, 200);
    store.guard().be_out(false);
    is_back(&sidecar);
    for request in &metered {
        assert_eq!(sidecar.ask(request).status, 200);
    }
    sidecar.comes_to(1000 + 1000 + 1000 + 1);
}

#[test]
fn a_store_that_does_not_answer_is_out_in_time() {
    let Scene { homeserver: _homeserver, store, sidecar } = scene();
    store.guard().stop_at("reserve");
    is_out(&sidecar.ask(&Request::upload().body(&bytes(1000))));
    store.guard().let_go("reserve");
    assert_eq!(sidecar.upload(1000), 200);
    sidecar.comes_to(2000);
}

#[test]
fn an_outage_half_way_cuts_an_upload_of_unknown_length() {
    let Scene { homeserver, store, sidecar } = scene();
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(&bytes(1000)));
    eventually("it is under way", || homeserver.forwarded().len() == 2);
    store.guard().fail("grow", true);
    client.send(chunk(&bytes(200_000)));
    is_out(&client.answer());
    eventually("it is cut", || second(&homeserver) == Some(Ended::Cut));
    store.guard().fail("grow", false);
    sidecar.comes_to(1000);
}

#[test]
fn an_upload_that_cannot_be_paid_for_never_becomes_whole() {
    for request in [
        Request::upload().body(&bytes(100_000)),
        Request::upload().chunks(&bytes(100_000)),
        Request::upload().body(b""),
    ] {
        let Scene { homeserver, store, sidecar } = scene();
        store.guard().fail("settle", true);
        is_out(&sidecar.ask(&request));
        // Of the empty one nothing went up at all.
        let ended = || second(&homeserver).is_none_or(|ended| ended == Ended::Cut);
        eventually("it is cut", ended);
        sidecar.comes_to(1000);
        store.guard().fail("settle", false);
        assert_eq!(sidecar.ask(&request).status, 200);
    }
}

#[test]
fn a_refund_that_cannot_be_made_now_is_made_later() {
    let Scene { homeserver, store, sidecar } = scene();
    homeserver.answer_uploads(403, r#"{"errcode":"M_FORBIDDEN"}"#);
    store.guard().fail("refund", true);
    assert_eq!(sidecar.upload(100_000), 403);
    assert_eq!(sidecar.used(), 101_000);
    store.guard().fail("refund", false);
    eventually("the refund", || sidecar.used() == 1000);
    sidecar.comes_to(1000);
}

#[test]
fn room_that_cannot_be_given_back_now_is_given_back_later() {
    let Scene { homeserver, store, sidecar } = scene();
    store.guard().fail("release", true);
    let mut client = sidecar.client();
    client.send(Request::upload().length(500_000).head());
    client.send(bytes(1000));
    eventually("it is under way", || second(&homeserver) == Some(Ended::NotYet));
    assert_eq!(sidecar.reserved(), 500_000);
    drop(client);
    eventually("it is cut", || second(&homeserver) == Some(Ended::Cut));
    assert_eq!(sidecar.reserved(), 500_000);
    store.guard().fail("release", false);
    sidecar.comes_to(1000);
}

#[test]
fn a_database_that_somebody_else_locks_is_out_until_it_is_free() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limit("1MB/never")
        .store_timeout(Duration::from_millis(500))
        .start();
    assert_eq!(sidecar.upload(1000), 200);
    let other = rusqlite::Connection::open(sidecar.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    is_out(&sidecar.ask(&Request::upload().body(&bytes(1000))));
    assert_eq!(sidecar.ask(&Request::get("/x")).status, 200);
    other.execute_batch("ROLLBACK").unwrap();
    eventually("it works again", || sidecar.upload(1000) == 200);
    sidecar.comes_to(2000);
}
