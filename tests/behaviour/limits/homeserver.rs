//! The homeserver: for how long it may take nothing, or say nothing.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::limits::{NOT_LATE, SOON};
use crate::support::client::UPLOAD;
use crate::support::figures::{Figures, grow};
use crate::support::{Ended, Exchange, Homeserver, Request, Sidecar, bytes, eventually, now};

/// More than all buffers on the way hold together.
const LARGE: usize = 24_000_000;

/// Has uploads wait at the homeserver, unread, until the sender is dropped.
fn unread_uploads(homeserver: &Homeserver) -> Sender<()> {
    let (held, released) = channel::<()>();
    let released = Mutex::new(released);
    homeserver.on(UPLOAD, move |exchange| {
        // Ends with the sender.
        let _ = released.lock().unwrap().recv();
        exchange.read_body();
    });
    held
}

#[test]
fn a_homeserver_that_stops_reading_is_504_and_costs_nothing() {
    for request in [Request::upload().body(&bytes(LARGE)), Request::upload().chunks(&bytes(LARGE))]
    {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| limits.body_idle_timeout = SOON)
            .limit("1GB/never")
            .start();
        let held = unread_uploads(&homeserver);
        let answer = sidecar.ask(&request);
        answer.is_refusal(504, "M_UNKNOWN");
        assert!(answer.text().contains("body_idle_timeout"), "{}", answer.text());
        sidecar.comes_to(0);
        drop(held);
        homeserver.ended(Ended::Cut);
    }
}

#[test]
fn a_homeserver_that_stops_reading_keeps_no_room_of_a_client_that_left() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(3))
        .limit("1GB/never")
        .start();
    let held = unread_uploads(&homeserver);
    let mut client = sidecar.client();
    client.wire.stream.write_timeout(SOON / 3);
    // Every buffer on the way is full before it is all sent, long before the limit.
    assert!(client.try_send(Request::upload().body(&bytes(LARGE)).bytes()).is_err());
    drop(client);
    sidecar.comes_to(0);
    drop(held);
    homeserver.ended(Ended::Cut);
}

#[test]
fn a_homeserver_that_never_answers_is_not_waited_for_once_the_client_has_left() {
    for size in [0, 1000] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| {
                limits.abandoned_timeout = SOON;
                limits.uploads_per_subject = Some(1);
            })
            .limit("1MB/never")
            .start();
        homeserver.on(UPLOAD, |exchange| {
            exchange.read_body();
            exchange.hang();
        });
        let mut client = sidecar.client();
        client.send(Request::upload().body(&bytes(size)).bytes());
        homeserver.ended(Ended::Whole);
        // A client that is there is waited with.
        assert!(client.is_silent(SOON * 2));
        assert_eq!(sidecar.upload(10), 429);
        drop(client);
        homeserver.answer_uploads(200, "{}");
        eventually("the slot is free", || sidecar.upload(10) == 200);
        // No word at all keeps the charge.
        sidecar.comes_to(i64::try_from(size).unwrap() + 10);
    }
}

#[test]
fn a_homeserver_may_refuse_after_the_client_has_left() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let (say, told) = channel::<()>();
    let told = Mutex::new(told);
    homeserver.on(UPLOAD, move |exchange| {
        exchange.read_body();
        // Ends with the sender.
        let _ = told.lock().unwrap().recv();
        exchange.answer(403, "{}");
    });
    let mut client = sidecar.client();
    client.send(Request::upload().body(&bytes(1000)).bytes());
    homeserver.ended(Ended::Whole);
    drop(client);
    eventually("it is charged", || sidecar.used() == 1000);
    drop(say);
    eventually("it is taken back", || sidecar.used() == 0);
}

#[test]
fn a_homeserver_that_does_not_take_connections_is_502_in_time() {
    // A listener whose queue is full does not answer at all.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let _queue: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
            let socket = socket.unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    let sidecar = Sidecar::before_url(&format!("http://{address}"))
        .limits(|limits| limits.connect_timeout = SOON)
        .start();
    let begun = now();
    sidecar.ask(&Request::get("/x")).is_refusal(502, "M_UNKNOWN");
    sidecar.ask(&Request::upload().body(b"x")).is_refusal(502, "M_UNKNOWN");
    assert!(begun.elapsed() < NOT_LATE);
}

/// Returns figures, and how many answers were not in time.
fn figures(sidecar: &Sidecar) -> Figures {
    Figures::of(&sidecar.api(&Request::get("/metrics")))
}

const LATE: &str = r#"metergate_upstream_errors_total{reason="response_head_timeout"}"#;

#[test]
fn a_homeserver_that_does_not_answer_in_time_is_504() {
    let homeserver = Homeserver::start();
    homeserver.on("/x", Exchange::hang);
    homeserver.on(UPLOAD, |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.response_head_timeout = Some(SOON))
        .limit("1MB/never")
        .start();
    let before = figures(&sidecar);
    for request in [
        Request::get("/x"),
        Request::post("/x").body(&bytes(1000)),
        Request::post("/x").chunks(&bytes(1000)),
        Request::upload().body(&bytes(1000)),
        Request::upload().chunks(&bytes(1000)),
        Request::upload().body(b""),
    ] {
        let answer = sidecar.ask(&request);
        answer.is_refusal(504, "M_UNKNOWN");
        assert!(answer.text().contains("response_head_timeout"), "{}", answer.text());
    }
    // The homeserver may have what was whole.
    sidecar.comes_to(2000);
    grow(&before, || figures(&sidecar), &[(LATE, 6.0)]);
    assert_eq!(sidecar.http2().get("/x").status, 504);
}

#[test]
fn the_time_for_an_answer_begins_with_the_end_of_the_request() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.response_head_timeout = Some(Duration::from_secs(2)))
        .limit("1MB/never")
        .start();
    for request in [Request::post("/x"), Request::upload()] {
        let mut client = sidecar.client();
        client.send(request.length(26).head());
        for byte in bytes(26) {
            std::thread::sleep(Duration::from_millis(100));
            client.send([byte]);
        }
        assert_eq!(client.answer().status, 200);
    }
}

#[test]
fn an_answer_that_began_and_an_upgrade_are_never_late() {
    let homeserver = Homeserver::start();
    homeserver.on("/begun", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        std::thread::sleep(SOON * 3);
        exchange.send("k");
    });
    homeserver.on("/ws", |exchange| {
        std::thread::sleep(SOON * 3);
        exchange.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n");
        exchange.hang();
    });
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.response_head_timeout = Some(SOON))
        .start();
    let answer = sidecar.ask(&Request::get("/begun"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let mut tunnel = sidecar.client();
    tunnel.send(Request::get("/ws").line("Connection: upgrade").line("Upgrade: ws").head());
    assert_eq!(tunnel.head("GET").status, 101);
}
