//! Answers before the end of a request, frame by frame: whole, and without blame (RFC 9113 §8.1).

use crate::support::client::UPLOAD;
use crate::support::frames::{DATA, END_STREAM, Frame, Frames, GOAWAY, RST_STREAM};
use crate::support::{Homeserver, Sidecar};

const NO_ERROR: u32 = 0;

fn sidecar(homeserver: &Homeserver, limit: &str, drain_bytes: u64) -> Sidecar {
    let setup = Sidecar::before(homeserver).limit(limit).largest(5_000_000);
    setup.limits(|limits| limits.drain_bytes = drain_bytes).start()
}

/// Asserts that the answer on `stream` came whole, with these words, and was only then taken back,
/// without blame.
fn is_early_answer(frames: &Frames, stream: u32, errcode: &str) {
    assert!(frames.body(stream).contains(errcode), "{errcode}: {}", frames.body(stream));
    let came = frames.of(stream);
    let end = came.iter().position(|frame| frame.ends_stream()).expect("an end");
    let reset = came.iter().position(|frame| frame.kind == RST_STREAM).expect("a reset");
    assert!(end < reset, "{came:?}");
    assert_eq!(came[reset].code(), NO_ERROR);
}

#[test]
fn a_refusal_of_an_endless_upload_is_whole_before_the_upload_is_cut_without_blame() {
    let homeserver = Homeserver::start();
    for (limit, path, length, errcode) in [
        ("1kB/never", UPLOAD, Some("4000000"), "M_LIMIT_EXCEEDED"),
        ("1kB/never", UPLOAD, None, "M_LIMIT_EXCEEDED"),
        ("1GB/never", UPLOAD, Some("400000000"), "M_TOO_LARGE"),
        ("1GB/never", "/_matrix/media/v3/%75pload", Some("4000000"), "M_UNRECOGNIZED"),
    ] {
        let sidecar = sidecar(&homeserver, limit, 500_000);
        let mut frames = Frames::to(sidecar.port());
        let length = length.map(|length| ("content-length", length));
        frames.begin(1, "POST", path, length.as_slice(), false);
        let sent = frames.send_until_reset();
        is_early_answer(&frames, 1, errcode);
        assert!(sent < 5_000_000, "{sent} bytes went");
        // What was sent gives the connection its room back: more goes over it than it ever had.
        for stream in [3, 5, 7] {
            frames.begin(stream, "POST", path, length.as_slice(), false);
            frames.send_until_reset();
            is_early_answer(&frames, stream, errcode);
        }
        frames.begin(9, "GET", "/x", &[], true);
        frames.until(|frame| frame.stream == 9 && frame.ends_stream());
        assert_eq!(frames.body(9), "{}");
        assert!(frames.came.iter().all(|frame| frame.kind != GOAWAY));
    }
}

#[test]
fn a_refusal_comes_before_any_of_the_body_and_what_is_small_is_read_to_its_end() {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, "1kB/never", 1_000_000);
    let mut frames = Frames::to(sidecar.port());
    // Nobody is told to go on over HTTP/2; whoever would wait for it reads the refusal.
    let head = [("content-length", "100000"), ("expect", "100-continue")];
    frames.begin(1, "POST", UPLOAD, &head, false);
    frames.until(Frame::ends_stream);
    assert!(frames.body(1).contains("M_LIMIT_EXCEEDED"));
    let mut left = 100_000;
    while left > 0 {
        match frames.data(left) {
            0 => assert!(frames.read()),
            size => left -= size,
        }
    }
    frames.send(DATA, END_STREAM, 1, &[]);
    frames.begin(3, "GET", "/x", &[], true);
    frames.until(|frame| frame.stream == 3 && frame.ends_stream());
    assert!(frames.came.iter().all(|frame| frame.kind != RST_STREAM), "{:?}", frames.came);
}

#[test]
fn an_upload_that_waits_to_be_told_to_continue_may_go_on_by_itself() {
    let homeserver = Homeserver::start();
    let sidecar = sidecar(&homeserver, "1MB/never", 1_000_000);
    let mut frames = Frames::to(sidecar.port());
    let head = [("content-length", "1000"), ("expect", "100-continue")];
    frames.begin(1, "POST", UPLOAD, &head, false);
    assert_eq!(frames.data(1000), 1000);
    frames.until(Frame::ends_stream);
    assert_eq!(homeserver.seen(UPLOAD).len(), 1);
    sidecar.comes_to(1000);
}

#[test]
fn an_early_no_of_the_homeserver_is_passed_on_whole() {
    let homeserver = Homeserver::start();
    homeserver.on(UPLOAD, |exchange| {
        exchange.read(1000);
        exchange.answer(403, r#"{"errcode":"M_EARLY"}"#);
        exchange.hang();
    });
    let sidecar = sidecar(&homeserver, "1GB/never", 500_000);
    let mut frames = Frames::to(sidecar.port());
    for stream in [1, 3, 5] {
        frames.begin(stream, "POST", UPLOAD, &[("content-length", "4000000")], false);
        frames.send_until_reset();
        is_early_answer(&frames, stream, "M_EARLY");
    }
    frames.begin(7, "GET", "/x", &[], true);
    frames.until(|frame| frame.stream == 7 && frame.ends_stream());
    sidecar.comes_to(0);
}
