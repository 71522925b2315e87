//! Bodies: their trailers, answers that have none, and methods nobody knows.

use super::GET;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes};

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
fn an_early_answer_of_a_homeserver_that_closes_reaches_a_client_that_still_sends() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on("/x", |exchange| {
        exchange.read(1000);
        exchange.answer(413, "{}");
        exchange.close();
    });
    let large = bytes(16_000_000);
    for request in [Request::post("/x").body(&large), Request::post("/x").chunks(&large)] {
        let mut client = sidecar.client();
        // All of it is taken, and the connection goes on.
        client.send(request.bytes());
        assert_eq!(client.answer().status, 413);
        assert_eq!(client.ask(&Request::get("/y")).status, 200);
    }
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
