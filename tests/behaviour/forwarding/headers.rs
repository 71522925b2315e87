//! Headers: which go on, which end here, and whose word counts.

use super::GET;
use crate::support::homeserver::WHOAMI;
use crate::support::wire::find;
use crate::support::{Homeserver, Request, Sidecar, bytes};

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
fn a_stranger_cannot_say_what_it_spoke_and_others_are_not_made_to() {
    let told = ["X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example.org", "Via: 1.1 there"];
    let told = |request: Request| told.iter().fold(request, |it, line| it.line(line));
    for request in [Request::get(GET), Request::upload().body(b"x")] {
        for trusted in [true, false] {
            let homeserver = Homeserver::start();
            let sidecar = Sidecar::before(&homeserver).proxy(|proxy| {
                if !trusted {
                    proxy.trusted_proxies.clear();
                }
            });
            let sidecar = sidecar.start();
            assert_eq!(sidecar.ask(&told(request.clone())).status, 200);
            let seen = homeserver.only();
            let said = |name| seen.head.header(name);
            assert_eq!(said("x-forwarded-proto"), Some(if trusted { "https" } else { "http" }));
            assert_eq!(said("x-forwarded-host"), trusted.then_some("evil.example.org"));
            assert_eq!(said("via"), Some("1.1 there"));
            // In the clear nothing is added.
            assert_eq!(sidecar.ask(&request).status, 200);
            let seen = homeserver.forwarded().pop().unwrap();
            for name in ["x-forwarded-proto", "via"] {
                assert!(seen.head.all(name).is_empty(), "{name}");
            }
        }
    }
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
