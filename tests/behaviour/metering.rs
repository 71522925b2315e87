//! What an upload costs.

use std::sync::Arc;
use std::time::Duration;

use crate::support::stores::scripted;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes, eventually, within};

/// Time enough for what must not happen to happen.
const A_WHILE: Duration = Duration::from_millis(100);

/// Every route that stores media, and one way to use it.
const ROUTES: [(&str, &str); 11] = [
    ("POST", "/_matrix/media/r0/upload"),
    ("POST", "/_matrix/media/v1/upload"),
    ("POST", "/_matrix/media/v3/upload"),
    ("POST", "/_matrix/media/v3/upload?filename=cat.jpg"),
    ("PUT", "/_matrix/media/r0/upload/example.org/abc"),
    ("PUT", "/_matrix/media/v1/upload/example.org/abc"),
    ("PUT", "/_matrix/media/v3/upload/example.org/abc"),
    ("POST", "/_matrix/media/unstable/fi.mau.msc2246/upload"),
    ("PUT", "/_matrix/media/unstable/fi.mau.msc2246/upload/example.org/abc"),
    ("POST", "/_matrix/client/v1/media/upload"),
    ("PATCH", "/_matrix/media/v3/upload"),
];

#[test]
fn an_upload_is_charged_by_its_bytes() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let body = bytes(300_000);
    let answer = sidecar.ask(&Request::upload().body(&body));
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.text(), r#"{"content_uri":"mxc://example.org/abc"}"#);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
    let seen = homeserver.only();
    assert_eq!(seen.body, body);
    assert_eq!(seen.head.header("content-length"), Some("300000"));
}

#[test]
fn a_chunked_upload_is_charged_by_its_bytes_and_stays_chunked() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let body = bytes(300_000);
    assert_eq!(sidecar.ask(&Request::upload().chunks(&body)).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
    let seen = homeserver.only();
    assert_eq!(seen.body, body);
    assert_eq!(seen.head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(seen.head.header("content-length"), None);
}

#[test]
fn the_last_byte_of_a_limit_may_be_used_and_the_next_may_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("100kB/never").start();
    assert_eq!(sidecar.ask(&Request::upload().body(&bytes(60_000))).status, 200);
    let one_too_many = sidecar.ask(&Request::upload().body(&bytes(40_001)));
    one_too_many.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(sidecar.used(), 60_000);
    assert_eq!(sidecar.ask(&Request::upload().body(&bytes(40_000))).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (100_000, 0));
    assert_eq!(homeserver.forwarded().len(), 2);
}

#[test]
fn the_last_byte_of_a_limit_may_be_used_in_chunks_and_the_next_may_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("300kB/never").start();
    let refused = sidecar.ask(&Request::upload().chunks(&bytes(300_001)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    homeserver.keeps_nothing();
    sidecar.comes_to(0);
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(300_000))).status, 200);
    assert_eq!((sidecar.used(), sidecar.reserved()), (300_000, 0));
}

#[test]
fn less_than_a_step_of_room_may_be_used_to_its_last_byte_in_chunks() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("100/never").start();
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(60))).status, 200);
    let refused = sidecar.ask(&Request::upload().chunks(&bytes(41)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(40))).status, 200);
    sidecar.comes_to(100);
    sidecar.ask(&Request::upload().chunks(b"x")).is_refusal(429, "M_LIMIT_EXCEEDED");
}

#[test]
fn a_length_that_cannot_be_counted_is_refused() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let upload = |length: &str| Request::upload().line(&format!("Content-Length: {length}"));
    assert_eq!(sidecar.ask(&upload("9223372036854775808")).status, 400);
    assert!(homeserver.forwarded().is_empty());
    // The largest that can be counted spoils nothing for others.
    let mut client = sidecar.client();
    client.send(upload("9223372036854775807").head());
    eventually("it is under way", || sidecar.reserved() > 0);
    drop(client);
    sidecar.comes_to(0);
    assert_eq!(sidecar.upload(10), 200);
}

#[test]
fn uploads_one_behind_the_other_on_a_connection_are_all_charged() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let mut client = sidecar.client();
    let requests = [
        Request::upload().body(&bytes(1000)),
        Request::upload().chunks(&bytes(2000)),
        Request::get("/x"),
        Request::upload().body(&bytes(990_000)),
        Request::upload().body(&bytes(4000)),
    ];
    client.send(requests.iter().map(Request::bytes).collect::<Vec<_>>().concat());
    let statuses = requests.iter().map(|request| client.answer_to(&request.method).status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 200, 200, 200]);
    sidecar.comes_to(997_000);
    client.ask(&requests[4]).is_refusal(429, "M_LIMIT_EXCEEDED");
}

#[test]
fn an_upload_in_http_1_0_is_charged() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let mut client = sidecar.client();
    client.send(
        "POST /_matrix/media/v3/upload HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer alice\r\n\
         Content-Length: 5\r\n\r\nhello",
    );
    assert_eq!(client.answer().status, 200);
    assert!(client.is_closed());
    sidecar.comes_to(5);
}

#[test]
fn what_is_beside_the_data_of_chunks_costs_nothing_and_ends_here() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send("5;name=value\r\nhello\r\n00005\r\nworld\r\n0;last\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(homeserver.only().body, b"helloworld");
    sidecar.comes_to(10);
    // There is a limit to it.
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    let noise = format!("1;{}\r\nx\r\n", "y".repeat(32_000));
    while client.try_send(&noise).is_ok() {
        assert!(homeserver.forwarded().pop().unwrap().body.len() < 1000);
    }
    sidecar.comes_to(10);
}

#[test]
fn the_number_of_files_may_be_limited_too() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1GB/never").files("3/month").start();
    // Growing is not another file.
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(1_000_000))).status, 200);
    assert_eq!(sidecar.upload(10), 200);
    homeserver.answer_uploads(400, "{}");
    assert_eq!(sidecar.upload(10), 400, "what is refused is no file");
    homeserver.answer_uploads(200, "{}");
    assert_eq!(sidecar.upload(10), 200);
    let refused = sidecar.ask(&Request::upload().body(&bytes(10)));
    refused.is_refusal(429, "M_LIMIT_EXCEEDED");
    let told = refused.json();
    let quota = &told["org.metergate.quota"];
    assert_eq!((&quota["resource"], &quota["used"]), (&"uploads".into(), &3.into()));
    assert_eq!((&quota["limit"], &quota["requested"]), (&3.into(), &1.into()));
    sidecar.comes_to(1_000_020);
}

#[test]
fn two_instances_on_one_database_share_the_room_exactly() {
    let homeserver = Homeserver::start();
    let one = Sidecar::before(&homeserver).limit("2MB/never").start();
    let two = Sidecar::before(&homeserver).limit("2MB/never").database(&one.database()).start();
    let request = Request::upload().body(&bytes(300_000));
    let accepted = std::thread::scope(|scope| {
        let asking = [&one, &two].map(|one| scope.spawn(|| twenty_four(one, &request)));
        asking.map(|asked| asked.join().unwrap()).iter().sum::<usize>()
    });
    assert_eq!(accepted, 6);
    one.comes_to(1_800_000);
    two.comes_to(1_800_000);
}

#[test]
fn an_empty_upload_costs_nothing_and_arrives() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    assert_eq!(sidecar.ask(&Request::upload().body(b"")).status, 200);
    assert_eq!(sidecar.ask(&Request::upload()).status, 200);
    assert_eq!(sidecar.used(), 0);
    assert_eq!(homeserver.forwarded().len(), 2);
}

#[test]
fn every_route_that_stores_media_is_metered() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let full = Sidecar::before(&homeserver).limit("999/never").start();
    for (count, (method, target)) in ROUTES.iter().enumerate() {
        let request = Request::new(method, target).token("alice").body(&bytes(1000));
        assert_eq!(sidecar.ask(&request).status, 200, "{method} {target}");
        assert_eq!(sidecar.used(), 1000 * (i64::try_from(count).unwrap() + 1), "{target}");
        full.ask(&request).is_refusal(429, "M_LIMIT_EXCEEDED");
    }
    assert_eq!(homeserver.forwarded().len(), ROUTES.len());
}

#[test]
fn looking_at_an_upload_route_costs_nothing() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("0").start();
    for (_, target) in ROUTES {
        for method in ["HEAD", "GET", "OPTIONS"] {
            let answer = sidecar.ask(&Request::new(method, target).token("alice"));
            assert_eq!(answer.status, 200, "{method} {target}");
        }
    }
    assert_eq!(homeserver.forwarded().len(), ROUTES.len() * 3);
    assert!(homeserver.seen("/_matrix/client/v3/account/whoami").is_empty());
}

#[test]
fn a_place_to_upload_to_costs_nothing_but_needs_room() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("10kB/never").start();
    let create = Request::post("/_matrix/media/v1/create").token("alice").body(b"{}");
    assert_eq!(sidecar.ask(&create).status, 200);
    assert_eq!(sidecar.upload(10_000), 200);
    assert_eq!(sidecar.used(), 10_000);
    sidecar.ask(&create).is_refusal(429, "M_LIMIT_EXCEEDED");
    assert_eq!(homeserver.seen("/_matrix/media/v1/create").len(), 1);
    assert_eq!(sidecar.reserved(), 0);
}

/// Has alice upload 300 kB 24 times at once; returns how many were taken.
fn twenty_four(sidecar: &Sidecar, request: &Request) -> usize {
    let statuses = std::thread::scope(|scope| {
        let asking = [(); 24].map(|()| scope.spawn(|| sidecar.ask(request).status));
        asking.map(|asked| asked.join().unwrap())
    });
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

#[test]
fn parallel_uploads_share_the_room_exactly() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("2MB/never").start();
    let accepted = twenty_four(&sidecar, &Request::upload().body(&bytes(300_000)));
    assert_eq!(accepted, 6);
    sidecar.comes_to(1_800_000);
    assert_eq!(homeserver.forwarded().len(), 6);
}

#[test]
fn parallel_chunked_uploads_never_share_more_than_the_room() {
    let homeserver = Homeserver::start();
    for _ in 0..3 {
        let sidecar = Sidecar::before(&homeserver).limit("2MB/never").start();
        let accepted = twenty_four(&sidecar, &Request::upload().chunks(&bytes(300_000)));
        assert!((5..=6).contains(&accepted), "{accepted} of 24 were accepted");
        sidecar.comes_to(300_000 * i64::try_from(accepted).unwrap());
    }
}

#[test]
fn the_last_byte_leaves_only_once_the_upload_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    let body = bytes(200_000);
    store.guard().stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().body(&body).bytes());
    store.guard().is_stopped_at("settle");
    let is_whole = || homeserver.forwarded().iter().any(|seen| seen.body.len() == body.len());
    assert!(!within(A_WHILE, is_whole));
    assert_eq!(sidecar.used(), 0);
    store.guard().let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!((homeserver.only().body, sidecar.used()), (body, 200_000));
}

#[test]
fn the_last_chunk_leaves_only_once_the_upload_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    let body = bytes(200_000);
    store.guard().stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(&body));
    assert_eq!(homeserver.has(body.len()).body, body);
    client.send("0\r\n\r\n");
    store.guard().is_stopped_at("settle");
    assert!(!within(A_WHILE, || homeserver.only().ended == Ended::Whole));
    assert_eq!(sidecar.used(), 0);
    store.guard().let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!((homeserver.only().ended, sidecar.used()), (Ended::Whole, 200_000));
}

#[test]
fn the_head_of_an_empty_upload_leaves_only_once_it_is_paid_for() {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).store(&store).start();
    store.guard().stop_at("settle");
    let mut client = sidecar.client();
    client.send(Request::upload().body(b"").bytes());
    store.guard().is_stopped_at("settle");
    assert!(!within(A_WHILE, || !homeserver.forwarded().is_empty()));
    store.guard().let_go("settle");
    assert_eq!(client.answer().status, 200);
    assert_eq!(homeserver.forwarded().len(), 1);
}

#[test]
fn what_the_homeserver_refuses_is_refunded_before_the_client_hears_of_it() {
    for status in [400, 403, 413, 500, 502, 503, 301] {
        let homeserver = Homeserver::start();
        let store = Arc::new(scripted());
        let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
        homeserver.answer_uploads(status, r#"{"errcode":"M_UNKNOWN","error":"No."}"#);
        store.guard().stop_at("refund");
        let mut client = sidecar.client();
        client.send(Request::upload().body(&bytes(100_000)).bytes());
        store.guard().is_stopped_at("refund");
        assert_eq!(sidecar.used(), 100_000);
        assert!(client.is_silent(A_WHILE));
        store.guard().let_go("refund");
        let answer = client.answer();
        assert_eq!((answer.status, sidecar.used()), (status, 0));
        assert_eq!(answer.text(), r#"{"errcode":"M_UNKNOWN","error":"No."}"#);
    }
}
