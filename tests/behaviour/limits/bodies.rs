//! Bodies of requests: how long they may pause.

use std::time::Duration;

use crate::limits::SOON;
use crate::support::client::UPLOAD;
use crate::support::wire::chunk;
use crate::support::{Homeserver, Request, Sidecar, bytes, eventually, now};

#[test]
fn a_body_that_stops_coming_is_408_and_costs_nothing() {
    for request in [
        Request::upload().length(100_000),
        Request::upload().chunked(),
        Request::post("/x").length(100_000),
        Request::post("/x").chunked(),
    ] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| limits.body_idle_timeout = SOON)
            .limit("1MB/never")
            .start();
        let mut client = sidecar.client();
        client.send(request.head());
        client.send(chunk(&bytes(1000)));
        let answer = client.answer();
        answer.is_refusal(408, "M_UNKNOWN");
        assert!(answer.text().contains("body_idle_timeout"), "{}", answer.text());
        homeserver.keeps_nothing();
        sidecar.comes_to(0);
        // Whatever comes now is no request.
        let _ = client.try_send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        client.finish();
        client.wire.wait_gone();
        assert!(homeserver.seen("/smuggled").is_empty());
    }
}

#[test]
fn a_body_that_is_slow_but_moves_lives() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(1))
        .limit("1MB/never")
        .start();
    for request in [Request::upload(), Request::post("/x")] {
        let mut client = sidecar.client();
        client.send(request.length(20).head());
        let begun = now();
        for byte in bytes(20) {
            std::thread::sleep(Duration::from_millis(100));
            client.send([byte]);
        }
        assert!(begun.elapsed() > Duration::from_secs(1));
        assert_eq!(client.answer().status, 200);
    }
    sidecar.comes_to(20);
}

#[test]
fn a_homeserver_that_is_slow_is_not_the_clients_fault() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(1))
        .limit("1GB/never")
        .start();
    // Nothing is read for a while, so the client cannot send; an upload may pause up to the limit.
    for (prefix, pause) in [("/x", 1500), (UPLOAD, 200)] {
        homeserver.on(prefix, move |exchange| {
            std::thread::sleep(Duration::from_millis(pause));
            exchange.read_body();
            // Nothing is said for a while.
            std::thread::sleep(Duration::from_millis(1500));
            exchange.answer(200, "{}");
        });
    }
    for request in [Request::upload(), Request::post("/x")] {
        assert_eq!(sidecar.ask(&request.body(&bytes(20_000_000))).status, 200);
    }
}

#[test]
fn room_for_all_is_given_back_whatever_ended_an_upload() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    for count in 0..10 {
        let mut client = sidecar.client();
        client.send(Request::upload().length(1_000_000).head());
        client.send(bytes(1000 * count));
        eventually("it is under way", || sidecar.reserved() == 1_000_000);
        drop(client);
        eventually("its end", || sidecar.reserved() == 0);
    }
    assert_eq!(sidecar.upload(1_000_000), 200);
}
