//! Early: an answer that comes before the request is whole reaches whoever still sends.

use std::time::Duration;

use super::{Case, never};
use crate::stand::Stand;
use crate::support::{Request, bytes};

/// More than any buffer on the way takes.
const LARGE: usize = 8_000_000;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("early", "a refusal reaches a client that listens while it sends", duplex),
        Case::new("early", "a refusal reaches a client that sends all before it reads", blind),
        Case::new("early", "Expect: 100-continue is told to go on", told_to_go_on),
        Case::new("early", "Expect: 100-continue is told no", told_no),
        Case::new("early", "the rest of a refused body becomes no request", no_request),
    ]
}

/// Has the homeserver refuse a body after its first bytes, and go on reading.
fn refuses_early(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        let body = r#"{"errcode":"M_TOO_LARGE"}"#;
        exchange.send(format!(
            "HTTP/1.1 413 Too Large\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
        exchange.read_body();
        exchange.close();
    });
}

fn duplex(stand: &Stand) {
    refuses_early(stand);
    let mut client = stand.client();
    client.send(Request::post("/x").length(LARGE).head());
    client.send(bytes(1000));
    assert_eq!(client.answer().status, 413);
}

fn blind(stand: &Stand) {
    refuses_early(stand);
    let mut client = stand.client();
    client.send(Request::post("/x").length(LARGE).head());
    for part in bytes(LARGE).chunks(64 * 1024) {
        if client.try_send(part).is_err() {
            break;
        }
    }
    assert_eq!(client.answer().status, 413);
}

fn told_to_go_on(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        // A proxy may leave that to the homeserver.
        if exchange.head.header("expect").is_some() {
            exchange.send("HTTP/1.1 100 Continue\r\n\r\n");
        }
        exchange.read_body();
        exchange.answer(200, "{}");
    });
    let mut client = stand.client();
    client.send(Request::post("/x").length(5).line("Expect: 100-continue").head());
    assert_eq!(client.wire.head().unwrap().unwrap().word(1), "100");
    client.send("hello");
    assert_eq!(client.answer().status, 200);
    assert_eq!(stand.homeserver.only().body, b"hello");
}

fn told_no(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.answer(403, "{}");
        exchange.close();
    });
    let mut client = stand.client();
    client.send(Request::post("/x").length(5).line("Expect: 100-continue").head());
    let mut answer = client.head("POST");
    // Whoever answers 100 for itself tells the final word after it.
    if answer.status == 100 {
        client.send("hello");
        answer = client.head("POST");
    }
    assert_eq!(answer.status, 403);
}

fn no_request(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.answer(403, "{}");
        exchange.close();
    });
    let hidden = super::HIDDEN.repeat(1000);
    let mut client = stand.client();
    client.send(Request::post("/x").length(LARGE).head());
    let _ = client.try_send(&hidden);
    client.wire.stream.timeout(Duration::from_secs(3));
    let _ = client.wire.head();
    let _ = client.try_send(&hidden);
    never("it became one", || !stand.homeserver.seen("/smuggled").is_empty());
}
