//! Framing: where a message ends, in one way only (RFC 9112 §6).

use super::{Case, HIDDEN, Taken, is_refused, never, taken};
use crate::stand::Stand;
use crate::support::wire::chunk;
use crate::support::{Ended, Request};

/// Lengths that are none.
const LENGTHS: [&str; 9] =
    ["5, 6", "5,", "+5", "-5", "0x5", "", "1_0", "5 5", "18446744073709551621"];

/// Transfer codings that are not the one everybody knows.
const CODINGS: [&str; 9] = [
    "gzip, chunked",
    "chunked, gzip",
    "chunked, identity",
    "chunked, chunked",
    "identity",
    "xchunked",
    "\"chunked\"",
    "\x0bchunked",
    "chunked;q=1",
];

/// Sizes of chunks that are none.
const SIZES: [&str; 8] = ["0x5", "+5", "-5", "", " 5", "5 5", "g", "10000000000000005"];

/// Heads that are none.
const HEADS: [(&str, &str); 15] = [
    ("a space before a colon", "GET /x HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n"),
    ("a header without a name", "GET /x HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n"),
    ("a space in a name", "GET /x HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n"),
    ("a NUL in a name", "GET /x HTTP/1.1\r\nHost: a\r\nX\0: 1\r\n\r\n"),
    ("a NUL in a value", "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n"),
    ("a bare CR in a value", "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n"),
    ("a header without a colon", "GET /x HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("a space in the target", "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a version nobody knows", "GET /x HTTP/9.9\r\nHost: a\r\n\r\n"),
    ("a method that is no token", "G@T /x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a GET of *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a control character in the target", "GET /x\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a space before the first header", "GET /x HTTP/1.1\r\n Host: a\r\n\r\n"),
    ("the beginning of TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n"),
];

pub(super) fn cases() -> Vec<Case> {
    let case =
        |name: String, act: Box<dyn Fn(&Stand) + Send + Sync>| Case::new("framing", name, act);
    let mut cases = Vec::new();
    for lines in [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Content-Length: 500"],
    ] {
        let name = format!("{}, {}, hide no request", lines[0], lines[1]);
        cases.push(case(name, Box::new(move |stand| beside(stand, lines))));
    }
    for length in LENGTHS {
        let name = format!("the length {length:?} is refused");
        let request = Request::post("/x").line(&format!("Content-Length: {length}"));
        cases.push(case(name, Box::new(move |stand| refused(stand, &request))));
    }
    let twice = Request::post("/x").length(5).length(6);
    let name = "two different lengths are refused".to_owned();
    cases.push(case(name, Box::new(move |stand| refused(stand, &twice))));
    for coding in CODINGS {
        let name = format!("the transfer coding {coding:?} is refused");
        let request = Request::post("/x").line(&format!("Transfer-Encoding: {coding}"));
        cases.push(case(name, Box::new(move |stand| refused(stand, &request))));
    }
    for size in SIZES {
        let name = format!("the chunk size {size:?} is refused");
        cases.push(case(name, Box::new(move |stand| cut(stand, &format!("{size}\r\nhello\r\n")))));
    }
    let name = "a chunk that does not end where it says is refused".to_owned();
    cases.push(case(name, Box::new(|stand| cut(stand, "5\r\nhelloXX0\r\n\r\n"))));
    for (what, head) in HEADS {
        let name = format!("{what} is refused");
        cases.push(case(name, Box::new(move |stand| is_refused(stand, head))));
    }
    cases.extend([
        Case::new("framing", "chunks in HTTP/1.0 are refused", old_chunks),
        Case::new("framing", "a folded header never goes on folded", folded),
        Case::new("framing", "lines that end in LF alone never go on so", bare_lf),
        Case::new("framing", "endless chunk extensions are refused, or go nowhere", extensions),
        Case::new("framing", "trailers become no headers", trailers),
        Case::new("framing", "a GET with a body is one request", get_with_body),
    ]);
    cases
}

fn refused(stand: &Stand, request: &Request) {
    is_refused(stand, [request.head(), HIDDEN.into()].concat());
}

/// A length beside chunks: refused, or chunks alone; what follows the body is another request, or
/// nothing if the connection closes.
fn beside(stand: &Stand, lines: [&str; 2]) {
    let request = lines.iter().fold(Request::post("/x"), |request, line| request.line(line));
    let body = [chunk(b"hello"), b"0\r\n\r\n".to_vec()].concat();
    let taken = taken(stand, [request.head(), body].concat());
    assert!(matches!(taken, Taken::Closed | Taken::Answered(200 | 400)), "{taken:?}");
    for seen in stand.homeserver.forwarded() {
        assert!(seen.head.all("content-length").is_empty(), "both went on");
        assert_eq!((seen.body.as_slice(), seen.ended), (&b"hello"[..], Ended::Whole));
    }
}

/// A body of chunks that is none: the homeserver never has a whole one.
fn cut(stand: &Stand, chunks: &str) {
    let mut client = stand.client();
    client.send(Request::post("/x").chunked().head());
    let _ = client.try_send(chunks);
    let _ = client.try_send(format!("0\r\n\r\n{HIDDEN}"));
    let is_whole = || stand.homeserver.forwarded().iter().any(|seen| seen.ended == Ended::Whole);
    never("a whole body went on", is_whole);
    never("the hidden request went on", || !stand.homeserver.seen("/smuggled").is_empty());
}

fn old_chunks(stand: &Stand) {
    let head = "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let taken = taken(stand, format!("{head}0\r\n\r\n{HIDDEN}"));
    let harmless = matches!(taken, Taken::Closed | Taken::Answered(400 | 501));
    assert!(harmless, "{taken:?}");
    never("it went on", || !stand.homeserver.seen("").is_empty());
}

fn folded(stand: &Stand) {
    let _ = taken(stand, "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n");
    for seen in stand.homeserver.forwarded() {
        assert!(!String::from_utf8_lossy(&seen.head.raw).contains("\r\n "), "it went on folded");
    }
}

fn bare_lf(stand: &Stand) {
    let _ = taken(stand, "GET /x HTTP/1.1\nHost: a\nX: 1\n\n");
    for seen in stand.homeserver.forwarded() {
        let raw = String::from_utf8_lossy(&seen.head.raw).replace("\r\n", "");
        assert!(!raw.contains('\n'), "it went on with LF alone");
    }
}

fn extensions(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::post("/x").chunked().head());
    let long = format!("1;{}\r\nx\r\n", "e".repeat(32 * 1024));
    for _ in 0..64 {
        if client.try_send(&long).is_err() {
            break;
        }
    }
    let _ = client.try_send("0\r\n\r\n");
    let _ = client.wire.head();
    for seen in stand.homeserver.forwarded() {
        assert!(seen.body.iter().all(|byte| *byte == b'x'), "extensions went on");
    }
}

fn trailers(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::post("/x").chunked().head());
    client.send(chunk(b"hello"));
    client.send("0\r\nAuthorization: Bearer mallory\r\nContent-Length: 7\r\nHost: b\r\n\r\n");
    let _ = client.wire.head();
    for seen in stand.homeserver.forwarded() {
        assert!(seen.head.all("authorization").is_empty(), "a trailer became a header");
        assert!(seen.head.all("content-length").is_empty(), "a trailer became a header");
        assert_eq!(seen.body, b"hello");
    }
}

fn get_with_body(stand: &Stand) {
    let mut client = stand.client();
    client.send(Request::get("/x").body(HIDDEN.as_bytes()).bytes());
    let answer = client.answer_to("GET");
    assert!([200, 400].contains(&answer.status), "{}", answer.status);
    never("its body became a request", || !stand.homeserver.seen("/smuggled").is_empty());
}
