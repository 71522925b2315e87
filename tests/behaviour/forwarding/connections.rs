//! Connections to the homeserver: used again where that is safe.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::GET;
use crate::support::client::UPLOAD;
use crate::support::{Exchange, Homeserver, Request, Sidecar};

#[test]
fn a_get_survives_a_connection_that_closed_meanwhile() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    // The worst moment: the connection looks good until a second request is on it.
    let on_it = Arc::new(Mutex::new(HashSet::new()));
    homeserver.on("/get", move |exchange| {
        let port = format!("{:?}", exchange.wire.stream);
        if on_it.lock().unwrap().insert(port) {
            exchange.read_body();
            exchange.answer(200, "{}");
        } else {
            exchange.close();
        }
    });
    let mut client = sidecar.client();
    for _ in 0..20 {
        assert_eq!(client.ask(&Request::get("/get")).status, 200);
    }
}

#[test]
fn a_get_that_closes_every_connection_is_asked_twice_at_most() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    // So many connections are kept.
    let mut clients: Vec<_> = (0..20).map(|_| sidecar.client()).collect();
    for client in &mut clients {
        client.send(Request::get("/wait").head());
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    homeserver.on("/die", Exchange::close);
    sidecar.ask(&Request::get("/die")).is_refusal(502, "M_UNKNOWN");
    assert!((1..=2).contains(&homeserver.seen("/die").len()));
}

#[test]
fn a_post_is_delivered_once_at_most() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let count = Arc::new(AtomicUsize::new(0));
    let delivered = count.clone();
    homeserver.on("/post", move |exchange| {
        exchange.read_body();
        if delivered.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            exchange.answer(200, "{}");
        }
        exchange.close();
    });
    let sent = 20;
    let mut client = sidecar.client();
    for _ in 0..sent {
        let status = client.ask(&Request::post("/post").body(b"x")).status;
        assert!([200, 502].contains(&status), "{status}");
    }
    assert!(count.load(Ordering::SeqCst) <= sent);
}

#[test]
fn an_upload_never_goes_over_a_connection_that_was_used() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1GB/never").start();
    for _ in 0..5 {
        assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
        assert_eq!(sidecar.upload(1000), 200);
    }
    let seen = homeserver.seen("");
    for upload in seen.iter().filter(|seen| seen.target() == UPLOAD) {
        let others = seen.iter().filter(|other| other.connection == upload.connection);
        assert_eq!(others.count(), 1);
    }
}

#[test]
fn a_homeserver_that_restarts_is_found_again() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(sidecar.upload(10), 200);
    let port = homeserver.port();
    homeserver.stop_listening();
    sidecar.ask(&Request::get(GET)).is_refusal(502, "M_UNKNOWN");
    assert_eq!(sidecar.upload(10), 502);
    let again = Homeserver::on_port(port);
    assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
    assert_eq!(sidecar.upload(10), 200);
    assert_eq!(again.forwarded().len(), 2);
}
