//! Answers: odd ones, cut ones, and more than one.

use super::GET;
use crate::support::{Homeserver, Request, Sidecar};

#[test]
fn an_answer_with_a_length_beside_chunks_is_chunks() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 500",
    ] {
        homeserver.on("/", move |exchange| {
            exchange.read_body();
            exchange.send(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
        });
        let answer = sidecar.ask(&Request::get("/x"));
        assert_eq!((answer.status, answer.text().as_str(), answer.whole), (200, "ok", true));
        assert!(answer.header("content-length").is_none());
    }
}

/// Answers that are none.
const GARBAGE: [&str; 9] = [
    "garbage\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/1.1 abc OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: 1\x00\r\nContent-Length: 0\r\n\r\n",
    "",
];

#[test]
fn an_answer_that_is_none_is_502() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for garbage in GARBAGE {
        homeserver.on("/x", move |exchange| {
            exchange.read_body();
            exchange.send(garbage);
            exchange.close();
        });
        for request in [Request::get("/x"), Request::post("/x").body(b"y")] {
            sidecar.ask(&request).is_refusal(502, "M_UNKNOWN");
        }
    }
}

#[test]
fn an_answer_that_is_cut_never_looks_whole() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        homeserver.on("/x", move |exchange| {
            exchange.send(cut);
            exchange.close();
        });
        let answer = sidecar.ask(&Request::get("/x"));
        assert_eq!((answer.status, answer.whole), (200, false), "{cut:?}");
    }
}

#[test]
fn an_answer_without_a_length_ends_with_the_connection() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on("/x", |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\n\r\nhello");
        exchange.close();
    });
    let answer = sidecar.ask(&Request::get("/x"));
    assert_eq!((answer.text().as_str(), answer.whole), ("hello", true));
}

#[test]
fn more_than_was_announced_answers_no_other_request() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let extra = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!";
    homeserver.on("/more", move |exchange| {
        exchange.read_body();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{extra}"));
    });
    homeserver.on("/head", move |exchange| {
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{extra}"));
    });
    for _ in 0..10 {
        assert_eq!(sidecar.ask(&Request::get("/more")).text(), "ok");
        assert_eq!(sidecar.ask(&Request::get(GET)).text(), "{}");
        assert_eq!(sidecar.ask(&Request::new("HEAD", "/head")).status, 200);
        assert_eq!(sidecar.ask(&Request::get(GET)).text(), "{}");
    }
}
