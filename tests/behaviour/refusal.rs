//! What somebody is told whose upload is refused, and that it arrives.

use std::time::Duration;

use metergate::proxy::Errcode;
use serde_json::json;

use crate::support::client::UPLOAD;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes, eventually, now};

/// What a browser needs, and when to come back.
const CORS: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ("access-control-allow-headers", "X-Requested-With, Content-Type, Authorization"),
    ("access-control-expose-headers", "Retry-After"),
];

#[test]
fn a_refusal_tells_everything_there_is_to_know() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/month").start();
    sidecar.record(498_000);
    let answer = sidecar.ask(&Request::upload().body(&bytes(12_000)));
    assert_eq!(answer.head.start, "HTTP/1.1 429 Too Many Requests");
    for (name, value) in CORS {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("retry-after"), Some("60"));
    let resets_at = sidecar.usage("alice").resets_at.unwrap();
    let day = metergate::quota::Zone::UTC.tell(resets_at);
    let expected = json!({
        "errcode": "M_LIMIT_EXCEEDED",
        "error": format!(
            "Upload limit reached: 498 kB of 500 kB used this month, this file needs 12 kB. \
             Resets {day}. Text messages still work."
        ),
        "retry_after_ms": 60_000,
        "org.metergate.quota": {
            "capability": "upload_media",
            "resource": "media_bytes",
            "limit": 500_000,
            "used": 498_000,
            "reserved": 0,
            "requested": 12_000,
            "remaining": 2000,
            "period": "month",
            "resets_at": resets_at,
        },
    });
    assert_eq!(answer.json(), expected);
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_refusal_counts_what_others_have_reserved() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/month").start();
    let mut other = sidecar.client();
    other.send(Request::upload().length(300_000).head());
    eventually("room is held", || sidecar.reserved() == 300_000);
    let answer = sidecar.ask(&Request::upload().body(&bytes(250_000)));
    let quota = &answer.json()["org.metergate.quota"];
    assert_eq!((&quota["used"], &quota["reserved"]), (&json!(0), &json!(300_000)));
    assert_eq!((&quota["requested"], &quota["remaining"]), (&json!(250_000), &json!(200_000)));
}

#[test]
fn a_cut_upload_without_a_length_tells_what_was_seen_of_it() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("200kB/month").start();
    sidecar.record(50_000);
    let answer = sidecar.ask(&Request::upload().chunks(&bytes(400_000)));
    answer.is_refusal(429, "M_LIMIT_EXCEEDED");
    let quota = &answer.json()["org.metergate.quota"];
    let requested = quota["requested"].as_i64().unwrap();
    assert!((150_001..=400_000).contains(&requested), "{requested}");
    assert_eq!((&quota["used"], &quota["reserved"]), (&json!(50_000), &json!(0)));
    assert_eq!(quota["remaining"], json!(150_000));
    homeserver.keeps_nothing();
    sidecar.comes_to(50_000);
}

#[test]
fn three_styles_of_refusal() {
    let homeserver = Homeserver::start();
    let uri = "https://example.org/quota";
    let rows = [
        (Errcode::LimitExceeded, None, 429, "M_LIMIT_EXCEEDED"),
        (Errcode::LimitExceeded, Some(uri), 429, "M_LIMIT_EXCEEDED"),
        (Errcode::UserLimitExceeded, Some(uri), 403, "M_USER_LIMIT_EXCEEDED"),
        (Errcode::Forbidden, None, 403, "M_FORBIDDEN"),
    ];
    for (errcode, info_uri, status, word) in rows {
        let sidecar = Sidecar::before(&homeserver).limit("0/month").proxy(|proxy| {
            proxy.refusal.errcode = errcode;
            proxy.refusal.info_uri = info_uri.map(ToOwned::to_owned);
            proxy.refusal.retry_after_max = Duration::from_millis(1500);
        });
        let answer = sidecar.start().ask(&Request::upload().body(b"x"));
        answer.is_refusal(status, word);
        let told = answer.json();
        assert_eq!(told.get("info_uri").and_then(|uri| uri.as_str()), info_uri);
        let wait = (answer.header("retry-after"), told["retry_after_ms"].as_u64());
        assert_eq!(wait, if status == 429 { (Some("2"), Some(2000)) } else { (None, None) });
        assert_eq!(told["org.metergate.quota"]["limit"], json!(0));
    }
}

#[test]
fn a_limit_that_never_resets_has_no_reset_to_tell() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0/never").start();
    let answer = sidecar.ask(&Request::upload().body(b"x"));
    assert_eq!(answer.header("retry-after"), Some("60"));
    let told = answer.json();
    assert!(!told["error"].as_str().unwrap().contains("Resets"), "{told}");
    assert_eq!(told["org.metergate.quota"]["resets_at"], json!(null));
}

#[test]
fn of_several_windows_the_last_to_reset_is_told() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("500kB/day,1MB/never").start();
    sidecar.record(450_000);
    let told = |size| {
        let told = sidecar.ask(&Request::upload().body(&bytes(size))).json();
        told["org.metergate.quota"].clone()
    };
    let day = told(100_000);
    assert_eq!((&day["period"], &day["limit"]), (&json!("day"), &json!(500_000)));
    let both = told(600_000);
    assert_eq!((&both["period"], &both["limit"]), (&json!("never"), &json!(1_000_000)));
    assert_eq!(sidecar.upload(50_000), 200);
}

#[test]
fn a_client_that_sends_50_mb_before_it_reads_reads_the_refusal() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    let body = bytes(50_000_000);
    for request in [Request::upload().body(&body), Request::upload().chunks(&body)] {
        sidecar.ask(&request).is_refusal(429, "M_LIMIT_EXCEEDED");
        sidecar.comes_to(0);
    }
    // The declared one met nobody: one connection asked who it was, the other was cut.
    assert_eq!(homeserver.ended(Ended::Cut).head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(homeserver.connections(), 2);
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    let mut client = sidecar.client();
    client.send(Request::upload().length(50_000_000).head());
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
}

#[test]
fn an_endless_refused_body_is_cut() {
    let homeserver = Homeserver::start();
    let sidecar =
        Sidecar::before(&homeserver).limit("0").limits(|limits| limits.drain_bytes = 1_000_000);
    let sidecar = sidecar.start();
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(b"x"));
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
    let piece = chunk(&bytes(64_000));
    let mut sent = 0;
    while client.try_send(&piece).is_ok() {
        sent += piece.len();
        assert!(sent < 30_000_000, "{sent} bytes went");
    }
    assert!(sent >= 1_000_000, "{sent} bytes went");
}

#[test]
fn a_refused_body_that_stalls_is_cut() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limit("0")
        .limits(|limits| limits.drain_timeout = Duration::from_millis(200))
        .start();
    let mut client = sidecar.client();
    client.send(Request::upload().length(1000).head());
    client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
    let begun = now();
    assert!(client.is_closed());
    // Long before any other limit.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_refused_upload_is_not_told_to_continue() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for request in [Request::upload().length(1000), Request::upload().chunked()] {
        let mut client = sidecar.client();
        client.send(request.line("Expect: 100-continue").head());
        // The very first answer is the refusal.
        client.answer().is_refusal(429, "M_LIMIT_EXCEEDED");
        // Whatever it sends all the same is a body, not a request.
        let _ = client.try_send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        client.wire.wait_gone();
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_refusal_reaches_a_client_that_did_not_wait_to_be_told_to_continue() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    let body = bytes(20_000_000);
    for request in [Request::upload().body(&body), Request::upload().chunks(&body)] {
        let mut client = sidecar.client();
        // All of it, before it reads.
        client.send(request.line("Expect: 100-continue").bytes());
        let answer = client.answer();
        answer.is_refusal(429, "M_LIMIT_EXCEEDED");
        // It may have left the body out, so this is the end.
        assert_eq!(answer.header("connection"), Some("close"));
        client.wire.wait_gone();
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn an_upload_that_may_be_is_told_to_continue() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    for (request, body) in [
        (Request::upload().length(1000), bytes(1000)),
        (Request::upload().chunked(), [chunk(&bytes(1000)), b"0\r\n\r\n".to_vec()].concat()),
    ] {
        let mut client = sidecar.client();
        client.send(request.line("Expect: 100-continue").head());
        assert_eq!(client.answer().status, 100);
        client.send(body);
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(sidecar.used(), 2000);
}

#[test]
fn a_refused_body_is_never_read_as_a_request() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("100/never").start();
    let hidden = Request::get("/smuggled").bytes().repeat(20);
    for request in [Request::upload().body(&hidden), Request::upload().chunks(&hidden)] {
        let mut client = sidecar.client();
        client.ask(&request).is_refusal(429, "M_LIMIT_EXCEEDED");
        // The connection is as good as before.
        assert_eq!(client.ask(&Request::get("/next")).status, 200);
        assert_eq!(client.ask(&Request::upload().body(b"x")).status, 200);
    }
    assert!(homeserver.seen("/smuggled").is_empty());
    assert_eq!(homeserver.seen("/next").len(), 2);
    sidecar.comes_to(2);
}

#[test]
fn a_file_that_is_too_large_is_told_the_largest_size() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1GB/month").largest(100_000).start();
    for request in
        [Request::upload().body(&bytes(100_001)), Request::upload().chunks(&bytes(100_001))]
    {
        let answer = sidecar.ask(&request);
        answer.is_refusal(413, "M_TOO_LARGE");
        assert_eq!(answer.json()["error"], json!("File too large: at most 100 kB each."));
        sidecar.comes_to(0);
    }
    // Of the declared one nothing was forwarded, of the other no end.
    homeserver.keeps_nothing();
    for request in
        [Request::upload().body(&bytes(100_000)), Request::upload().chunks(&bytes(100_000))]
    {
        assert_eq!(sidecar.ask(&request).status, 200);
    }
    sidecar.comes_to(200_000);
}

#[test]
fn uploads_of_one_user_at_the_same_time_are_limited() {
    let homeserver = Homeserver::start();
    let sidecar =
        Sidecar::before(&homeserver).limits(|limits| limits.uploads_per_subject = Some(2));
    let sidecar = sidecar.start();
    let mut under_way = [(); 2].map(|()| sidecar.client());
    for client in &mut under_way {
        client.send(Request::upload().length(10).head());
    }
    eventually("both are under way", || sidecar.reserved() == 20);
    let answer = sidecar.ask(&Request::upload().body(b"x"));
    answer.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert!(answer.text().contains("uploads_per_subject"), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    let bob = Request::post(UPLOAD).token("bob").body(b"x");
    assert_eq!(sidecar.ask(&bob).status, 200);
    let [mut first, second] = under_way;
    first.send(bytes(10));
    assert_eq!(first.answer().status, 200);
    drop(second);
    sidecar.comes_to(10);
    eventually("there is room for another", || sidecar.upload(10) == 200);
}

#[test]
fn a_user_without_room_may_do_everything_else() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    sidecar.ask(&Request::upload().body(b"x")).is_refusal(429, "M_LIMIT_EXCEEDED");
    let others = [
        Request::get("/_matrix/client/v3/sync?since=s1"),
        Request::new("PUT", "/_matrix/client/v3/rooms/!a/send/m.room.message/1").body(b"{}"),
        Request::post("/_matrix/client/v3/keys/upload").body(b"{}"),
        Request::get("/_matrix/client/v1/media/download/example.org/abc"),
        Request::new("OPTIONS", UPLOAD),
    ];
    for request in others {
        assert_eq!(sidecar.ask(&request.clone().token("alice")).status, 200, "{request:?}");
    }
}
