//! Answers that a client does not take, and those it takes slowly.

use std::time::Duration;

use crate::limits::SOON;
use crate::support::figures::{Figures, grow};
use crate::support::http2::request;
use crate::support::{Exchange, Homeserver, Request, Sidecar, eventually};

const UNTAKEN: &str =
    r#"metergate_connections_limited_total{limit="send_idle_timeout",listener="proxy"}"#;

/// Sends more than all buffers on the way hold together, and returns when it may not go on.
fn endless(exchange: &mut Exchange) {
    exchange.read_body();
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n");
    let piece = vec![b'x'; 256 * 1024];
    while exchange.wire.send(&piece).is_ok() {}
    exchange.close();
}

fn setup(limit: Duration) -> (Homeserver, Sidecar) {
    let homeserver = Homeserver::start();
    homeserver.on("/large", endless);
    homeserver.on("/poll", |exchange| {
        exchange.read_body();
        std::thread::sleep(SOON * 4);
        exchange.answer(200, "{}");
    });
    let sidecar = Sidecar::before(&homeserver);
    let sidecar = sidecar.limits(|limits| limits.send_idle_timeout = limit).start();
    (homeserver, sidecar)
}

fn figures(sidecar: &Sidecar) -> Figures {
    Figures::of(&sidecar.api(&Request::get("/metrics")))
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_takes_nothing_of_an_answer_is_cut() {
    let (_homeserver, sidecar) = setup(SOON);
    let before = figures(&sidecar);
    let mut client = sidecar.client();
    client.send(Request::get("/large").head());
    grow(&before, || figures(&sidecar), &[(UNTAKEN, 1.0)]);
    let open = r#"metergate_connections_open{listener="proxy"}"#;
    eventually("it is closed", || figures(&sidecar).of_series(open) == 0.0);
    drop(client);
}

#[test]
fn a_client_that_takes_little_now_and_then_lives_and_so_does_one_that_waits() {
    let (_homeserver, sidecar) = setup(SOON * 2);
    let mut client = sidecar.client();
    assert_eq!(client.ask(&Request::get("/poll")).status, 200);
    client.send(Request::get("/large").head());
    assert_eq!(client.head("GET").status, 200);
    for _ in 0..40 {
        client.wire.exactly(300_000).unwrap();
        std::thread::sleep(SOON / 6);
    }
}

#[test]
fn over_http2_an_answer_of_which_nothing_is_taken_ends_and_the_connection_goes_on() {
    let (_homeserver, sidecar) = setup(SOON);
    let before = figures(&sidecar);
    let mut client = sidecar.http2();
    // Nothing of it is read, so its window is never opened again.
    let untaken = client.begin(request("GET", "/large").body(()).unwrap(), true);
    // One without bytes on their way is none of it.
    let poll = client.begin(request("GET", "/poll").body(()).unwrap(), true);
    let told = client.unread(untaken.answer);
    assert_eq!((told.status, told.reset), (200, Some(h2::Reason::CANCEL)));
    // With it goes what it held of the connection's window.
    drop(untaken.body);
    for told in [client.answer(poll.answer), client.get("/x")] {
        assert_eq!((told.status, told.text().as_str(), told.reset), (200, "{}", None));
    }
    grow(&before, || figures(&sidecar), &[(UNTAKEN, 1.0)]);
}

#[test]
fn over_http2_an_answer_that_is_taken_slowly_lives() {
    let (homeserver, sidecar) = setup(Duration::from_secs(1));
    // All of it is in hand long before it is taken.
    let body = "y".repeat(1_000_000);
    homeserver.on("/small", move |exchange| {
        exchange.read_body();
        exchange.answer(200, &body);
    });
    let mut client = sidecar.http2();
    let sending = client.begin(request("GET", "/small").body(()).unwrap(), true);
    let told = client.slowly(sending.answer, SOON / 3);
    assert_eq!((told.status, told.body.len(), told.reset), (200, 1_000_000, None));
}

#[test]
fn over_http2_what_remains_of_an_answer_is_cut_with_its_connection() {
    let (homeserver, sidecar) = setup(SOON);
    // A little more than the first window: the end of it is given away, and nobody waits for it.
    let body = "y".repeat(66_000);
    homeserver.on("/small", move |exchange| {
        exchange.read_body();
        exchange.answer(200, &body);
    });
    let before = figures(&sidecar);
    let mut client = sidecar.http2();
    let _untaken = client.begin(request("GET", "/small").body(()).unwrap(), true);
    grow(&before, || figures(&sidecar), &[(UNTAKEN, 1.0)]);
    assert!(client.ends_within(Duration::from_secs(10)));
}
