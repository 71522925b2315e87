//! Bodies: bytes go on as they come, and an end is never made up (RFC 9113 §8.1).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Case, goes_on, is_no, is_refused, never};
use crate::cases::streams;
use crate::frames::{self, END_HEADERS, END_STREAM, Fields, Frames, setting};
use crate::stand::Stand;
use crate::support::{Ended, bytes, eventually};

/// More than this may not be on its way where nobody reads.
const MOST_IN_FLIGHT: usize = 24 * 1024 * 1024;

/// More than any buffer on the way takes.
const LARGE: usize = 8_000_000;

/// What a client does half way of a body.
type End = fn(Frames, u32);

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("h2 bodies", name, act);
    let mut cases = vec![
        case("more than the length says never looks whole", |stand| length(stand, 5, 6)),
        case("less than the length says never looks whole", |stand| length(stand, 6, 5)),
        case("nothing where a length is told is refused", |stand| {
            is_refused(stand, &Fields::post("/x").length(5));
        }),
        case("a body in a hundred frames arrives whole", pieces),
        case("a body without a length arrives whole", without_length),
        case("a GET with a body is one request", get_with_body),
        case("an upload is at the homeserver before it ends", upload_streams),
        case("a download is at the client before it ends", download_streams),
        case("a homeserver that does not read stops the client", stalled_reader),
        case("a client that does not read stops the homeserver", stalled_client),
        case("a body that stops coming is cut", stalled_body),
        case("a body that is slow but moves lives", slow_body),
        case("trailers become no headers", trailers),
        case("a pseudo header among trailers is refused, or goes nowhere", pseudo_trailers),
        case("trailers with a connection header never look whole", |stand| {
            wrong_trailers(stand, &Fields::default().and("transfer-encoding", "chunked"), true);
        }),
        case("trailers that are not the end never look whole", |stand| {
            wrong_trailers(stand, &Fields::default().and("x-sum", "1"), false);
        }),
        case("an answer with a length that is cut never looks whole", |stand| {
            cut_answer(stand, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        }),
        case("an answer in chunks that is cut never looks whole", |stand| {
            cut_answer(
                stand,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            );
        }),
        case("a refusal reaches a client that listens while it sends", duplex),
        case("a refusal reaches a client that sends all before it reads", blind),
        case("a POST is delivered once at most", once),
    ];
    let ends: [(&str, End); 3] = [
        ("resets its stream", reset),
        ("leaves", |frames, _| drop(frames)),
        ("breaks its connection", |frames, _| frames.break_off()),
    ];
    for (framing, tells) in [("a length", true), ("no length", false)] {
        for (how, act) in ends {
            let name = format!("a body with {framing} whose client {how} never looks whole");
            let act = move |stand: &Stand| cut_body(stand, tells, act);
            cases.push(Case::new("h2 bodies", name, act));
        }
    }
    cases
}

fn never_whole(stand: &Stand) {
    never("a whole body went on", || {
        stand.homeserver.forwarded().iter().any(|seen| seen.ended == Ended::Whole)
    });
}

fn length(stand: &Stand, told: usize, sent: usize) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(told), false);
    frames.body(stream, &bytes(sent), true);
    is_no(&frames.told(stream));
    never_whole(stand);
}

fn pieces(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(1000), false);
    for (index, piece) in bytes(1000).chunks(10).enumerate() {
        frames.body(stream, piece, index == 99);
    }
    assert_eq!(frames.told(stream).status, 200);
    assert_eq!(stand.homeserver.only().body, bytes(1000));
}

fn without_length(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x"), false);
    assert!(frames.body(stream, &bytes(300_000), false));
    frames.body(stream, &[], true);
    assert_eq!(frames.told(stream).status, 200);
    let seen = stand.homeserver.only();
    assert_eq!((seen.body == bytes(300_000), seen.ended), (true, Ended::Whole));
}

fn get_with_body(stand: &Stand) {
    let mut frames = stand.frames();
    let hidden = super::super::HIDDEN.as_bytes();
    let stream = frames.begin(&Fields::get("/x"), false);
    frames.body(stream, hidden, true);
    let told = frames.told(stream);
    assert!([200, 400].contains(&told.status), "{}", told.status);
    never("its body became a request", || !stand.homeserver.seen("/smuggled").is_empty());
}

fn upload_streams(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(20), false);
    frames.body(stream, &bytes(10), false);
    stand.homeserver.has(10);
    frames.body(stream, &bytes(10), true);
    assert_eq!(frames.told(stream).status, 200);
}

fn download_streams(stand: &Stand) {
    let goes_on = streams::answers_in_two(stand);
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::get("/x"), true);
    assert_eq!(frames.until(stream, |told| told.body.len() == 5).body, b"hello");
    goes_on.store(true, Ordering::SeqCst);
    assert_eq!(frames.told(stream).body, b"helloworld");
}

/// What the windows allow is sent; the homeserver takes its first byte and no more.
fn stalled_reader(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        std::thread::sleep(Duration::from_secs(4));
        exchange.close();
    });
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(200_000_000), false);
    let (part, mut sent) = (bytes(64 * 1024), 0);
    while sent < 2 * MOST_IN_FLIGHT && frames.body(stream, &part, false) {
        sent += part.len();
    }
    assert!(sent < MOST_IN_FLIGHT, "{sent} bytes were taken");
}

fn stalled_client(stand: &Stand) {
    let sent = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = sent.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.wire.stream.write_timeout(Duration::from_millis(700));
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n");
        while exchange.wire.send(bytes(64 * 1024)).is_ok() {
            counted.fetch_add(64 * 1024, Ordering::SeqCst);
        }
        exchange.close();
    });
    let mut frames = Frames::with(stand.http2(), &[setting(1, 0), setting(4, 10)].concat());
    let stream = frames.begin(&Fields::get("/x"), true);
    let told = frames.until(stream, |told| told.body.len() == 10);
    assert_eq!((told.status, told.body.len()), (200, 10));
    super::others_are_served(stand);
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < MOST_IN_FLIGHT, "{sent} bytes were taken");
}

fn stalled_body(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(1000), false);
    frames.body(stream, &bytes(10), false);
    stand.homeserver.has(10);
    // With an answer or without.
    let _ = frames.told(stream);
    stand.homeserver.ended(Ended::Cut);
}

fn slow_body(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(8), false);
    for index in 0..8 {
        std::thread::sleep(Duration::from_millis(500));
        frames.body(stream, b"x", index == 7);
    }
    assert_eq!(frames.told(stream).status, 200);
}

fn trailers(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x"), false);
    frames.body(stream, b"hello", false);
    let trailers = Fields::default().and("authorization", "Bearer mallory").and("host", "b");
    frames.headers(stream, &trailers, true);
    let told = frames.told(stream);
    if told.status != 200 {
        is_no(&told);
    }
    for seen in stand.homeserver.forwarded() {
        assert!(seen.head.all("authorization").is_empty(), "a trailer became a header");
        assert_eq!(seen.head.all("host"), ["matrix.example.org"]);
        assert_eq!(seen.body, b"hello");
    }
}

fn pseudo_trailers(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x"), false);
    frames.body(stream, b"hello", false);
    frames.headers(stream, &Fields::default().and(":path", "/smuggled"), true);
    let told = frames.told(stream);
    if told.status != 200 {
        is_no(&told);
    }
    for seen in stand.homeserver.forwarded() {
        assert_eq!((seen.target(), seen.trailers.len()), ("/x", 0));
    }
}

fn wrong_trailers(stand: &Stand, trailers: &Fields, end: bool) {
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x"), false);
    frames.body(stream, b"hello", false);
    stand.homeserver.has(5);
    let flags = if end { END_HEADERS | END_STREAM } else { END_HEADERS };
    frames.send(frames::HEADERS, flags, stream, &trailers.block());
    is_no(&frames.told(stream));
    never_whole(stand);
}

fn cut_answer(stand: &Stand, cut: &'static str) {
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.send(cut);
        exchange.close();
    });
    let told = stand.frames().ask(&Fields::get("/x"));
    assert!(told.status == 502 || !told.whole, "it looks whole");
}

fn refuses_early(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read(1);
        exchange.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        exchange.read_body();
        exchange.close();
    });
}

fn duplex(stand: &Stand) {
    refuses_early(stand);
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(LARGE), false);
    frames.body(stream, &bytes(1000), false);
    assert_eq!(frames.until(stream, |told| told.status > 0).status, 413);
    frames.reset(stream);
    goes_on(&mut frames);
}

fn blind(stand: &Stand) {
    refuses_early(stand);
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::post("/x").length(LARGE), false);
    frames.body(stream, &bytes(LARGE), true);
    let told = frames.told(stream);
    assert_eq!((told.status, told.body.as_slice(), told.whole), (413, &b"{}"[..], true));
    goes_on(&mut frames);
}

fn reset(mut frames: Frames, stream: u32) {
    frames.reset(stream);
    goes_on(&mut frames);
}

fn cut_body(stand: &Stand, tells: bool, act: End) {
    let mut frames = stand.frames();
    let fields = Fields::post("/x");
    let fields = if tells { fields.length(2000) } else { fields };
    let stream = frames.begin(&fields, false);
    frames.body(stream, &bytes(1000), false);
    stand.homeserver.has(1000);
    act(frames, stream);
    eventually("it is cut", || {
        stand.homeserver.seen("/x").iter().all(|seen| seen.ended == Ended::Cut)
    });
}

fn once(stand: &Stand) {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let delivered = count.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        if delivered.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            exchange.answer(200, "{}");
        }
        exchange.close();
    });
    let mut frames = stand.frames();
    for _ in 0..20 {
        let stream = frames.begin(&Fields::post("/x").length(1), false);
        frames.body(stream, b"x", true);
        let told = frames.told(stream);
        assert!([200, 502, 503].contains(&told.status) || told.reset.is_some(), "{told:?}");
    }
    assert!(count.load(Ordering::SeqCst) <= 20, "some were delivered twice");
}
