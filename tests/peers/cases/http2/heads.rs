//! Heads: fields that no request may have, and what they would be in HTTP/1.1 (RFC 9113 §8.2, §8.3).

use super::{Case, is_no, is_refused, never};
use crate::frames::{self, END_HEADERS, END_STREAM, Fields};
use crate::stand::Stand;

/// Fields beside those of a request as it should be: name, value.
const FIELDS: [(&str, &str, &str); 23] = [
    ("Connection", "connection", "close"),
    ("Keep-Alive", "keep-alive", "timeout=5"),
    ("Proxy-Connection", "proxy-connection", "keep-alive"),
    ("Transfer-Encoding", "transfer-encoding", "chunked"),
    ("Upgrade", "upgrade", "h2c"),
    ("TE: gzip", "te", "gzip"),
    ("an upper-case name", "X-One", "1"),
    ("a space in a name", "x one", "1"),
    ("a colon in a name", "x:one", "1"),
    ("a name that ends in a colon", "x:", "1"),
    ("a header without a name", "", "1"),
    ("a NUL in a name", "x\0", "1"),
    ("a line break in a name", "x\r\ny", "1"),
    ("a line break in a value", "x", "1\r\nX-Two: 2"),
    ("a bare CR in a value", "x", "1\r2"),
    ("a bare LF in a value", "x", "1\n2"),
    ("a NUL in a value", "x", "1\x002"),
    ("a hidden request in a value", "x", "1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an unknown pseudo header", ":x", "1"),
    ("the pseudo header of an answer", ":status", "200"),
    (":protocol without CONNECT", ":protocol", "websocket"),
    ("two different lengths", "content-length", "5"),
    ("a second :path", ":path", "/y"),
];

/// What each pseudo header cannot be.
const VALUES: [(&str, &str, &str); 20] = [
    ("no method", ":method", ""),
    ("a method with a space", ":method", "GET /smuggled HTTP/1.1"),
    ("a method with a line break", ":method", "GET / HTTP/1.1\r\nX: 1\r\n\r\nGET"),
    ("a method with a NUL", ":method", "GE\0T"),
    ("an empty path", ":path", ""),
    ("a path without a slash", ":path", "x"),
    ("a path with a space", ":path", "/x HTTP/1.1"),
    ("a path with a line break", ":path", "/x HTTP/1.1\r\nX-Two: 2\r\n\r\n"),
    ("a path with a bare LF", ":path", "/x\ny"),
    ("a path with a bare CR", ":path", "/x\ry"),
    ("a path with a NUL", ":path", "/x\0y"),
    ("a path with a control character", ":path", "/x\x01y"),
    ("a GET of *", ":path", "*"),
    ("a path with a scheme and a host", ":path", "http://other.example/x"),
    ("an authority with a user", ":authority", "user@matrix.example.org"),
    ("an authority with a path", ":authority", "matrix.example.org/x"),
    ("an authority with a space", ":authority", "matrix example"),
    ("an authority with a line break", ":authority", "a\r\nX-Two: 2"),
    ("a scheme with a line break", ":scheme", "http\r\nX-Two: 2"),
    ("a scheme with a space", ":scheme", "ht tp"),
];

/// Lengths that are none.
const LENGTHS: [&str; 6] = ["+5", "-5", "5, 6", "0x5", "5 5", "18446744073709551621"];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut refused = |what: &str, fields: Fields| {
        let name = format!("{what} is refused");
        cases.push(Case::new("h2 heads", name, move |stand| is_refused(stand, &fields)));
    };
    for (what, name, value) in FIELDS {
        let mut fields = Fields::get("/x");
        // A pseudo header may only be wrong in itself, not in where it is.
        if name.starts_with(':') {
            fields = Fields::default().and(name, value);
            for (name, value) in
                [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x")]
            {
                fields = fields.and(name, value);
            }
        } else {
            if name == "content-length" {
                fields = fields.length(6);
            }
            fields = fields.and(name, value);
        }
        refused(what, fields);
    }
    for (what, name, value) in VALUES {
        refused(what, Fields::get("/x").but(name, value));
    }
    for name in [":method", ":scheme", ":path"] {
        refused(&format!("a request without {name}"), Fields::get("/x").without(name));
    }
    refused("a request without any host", Fields::get("/x").without(":authority"));
    refused(
        "a second :method",
        Fields::default().and(":method", "POST").and_all(&Fields::get("/x")),
    );
    refused(
        "a second :authority",
        Fields::default().and(":authority", "b").and_all(&Fields::get("/x")),
    );
    refused(
        "a pseudo header after others",
        Fields::default().and("x", "1").and_all(&Fields::get("/x")),
    );
    refused("two Hosts", Fields::get("/x").without(":authority").and("host", "a").and("host", "b"));
    for length in LENGTHS {
        refused(&format!("the length {length:?}"), Fields::get("/x").and("content-length", length));
    }
    cases.extend([
        Case::new("h2 heads", "an index of no entry is refused", |stand| {
            block(stand, &[0xff, 0xff, 0x03]);
        }),
        Case::new("h2 heads", "the index 0 is refused", |stand| block(stand, &[0x80])),
        Case::new("h2 heads", "a block that ends half way is refused", |stand| {
            block(stand, &[0x00, 0x05, b'x']);
        }),
        Case::new("h2 heads", "an endless integer is refused", |stand| block(stand, &[0xff; 40])),
        Case::new("h2 heads", "a table larger than allowed is refused", |stand| {
            block(stand, &[0x3f, 0xff, 0xff, 0xff, 0x07]);
        }),
        Case::new("h2 heads", "Huffman's code with a wrong end is refused", |stand| {
            // Eight bits of padding and more.
            block(stand, &[0x00, 0x81, 0xff, 0x01, b'1']);
        }),
        Case::new("h2 heads", "a head of 1 MB is refused", large),
        Case::new("h2 heads", "5000 headers are refused", many),
        Case::new("h2 heads", "a target of 200 kB is refused", |stand| {
            is_refused(stand, &Fields::get(&format!("/{}", "x".repeat(200_000))));
        }),
        Case::new("h2 heads", "few bytes that unfold to 100 MB are refused", unfolding),
        Case::new("h2 heads", "spaces around a value never go on", spaces),
    ]);
    cases
}

/// A request whose block is this, or has this at its end.
fn block(stand: &Stand, end: &[u8]) {
    let mut frames = stand.frames();
    let stream = frames.stream();
    let block = [&Fields::get("/x").block(), end].concat();
    frames.send(frames::HEADERS, END_HEADERS | END_STREAM, stream, &block);
    is_no(&frames.told(stream));
    never("it went on", || !stand.homeserver.seen("").is_empty());
    super::others_are_served(stand);
}

fn large(stand: &Stand) {
    is_refused(stand, &Fields::get("/x").and("x", "x".repeat(1_000_000)));
}

fn many(stand: &Stand) {
    let fields = (0..5000)
        .fold(Fields::get("/x"), |fields, index| fields.and(&format!("x-{index}"), "y".repeat(20)));
    is_refused(stand, &fields);
}

/// One large entry of the table, named by a byte each time.
fn unfolding(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.stream();
    let mut block = Fields::get("/x").block();
    block.extend([0x40, 1, b'x']);
    block.extend(frames::integer(4000, 0x7f, 0));
    block.extend([b'y'; 4000]);
    block.extend(vec![0xbe; 25_000]);
    let (first, rest) = block.split_at(frames::LARGEST);
    frames.send(frames::HEADERS, END_STREAM, stream, first);
    frames.send(frames::CONTINUATION, END_HEADERS, stream, rest);
    is_no(&frames.told(stream));
    never("it went on", || !stand.homeserver.seen("").is_empty());
}

fn spaces(stand: &Stand) {
    let _ = stand.frames().ask(&Fields::get("/x").and("x", " \t1 \t"));
    for seen in stand.homeserver.forwarded() {
        let raw = String::from_utf8_lossy(&seen.head.raw).to_lowercase();
        assert!(raw.contains("\r\nx: 1\r\n"), "they went on");
    }
}
