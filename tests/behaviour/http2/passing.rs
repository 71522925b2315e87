//! What passes: the homeserver sees plain HTTP/1.1, the client its answer.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::ext::Protocol;
use http::Request;

use crate::support::http2::{AUTHORITY, request};
use crate::support::{Ended, Homeserver, Sidecar, bytes};

fn pair() -> (Homeserver, Sidecar) {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    (homeserver, sidecar)
}

#[test]
fn a_request_arrives_as_http1_with_its_host_and_cookies_as_one() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    let head = request("GET", "/x%2Fy//z?a=%zz&b")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .body(())
        .unwrap();
    assert_eq!(client.ask(head).status, 200);
    let seen = homeserver.only();
    assert_eq!(seen.head.start, "GET /x%2Fy//z?a=%zz&b HTTP/1.1");
    assert_eq!(seen.head.header("host"), Some(AUTHORITY));
    assert_eq!(seen.head.header("cookie"), Some("a=1; b=2"));
    assert_eq!(seen.head.header("te"), Some("trailers"));
    assert_eq!(seen.head.header("transfer-encoding"), None);
    assert!(!seen.head.headers.iter().any(|(name, _)| name.starts_with(':')));
}

#[test]
fn two_words_on_the_host_are_refused() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    let head = request("GET", "/x").header("host", "other.example").body(()).unwrap();
    assert_eq!(client.ask(head).status, 400);
    let twice = request("GET", "/x").header("host", AUTHORITY).body(()).unwrap();
    assert_eq!(client.ask(twice).status, 200);
    assert_eq!(homeserver.only().head.all("host"), [AUTHORITY]);
}

#[test]
fn a_length_that_is_said_twice_is_said_once_and_one_that_is_none_is_refused() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    let head = request("POST", "/x").header("content-length", 5).header("content-length", 5);
    let mut sending = client.begin(head.body(()).unwrap(), false);
    assert!(client.send(&mut sending.body, b"hello", true));
    assert_eq!(client.answer(sending.answer).status, 200);
    assert_eq!(homeserver.only().head.all("content-length"), ["5"]);
    let empty = request("POST", "/x").header("content-length", "").body(()).unwrap();
    assert_eq!(client.ask(empty).status, 400);
}

#[test]
fn a_body_passes_with_its_length_or_in_chunks_whatever_the_method() {
    for (method, length) in
        [("POST", true), ("POST", false), ("PUT", false), ("GET", true), ("GET", false)]
    {
        let (homeserver, sidecar) = pair();
        let mut client = sidecar.http2();
        let body = bytes(300_000);
        let mut head = request(method, "/x");
        if length {
            head = head.header("content-length", body.len());
        }
        let mut sending = client.begin(head.body(()).unwrap(), false);
        assert!(client.send(&mut sending.body, &body, true));
        assert_eq!(client.answer(sending.answer).status, 200);
        let seen = homeserver.only();
        assert_eq!((seen.ended, seen.body == body), (Ended::Whole, true), "{method} {length}");
        let told = seen.head.header("content-length").map(str::to_owned);
        assert_eq!(told, length.then(|| "300000".to_owned()), "{method}");
        let coding = seen.head.header("transfer-encoding");
        assert_eq!(coding, (!length).then_some("chunked"), "{method}");
    }
}

#[test]
fn trailers_of_an_answer_arrive_and_what_belongs_to_a_hop_does_not() {
    let (homeserver, sidecar) = pair();
    homeserver.on("/x", |exchange| {
        exchange.read_body();
        exchange.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: X-One\r\nX-One: 1\r\n\
             Keep-Alive: timeout=5\r\nTrailer: x-sum\r\n\r\n3\r\none\r\n0\r\nx-sum: 3\r\n\r\n",
        );
    });
    let mut client = sidecar.http2();
    let head = request("GET", "/x").header("te", "trailers").body(()).unwrap();
    let told = client.ask(head);
    assert_eq!((told.status, told.text().as_str(), told.reset), (200, "one", None));
    assert_eq!(told.trailers.unwrap()["x-sum"], "3");
    for name in ["connection", "x-one", "keep-alive", "transfer-encoding"] {
        assert!(!told.headers.contains_key(name), "{name}");
    }
}

#[test]
fn an_answer_that_is_cut_never_looks_whole() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let (homeserver, sidecar) = pair();
        homeserver.on("/x", move |exchange| {
            exchange.read_body();
            exchange.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n3\r\none\r\n"));
            exchange.close();
        });
        let told = sidecar.http2().get("/x");
        assert_eq!(told.status, 200);
        assert!(told.reset.is_some_and(|reason| reason != Reason::NO_ERROR), "{told:?}");
    }
}

#[test]
fn a_client_that_takes_its_request_back_is_one_that_left() {
    let (homeserver, sidecar) = pair();
    homeserver.on("/poll", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let mut client = sidecar.http2();
    let poll = request("GET", "/poll").body(()).unwrap();
    let mut sending = client.begin(poll, true);
    crate::support::eventually("it is asked", || homeserver.seen("/poll").len() == 1);
    sending.body.send_reset(Reason::CANCEL);
    // The homeserver's connection is closed with it, which its script waits for.
    homeserver.on("/x", |exchange| exchange.answer(200, "{}"));
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn tunnels_are_refused() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    let connect = Request::builder().method("CONNECT").uri("matrix.example.org:443");
    let told = client.ask(connect.body(()).unwrap());
    assert_eq!((told.status, told.errcode().as_str()), (404, "M_UNRECOGNIZED"));
    let extended = Request::builder()
        .method("CONNECT")
        .uri(format!("http://{AUTHORITY}/ws"))
        .extension(Protocol::from_static("websocket"));
    let told = client.ask(extended.body(()).unwrap());
    assert!(told.reset.is_some() || told.status == 404, "{told:?}");
    assert_eq!(homeserver.forwarded().len(), 0);
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn too_many_or_too_large_headers_are_answered_431() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.header_count = 10).start();
    let mut client = sidecar.http2();
    let mut many = request("GET", "/x");
    for number in 0..10 {
        many = many.header(format!("x-{number}"), "1");
    }
    assert_eq!(client.ask(many.body(()).unwrap()).status, 431);
    let mut large = request("GET", "/x");
    for number in 0..5 {
        large = large.header(format!("x-{number}"), "y".repeat(15_000));
    }
    let told = client.ask(large.body(()).unwrap());
    assert!(told.status == 431 || told.reset.is_some(), "{told:?}");
    assert_eq!(homeserver.forwarded().len(), 0);
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn a_disguised_upload_is_answered_404() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    for target in ["/_matrix/media/v3//upload", "/_matrix/media/v3/%75pload"] {
        let told = client.ask(request("POST", target).body(()).unwrap());
        assert_eq!((told.status, told.errcode().as_str()), (404, "M_UNRECOGNIZED"), "{target}");
    }
    assert_eq!(homeserver.forwarded().len(), 0);
}

#[test]
fn many_requests_share_a_connection_and_a_slow_one_holds_up_none() {
    let (homeserver, sidecar) = pair();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_secs(1));
        exchange.answer(200, "{}");
    });
    let mut client = sidecar.http2();
    let slow = client.begin(request("GET", "/slow").body(()).unwrap(), true);
    let begun = crate::support::now();
    for _ in 0..20 {
        assert_eq!(client.get("/x").status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(client.answer(slow.answer).status, 200);
}

#[test]
fn trailers_of_a_request_are_no_headers() {
    let (homeserver, sidecar) = pair();
    let mut client = sidecar.http2();
    let mut sending = client.begin(request("POST", "/x").body(()).unwrap(), false);
    sending.body.send_data(Bytes::from_static(b"one"), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("authorization", "Bearer mallory".parse().unwrap());
    sending.body.send_trailers(trailers).unwrap();
    assert_eq!(client.answer(sending.answer).status, 200);
    assert_eq!(homeserver.only().head.header("authorization"), Some("Bearer alice"));
}
