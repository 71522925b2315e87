//! Uploads: counted exactly, refused so that it is heard, and never half stored.

use h2::Reason;

use crate::support::client::UPLOAD;
use crate::support::http2::request;
use crate::support::{Ended, Homeserver, Sidecar, bytes, eventually};

fn pair(limit: &str) -> (Homeserver, Sidecar) {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit(limit).start();
    (homeserver, sidecar)
}

#[test]
fn uploads_are_charged_exactly_with_a_length_and_without() {
    let (homeserver, sidecar) = pair("10MB/never");
    let mut client = sidecar.http2();
    let mut expected = 0;
    for (size, told) in
        [(0, true), (0, false), (1, true), (1, false), (700_001, true), (700_001, false)]
    {
        let answer = client.upload(&bytes(size), told);
        assert_eq!(answer.status, 200, "{size} {told}: {}", answer.text());
        expected += i64::try_from(size).unwrap();
        sidecar.comes_to(expected);
        let seen = homeserver.seen(UPLOAD).pop().unwrap();
        assert_eq!((seen.ended, seen.body.len()), (Ended::Whole, size));
        let is_chunked = seen.head.header("transfer-encoding").is_some();
        // That nothing comes is known, or is not.
        if told || size > 0 {
            assert_eq!(is_chunked, !told, "{size} {told}");
        }
        if told {
            assert_eq!(seen.head.header("content-length"), Some(size.to_string().as_str()));
        }
    }
}

#[test]
fn an_upload_of_nothing_but_a_head_says_so_upstream() {
    let (homeserver, sidecar) = pair("1MB/never");
    let told = sidecar.http2().ask(request("POST", UPLOAD).body(()).unwrap());
    assert_eq!(told.status, 200);
    let seen = homeserver.seen(UPLOAD).pop().unwrap();
    assert_eq!(seen.head.header("transfer-encoding"), None);
    assert_eq!(seen.head.header("content-length").unwrap_or("0"), "0");
    sidecar.comes_to(0);
}

#[test]
fn the_last_byte_that_fits_is_taken_and_one_more_is_not() {
    for told in [true, false] {
        let (_homeserver, sidecar) = pair("500kB/never");
        let mut client = sidecar.http2();
        let answer = client.upload(&bytes(500_001), told);
        assert_eq!((answer.status, answer.errcode().as_str()), (429, "M_LIMIT_EXCEEDED"), "{told}");
        sidecar.comes_to(0);
        assert_eq!(client.upload(&bytes(500_000), told).status, 200, "{told}");
        sidecar.comes_to(500_000);
    }
}

#[test]
fn a_refusal_is_heard_by_a_client_that_still_sends_and_the_connection_goes_on() {
    let (homeserver, sidecar) = pair("1kB/never");
    let mut client = sidecar.http2();
    let head = request("POST", UPLOAD).header("content-length", 20_000_000).body(()).unwrap();
    let mut sending = client.begin(head, false);
    // All of it, as a client does that listens only then.
    client.send(&mut sending.body, &bytes(20_000_000), true);
    let told = client.answer(sending.answer);
    assert_eq!((told.status, told.errcode().as_str()), (429, "M_LIMIT_EXCEEDED"));
    assert_eq!(told.headers["access-control-allow-origin"], "*");
    assert_eq!(homeserver.forwarded().len(), 0);
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn an_endless_refused_body_is_cut_without_blame() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limit("1kB/never")
        .limits(|limits| limits.drain_bytes = 1_000_000)
        .start();
    let mut client = sidecar.http2();
    let head = request("POST", UPLOAD).header("content-length", 500_000_000).body(()).unwrap();
    let mut sending = client.begin(head, false);
    let piece = bytes(100_000);
    let mut sent = 0;
    while client.send(&mut sending.body, &piece, false) {
        sent += piece.len();
        assert!(sent < 20_000_000, "it is not cut");
    }
    let told = client.answer(sending.answer);
    assert_eq!((told.status, told.reset), (429, None));
    assert_eq!(client.get("/x").status, 200);
}

#[test]
fn an_upload_taken_back_half_way_costs_nothing_and_is_not_stored() {
    for told in [true, false] {
        let (homeserver, sidecar) = pair("10MB/never");
        let mut client = sidecar.http2();
        let mut head = request("POST", UPLOAD);
        if told {
            head = head.header("content-length", 400_000);
        }
        let mut sending = client.begin(head.body(()).unwrap(), false);
        assert!(client.send(&mut sending.body, &bytes(200_000), false));
        homeserver.has(100_000);
        sending.body.send_reset(Reason::CANCEL);
        homeserver.ended(Ended::Cut);
        sidecar.comes_to(0);
        assert_eq!(client.get("/x").status, 200);
    }
}

#[test]
fn a_connection_that_breaks_half_way_costs_nothing() {
    let (homeserver, sidecar) = pair("10MB/never");
    let mut client = sidecar.http2();
    let mut sending = client.begin(request("POST", UPLOAD).body(()).unwrap(), false);
    assert!(client.send(&mut sending.body, &bytes(200_000), false));
    homeserver.has(100_000);
    drop(sending);
    drop(client);
    homeserver.ended(Ended::Cut);
    sidecar.comes_to(0);
}

#[test]
fn taking_a_whole_upload_back_is_not_free() {
    let (homeserver, sidecar) = pair("10MB/never");
    homeserver.on("/_matrix/media/", |exchange| {
        if exchange.read_body() {
            std::thread::sleep(std::time::Duration::from_millis(300));
            exchange.answer(200, "{}");
        }
    });
    let mut client = sidecar.http2();
    let mut sending = client.begin(request("POST", UPLOAD).body(()).unwrap(), false);
    assert!(client.send(&mut sending.body, &bytes(200_000), true));
    homeserver.ended(Ended::Whole);
    sending.body.send_reset(Reason::CANCEL);
    drop(client);
    sidecar.comes_to(200_000);
}

#[test]
fn a_length_that_is_not_kept_is_not_stored() {
    for sent in [99_999, 100_001] {
        let (homeserver, sidecar) = pair("10MB/never");
        let mut client = sidecar.http2();
        let head = request("POST", UPLOAD).header("content-length", 100_000).body(()).unwrap();
        let mut sending = client.begin(head, false);
        client.send(&mut sending.body, &bytes(sent), true);
        let told = client.answer(sending.answer);
        assert!(told.status == 0 || told.status >= 400, "{told:?}");
        homeserver.keeps_nothing();
        sidecar.comes_to(0);
    }
}

#[test]
fn a_refusal_of_the_homeserver_is_refunded() {
    let (homeserver, sidecar) = pair("10MB/never");
    homeserver.answer_uploads(500, r#"{"errcode":"M_UNKNOWN"}"#);
    assert_eq!(sidecar.http2().upload(&bytes(100_000), false).status, 500);
    sidecar.comes_to(0);
}

#[test]
fn uploads_at_the_same_time_on_one_connection_never_pass_the_limit() {
    let (_homeserver, sidecar) = pair("1MB/never");
    let mut client = sidecar.http2();
    let head = || request("POST", UPLOAD).header("content-length", 250_000).body(()).unwrap();
    let mut all: Vec<_> = (0..12).map(|_| client.begin(head(), false)).collect();
    for sending in &mut all {
        client.send(&mut sending.body, &bytes(250_000), true);
    }
    let statuses: Vec<u16> = all.into_iter().map(|it| client.answer(it.answer).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 4, "{statuses:?}");
    eventually("all is settled", || sidecar.reserved() == 0);
    assert_eq!(sidecar.used(), 1_000_000);
}
