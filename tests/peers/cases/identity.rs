//! Identity: whose request it is, and for which host (RFC 9110 §7.2, §7.6; RFC 9112 §3.2).

use super::{Case, HIDDEN, is_refused, never, taken};
use crate::stand::Stand;
use crate::support::Request;
use crate::support::wire::find;

/// Hosts that are none, or two.
const HOSTS: [(&str, &str); 7] = [
    ("no Host", ""),
    ("two Hosts", "Host: a\r\nHost: b\r\n"),
    ("the same Host twice", "Host: a\r\nHost: a\r\n"),
    ("an empty Host", "Host:\r\n"),
    ("a Host of two words", "Host: a b\r\n"),
    ("a Host with a user", "Host: user@a\r\n"),
    ("a Host with a path", "Host: a/b\r\n"),
];

/// Targets that have to arrive as they are.
pub(super) const TARGETS: [&str; 8] = [
    "/a%2Fb",
    "//a//b",
    "/a%zz",
    "/a/../b/./c",
    "/a;b=c",
    "/a?b=%20&c=+&d=%2525",
    "/a?b?c",
    "/%F0%9F%98%80!$&'()*+,;=:@",
];

pub(super) fn cases() -> Vec<Case> {
    let case =
        |name: String, act: Box<dyn Fn(&Stand) + Send + Sync>| Case::new("identity", name, act);
    let mut cases = Vec::new();
    for (what, lines) in HOSTS {
        let head = format!("GET /x HTTP/1.1\r\n{lines}\r\n");
        let name = format!("{what} is refused");
        cases.push(case(name, Box::new(move |stand| is_refused(stand, &head))));
    }
    for target in TARGETS {
        let name = format!("{target} arrives as it is");
        cases.push(case(name, Box::new(move |stand| as_it_is(stand, target))));
    }
    cases.extend([
        Case::new("identity", "the host of an absolute target is the Host", absolute),
        Case::new("identity", "a fragment never goes on", fragment),
        Case::new("identity", "what Connection names ends here", nominated),
        Case::new("identity", "what Connection of the answer names ends here", answered),
        Case::new("identity", "what belongs to one hop ends here", hop_by_hop),
        Case::new("identity", "Connection cannot take away what matters", kept),
        Case::new("identity", "a stranger's X-Forwarded-For is not the last word", forwarded_for),
        Case::new("identity", "CONNECT opens nothing", connect),
        Case::new("identity", "OPTIONS * arrives, or is refused", asterisk),
    ]);
    cases
}

fn as_it_is(stand: &Stand, target: &str) {
    assert_eq!(stand.ask(&Request::get(target)).status, 200);
    assert_eq!(stand.homeserver.only().target(), target);
}

fn absolute(stand: &Stand) {
    let request = Request::get("http://real.example/x").without("Host").line("Host: other.example");
    if stand.ask(&request).status == 200 {
        assert_eq!(stand.homeserver.only().head.header("host"), Some("real.example"));
    }
}

fn fragment(stand: &Stand) {
    let _ = taken(stand, Request::get("/x#/../y").bytes());
    for seen in stand.homeserver.forwarded() {
        assert!(!seen.target().contains('#'), "{}", seen.target());
    }
}

fn nominated(stand: &Stand) {
    let request = Request::get("/x")
        .line("Connection: X-One")
        .line("X-One: 1")
        .line("Connection: keep-alive, X-Two")
        .line("X-Two: 2")
        .line("X-Three: 3");
    assert_eq!(stand.ask(&request).status, 200);
    let seen = stand.homeserver.only();
    assert!(seen.head.all("x-one").is_empty() && seen.head.all("x-two").is_empty());
    assert_eq!(seen.head.header("x-three"), Some("3"));
}

fn answered(stand: &Stand) {
    stand.homeserver.on("/", |exchange| {
        exchange.read_body();
        exchange.send(
            "HTTP/1.1 200 OK\r\nConnection: X-One\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: timeout=5\r\n\
             Content-Length: 2\r\n\r\nok",
        );
    });
    let answer = stand.ask(&Request::get("/x"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert!(answer.header("x-one").is_none(), "X-One went on");
    assert_eq!(answer.header("x-two"), Some("2"));
}

fn hop_by_hop(stand: &Stand) {
    let request = Request::get("/x")
        .line("Keep-Alive: timeout=5")
        .line("Proxy-Connection: keep-alive")
        .line("TE: gzip")
        .line("Upgrade: h2c");
    assert_eq!(stand.ask(&request).status, 200);
    let seen = stand.homeserver.only();
    for gone in ["keep-alive", "proxy-connection", "upgrade"] {
        assert!(seen.head.all(gone).is_empty(), "{gone} went on");
    }
    assert!(!seen.head.all("te").contains(&"gzip"), "TE: gzip went on");
}

fn kept(stand: &Stand) {
    let request = Request::post("/x")
        .line("Connection: Host, Content-Length, Authorization, X-Forwarded-For")
        .token("alice")
        .body(b"hello");
    let answer = stand.ask(&request);
    if answer.status != 200 {
        assert_eq!(answer.status, 400);
        return;
    }
    let seen = stand.homeserver.only();
    assert_eq!(seen.head.header("host"), Some("matrix.example.org"));
    assert_eq!(seen.head.header("content-length"), Some("5"));
    assert_eq!(seen.head.header("authorization"), Some("Bearer alice"));
    assert_eq!(seen.body, b"hello");
}

fn forwarded_for(stand: &Stand) {
    assert_eq!(stand.ask(&Request::get("/x").line("X-Forwarded-For: 1.2.3.4")).status, 200);
    let seen = stand.homeserver.only();
    let all = seen.head.all("x-forwarded-for").join(", ");
    assert_eq!(all.rsplit(',').next().map(str::trim), Some("127.0.0.1"), "{all}");
}

fn connect(stand: &Stand) {
    let head = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";
    let mut client = stand.client();
    client.send([head, HIDDEN].concat());
    if let Ok(Some(head)) = client.wire.head() {
        assert_ne!(head.word(1), "200", "a tunnel was opened");
    }
    never("what was in the tunnel went on", || {
        let seen = stand.homeserver.forwarded();
        seen.iter().any(|seen| find(&seen.body, HIDDEN.as_bytes()).is_some())
    });
}

fn asterisk(stand: &Stand) {
    let answer = stand.ask(&Request::new("OPTIONS", "*"));
    assert!([200, 400, 404, 405].contains(&answer.status), "{}", answer.status);
    for seen in stand.homeserver.forwarded() {
        assert!(["*", "/"].contains(&seen.target()), "{}", seen.target());
    }
}
