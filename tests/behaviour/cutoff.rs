//! Who breaks off, and what that costs.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::stores::scripted;
use crate::support::wire::chunk;
use crate::support::{
    Answer, Client, Ended, Exchange, Homeserver, Request, Sidecar, bytes, eventually, now, within,
};

/// More than all buffers on the way hold together.
const LARGE: usize = 24_000_000;
const MEDIA: &str = "/_matrix/media/";

/// A homeserver, and before it a sidecar by which everyone may have so much.
fn limited(limit: &str) -> (Homeserver, Sidecar) {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit(limit).start();
    (homeserver, sidecar)
}

/// Returns an upload that says its length, and one that does not.
fn both_ways(size: usize) -> [Request; 2] {
    [Request::upload().body(&bytes(size)), Request::upload().chunks(&bytes(size))]
}

/// Begins an upload in chunks; the first one, of 1000 bytes, is up.
fn begun(homeserver: &Homeserver, sidecar: &Sidecar) -> Client {
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(&bytes(1000)));
    homeserver.has(1000);
    client
}

/// Says yes after 1000 bytes, and takes the rest.
fn early_yes(exchange: &mut Exchange) {
    exchange.read(1000);
    exchange.answer(200, "{}");
    exchange.read_body();
}

#[test]
fn a_homeserver_that_dies_mid_body_is_502_and_costs_nothing() {
    for size in [0, 1, 100_000] {
        let (homeserver, sidecar) = limited("1GB/never");
        homeserver.on(MEDIA, move |exchange| {
            exchange.read(size);
            exchange.close();
        });
        let mut client = sidecar.client();
        client.send(Request::upload().length(LARGE).head());
        client.send(bytes(200_000));
        client.answer().is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(0);
    }
}

#[test]
fn a_homeserver_that_dies_mid_body_is_502_to_a_client_that_sends_all_before_it_reads() {
    let (homeserver, sidecar) = limited("1GB/never");
    homeserver.on(MEDIA, move |exchange| {
        exchange.read(1000);
        exchange.close();
    });
    for request in both_ways(LARGE) {
        sidecar.ask(&request).is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(0);
    }
}

#[test]
fn a_homeserver_that_dies_with_the_whole_body_is_502_and_is_paid_for() {
    for request in both_ways(100_000) {
        let (homeserver, sidecar) = limited("1MB/never");
        homeserver.on(MEDIA, |exchange| {
            assert!(exchange.read_body());
            exchange.close();
        });
        sidecar.ask(&request).is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(100_000);
        // Nothing is delivered twice.
        assert_eq!(homeserver.only().ended, Ended::Whole);
    }
}

#[test]
fn a_homeserver_that_dies_with_the_whole_body_and_its_trailers_is_paid_for() {
    for announced in ["Trailer: X-Sum", "X-Other: nothing is announced"] {
        let (homeserver, sidecar) = limited("1MB/never");
        homeserver.on(MEDIA, |exchange| {
            assert!(exchange.read_body());
            exchange.close();
        });
        let mut client = sidecar.client();
        client.send(Request::upload().line(announced).chunked().head());
        client.send(chunk(&bytes(1000)));
        client.send("0\r\nX-Sum: 1000\r\n\r\n");
        client.answer().is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(1000);
        assert_eq!(homeserver.only().ended, Ended::Whole);
    }
}

#[test]
fn a_homeserver_that_answers_garbage_to_the_whole_body_is_paid_for() {
    for garbage in ["garbage\r\n\r\n", "HTTP/1.1 two hundred\r\n\r\n", "HTTP/1.1 200 OK\r\nContent"]
    {
        let (homeserver, sidecar) = limited("1MB/never");
        homeserver.on(MEDIA, move |exchange| {
            exchange.read_body();
            exchange.send(garbage);
            exchange.close();
        });
        sidecar.ask(&Request::upload().body(&bytes(1000))).is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(1000);
    }
}

#[test]
fn a_homeserver_that_is_down_is_502_and_costs_nothing() {
    let (homeserver, sidecar) = limited("1MB/never");
    assert_eq!(sidecar.upload(1000), 200);
    homeserver.stop_listening();
    for request in [
        Request::upload().body(&bytes(100_000)),
        Request::upload().chunks(&bytes(100_000)),
        Request::upload().body(b""),
    ] {
        sidecar.ask(&request).is_refusal(502, "M_UNKNOWN");
        sidecar.comes_to(1000);
    }
}

/// A way for a client to leave.
type Leaving = fn(Client);

const LEAVING: [(&str, Leaving); 3] = [
    ("closes", drop),
    ("resets", Client::reset),
    ("says it is done, and waits", |mut client| {
        client.finish();
        // It may be answered or not; it must not wait for ever.
        client.wire.wait_gone();
    }),
];

#[test]
fn a_client_that_leaves_mid_body_pays_nothing_and_leaves_no_whole_file() {
    for (how, leave) in LEAVING {
        for request in [Request::upload().length(1_000_000), Request::upload().chunked()] {
            let (homeserver, sidecar) = limited("2MB/never");
            let mut client = sidecar.client();
            client.send(request.head());
            // As a chunk, or as a part of a larger body.
            client.send(chunk(&bytes(200_000)));
            homeserver.has(200_000);
            assert!(sidecar.reserved() >= 200_000);
            leave(client);
            homeserver.ended(Ended::Cut);
            assert_eq!(homeserver.only().ended, Ended::Cut, "it {how}");
            sidecar.comes_to(0);
            assert_eq!(sidecar.upload(1_500_000), 200, "the room is back");
        }
    }
}

#[test]
fn a_client_that_leaves_before_the_last_chunk_leaves_no_whole_file() {
    // Everything but the empty chunk; a homeserver that saw an end here would keep the file.
    for rest in ["", "0", "0\r\n", "0\r\nX-Trailer: 1\r\n"] {
        let (homeserver, sidecar) = limited("1MB/never");
        let mut client = begun(&homeserver, &sidecar);
        client.send(rest);
        drop(client);
        homeserver.ended(Ended::Cut);
        sidecar.comes_to(0);
    }
}

#[test]
fn chunks_that_are_none_cut_the_upload() {
    for odd in
        ["xyz\r\n", "-5\r\nhello\r\n", "5\r\nhelloXX", "ffffffffffffffffff\r\n", "\r\n", "+5\r\n"]
    {
        let (homeserver, sidecar) = limited("1MB/never");
        let mut client = begun(&homeserver, &sidecar);
        client.send(odd);
        homeserver.ended(Ended::Cut);
        sidecar.comes_to(0);
    }
}

/// Has a client send a whole upload and leave; the homeserver then gives this answer.
fn left_alone(leave: Leaving, request: &Request, answer: u16) -> (Homeserver, Sidecar) {
    let (homeserver, sidecar) = limited("1MB/never");
    let (go, told) = channel();
    let told = Mutex::new(told);
    homeserver.on(MEDIA, move |exchange| {
        exchange.read_body();
        told.lock().unwrap().recv().unwrap();
        exchange.answer(answer, "{}");
    });
    let mut client = sidecar.client();
    client.send(request.bytes());
    homeserver.ended(Ended::Whole);
    // A pause in which a departure could do harm: with it or without, the outcome is the same.
    let waiting = std::thread::spawn(move || leave(client));
    within(Duration::from_millis(100), || false);
    go.send(()).unwrap();
    waiting.join().unwrap();
    (homeserver, sidecar)
}

#[test]
fn a_client_that_leaves_after_the_last_byte_pays_for_what_the_homeserver_keeps() {
    for (_, leave) in LEAVING {
        for request in both_ways(1000) {
            let (_homeserver, sidecar) = left_alone(leave, &request, 200);
            sidecar.comes_to(1000);
        }
    }
}

#[test]
fn a_client_that_leaves_after_the_last_byte_pays_nothing_for_what_the_homeserver_refuses() {
    for (_, leave) in LEAVING {
        let (_homeserver, sidecar) = left_alone(leave, &Request::upload().body(&bytes(1000)), 403);
        eventually("the refund", || sidecar.used() == 0);
        sidecar.comes_to(0);
    }
}

const TOO_LARGE: &str = r#"{"errcode":"M_TOO_LARGE","error":"Too large."}"#;

#[test]
fn an_early_no_reaches_a_client_that_still_sends() {
    for closes in [true, false] {
        for size in [0, 1000] {
            let (homeserver, sidecar) = limited("1GB/never");
            homeserver.on(MEDIA, move |exchange| {
                exchange.read(size);
                exchange.answer(413, TOO_LARGE);
                if closes { exchange.close() } else { exchange.hang() }
            });
            let mut duplex = sidecar.client();
            duplex.send(Request::upload().length(LARGE).head());
            duplex.send(bytes(100_000));
            let answer = duplex.answer();
            assert_eq!((answer.status, answer.text().as_str()), (413, TOO_LARGE));
            sidecar.comes_to(0);
            drop(duplex);

            let blind = sidecar.ask(&Request::upload().body(&bytes(LARGE)));
            assert_eq!((blind.status, blind.text().as_str()), (413, TOO_LARGE), "closes: {closes}");
            sidecar.comes_to(0);
        }
    }
}

/// Has the homeserver do this while an upload is being paid for; returns what the client is told.
fn while_it_is_paid_for(act: fn(&mut Exchange)) -> (Answer, i64) {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").store(&store).start();
    let ((paying, begin), (acted, told)) = (channel(), channel());
    let ends = Mutex::new((begin, acted));
    homeserver.on(MEDIA, move |exchange| {
        let (begin, acted) = &*ends.lock().unwrap();
        begin.recv().unwrap();
        act(exchange);
        acted.send(()).unwrap();
        exchange.hang();
    });
    store.guard().stop_at("settle");
    let mut client = sidecar.client();
    // So large that it goes up in parts: a smaller one does not leave before it is paid for.
    client.send(Request::upload().body(&bytes(200_000)).bytes());
    store.guard().is_stopped_at("settle");
    paying.send(()).unwrap();
    told.recv().unwrap();
    assert!(client.is_silent(Duration::from_millis(50)), "the books come first");
    store.guard().let_go("settle");
    let answer = client.answer();
    (answer, sidecar.used() + sidecar.reserved())
}

#[test]
fn a_no_while_an_upload_is_paid_for_is_refunded_before_the_client_hears_of_it() {
    let (answer, charged) = while_it_is_paid_for(|exchange| exchange.answer(413, TOO_LARGE));
    assert_eq!((answer.status, charged), (413, 0));
}

#[test]
fn a_death_while_an_upload_is_paid_for_is_refunded_before_the_client_hears_of_it() {
    let (answer, charged) = while_it_is_paid_for(Exchange::close);
    answer.is_refusal(502, "M_UNKNOWN");
    assert_eq!(charged, 0);
}

#[test]
fn an_early_yes_is_charged_for_all_that_the_homeserver_took() {
    let (homeserver, sidecar) = limited("1MB/never");
    homeserver.on(MEDIA, early_yes);
    let mut client = sidecar.client();
    client.send(Request::upload().body(&bytes(500_000)).bytes());
    assert_eq!(client.answer().status, 200);
    sidecar.comes_to(500_000);
    assert_eq!(homeserver.ended(Ended::Whole).body, bytes(500_000));
}

#[test]
fn a_client_that_leaves_after_an_early_yes_leaves_no_whole_file() {
    for (_, leave) in LEAVING {
        let (homeserver, sidecar) = limited("1MB/never");
        homeserver.on(MEDIA, early_yes);
        let mut client = begun(&homeserver, &sidecar);
        client.send(chunk(&bytes(500)));
        homeserver.has(1500);
        leave(client);
        homeserver.ended(Ended::Cut);
        // It said that it keeps it, so that is paid for.
        sidecar.comes_to(1500);
    }
}

#[test]
fn an_early_yes_before_the_connection_breaks_is_charged_for_what_went_up() {
    let (homeserver, sidecar) = limited("1GB/never");
    homeserver.on(MEDIA, |exchange| {
        exchange.read(100_000);
        exchange.answer(200, "{}");
        exchange.close();
    });
    let mut client = sidecar.client();
    client.send(Request::upload().length(LARGE).head());
    client.send(bytes(200_000));
    eventually("the homeserver says yes", || homeserver.has(100_000).body.len() >= 100_000);
    // Goes on until it is told.
    while client.try_send(bytes(64_000)).is_ok() && sidecar.used() == 0 {}
    eventually("the charge", || sidecar.reserved() == 0);
    assert!(sidecar.used() >= 100_000, "{}", sidecar.used());
    assert_eq!(client.answer().status, 200);
}

#[test]
fn an_upload_without_a_length_waits_for_the_room_of_others() {
    // The wait is bounded: on a busy machine the room may come too late, so it is tried again.
    let served = (0..5).any(|_| {
        let (homeserver, sidecar) = limited("1MB/never");
        let mut holder = sidecar.client();
        holder.send(Request::upload().length(600_000).head());
        eventually("room is held", || sidecar.reserved() == 600_000);
        let mut waiting = sidecar.client();
        waiting.send(Request::upload().chunks(&bytes(600_000)).bytes());
        eventually("some of the other", || {
            homeserver.forwarded().iter().any(|one| !one.body.is_empty())
        });
        drop(holder);
        let status = waiting.answer().status;
        sidecar.comes_to(if status == 200 { 600_000 } else { 0 });
        status == 200
    });
    assert!(served);
}

#[test]
fn an_upload_that_no_waiting_helps_is_cut_at_once() {
    // Shorter than the shortest wait; on a busy machine it may take longer all the same.
    let is_at_once = |span: Duration| span < Duration::from_millis(450);
    let (_homeserver, sidecar) = limited("1MB/never");
    sidecar.record(700_000);
    let mut holder = sidecar.client();
    holder.send(Request::upload().length(10_000).head());
    eventually("room is held", || sidecar.reserved() == 10_000);
    let cut = (0..5).any(|_| {
        let begun = now();
        sidecar.ask(&Request::upload().chunks(&bytes(400_000))).is_refusal(429, "M_LIMIT_EXCEEDED");
        is_at_once(begun.elapsed())
    });
    assert!(cut);
}
