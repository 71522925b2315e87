//! Streams: bytes go on as they come, and an end is never made up.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Case, never};
use crate::stand::Stand;
use crate::support::wire::chunk;
use crate::support::{Ended, Exchange, Request, bytes, eventually};

/// More than this may not be on its way where nobody reads.
const MOST_IN_FLIGHT: usize = 24 * 1024 * 1024;

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("streams", name, act);
    let mut cases = vec![
        case("an upload is at the homeserver before it ends", upload_streams),
        case("a download is at the client before it ends", download_streams),
        case("a homeserver that does not read stops the client", stalled_reader),
        case("a client that gives up waiting takes its request back", gives_up),
        case("a poll may be silent for longer than a head may take", long_poll),
        case("an upgrade becomes a tunnel", tunnel),
        case("after a refused upgrade bytes are requests", no_tunnel),
        case("an answer to HEAD has no body", head),
        case("answers 204 and 304 have no body", bodiless),
        case("methods nobody knows pass", methods),
    ];
    for (what, cut) in [
        ("a length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
        ("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        ("half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
    ] {
        let name = format!("an answer with {what} that is cut never looks whole");
        cases.push(Case::new("streams", name, move |stand| cut_answer(stand, cut)));
    }
    for (framing, chunked) in [("a length", false), ("chunks", true)] {
        for (how, reset) in [("leaves", false), ("resets", true)] {
            let name = format!("a body with {framing} whose client {how} never looks whole");
            let act = move |stand: &Stand| cut_body(stand, chunked, reset);
            cases.push(Case::new("streams", name, act));
        }
    }
    cases
}

fn upload_streams(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::post("/x").length(20).head());
    client.send(bytes(10));
    stand.homeserver.has(10);
    client.send(bytes(10));
    assert_eq!(client.answer().status, 200);
}

/// Has the homeserver answer in two parts, the second once it is told to go on.
pub(super) fn answers_in_two(stand: &Stand) -> Arc<AtomicBool> {
    let goes_on = Arc::new(AtomicBool::new(false));
    let told = goes_on.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        eventually("the client has the first part", || told.load(Ordering::SeqCst));
        exchange.send("world");
    });
    goes_on
}

fn download_streams(stand: &Stand) {
    let goes_on = answers_in_two(stand);
    let mut client = stand.client();
    client.send(Request::get("/x").bytes());
    let mut answer = client.head("GET");
    while answer.body.len() < 5 {
        assert!(answer.read(&mut client.wire));
    }
    goes_on.store(true, Ordering::SeqCst);
    while answer.read(&mut client.wire) {}
    assert_eq!(answer.text(), "helloworld");
}

fn stalled_reader(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        std::thread::sleep(Duration::from_secs(4));
        exchange.close();
    });
    let mut client = stand.client();
    client.send(Request::post("/x").length(200_000_000).head());
    client.wire.stream.write_timeout(Duration::from_millis(700));
    let (part, mut sent) = (bytes(64 * 1024), 0);
    while sent < 2 * MOST_IN_FLIGHT {
        match client.wire.stream.write(&part) {
            Ok(count) if count > 0 => sent += count,
            _ => break,
        }
    }
    assert!(sent < MOST_IN_FLIGHT, "{sent} bytes were taken");
}

fn gives_up(stand: &Stand) {
    let gone = Arc::new(AtomicBool::new(false));
    let told = gone.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.hang();
        told.store(true, Ordering::SeqCst);
    });
    let mut client = stand.client();
    client.send(Request::get("/x").bytes());
    eventually("it waits", || !stand.homeserver.seen("/x").is_empty());
    drop(client);
    eventually("it is taken back", || gone.load(Ordering::SeqCst));
}

fn long_poll(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_secs(4));
        exchange.answer(200, "{}");
    });
    assert_eq!(stand.ask(&Request::get("/x")).status, 200);
}

fn cut_answer(stand: &Stand, cut: &'static str) {
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.send(cut);
        exchange.close();
    });
    let answer = stand.ask(&Request::get("/x"));
    assert!(answer.status == 502 || !answer.whole, "it looks whole");
}

fn cut_body(stand: &Stand, chunked: bool, reset: bool) {
    let mut client = stand.client();
    if chunked {
        client.send(Request::post("/x").chunked().head());
        client.send(chunk(&bytes(1000)));
    } else {
        client.send(Request::post("/x").length(2000).head());
        client.send(bytes(1000));
    }
    stand.homeserver.has(1000);
    if reset {
        client.reset();
    } else {
        drop(client);
    }
    stand.homeserver.ended(Ended::Cut);
}

fn echo(exchange: &mut Exchange) {
    exchange
        .send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    while let Ok(came) = exchange.wire.some(64 * 1024) {
        if came.is_empty() {
            break;
        }
        exchange.send(came);
    }
    exchange.close();
}

fn upgrade() -> Request {
    Request::get("/ws")
        .line("Connection: Upgrade")
        .line("Upgrade: websocket")
        .line("Sec-WebSocket-Version: 13")
        .line("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
}

fn tunnel(stand: &Stand) {
    stand.homeserver.on("/ws", echo);
    let mut client = stand.client();
    client.send(upgrade().head());
    assert_eq!(client.head("GET").status, 101);
    client.send("hello");
    assert_eq!(client.wire.exactly(5).unwrap(), b"hello");
    // Past what a head and a body may take.
    std::thread::sleep(Duration::from_secs(3));
    client.send(bytes(100_000));
    assert_eq!(client.wire.exactly(100_000).unwrap(), bytes(100_000));
}

fn no_tunnel(stand: &Stand) {
    let mut client = stand.client();
    client.send([upgrade().head(), Request::get("/second").bytes()].concat());
    assert_eq!(client.answer_to("GET").status, 200);
    never("bytes went through as they are", || {
        stand.homeserver.seen("/ws").iter().any(|seen| !seen.body.is_empty())
    });
}

fn head(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
    });
    let mut client = stand.client();
    assert_eq!(client.ask(&Request::new("HEAD", "/x")).status, 200);
    assert_eq!(client.ask(&Request::get("/y")).status, 200);
}

fn bodiless(stand: &Stand) {
    for status in ["204 No Content", "304 Not Modified"] {
        stand.homeserver.on("/x", move |exchange| {
            exchange.read_body();
            exchange.send(format!("HTTP/1.1 {status}\r\n\r\n"));
        });
        let mut client = stand.client();
        assert_eq!(client.ask(&Request::get("/x")).status.to_string(), status[..3]);
        assert_eq!(client.ask(&Request::get("/y")).status, 200);
    }
}

fn methods(stand: &Stand) {
    for method in ["PATCH", "DELETE", "PROPFIND", "BREW"] {
        assert_eq!(stand.ask(&Request::new(method, "/x")).status, 200, "{method}");
        assert_eq!(stand.homeserver.forwarded().pop().unwrap().method(), method);
    }
}
