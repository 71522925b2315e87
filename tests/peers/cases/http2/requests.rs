//! Requests: whose they are, and for which host; what arrives of them.

use super::{Case, is_no, is_refused, never};
use crate::cases::identity::TARGETS;
use crate::frames::{self, END_HEADERS, END_STREAM, Fields, PADDED};
use crate::stand::Stand;
use crate::support::eventually;

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, act: fn(&Stand)| Case::new("h2 requests", name, act);
    let mut cases = Vec::new();
    for target in TARGETS {
        let name = format!("{target} arrives as it is");
        cases.push(Case::new("h2 requests", name, move |stand| {
            assert_eq!(stand.frames().ask(&Fields::get(target)).status, 200);
            assert_eq!(stand.homeserver.only().target(), target);
        }));
    }
    cases.extend([
        case("another Host than the authority is refused, or ignored", two_words),
        case("the same Host beside the authority is one Host", one_word),
        case("a Host without an authority is the Host", host_alone),
        case("a fragment never goes on", fragment),
        case("crumbs of a cookie arrive as one", cookies),
        case("a stranger's X-Forwarded-For is not the last word", forwarded_for),
        case("TE: trailers is allowed", te_trailers),
        case("what belongs to one hop of an answer ends here", hop_by_hop),
        case("CONNECT opens nothing", connect),
        case("CONNECT with a path is refused", |stand| {
            is_refused(stand, &Fields::of("CONNECT", "/x"));
        }),
        case("OPTIONS * arrives, or is refused", asterisk),
        case("methods nobody knows pass", methods),
        case("an answer to HEAD has no body", head),
        case("answers 204 and 304 have no body", bodiless),
        case("a hundred requests share a connection", hundred),
        case("a head in many frames arrives whole", continued),
        case("a frame with padding and priority arrives", padded),
        case("a client that gives up waiting takes its request back", gives_up),
        case("a poll may be silent for longer than a head may take", long_poll),
        case("an answer that makes no sense is 502", garbage),
        case("nobody there is 502 or 503", nobody),
        case("a 103 before an answer does no harm", early_hints),
    ]);
    cases
}

fn two_words(stand: &Stand) {
    let told = stand.frames().ask(&Fields::get("/x").and("host", "other.example"));
    if told.status == 200 {
        assert_eq!(stand.homeserver.only().head.all("host"), ["matrix.example.org"]);
    } else {
        is_no(&told);
    }
}

fn one_word(stand: &Stand) {
    let fields = Fields::get("/x").and("host", "matrix.example.org");
    assert_eq!(stand.frames().ask(&fields).status, 200);
    assert_eq!(stand.homeserver.only().head.all("host"), ["matrix.example.org"]);
}

fn host_alone(stand: &Stand) {
    let fields = Fields::get("/x").without(":authority").and("host", "matrix.example.org");
    assert_eq!(stand.frames().ask(&fields).status, 200);
    assert_eq!(stand.homeserver.only().head.all("host"), ["matrix.example.org"]);
}

fn fragment(stand: &Stand) {
    let _ = stand.frames().ask(&Fields::get("/x#/../y"));
    for seen in stand.homeserver.forwarded() {
        assert!(!seen.target().contains('#'), "{}", seen.target());
    }
}

fn cookies(stand: &Stand) {
    let fields = Fields::get("/x").and("cookie", "a=1").and("x", "1").and("cookie", "b=2");
    assert_eq!(stand.frames().ask(&fields).status, 200);
    assert_eq!(stand.homeserver.only().head.all("cookie"), ["a=1; b=2"]);
}

fn forwarded_for(stand: &Stand) {
    let fields = Fields::get("/x").and("x-forwarded-for", "1.2.3.4");
    assert_eq!(stand.frames().ask(&fields).status, 200);
    let seen = stand.homeserver.only();
    let all = seen.head.all("x-forwarded-for").join(", ");
    assert_eq!(all.rsplit(',').next().map(str::trim), Some("127.0.0.1"), "{all}");
}

fn te_trailers(stand: &Stand) {
    assert_eq!(stand.frames().ask(&Fields::get("/x").and("te", "trailers")).status, 200);
}

/// How long the head is tells that the long header is not there, however its letters are packed.
fn hop_by_hop(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send(format!(
            "HTTP/1.1 200 OK\r\nConnection: X-One\r\nX-One: {}\r\nKeep-Alive: timeout=5\r\n\
             Content-Length: 2\r\n\r\nok",
            "y".repeat(2000)
        ));
    });
    let mut frames = stand.frames();
    let told = frames.ask(&Fields::get("/x"));
    assert_eq!((told.status, told.body.as_slice()), (200, &b"ok"[..]));
    assert!(frames.heads < 1000, "what Connection named went on");
}

fn connect(stand: &Stand) {
    let fields = Fields::default().and(":method", "CONNECT").and(":authority", "example.org:443");
    let mut frames = stand.frames();
    let stream = frames.begin(&fields, false);
    frames.body(stream, super::super::HIDDEN.as_bytes(), false);
    let told = frames.until(stream, |told| told.status > 0);
    assert_ne!(told.status, 200, "a tunnel was opened");
    never("what was in the tunnel went on", || !stand.homeserver.seen("/smuggled").is_empty());
}

fn asterisk(stand: &Stand) {
    let told = stand.frames().ask(&Fields::of("OPTIONS", "*"));
    if told.status != 200 {
        is_no(&told);
    }
    for seen in stand.homeserver.forwarded() {
        assert!(["*", "/"].contains(&seen.target()), "{}", seen.target());
    }
}

fn methods(stand: &Stand) {
    let mut frames = stand.frames();
    for method in ["PATCH", "DELETE", "PROPFIND", "BREW"] {
        assert_eq!(frames.ask(&Fields::of(method, "/x")).status, 200, "{method}");
        assert_eq!(stand.homeserver.forwarded().pop().unwrap().method(), method);
    }
}

fn head(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
    });
    let mut frames = stand.frames();
    let told = frames.ask(&Fields::of("HEAD", "/x"));
    assert_eq!((told.status, told.whole, told.body.len()), (200, true, 0));
    super::goes_on(&mut frames);
}

fn bodiless(stand: &Stand) {
    for status in ["204 No Content", "304 Not Modified"] {
        stand.homeserver.on("/x", move |exchange| {
            exchange.read_body();
            exchange.send(format!("HTTP/1.1 {status}\r\n\r\n"));
        });
        let mut frames = stand.frames();
        let told = frames.ask(&Fields::get("/x"));
        assert_eq!((told.status.to_string().as_str(), told.whole), (&status[..3], true));
        super::goes_on(&mut frames);
    }
}

fn hundred(stand: &Stand) {
    let mut frames = stand.frames();
    assert!(frames.comes(frames::SETTINGS, 1));
    let streams: Vec<_> = (0..100).map(|_| frames.begin(&Fields::get("/x"), true)).collect();
    for stream in streams {
        assert_eq!(frames.told(stream).status, 200);
    }
    assert_eq!(stand.homeserver.forwarded().len(), 100);
}

fn continued(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.stream();
    let block = Fields::get("/x").and("x-sum", "abcdef").block();
    let pieces: Vec<_> = block.chunks(20).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let kind = if index == 0 { frames::HEADERS } else { frames::CONTINUATION };
        let end = if index == 0 { END_STREAM } else { 0 };
        let last = if index + 1 == pieces.len() { END_HEADERS } else { 0 };
        frames.send(kind, end | last, stream, piece);
    }
    assert_eq!(frames.told(stream).status, 200);
    assert_eq!(stand.homeserver.only().head.header("x-sum"), Some("abcdef"));
}

fn padded(stand: &Stand) {
    let mut frames = stand.frames();
    let stream = frames.stream();
    let head = [&[7, 0, 0, 0, 0, 15], &Fields::post("/x").length(5).block()[..], &[0; 7]].concat();
    frames.send(frames::HEADERS, END_HEADERS | PADDED | 0x20, stream, &head);
    let body = [&[3], &b"hello"[..], &[0; 3]].concat();
    frames.send(frames::DATA, END_STREAM | PADDED, stream, &body);
    assert_eq!(frames.told(stream).status, 200);
    assert_eq!(stand.homeserver.only().body, b"hello");
}

fn gives_up(stand: &Stand) {
    let gone = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = gone.clone();
    stand.homeserver.on("/x", move |exchange| {
        exchange.read_body();
        exchange.hang();
        told.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let mut frames = stand.frames();
    let stream = frames.begin(&Fields::get("/x"), true);
    eventually("it waits", || !stand.homeserver.seen("/x").is_empty());
    frames.reset(stream);
    eventually("it is taken back", || gone.load(std::sync::atomic::Ordering::SeqCst));
    super::goes_on(&mut frames);
}

fn long_poll(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        std::thread::sleep(std::time::Duration::from_secs(4));
        exchange.answer(200, "{}");
    });
    assert_eq!(stand.frames().ask(&Fields::get("/x")).status, 200);
}

fn garbage(stand: &Stand) {
    for answer in [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX: 1\x002\r\nContent-Length: 0\r\n\r\n",
        "",
    ] {
        stand.homeserver.on("/x", move |exchange| {
            exchange.read_body();
            exchange.send(answer);
            exchange.close();
        });
        assert_eq!(stand.frames().ask(&Fields::get("/x")).status, 502, "{answer:?}");
    }
}

fn nobody(stand: &Stand) {
    stand.homeserver.stop_listening();
    let status = stand.frames().ask(&Fields::get("/x")).status;
    assert!([502, 503].contains(&status), "{status}");
}

fn early_hints(stand: &Stand) {
    stand.homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        exchange.answer(200, "{}");
    });
    assert_eq!(stand.frames().ask(&Fields::get("/x")).status, 200);
}
