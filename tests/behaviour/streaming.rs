//! Nothing is gathered on the way: bytes pass as they come, and no faster than they are taken.

use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::wire::chunk;
use crate::support::{
    Ended, Exchange, Homeserver, PATIENCE, Request, Sidecar, bytes, eventually, now, within,
};

/// The most that may be on its way at once, kernels included.
const IN_FLIGHT: usize = 24_000_000;

#[test]
fn an_upload_is_at_the_homeserver_before_it_ends() {
    for request in [Request::upload().length(300_000), Request::upload().chunked()] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
        let mut client = sidecar.client();
        client.send(request.head());
        let is_chunked = request.head().windows(7).any(|it| it == b"chunked");
        for count in 1..=3 {
            let part = bytes(100_000);
            client.send(if is_chunked { chunk(&part) } else { part });
            // The very last byte may be held back.
            homeserver.has(count * 100_000 - 70_000);
        }
        assert_eq!(sidecar.used() == 0, is_chunked, "a length known is settled with its last byte");
        if is_chunked {
            client.send("0\r\n\r\n");
        }
        assert_eq!(client.answer().status, 200);
        assert_eq!(sidecar.used(), 300_000);
    }
}

#[test]
fn a_download_is_at_the_client_before_it_ends() {
    for head in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        let (go, told) = channel();
        let told = Mutex::new(told);
        let part = move |data: &[u8]| {
            if head.starts_with('T') { chunk(data) } else { data.to_vec() }
        };
        homeserver.on("/download", move |exchange| {
            exchange.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n"));
            exchange.send(part(b"hello"));
            told.lock().unwrap().recv().unwrap();
            exchange.send(part(b"world"));
            exchange.send(if head.starts_with('T') { "0\r\n\r\n" } else { "" });
        });
        let mut client = sidecar.client();
        client.send(Request::get("/download").head());
        let mut answer = client.head("GET");
        while answer.body.len() < 5 {
            assert!(answer.read(&mut client.wire));
        }
        assert_eq!(answer.text(), "hello");
        go.send(()).unwrap();
        while answer.read(&mut client.wire) {}
        assert_eq!((answer.text().as_str(), answer.whole), ("helloworld", true));
        assert_eq!(answer.header("transfer-encoding").is_some(), head.starts_with('T'));
    }
}

#[test]
fn a_long_poll_may_be_silent_for_as_long_as_it_likes() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| {
            limits.body_idle_timeout = Duration::from_millis(100);
            limits.head_timeout = Duration::from_millis(100);
        })
        .start();
    let gap = Duration::from_millis(1100);
    homeserver.on("/_matrix/client/v3/sync", move |exchange| {
        std::thread::sleep(gap);
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for part in ["{", "}"] {
            std::thread::sleep(gap);
            exchange.send(chunk(part.as_bytes()));
        }
        exchange.send("0\r\n\r\n");
    });
    let begun = now();
    let answer = sidecar.ask(&Request::get("/_matrix/client/v3/sync").token("alice"));
    assert_eq!((answer.text().as_str(), answer.whole), ("{}", true));
    assert!(begun.elapsed() >= gap * 3);
}

#[test]
fn a_client_that_gives_up_a_long_poll_takes_it_back() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let gone = Arc::new(AtomicUsize::new(0));
    let count = gone.clone();
    homeserver.on("/_matrix/client/v3/sync", move |exchange| {
        exchange.hang();
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut client = sidecar.client();
    client.send(Request::get("/_matrix/client/v3/sync").head());
    eventually("the poll", || homeserver.forwarded().len() == 1);
    drop(client);
    eventually("its end at the homeserver", || gone.load(Ordering::SeqCst) == 1);
}

/// Sends until nothing more is taken for a while; returns how much was.
fn sent_until_stalled(mut stream: impl Write, most: usize) -> usize {
    let (mut sent, piece) = (0, bytes(64_000));
    while sent < most {
        match stream.write(&piece) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    sent
}

#[test]
fn a_homeserver_that_does_not_read_stops_the_client() {
    for target in ["/_matrix/media/v3/upload", "/other"] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver).start();
        let (go, told) = channel();
        let told = Mutex::new(told);
        homeserver.on(target, move |exchange| {
            told.lock().unwrap().recv().unwrap();
            exchange.read_body();
            exchange.answer(200, "{}");
        });
        let size = 60_000_000;
        let mut client = sidecar.client();
        client.send(Request::post(target).token("alice").length(size).head());
        let stream = client.wire.stream.another();
        stream.write_timeout(Duration::from_millis(500));
        let sent = sent_until_stalled(stream, size);
        assert!(sent < IN_FLIGHT, "{sent} bytes are on their way");
        go.send(()).unwrap();
        client.wire.stream.write_timeout(PATIENCE);
        client.send(vec![b'x'; size - sent]);
        assert_eq!(client.answer().status, 200);
        assert_eq!(homeserver.only().body.len(), size);
    }
}

#[test]
fn a_client_that_does_not_read_stops_the_homeserver() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let size = 60_000_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    homeserver.on("/download", move |exchange: &mut Exchange| {
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"));
        let piece = bytes(60_000);
        for _ in 0..size / piece.len() {
            exchange.send(&piece);
            count.fetch_add(piece.len(), Ordering::SeqCst);
        }
    });
    let mut client = sidecar.client();
    client.send(Request::get("/download").head());
    // Until it has stood still for a while.
    let mut last = 0;
    while within(Duration::from_millis(500), || sent.load(Ordering::SeqCst) > last) {
        last = sent.load(Ordering::SeqCst);
        assert!(last < IN_FLIGHT, "{last} bytes are on their way");
    }
    let answer = client.answer_to("GET");
    assert_eq!((answer.body.len(), answer.whole), (size, true));
}

#[test]
fn a_hundred_stalled_uploads_slow_nobody() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1GB/never").start();
    let stalled: Vec<_> = (0..100)
        .map(|_| {
            let mut client = sidecar.client();
            client.send(Request::upload().length(1000).head());
            client.send(bytes(500));
            client
        })
        .collect();
    eventually("all of them are under way", || sidecar.reserved() == 100_000);
    for _ in 0..20 {
        assert_eq!(sidecar.ask(&Request::get("/_matrix/client/v3/sync")).status, 200);
        assert_eq!(sidecar.upload(1000), 200);
    }
    drop(stalled);
    sidecar.comes_to(20_000);
    eventually("their ends", || {
        homeserver.forwarded().iter().filter(|one| one.ended == Ended::Cut).count() == 100
    });
}
