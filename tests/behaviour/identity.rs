//! Who asks: found out before a byte goes up, and never guessed.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::client::UPLOAD;
use crate::support::homeserver::WHOAMI;
use crate::support::{Answer, Exchange, Homeserver, Request, Sidecar, bytes, eventually};

/// An upload with this query and these headers.
fn upload(query: &str, lines: &[&str]) -> Request {
    let request = Request::post(&format!("{UPLOAD}{query}")).body(&bytes(1000));
    lines.iter().fold(request, |request, line| request.line(line))
}

fn asked(homeserver: &Homeserver) -> usize {
    homeserver.seen(WHOAMI).len()
}

#[test]
fn every_spelling_of_one_token_is_charged_to_its_user() {
    let rows: [(&str, &[&str]); 9] = [
        ("", &["Authorization: Bearer alice"]),
        ("", &["authorization: bearer alice"]),
        ("", &["AUTHORIZATION: BEARER alice"]),
        ("?access_token=alice", &[]),
        ("?access%5Ftoken=alice", &[]),
        ("?%61ccess_token=%61lice", &[]),
        ("?filename=x&access_token=alice&y", &[]),
        ("?access_token=alice", &["Authorization: Bearer alice"]),
        ("?access_token=%61lice", &["Authorization: Bearer alice"]),
    ];
    for (query, lines) in rows {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
        assert_eq!(sidecar.ask(&upload(query, lines)).status, 200, "{query} {lines:?}");
        assert_eq!(sidecar.used(), 1000, "{query} {lines:?}");
        // The homeserver sees exactly what the client has shown.
        let seen = homeserver.only();
        assert_eq!(seen.target(), format!("{UPLOAD}{query}"));
        assert_eq!(seen.head.all("authorization").len(), lines.len());
        // A token is not put where it would be logged.
        assert_eq!(homeserver.seen(WHOAMI)[0].target(), WHOAMI);
    }
}

#[test]
fn of_two_tokens_neither_is_believed() {
    let rows: [(&str, &[&str]); 9] = [
        ("?access_token=bob", &["Authorization: Bearer alice"]),
        ("?access%5Ftoken=bob", &["Authorization: Bearer alice"]),
        ("?access_token=", &["Authorization: Bearer alice"]),
        ("?access_token", &["Authorization: Bearer alice"]),
        ("", &["Authorization: Bearer alice", "Authorization: Bearer bob"]),
        ("", &["Authorization: Bearer alice", "Authorization: Bearer alice"]),
        ("", &["Authorization: Basic abc", "Authorization: Bearer alice"]),
        ("?access_token=alice&access_token=bob", &[]),
        ("?access_token=alice&access%5ftoken=alice", &[]),
    ];
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for (query, lines) in rows {
        let answer = sidecar.ask(&upload(query, lines));
        assert_eq!((answer.status, answer.errcode().as_str()), (401, "M_UNAUTHORIZED"), "{query}");
        answer.is_refusal(401, "M_UNAUTHORIZED");
    }
    assert!(homeserver.seen("").is_empty());
}

#[test]
fn what_is_no_token_is_answered_by_the_homeserver() {
    let form = "Content-Type: application/x-www-form-urlencoded";
    let rows: [(&str, &[&str]); 10] = [
        ("", &[]),
        ("", &["Authorization: Basic YWxpY2U="]),
        ("?access_token=alice", &["Authorization: Basic YWxpY2U="]),
        ("?access_token=alice", &["Authorization: Bearer"]),
        ("?access_token=alice", &["Authorization:"]),
        ("?access_token=alice", &["Authorization: alice"]),
        ("?access_token=", &[]),
        ("?filename=x;access_token=alice", &[]),
        ("?filename=x;access%5Ftoken=alice", &[form]),
        ("?ACCESS_TOKEN=alice", &["X-Access-Token: alice", "Cookie: access_token=alice"]),
    ];
    for (query, lines) in rows {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        let answer = sidecar.ask(&upload(query, lines));
        answer.is_refusal(401, "M_MISSING_TOKEN");
        assert!(homeserver.forwarded().is_empty(), "{query} {lines:?}");
        assert!(homeserver.seen(WHOAMI)[0].head.all("authorization").is_empty());
    }
}

#[test]
fn a_token_in_a_form_is_no_token() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let form = Request::post(UPLOAD)
        .line("Content-Type: application/x-www-form-urlencoded")
        .body(b"access_token=alice&x=y");
    sidecar.ask(&form).is_refusal(401, "M_MISSING_TOKEN");
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_refusal_of_the_homeserver_is_told_in_its_own_words() {
    for status in [401, 403] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        let words = "{ \"errcode\" : \"M_UNKNOWN_TOKEN\",\n \"soft_logout\":true }";
        homeserver.on(WHOAMI, move |exchange| {
            exchange.send(format!(
                "HTTP/1.1 {status} No\r\nContent-Type: application/json; charset=x\r\nX-Own: 1\r\n\
                 Connection: X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{words}\r\n0\r\n\r\n",
                words.len()
            ));
        });
        // The body is never read, and the client reads the answer all the same.
        let answer = sidecar.ask(&Request::upload().body(&bytes(24_000_000)));
        assert_eq!((answer.status, answer.text().as_str()), (status, words));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=x"));
        assert_eq!((answer.header("x-own"), answer.header("x-hop")), (Some("1"), None));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(homeserver.forwarded().is_empty());
        sidecar.comes_to(0);
    }
}

#[test]
fn a_user_is_asked_for_once() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    for _ in 0..5 {
        assert_eq!(sidecar.upload(10), 200);
    }
    assert_eq!(asked(&homeserver), 1);
    assert_eq!(sidecar.ask(&Request::post(UPLOAD).token("bob").body(b"123")).status, 200);
    assert_eq!(asked(&homeserver), 2);
    assert_eq!((sidecar.used(), sidecar.usage("bob").used.get()), (50, 3));
}

#[test]
fn twenty_who_ask_at_once_share_one_lookup() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on(WHOAMI, |exchange| {
        // Long enough that most of them are there; whoever is later finds the answer.
        std::thread::sleep(Duration::from_millis(200));
        exchange.read_body();
        exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#);
    });
    std::thread::scope(|scope| {
        let asking = [(); 20].map(|()| scope.spawn(|| sidecar.upload(10)));
        for asked in asking {
            assert_eq!(asked.join().unwrap(), 200);
        }
    });
    assert_eq!(asked(&homeserver), 1);
    sidecar.comes_to(200);
}

#[test]
fn answers_are_believed_for_as_long_as_it_is_set() {
    let bad = Request::post(UPLOAD).token("bad").body(b"x");
    for (ttl, times) in [(Duration::from_mins(1), 1), (Duration::ZERO, 3)] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).auth(|auth| auth.negative_ttl = ttl).start();
        for _ in 0..3 {
            sidecar.ask(&bad).is_refusal(401, "M_UNKNOWN_TOKEN");
        }
        assert_eq!(asked(&homeserver), times);

        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).auth(|auth| auth.cache_ttl = ttl).start();
        for _ in 0..3 {
            assert_eq!(sidecar.upload(1), 200);
        }
        assert_eq!(asked(&homeserver), times);
    }
}

/// Everything that may end a session.
const ENDS: [(&str, &str); 7] = [
    ("POST", "/_matrix/client/v3/logout"),
    ("POST", "/_matrix/client/r0/logout"),
    ("POST", "/_matrix/client/v3/logout/all"),
    ("POST", "/_matrix/client/v3/account/password"),
    ("POST", "/_matrix/client/v3/account/deactivate"),
    ("POST", "/_matrix/client/v3/delete_devices"),
    ("DELETE", "/_matrix/client/v3/devices/ABC"),
];

#[test]
fn after_a_session_ended_everyone_is_asked_for_anew() {
    for (method, target) in ENDS {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        assert_eq!(sidecar.upload(1), 200);
        let end = Request::new(method, target).token("alice").body(b"{}");
        homeserver.on(target, |exchange| {
            exchange.read_body();
            exchange.answer(401, "{}");
        });
        assert_eq!(sidecar.ask(&end).status, 401);
        assert_eq!((sidecar.upload(1), asked(&homeserver)), (200, 1), "it was not ended");
        homeserver.on(target, |exchange| {
            exchange.read_body();
            exchange.answer(200, "{}");
        });
        assert_eq!(sidecar.ask(&end).status, 200);
        homeserver.on(WHOAMI, |exchange| exchange.answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN"}"#));
        assert_eq!(sidecar.upload(1), 401, "{method} {target}");
    }
}

#[test]
fn a_lookup_begun_before_a_session_ended_is_not_kept() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let (go, told) = channel();
    let told = Mutex::new(told);
    homeserver.on(WHOAMI, move |exchange| {
        exchange.read_body();
        told.lock().unwrap().recv().unwrap();
        exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#);
    });
    let mut client = sidecar.client();
    client.send(Request::upload().body(b"x").bytes());
    eventually("the lookup", || asked(&homeserver) == 1);
    let logout = Request::post("/_matrix/client/v3/logout").token("alice").body(b"{}");
    assert_eq!(sidecar.ask(&logout).status, 200);
    go.send(()).unwrap();
    assert_eq!(client.answer().status, 200);
    go.send(()).unwrap();
    assert_eq!((sidecar.upload(1), asked(&homeserver)), (200, 2));
}

#[test]
fn an_application_service_is_charged_as_whom_it_acts() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let acting = |query: &str| upload(query, &["Authorization: Bearer bridge"]);
    for query in [
        "?user_id=@ghost:example.org",
        "?filename=x&user_id=@ghost:example.org&device_id=A%42",
        "?user_id=@ghost:example.org&org.matrix.msc3202.device_id=A",
    ] {
        assert_eq!(sidecar.ask(&acting(query)).status, 200);
    }
    assert_eq!(sidecar.usage("ghost").used.get(), 3000);
    assert_eq!(sidecar.ask(&acting("")).status, 200);
    assert_eq!(sidecar.usage("bridge").used.get(), 1000);
    let questions: Vec<_> =
        homeserver.seen(WHOAMI).iter().map(|seen| seen.target().to_owned()).collect();
    let expected = [
        "?user_id=@ghost:example.org",
        "?user_id=@ghost:example.org&device_id=A%42",
        "?user_id=@ghost:example.org&org.matrix.msc3202.device_id=A",
        "",
    ];
    assert_eq!(questions, expected.map(|query| format!("{WHOAMI}{query}")));
}

/// What an odd homeserver does when it is asked who asks, and with which status the client is told.
type Oddity = (&'static str, u16, fn(&mut Exchange));

const ODDITIES: [Oddity; 12] = [
    ("500", 502, |it| it.answer(500, "{}")),
    ("429", 502, |it| it.answer(429, r#"{"errcode":"M_LIMIT_EXCEEDED"}"#)),
    ("404", 502, |it| it.answer(404, r#"{"errcode":"M_UNRECOGNIZED"}"#)),
    ("302", 502, |it| it.answer(302, "")),
    ("no JSON", 502, |it| it.answer(200, "<html>")),
    ("no user", 502, |it| it.answer(200, "{}")),
    ("a number", 502, |it| it.answer(200, r#"{"user_id":7}"#)),
    ("no user id", 502, |it| it.answer(200, r#"{"user_id":"alice"}"#)),
    ("no HTTP", 502, |it| it.send("garbage\r\n\r\n")),
    ("half an answer", 502, |it| {
        it.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"user_id\"");
        it.close();
    }),
    ("an end", 502, Exchange::close),
    ("nothing", 503, Exchange::hang),
];

#[test]
fn a_homeserver_that_does_not_say_who_asks_is_no_reason_to_log_out() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .auth(|auth| auth.timeout = Duration::from_secs(2))
        .limit("1MB/never")
        .start();
    for (what, status, act) in ODDITIES {
        homeserver.on(WHOAMI, act);
        let answer: Answer = sidecar.ask(&Request::upload().body(&bytes(1000)));
        assert_eq!((answer.status, answer.errcode().as_str()), (status, "M_UNKNOWN"), "{what}");
        assert!(answer.header("retry-after").is_some(), "{what}");
        assert!(homeserver.forwarded().is_empty(), "{what}");
    }
    sidecar.comes_to(0);
    // None of it is remembered.
    homeserver.on(WHOAMI, |exchange| exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#));
    assert_eq!(sidecar.upload(1), 200);
}

#[test]
fn while_nobody_says_who_asks_everything_else_flows() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    homeserver.on(WHOAMI, Exchange::hang);
    let mut waiting = sidecar.client();
    waiting.send(Request::upload().body(b"x").bytes());
    eventually("the lookup", || asked(&homeserver) == 1);
    for _ in 0..10 {
        assert_eq!(
            sidecar.ask(&Request::get("/_matrix/client/v3/sync").token("alice")).status,
            200
        );
    }
}

#[test]
fn the_homeserver_is_asked_as_by_the_client_itself() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let lines = ["X-Forwarded-For: 192.0.2.7", "User-Agent: Client/1.0"];
    let request = upload("", &["Authorization: Bearer alice", lines[0], lines[1]]);
    assert_eq!(sidecar.ask(&request).status, 200);
    let (whoami, upload) = (homeserver.seen(WHOAMI).remove(0), homeserver.only());
    for name in ["host", "x-forwarded-for", "user-agent"] {
        let told = whoami.head.all(name);
        assert_eq!((told.len(), told), (1, upload.head.all(name)), "{name}");
    }
}
