//! What crosses the hop, and what belongs to one side of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::client::UPLOAD;
use crate::support::homeserver::WHOAMI;
use crate::support::wire::{chunk, find};
use crate::support::{Ended, Exchange, Homeserver, Request, Sidecar, bytes};

const GET: &str = "/_matrix/client/v3/sync";

#[test]
fn what_belongs_to_the_clients_connection_ends_here() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for request in [Request::get(GET).token("alice"), Request::upload().body(b"x")] {
        let request = request
            .line("Connection: keep-alive, X-One,X-Two")
            .line("X-One: 1")
            .line("Connection: X-Three")
            .line("X-Two: 2")
            .line("X-Three: 3")
            .line("Keep-Alive: timeout=5")
            .line("Proxy-Connection: keep-alive")
            .line("TE: gzip")
            .line("Upgrade: h2c")
            .line("X-Four: 4")
            .line("X-Many: a")
            .line("X-Many: b");
        assert_eq!(sidecar.ask(&request).status, 200);
    }
    for seen in homeserver.forwarded() {
        for gone in [
            "x-one",
            "x-two",
            "x-three",
            "keep-alive",
            "proxy-connection",
            "te",
            "upgrade",
            "connection",
        ] {
            assert!(seen.head.all(gone).is_empty(), "{gone}: {:?}", seen.head);
        }
        assert_eq!(seen.head.header("x-four"), Some("4"));
        assert_eq!(seen.head.all("x-many"), ["a", "b"]);
        assert_eq!(seen.head.header("authorization"), Some("Bearer alice"));
        assert_eq!(seen.head.header("host"), Some("matrix.example.org"));
    }
}

#[test]
fn what_belongs_to_the_homeservers_connection_ends_here() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on("/", |exchange| {
        exchange.read_body();
        if exchange.head.word(1).starts_with(WHOAMI) {
            return exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#);
        }
        exchange.send(
            "HTTP/1.1 200 Fine\r\nConnection: keep-alive, X-One\r\nX-One: 1\r\nConnection: X-Two\r\n\
             X-Two: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n\
             Server: homeserver\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
        );
    });
    for request in [Request::get(GET), Request::upload().body(b"x")] {
        let answer = sidecar.ask(&request);
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
        for gone in ["x-one", "x-two", "keep-alive", "proxy-connection", "upgrade"] {
            assert!(answer.header(gone).is_none(), "{gone}: {:?}", answer.head);
        }
        assert_eq!(answer.header("server"), Some("homeserver"));
        assert_eq!(answer.head.all("set-cookie"), ["a", "b"]);
    }
}

#[test]
fn nobody_can_have_what_matters_taken_away() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let request = Request::upload()
        .line("Connection: Host, Content-Length, Authorization, X-Forwarded-For, Content-Type")
        .line("X-Forwarded-For: 192.0.2.1")
        .line("Content-Type: image/png")
        .body(&bytes(1000));
    assert_eq!(sidecar.ask(&request).status, 200);
    let seen = homeserver.only();
    for (name, value) in [
        ("host", "matrix.example.org"),
        ("content-length", "1000"),
        ("authorization", "Bearer alice"),
        ("x-forwarded-for", "192.0.2.1"),
        ("content-type", "image/png"),
    ] {
        assert_eq!(seen.head.header(name), Some(value));
    }
    assert_eq!((seen.body, sidecar.used()), (bytes(1000), 1000));
}

#[test]
fn host_is_kept_and_has_to_be_clear() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for host in ["matrix.example.org", "matrix.example.org:8448", "[::1]:8008", "EXAMPLE.org"] {
        let request = Request::get("/host").without("Host").line(&format!("Host: {host}"));
        assert_eq!(sidecar.ask(&request).status, 200);
        assert_eq!(homeserver.seen("/host").pop().unwrap().head.header("host"), Some(host));
    }
    let count = homeserver.forwarded().len();
    let odd: [&[&str]; 7] = [
        &[],
        &["Host: a", "Host: a"],
        &["Host: a", "Host: b"],
        &["Host:"],
        &["Host: user@a"],
        &["Host: a b"],
        &["Host: a/b"],
    ];
    for lines in odd {
        for request in [Request::get("/host"), Request::upload()] {
            let request = lines.iter().fold(request.without("Host"), |it, line| it.line(line));
            assert_eq!(sidecar.ask(&request).status, 400, "{lines:?}");
        }
    }
    assert_eq!(homeserver.forwarded().len(), count);
}

#[test]
fn an_absolute_target_says_the_host() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let request = Request::get("http://other.example.org:80/x?y").line("X: 1");
    assert_eq!(sidecar.ask(&request).status, 200);
    let seen = homeserver.only();
    assert_eq!((seen.target(), seen.head.header("host")), ("/x?y", Some("other.example.org:80")));
}

#[test]
fn a_stranger_cannot_say_who_the_client_is() {
    let told = |request: Request| {
        request
            .line("X-Forwarded-For: 192.0.2.1, 192.0.2.2")
            .line("X-Forwarded-For: 192.0.2.3")
            .line("X-Real-IP: 192.0.2.1")
            .line("Forwarded: for=192.0.2.1")
    };
    for request in [told(Request::get(GET)), told(Request::upload().body(b"x"))] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver);
        let sidecar = sidecar.proxy(|proxy| proxy.trusted_proxies.clear()).start();
        assert_eq!(sidecar.ask(&request).status, 200);
        let seen = homeserver.only();
        assert_eq!(seen.head.all("x-forwarded-for"), ["127.0.0.1"]);
        assert!(seen.head.all("x-real-ip").is_empty() && seen.head.all("forwarded").is_empty());

        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        assert_eq!(sidecar.ask(&request).status, 200);
        let seen = homeserver.only();
        assert_eq!(
            seen.head.all("x-forwarded-for"),
            ["192.0.2.1, 192.0.2.2", "192.0.2.3"],
            "a trusted proxy is believed"
        );
        assert_eq!(seen.head.header("x-real-ip"), Some("192.0.2.1"));
        assert_eq!(seen.head.header("forwarded"), Some("for=192.0.2.1"));
    }
}

#[test]
fn both_sides_may_be_unix_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let (up, down) = (folder.path().join("up.sock"), folder.path().join("down.sock"));
    let homeserver = Homeserver::on_socket(&up);
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").proxy(|proxy| {
        proxy.trusted_proxies.clear();
        proxy.listen = vec![format!("unix:{}", down.display()).parse().unwrap()];
    });
    let sidecar = sidecar.start();
    let request = Request::upload().line("X-Forwarded-For: 192.0.2.1").body(&bytes(1000));
    assert_eq!(sidecar.ask(&request).status, 200);
    assert_eq!(sidecar.used(), 1000);
    let seen = homeserver.only();
    assert_eq!(seen.head.header("x-forwarded-for"), Some("192.0.2.1"), "it is a neighbour");
    assert_eq!(seen.head.header("host"), Some("matrix.example.org"));
    assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
    drop(sidecar);
    assert!(!down.exists(), "the socket file is removed");
}

#[test]
fn every_address_is_served() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("in.sock").display());
    let sidecar = Sidecar::before(&homeserver)
        .proxy(|proxy| {
            let addresses = ["127.0.0.1:0", "[::1]:0", "127.0.0.2:0", &socket];
            proxy.listen = addresses.map(|address| address.parse().unwrap()).into();
        })
        .limit("1MB/never")
        .start();
    // Each may reach any runtime of it.
    for _ in 0..4 {
        for mut client in sidecar.clients() {
            assert_eq!(client.ask(&Request::upload().body(&bytes(10))).status, 200);
        }
    }
    sidecar.comes_to(160);
}

#[test]
fn trailers_pass_both_ways() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    homeserver.on("/_matrix/media/", |exchange| {
        exchange.read_body();
        exchange.send(
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n",
        );
    });
    let request = Request::upload().line("TE: trailers").line("Trailer: X-Sum").chunked();
    for request in [
        request.clone(),
        Request::new("PUT", "/_matrix/media/v3/thumbnail")
            .line("TE: trailers")
            .line("Trailer: X-Sum")
            .chunked(),
    ] {
        let mut client = sidecar.client();
        client.send(request.head());
        client.send(chunk(&bytes(1000)));
        client.send("0\r\nX-Sum: 1000\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
        assert_eq!(answer.trailers.join("\n").to_lowercase(), "x-sum: 2");
    }
    for seen in homeserver.forwarded() {
        assert_eq!((seen.body.len(), seen.ended), (1000, Ended::Whole));
        assert_eq!(seen.trailers.join("\n").to_lowercase(), "x-sum: 1000");
    }
    assert_eq!(sidecar.used(), 1000);
}

#[test]
fn trailers_are_no_headers() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(b"hello"));
    client.send("0\r\nAuthorization: Bearer bob\r\nContent-Length: 1\r\nHost: b\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    let seen = homeserver.only();
    assert_eq!(
        (seen.body, sidecar.used(), sidecar.usage("bob").used.get()),
        (b"hello".into(), 5, 0)
    );
    assert_eq!(seen.head.header("authorization"), Some("Bearer alice"));
}

#[test]
fn answers_without_a_body_have_none() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on("/head", |it| it.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"));
    homeserver.on("/204", |it| it.send("HTTP/1.1 204 No\r\nETag: x\r\n\r\n"));
    homeserver
        .on("/304", |it| it.send("HTTP/1.1 304 Same\r\nContent-Length: 7\r\nETag: x\r\n\r\n"));
    let mut client = sidecar.client();
    for _ in 0..2 {
        let answer = client.ask(&Request::new("HEAD", "/head"));
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("5000")));
        assert_eq!(client.ask(&Request::get("/204")).status, 204);
        let answer = client.ask(&Request::get("/304"));
        assert_eq!((answer.status, answer.header("etag")), (304, Some("x")));
        assert_eq!(client.ask(&Request::get(GET)).text(), "{}");
    }
}

#[test]
fn methods_nobody_knows_pass() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for method in ["PROPFIND", "PATCH", "DELETE", "TRACE", "FOO", "m-search", "OPTIONS"] {
        let answer = sidecar.ask(&Request::new(method, "/x").body(b"body"));
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(homeserver.forwarded().pop().unwrap().method(), method);
    }
    assert_eq!(sidecar.ask(&Request::new("CONNECT", "example.org:443")).status, 404);
}

/// What a smuggler hides in a body.
const HIDDEN: &str = "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_head_whose_framing_can_be_read_in_two_ways_is_refused() {
    let rows: [&[&str]; 20] = [
        &["Transfer-Encoding: gzip, chunked"],
        &["Transfer-Encoding: chunked, gzip"],
        &["Transfer-Encoding: identity"],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: xchunked"],
        &["Transfer-Encoding: \"chunked\""],
        &["Transfer-Encoding: \x0bchunked"],
        &["Transfer-Encoding : chunked"],
        &["Transfer-Encoding:"],
        &["Content-Length: 5, 5"],
        &["Content-Length: 5, 6"],
        &["Content-Length: 5", "Content-Length: 6"],
        &["Content-Length: +5"],
        &["Content-Length: -5"],
        &["Content-Length: 0x5"],
        &["Content-Length: 1_0"],
        &["Content-Length: 18446744073709551621"],
        &["Content-Length:"],
    ];
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for lines in rows {
        for request in [Request::upload(), Request::post("/x")] {
            let request = lines.iter().fold(request, |request, line| request.line(line));
            let mut client = sidecar.client();
            client.send(request.head());
            let _ = client.try_send(HIDDEN);
            assert!([400, 501].contains(&client.answer().status), "{lines:?}");
        }
    }
    assert!(homeserver.forwarded().is_empty(), "{:?}", homeserver.forwarded());
}

#[test]
fn chunks_in_http_1_0_are_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let mut client = sidecar.client();
    client.send(format!(
        "POST {UPLOAD} HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer alice\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
    ));
    assert_eq!(client.answer().status, 400);
    client.wire.wait_gone();
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_length_beside_chunks_hides_no_request() {
    let chunks = [chunk(b"hello"), b"0\r\n\r\n".to_vec()].concat();
    let rows = [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 500", "Transfer-Encoding: chunked"],
        ["Content-Length: 0", "Transfer-Encoding: Chunked"],
    ];
    for lines in rows {
        for request in [Request::upload(), Request::post("/x")] {
            let homeserver = Homeserver::start();
            let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
            let request = lines.iter().fold(request, |request, line| request.line(line));
            let mut client = sidecar.client();
            client.send(request.head());
            client.send(&chunks);
            client.send(HIDDEN);
            let status = client.answer().status;
            assert!([200, 400].contains(&status), "{lines:?}: {status}");
            client.finish();
            client.wire.wait_gone();
            assert!(homeserver.seen("/smuggled").is_empty(), "{lines:?}");
            for seen in homeserver.forwarded() {
                assert!(seen.head.header("content-length").is_none(), "{lines:?}");
                assert_eq!((seen.body.as_slice(), seen.ended), (&b"hello"[..], Ended::Whole));
            }
            let used = if homeserver.seen(UPLOAD).is_empty() { 0 } else { 5 };
            sidecar.comes_to(used);
        }
    }
}

#[test]
fn a_get_with_a_body_is_one_request() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let mut client = sidecar.client();
    assert_eq!(client.ask(&Request::get("/x").body(HIDDEN.as_bytes())).status, 200);
    assert_eq!(client.ask(&Request::get("/y").chunks(HIDDEN.as_bytes())).status, 200);
    assert_eq!(client.ask(&Request::get("/z")).status, 200);
    let targets: Vec<_> =
        homeserver.forwarded().iter().map(|seen| seen.target().to_owned()).collect();
    assert_eq!(targets, ["/x", "/y", "/z"]);
}

#[test]
fn a_head_that_is_none_is_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for odd in [
        "GET /x HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "G@T /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03\r\n\r\n",
    ] {
        let mut client = sidecar.client();
        client.send(odd);
        // An answer, or the end; never a request.
        client.finish();
        let answer = client.wire.rest();
        let told = String::from_utf8_lossy(&answer);
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 400"), "{odd:?}: {told}");
    }
    assert!(homeserver.seen("").is_empty());
}

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

#[test]
fn a_get_survives_a_connection_that_closed_meanwhile() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    // The worst moment: the connection looks good until a second request is on it.
    let on_it = std::sync::Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    homeserver.on("/get", move |exchange| {
        let port = format!("{:?}", exchange.wire.stream);
        if on_it.lock().unwrap().insert(port) {
            exchange.read_body();
            exchange.answer(200, "{}");
        } else {
            exchange.close();
        }
    });
    let mut client = sidecar.client();
    for _ in 0..20 {
        assert_eq!(client.ask(&Request::get("/get")).status, 200);
    }
}

#[test]
fn a_post_is_delivered_once_at_most() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let count = std::sync::Arc::new(AtomicUsize::new(0));
    let delivered = count.clone();
    homeserver.on("/post", move |exchange| {
        exchange.read_body();
        if delivered.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            exchange.answer(200, "{}");
        }
        exchange.close();
    });
    let sent = 20;
    let mut client = sidecar.client();
    for _ in 0..sent {
        let status = client.ask(&Request::post("/post").body(b"x")).status;
        assert!([200, 502].contains(&status), "{status}");
    }
    assert!(count.load(Ordering::SeqCst) <= sent);
}

#[test]
fn an_upload_never_goes_over_a_connection_that_was_used() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1GB/never").start();
    for _ in 0..5 {
        assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
        assert_eq!(sidecar.upload(1000), 200);
    }
    let seen = homeserver.seen("");
    for upload in seen.iter().filter(|seen| seen.target() == UPLOAD) {
        let others = seen.iter().filter(|other| other.connection == upload.connection);
        assert_eq!(others.count(), 1);
    }
}

#[test]
fn a_homeserver_that_restarts_is_found_again() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(sidecar.upload(10), 200);
    let port = homeserver.port();
    homeserver.stop_listening();
    sidecar.ask(&Request::get(GET)).is_refusal(502, "M_UNKNOWN");
    assert_eq!(sidecar.upload(10), 502);
    let again = Homeserver::on_port(port);
    assert_eq!(sidecar.ask(&Request::get(GET)).status, 200);
    assert_eq!(sidecar.upload(10), 200);
    assert_eq!(again.forwarded().len(), 2);
}

/// Answers an upgrade, then sends back whatever comes.
fn echo(exchange: &mut Exchange) {
    exchange.send(
        "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\n\r\n",
    );
    while let Ok(came) = exchange.wire.some(64 * 1024) {
        if came.is_empty() {
            break;
        }
        exchange.send(came);
    }
    exchange.close();
}

fn upgrade(target: &str) -> Request {
    Request::get(target)
        .line("Connection: keep-alive, Upgrade")
        .line("Upgrade: websocket")
        .line("Sec-WebSocket-Key: abc")
}

#[test]
fn an_upgrade_becomes_a_tunnel_that_may_be_silent() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| {
            limits.body_idle_timeout = std::time::Duration::from_millis(50);
            limits.head_timeout = std::time::Duration::from_millis(50);
        })
        .start();
    homeserver.on("/ws", echo);
    let mut client = sidecar.client();
    client.send(upgrade("/ws").head());
    let answer = client.head("GET");
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert!(answer.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(answer.header("x-own"), Some("1"));
    client.send("hello");
    assert_eq!(client.wire.exactly(5).unwrap(), b"hello");
    // Past every limit.
    std::thread::sleep(std::time::Duration::from_millis(300));
    client.send(bytes(1_000_000));
    assert_eq!(client.wire.exactly(1_000_000).unwrap(), bytes(1_000_000));
    let seen = homeserver.only();
    assert_eq!(seen.head.header("upgrade"), Some("websocket"));
    assert_eq!(seen.head.header("sec-websocket-key"), Some("abc"));
    client.finish();
    assert!(client.is_closed());
}

#[test]
fn after_a_refused_upgrade_bytes_are_requests() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    let mut client = sidecar.client();
    // Sent at once, as if it were a tunnel already.
    client.send([upgrade("/ws").head(), Request::upload().body(b"x").bytes()].concat());
    assert_eq!(client.answer_to("GET").status, 200);
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(homeserver.only().target(), "/ws");
}

#[test]
fn an_upgrade_to_more_http_is_an_ordinary_request() {
    for lines in [
        ["Upgrade: h2c", ""],
        ["Upgrade: HTTP/2.0", ""],
        ["Upgrade: TLS/1.0", ""],
        ["Upgrade: websocket, H2C", ""],
        ["Upgrade: websocket", "Upgrade: h2c"],
        ["Upgrade: h2c", "Upgrade: websocket"],
    ] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).limit("0").start();
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        let request = Request::get("/x")
            .line("Connection: Upgrade")
            // Named in Connection or not, it goes.
            .line("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA");
        let request = lines.fold(request, Request::line);
        let mut client = sidecar.client();
        // What follows is a request like any other, and metered.
        client.send([request.head(), Request::upload().body(b"x").bytes()].concat());
        assert_eq!(client.answer_to("GET").status, 200);
        client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
        let seen = homeserver.only();
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert!(seen.head.all(gone).is_empty(), "{gone}: {:?}", seen.head);
        }
        // A homeserver that switches all the same is not followed.
        homeserver.on("/x", echo);
        assert_eq!(sidecar.ask(&request).status, 502);
    }
}

#[test]
fn an_upload_never_becomes_a_tunnel() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    for target in [UPLOAD, "/_matrix/media/v1/create"] {
        let request = Request::post(target)
            .token("alice")
            .line("Connection: Upgrade")
            .line("Upgrade: websocket")
            .body(&bytes(10));
        assert_eq!(sidecar.ask(&request).status, 200);
        let seen = homeserver.forwarded().pop().unwrap();
        assert!(seen.head.all("upgrade").is_empty() && seen.head.all("connection").is_empty());
    }
    // Not even if the homeserver would like to.
    homeserver.on("/_matrix/media/", |exchange| {
        exchange.read_body();
        echo(exchange);
    });
    for target in [UPLOAD, "/_matrix/media/v1/create", "/x"] {
        homeserver.on("/x", echo);
        let answer = sidecar.ask(&Request::post(target).token("alice").body(&bytes(10)));
        assert_eq!(answer.status, 502, "{target}");
    }
    // That is no final word on the file.
    sidecar.comes_to(20);
}

#[test]
fn tokens_reach_the_homeserver_and_nobody_else() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let answer = sidecar.ask(&Request::get("/x?access_token=s3cret").token("s3cret"));
    assert_eq!(answer.status, 200);
    assert!(find(&answer.head.raw, b"s3cret").is_none());
    assert!(find(&homeserver.only().head.raw, b"/x?access_token=s3cret").is_some());
}
