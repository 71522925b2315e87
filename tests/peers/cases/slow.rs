//! Slow: clients that dawdle, and clients that ask for too much.

use std::time::Duration;

use super::{Case, Taken, never, taken};
use crate::stand::Stand;
use crate::support::{Ended, Request, bytes, eventually};

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("slow", name, act);
    vec![
        case("half a request line is cut", |stand| is_cut(stand, "GET /x HT", "")),
        case("a head without its end is cut", |stand| {
            is_cut(stand, "GET /x HTTP/1.1\r\nHost: a\r\n", "");
        }),
        case("a head that drips is cut", |stand| {
            is_cut(stand, "GET /x HTTP/1.1\r\nHost: a\r\n", "X: 1\r\n");
        }),
        case("a body that stops coming is cut", stalled_body),
        case("a body that is slow but moves lives", slow_body),
        case("a hundred stalled uploads slow nobody", hundred),
        case("a head of 1 MB is refused", |stand| {
            is_too_much(stand, &Request::get("/x").line(&format!("X: {}", "x".repeat(1_000_000))));
        }),
        case("5000 headers are refused", |stand| {
            let request = (0..5000).fold(Request::get("/x"), |request, index| {
                request.line(&format!("X-{index}: {}", "y".repeat(20)))
            });
            is_too_much(stand, &request);
        }),
        case("a target of 200 kB is refused", |stand| {
            is_too_much(stand, &Request::get(&format!("/{}", "x".repeat(200_000))));
        }),
    ]
}

/// Sends `begin`, and then `drip` again and again: the connection ends, with a 408 or 400 or without.
fn is_cut(stand: &Stand, begin: &str, drip: &str) {
    let mut client = stand.client();
    client.send(begin);
    client.wire.stream.timeout(Duration::from_millis(300));
    for _ in 0..20 {
        if !drip.is_empty() && client.try_send(drip).is_err() {
            return;
        }
        match client.wire.some(1000) {
            Ok(end) if end.is_empty() => return,
            Ok(told) => {
                assert!(told.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&told));
                return;
            }
            Err(error) => {
                use std::io::ErrorKind::{TimedOut, WouldBlock};
                if !matches!(error.kind(), TimedOut | WouldBlock) {
                    return;
                }
            }
        }
    }
    panic!("it lives");
}

fn stalled_body(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::post("/x").length(1000).head());
    client.send(bytes(10));
    stand.homeserver.has(10);
    // The connection ends, with an answer or without.
    let _ = client.wire.head();
    stand.homeserver.ended(Ended::Cut);
}

fn slow_body(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::post("/x").length(8).head());
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(500));
        client.send("x");
    }
    assert_eq!(client.answer().status, 200);
}

fn hundred(stand: &Stand) {
    let mut stalled: Vec<_> = (0..100).map(|_| stand.client()).collect();
    for client in &mut stalled {
        client.send(Request::post("/stalled").length(1000).head());
        client.send(bytes(10));
    }
    eventually("all are under way", || stand.homeserver.seen("/stalled").len() == 100);
    for _ in 0..20 {
        assert_eq!(stand.ask(&Request::get("/x")).status, 200);
    }
}

fn is_too_much(stand: &Stand, request: &Request) {
    let taken = taken(stand, request.bytes());
    assert!(matches!(taken, Taken::Closed | Taken::Answered(400..=499)), "{taken:?}");
    never("it went on", || !stand.homeserver.seen("").is_empty());
}
