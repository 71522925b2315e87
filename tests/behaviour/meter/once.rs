//! Requests that cost one, whatever they carry.

use std::sync::Arc;
use std::time::Duration;

use metergate::proxy::Count;

use super::{SEND, message, messages};
use crate::support::http2::request;
use crate::support::stores::scripted;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes, eventually, within};

/// Time enough for what must not happen to happen.
const A_WHILE: Duration = Duration::from_millis(100);

#[test]
fn each_message_costs_one_and_the_limit_holds_exactly() {
    let homeserver = Homeserver::start();
    let sidecar = messages(&homeserver, "3/day").start();
    assert_eq!(sidecar.ask(&message(1).body(br#"{"body":"hello"}"#)).status, 200);
    assert_eq!(sidecar.ask(&message(2).chunks(&bytes(300_000))).status, 200);
    assert_eq!(sidecar.ask(&message(3).body(b"")).status, 200);
    assert_eq!(sidecar.figures_of("messages"), (3, 0));
    let seen = homeserver.forwarded();
    assert_eq!(seen[1].body, bytes(300_000));
    assert_eq!(seen[1].head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen[2].head.header("content-length"), Some("0"));

    let refused = sidecar.ask(&message(4).body(b"{}"));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    let told = refused.json();
    let error = told["error"].as_str().unwrap();
    assert!(error.starts_with("Limit reached: 3 of 3 messages used today. Resets "), "{error}");
    assert!(error.ends_with("UTC."), "{error}");
    let quota = &told["org.metergate.quota"];
    assert_eq!((&quota["capability"], &quota["requested"]), (&"messages".into(), &1.into()));
    assert_eq!(homeserver.forwarded().len(), 3);
    assert_eq!(sidecar.upload(1000), 200);
}

#[test]
fn who_gives_up_what_only_asks_has_paid_and_keeps_nobody_busy() {
    let homeserver = Homeserver::start();
    homeserver.on("/_matrix/client/v3/sync", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let route = "GET /_matrix/client/v3/sync";
    let sidecar = Sidecar::before(&homeserver).meter(route, "polls", Count::One, Some("3/day"));
    let mut sidecar = sidecar.start();
    let mut client = sidecar.client();
    client.send(Request::get("/_matrix/client/v3/sync").token("alice").head());
    eventually("it is asked", || homeserver.forwarded().len() == 1);
    drop(client);
    eventually("it is charged", || sidecar.figures_of("polls") == (1, 0));
    // Gently: nothing of it is under way.
    assert!(sidecar.take().stop());
}

#[test]
fn parallel_messages_are_let_in_exactly_as_many_as_fit() {
    let homeserver = Homeserver::start();
    let sidecar = messages(&homeserver, "7/never").start();
    let statuses = std::thread::scope(|scope| {
        let send = |number| sidecar.ask(&message(number).body(b"{}")).status;
        let asking: Vec<_> = (0..24).map(|number| scope.spawn(move || send(number))).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 7);
    assert_eq!(sidecar.figures_of("messages"), (7, 0));
    assert_eq!(homeserver.forwarded().len(), 7);
}

#[test]
fn what_the_homeserver_refuses_costs_nothing_by_the_time_the_client_hears_of_it() {
    for status in [400, 403, 413, 500, 301] {
        let homeserver = Homeserver::start();
        homeserver.on(SEND, move |exchange| {
            exchange.read_body();
            exchange.answer(status, "{}");
        });
        let sidecar = messages(&homeserver, "3/day").start();
        for request in [message(1).body(b"{}"), message(2).body(b""), message(3).chunks(b"{}")] {
            assert_eq!(sidecar.ask(&request).status, status);
            assert_eq!(sidecar.figures_of("messages"), (0, 0));
        }
    }
}

#[test]
fn the_last_byte_leaves_only_once_it_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = messages(&homeserver, "3/day").store(&store).start();
    for request in [message(1).body(b"{}"), message(2).chunks(b"{}"), message(3)] {
        let whole =
            || homeserver.forwarded().iter().filter(|seen| seen.ended == Ended::Whole).count();
        let before = whole();
        store.guard().stop_at("settle");
        let mut client = sidecar.client();
        client.send(request.bytes());
        store.guard().is_stopped_at("settle");
        assert!(!within(A_WHILE, || whole() > before));
        store.guard().let_go("settle");
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(sidecar.figures_of("messages"), (3, 0));
}

#[test]
fn a_message_that_breaks_off_costs_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = messages(&homeserver, "3/day").start();
    let mut client = sidecar.client();
    client.send(message(1).chunked().head());
    client.send(chunk(b"{"));
    homeserver.has(1);
    assert_eq!(sidecar.figures_of("messages"), (0, 1));
    drop(client);
    homeserver.ended(Ended::Cut);
    assert_eq!(sidecar.ends_with("messages"), 0);
}

#[test]
fn a_request_without_a_body_may_cost_one_too() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .meter("GET /_matrix/client/v3/rooms/**", "requests", Count::One, Some("2/day"))
        .start();
    let read = Request::get("/_matrix/client/v3/rooms/!a:b/messages?dir=b").token("alice");
    assert_eq!(sidecar.ask(&read).status, 200);
    // A body is odd there, and passes.
    assert_eq!(sidecar.ask(&read.clone().chunks(b"odd")).status, 200);
    sidecar.ask(&read).is_refusal(429, "M_LIMIT_EXCEEDED");
    let seen = homeserver.forwarded();
    assert_eq!(seen[0].head.header("content-length"), None);
    assert_eq!(seen[0].head.header("transfer-encoding"), None);
    assert_eq!(seen[1].body, b"odd");
    assert_eq!(sidecar.figures_of("requests"), (2, 0));
}

#[test]
fn uploads_at_the_same_time_are_not_counted_with_them() {
    let homeserver = Homeserver::start();
    let sidecar = messages(&homeserver, "9/day")
        .limits(|limits| limits.uploads_per_subject = Some(1))
        .start();
    let mut upload = sidecar.client();
    upload.send(Request::upload().length(10).head());
    upload.send(b"12345");
    homeserver.has(5);
    assert_eq!(sidecar.ask(&message(1).body(b"{}")).status, 200);
    assert_eq!(sidecar.upload(10), 429);
}

#[test]
fn messages_over_http2_cost_one_each() {
    let homeserver = Homeserver::start();
    let sidecar = messages(&homeserver, "2/day").start();
    let mut client = sidecar.http2();
    for (number, expected) in [(1, 200), (2, 200), (3, 429)] {
        let head = request("PUT", &format!("{SEND}{number}")).body(()).unwrap();
        let mut sending = client.begin(head, false);
        client.send(&mut sending.body, b"{}", true);
        assert_eq!(client.answer(sending.answer).status, expected);
    }
    assert_eq!(sidecar.figures_of("messages"), (2, 0));
}

#[test]
fn a_session_that_ends_is_forgotten_though_its_end_is_metered() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .meter("POST /_matrix/client/v3/**", "requests", Count::One, Some("9/day"))
        .start();
    assert_eq!(sidecar.upload(10), 200);
    let asked = || homeserver.seen("/_matrix/client/v3/account/whoami").len();
    let before = asked();
    let logout = Request::post("/_matrix/client/v3/logout").token("alice").body(b"{}");
    assert_eq!(sidecar.ask(&logout).status, 200);
    assert_eq!(sidecar.figures_of("requests"), (1, 0));
    assert_eq!(sidecar.upload(10), 200);
    assert_eq!(asked(), before + 1);
}
