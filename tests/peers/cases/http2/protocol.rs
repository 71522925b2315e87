//! Protocol: frames that break a rule end their stream or their connection, and nobody else's
//! (RFC 9113 §5, §6).

use super::{Case, goes_on, others_are_served};
use crate::frames::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, Fields, Frames, HEADERS, LARGEST, PADDED,
    PING, PREFACE, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, setting,
};
use crate::stand::Stand;

/// The widest window there may be.
const WIDEST: [u8; 4] = 0x7fff_ffff_u32.to_be_bytes();

/// Returns what ends a connection that has asked once, by stream 1, which is closed.
fn mistakes() -> [(&'static str, Vec<u8>); 28] {
    let block = Fields::get("/y").block();
    let padding = [&[200], &b"x"[..]].concat();
    [
        ("DATA of no stream", frame(DATA, 0, 0, b"x")),
        ("DATA of a stream that never began", frame(DATA, END_STREAM, 7, b"x")),
        ("HEADERS of no stream", frame(HEADERS, END_HEADERS | END_STREAM, 0, &block)),
        ("HEADERS of an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 4, &block)),
        ("HEADERS of a stream that is closed", frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)),
        ("padding longer than its frame", frame(HEADERS, END_HEADERS | PADDED, 3, &padding)),
        ("a CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 3, &block)),
        ("PUSH_PROMISE of a client", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
        ("RST_STREAM of a stream that never began", frame(RST_STREAM, 0, 7, &[0, 0, 0, 8])),
        ("RST_STREAM of no stream", frame(RST_STREAM, 0, 0, &[0, 0, 0, 8])),
        ("RST_STREAM of 3 bytes", frame(RST_STREAM, 0, 1, &[0, 0, 0])),
        ("SETTINGS of a stream", frame(SETTINGS, 0, 1, &[])),
        ("SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("an ACK of SETTINGS with settings", frame(SETTINGS, 1, 0, &setting(3, 1))),
        ("ENABLE_PUSH of 2", frame(SETTINGS, 0, 0, &setting(2, 2))),
        ("a window past the widest", frame(SETTINGS, 0, 0, &setting(4, 0x8000_0000))),
        ("frames smaller than the least", frame(SETTINGS, 0, 0, &setting(5, 100))),
        ("frames larger than the most", frame(SETTINGS, 0, 0, &setting(5, 0x0100_0000))),
        ("PING of a stream", frame(PING, 0, 1, &[0; 8])),
        ("PING of 7 bytes", frame(PING, 0, 0, &[0; 7])),
        ("WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3])),
        ("WINDOW_UPDATE past the widest window", frame(WINDOW_UPDATE, 0, 0, &WIDEST)),
        ("WINDOW_UPDATE of a stream that never began", frame(WINDOW_UPDATE, 0, 7, &[0, 0, 0, 1])),
        ("GOAWAY of a stream", frame(frames::GOAWAY, 0, 1, &[0; 8])),
        ("a frame larger than was allowed", frame(PING, 0, 0, &vec![0; 2 * 1024 * 1024])),
        (
            "a frame between a head and its CONTINUATION",
            [
                frame(HEADERS, END_STREAM, 3, &block[..10]),
                frame(PING, 0, 0, &[0; 8]),
                frame(CONTINUATION, END_HEADERS, 3, &block[10..]),
            ]
            .concat(),
        ),
        (
            "a CONTINUATION of another stream",
            [
                frame(HEADERS, END_STREAM, 3, &block[..10]),
                frame(CONTINUATION, END_HEADERS, 5, &block[10..]),
            ]
            .concat(),
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, bytes) in mistakes() {
        let name = format!("{what} ends the connection");
        cases.push(Case::new("h2 frames", name, move |stand| ends(stand, &bytes)));
    }
    // Frames on a stream whose body is under way.
    for (what, kind, flags, payload) in [
        ("WINDOW_UPDATE of 0", WINDOW_UPDATE, 0, vec![0; 4]),
        ("a window past the widest", WINDOW_UPDATE, 0, WIDEST.to_vec()),
        ("padding longer than its DATA", DATA, PADDED, vec![200, b'x']),
    ] {
        let name = format!("{what} ends a stream under way");
        let act = move |stand: &Stand| ends_stream(stand, kind, flags, &payload);
        cases.push(Case::new("h2 frames", name, act));
    }
    cases.extend([
        Case::new("h2 frames", "DATA past the end of a stream does no harm", past_the_end),
        Case::new(
            "h2 frames",
            "DATA past the window ends the stream or the connection",
            past_the_window,
        ),
        Case::new("h2 frames", "another preface is refused", |stand| {
            begins(stand, b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n");
        }),
        Case::new("h2 frames", "a beginning without SETTINGS is refused", |stand| {
            begins(stand, &[PREFACE, &frame(PING, 0, 0, &[0; 8])].concat());
        }),
        Case::new("h2 frames", "a beginning that does not go on is cut", |stand| {
            begins(stand, PREFACE);
        }),
        Case::new("h2 frames", "kinds of frames nobody knows do no harm", unknown_frames),
        Case::new("h2 frames", "settings nobody knows do no harm", unknown_settings),
        Case::new("h2 frames", "SETTINGS and PING are acknowledged", acknowledged),
        Case::new("h2 frames", "more streams than allowed harm no other", too_many),
        Case::new("h2 frames", "HTTP/1.1 text is no HTTP/2", http1),
    ]);
    cases
}

fn ends(stand: &Stand, bytes: &[u8]) {
    let mut frames = stand.frames();
    assert_eq!(frames.ask(&Fields::get("/x")).status, 200);
    frames.raw(bytes);
    frames.ends();
    others_are_served(stand);
    assert!(stand.homeserver.seen("/y").is_empty(), "it went on");
}

fn ends_stream(stand: &Stand, kind: u8, flags: u8, payload: &[u8]) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(100), false);
    frames.body(stream, b"hello", false);
    stand.homeserver.has(5);
    frames.send(kind, flags, stream, payload);
    frames.complains(stream);
    others_are_served(stand);
}

fn past_the_end(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(5), false);
    frames.body(stream, b"hello", true);
    frames.send(DATA, END_STREAM, stream, b"world");
    let _ = frames.told(stream);
    others_are_served(stand);
    for seen in stand.homeserver.seen("/x") {
        assert!(b"hello".starts_with(&seen.body), "it went on");
    }
}

fn past_the_window(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        exchange.hang();
    });
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x"), false);
    // Whatever the windows say.
    for _ in 0..4000 {
        if !frames.send(DATA, 0, stream, &vec![0; LARGEST]) {
            break;
        }
    }
    frames.complains(stream);
    others_are_served(stand);
}

fn begins(stand: &Stand, bytes: &[u8]) {
    let mut frames = Frames::bare(stand.http2());
    frames.raw(bytes);
    frames.closes();
    others_are_served(stand);
}

fn unknown_frames(stand: &Stand) {
    let mut frames = stand.frames();
    frames.send(0x77, 0xff, 0, b"whatever");
    frames.send(0x78, 0, 5, &[]);
    let stream = frames.begin(&Fields::post("/x"), false);
    frames.send(0x77, 0xff, stream, b"whatever");
    frames.body(stream, b"hello", true);
    assert_eq!(frames.told(stream).status, 200);
    assert_eq!(stand.homeserver.only().body, b"hello");
    goes_on(&mut frames);
}

fn unknown_settings(stand: &Stand) {
    let settings = [setting(1, 0), setting(0x99, 7), setting(0xfefe, 1)].concat();
    let mut frames = Frames::with(stand.http2(), &settings);
    assert_eq!(frames.ask(&Fields::get("/x")).status, 200);
}

fn acknowledged(stand: &Stand) {
    let mut frames = stand.frames();
    frames.send(PING, 0, 0, b"12345678");
    assert!(frames.comes(PING, 1), "no PING came back");
    assert!(frames.comes(SETTINGS, 2), "SETTINGS were not acknowledged");
    goes_on(&mut frames);
}

fn too_many(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let mut frames = stand.frames();
    let streams: Vec<_> = (0..2000).map(|_| frames.begin(&Fields::get("/x"), true)).collect();
    let mut ended = 0;
    // Some wait; what is past the allowed is taken back at once, or ends the connection.
    while ended == 0 {
        if frames.read().is_none() {
            break;
        }
        ended = streams.iter().filter(|stream| frames.is_over(**stream)).count();
    }
    others_are_served(stand);
    assert!(stand.homeserver.seen("/x").len() < 2000, "all of them went on");
}

/// At a port for both it is HTTP/1.1, and answered in its words.
fn http1(stand: &Stand) {
    let mut client = stand.http2();
    client.send("GET /x HTTP/1.1\r\nHost: matrix.example.org\r\nConnection: close\r\n\r\n");
    let told = client.wire.rest();
    assert!(told.is_empty() || told.starts_with(b"HTTP/1.1 ") || told.starts_with(&[0, 0]));
    others_are_served(stand);
}
