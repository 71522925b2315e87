//! Upstream: a homeserver that is away, answers nonsense, or too much.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::Case;
use crate::stand::Stand;
use crate::support::{Homeserver, Request, eventually};

/// Answers that are none.
const GARBAGE: [(&str, &str); 9] = [
    ("garbage", "garbage\r\n\r\n"),
    ("no status", "HTTP/1.1\r\n\r\n"),
    ("a status of letters", "HTTP/1.1 abc OK\r\n\r\n"),
    ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    ("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"),
    ("a length of letters", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello"),
    ("a space in a name", "HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n"),
    ("a NUL in a value", "HTTP/1.1 200 OK\r\nX: 1\x002\r\nContent-Length: 0\r\n\r\n"),
    ("nothing", ""),
];

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("upstream", name, act);
    let mut cases = Vec::new();
    for (what, answer) in GARBAGE {
        let name = format!("an answer of {what} is 502");
        cases.push(Case::new("upstream", name, move |stand| garbage(stand, answer)));
    }
    cases.extend([
        case("an answer with a length beside chunks is chunks, or 502", both),
        case("nobody there is 502 or 503", nobody),
        case("one that resets half way of a request is told of", resets),
        case("one that comes back is found again", comes_back),
        case("more than was announced answers no other request", extra),
        case("a GET survives a connection that closed meanwhile", stale),
        case("a POST is delivered once at most", once),
        case("a 103 before an answer does no harm", early_hints),
    ]);
    cases
}

fn garbage(stand: &Stand, answer: &'static str) {
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.send(answer);
        exchange.close();
    });
    assert_eq!(stand.ask(&Request::get("/x")).status, 502);
}

fn both(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    });
    let answer = stand.ask(&Request::get("/x"));
    if answer.status != 502 {
        assert_eq!((answer.status, answer.text().as_str(), answer.whole), (200, "ok", true));
        let both = answer.header("content-length").is_some()
            && answer.header("transfer-encoding").is_some();
        assert!(!both, "both went on");
    }
}

fn nobody(stand: &Stand) {
    stand.homeserver.stop_listening();
    let status = stand.ask(&Request::get("/x")).status;
    assert!([502, 503].contains(&status), "{status}");
}

fn resets(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        exchange.close();
    });
    let mut client = stand.client();
    client.send(Request::post("/x").length(1_000_000).head());
    let _ = client.try_send([b'x'; 1000]);
    let status = client.answer().status;
    assert!([502, 503].contains(&status), "{status}");
}

fn comes_back(stand: &Stand) {
    let port = stand.homeserver.port();
    stand.homeserver.stop_listening();
    let status = stand.ask(&Request::get("/x")).status;
    assert!([502, 503].contains(&status), "{status}");
    let _again = Homeserver::on_port(port);
    eventually("it is found", || stand.ask(&Request::get("/x")).status == 200);
}

fn extra(stand: &Stand) {
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!";
    stand.homeserver.on("/more", move |exchange| {
        exchange.read_body();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{more}"));
    });
    for _ in 0..10 {
        assert_eq!(stand.ask(&Request::get("/more")).text(), "ok");
        assert_eq!(stand.ask(&Request::get("/x")).text(), "{}");
    }
}

fn stale(stand: &Stand) {
    // The worst moment: the connection looks good until a second request is on it.
    let met = Arc::new(Mutex::new(HashSet::new()));
    stand.homeserver.on("/x", move |exchange| {
        if met.lock().unwrap().insert(format!("{:?}", exchange.wire.stream)) {
            exchange.read_body();
            exchange.answer(200, "{}");
        } else {
            exchange.close();
        }
    });
    let mut client = stand.client();
    for _ in 0..20 {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
}

fn once(stand: &Stand) {
    let count = Arc::new(AtomicUsize::new(0));
    let delivered = count.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        if delivered.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            exchange.answer(200, "{}");
        }
        exchange.close();
    });
    for _ in 0..20 {
        let status = stand.ask(&Request::post("/x").body(b"x")).status;
        assert!([200, 502, 503].contains(&status), "{status}");
    }
    assert!(count.load(Ordering::SeqCst) <= 20, "some were delivered twice");
}

fn early_hints(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        exchange.answer(200, "{}");
    });
    let mut client = stand.client();
    client.send(Request::get("/x").bytes());
    let mut answer = client.head("GET");
    while answer.status == 103 {
        answer = client.head("GET");
    }
    assert_eq!(answer.status, 200);
}
