//! What a client may cost before it costs nothing: each limit named where it strikes.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::support::client::UPLOAD;
use crate::support::process::Process;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes, eventually, now, within};

/// Short enough to wait for, and long enough not to strike by chance.
const SOON: Duration = Duration::from_millis(300);

/// More than all buffers on the way hold together.
const LARGE: usize = 24_000_000;

/// Long before any limit that is not set to [`SOON`].
const NOT_LATE: Duration = Duration::from_secs(15);

#[test]
fn a_head_that_does_not_come_to_its_end_is_cut() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.head_timeout = SOON).start();
    let begun = now();
    for half in ["", "GET", "GET /x HTTP/1.1\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut client = sidecar.client();
        client.send(half);
        let answer = client.wire.rest();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{half:?}");
    }
    // A connection that was used is no better.
    let mut client = sidecar.client();
    assert_eq!(client.ask(&Request::get("/x")).status, 200);
    assert!(client.is_closed());
    assert!(begun.elapsed() < NOT_LATE);
}

#[test]
fn a_head_that_drips_is_cut_all_the_same() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.head_timeout = SOON).start();
    let mut client = sidecar.client();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n");
    let begun = now();
    while client.try_send("X: 1\r\n").is_ok() {
        assert!(begun.elapsed() < NOT_LATE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(homeserver.forwarded().is_empty());
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| (limits.head_bytes, limits.header_count) = (16 * 1024, 20))
        .start();
    let large = "x".repeat(20_000);
    let many = |count| (0..count).fold(Request::get("/x"), |it, n| it.line(&format!("X-{n}: 1")));
    for request in [
        Request::get("/x").line(&format!("X: {large}")),
        Request::get(&format!("/{large}")),
        Request::get("/x").line(&format!("{large}: x")),
        // Host is one more.
        many(20),
        many(5000),
    ] {
        let mut client = sidecar.client();
        // It may be refused before all of it is sent.
        let _ = client.try_send(request.head());
        let answer = client.answer_to("GET");
        assert!([414, 431].contains(&answer.status), "{}", answer.status);
    }
    assert!(homeserver.forwarded().is_empty());
    assert_eq!(sidecar.ask(&many(19)).status, 200);
    assert_eq!(
        sidecar.ask(&Request::get("/x").line(&format!("X: {}", &large[..15_000]))).status,
        200
    );
}

#[test]
fn the_default_head_is_large_enough_for_browsers() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let request = Request::get(&format!("/x?{}", "y".repeat(30_000)));
    let request = request.line(&format!("Cookie: {}", "z".repeat(30_000)));
    assert_eq!(sidecar.ask(&request).status, 200);
    let seen = homeserver.only();
    assert_eq!(seen.head.header("cookie").map(str::len), Some(30_000));
}

#[test]
fn a_body_that_stops_coming_is_408_and_costs_nothing() {
    for request in [
        Request::upload().length(100_000),
        Request::upload().chunked(),
        Request::post("/x").length(100_000),
        Request::post("/x").chunked(),
    ] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| limits.body_idle_timeout = SOON)
            .limit("1MB/never")
            .start();
        let mut client = sidecar.client();
        client.send(request.head());
        client.send(chunk(&bytes(1000)));
        let answer = client.answer();
        answer.is_refusal(408, "M_UNKNOWN");
        assert!(answer.text().contains("body_idle_timeout"), "{}", answer.text());
        homeserver.keeps_nothing();
        sidecar.comes_to(0);
        // Whatever comes now is no request.
        let _ = client.try_send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        client.finish();
        client.wire.wait_gone();
        assert!(homeserver.seen("/smuggled").is_empty());
    }
}

#[test]
fn a_body_that_is_slow_but_moves_lives() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(1))
        .limit("1MB/never")
        .start();
    for request in [Request::upload(), Request::post("/x")] {
        let mut client = sidecar.client();
        client.send(request.length(20).head());
        let begun = now();
        for byte in bytes(20) {
            std::thread::sleep(Duration::from_millis(100));
            client.send([byte]);
        }
        assert!(begun.elapsed() > Duration::from_secs(1));
        assert_eq!(client.answer().status, 200);
    }
    sidecar.comes_to(20);
}

#[test]
fn a_homeserver_that_is_slow_is_not_the_clients_fault() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(1))
        .limit("1GB/never")
        .start();
    // Nothing is read for a while, so the client cannot send; an upload may pause up to the limit.
    for (prefix, pause) in [("/x", 1500), (UPLOAD, 200)] {
        homeserver.on(prefix, move |exchange| {
            std::thread::sleep(Duration::from_millis(pause));
            exchange.read_body();
            // Nothing is said for a while.
            std::thread::sleep(Duration::from_millis(1500));
            exchange.answer(200, "{}");
        });
    }
    for request in [Request::upload(), Request::post("/x")] {
        assert_eq!(sidecar.ask(&request.body(&bytes(20_000_000))).status, 200);
    }
}

/// Has uploads wait at the homeserver, unread, until the sender is dropped.
fn unread_uploads(homeserver: &Homeserver) -> Sender<()> {
    let (held, released) = channel::<()>();
    let released = Mutex::new(released);
    homeserver.on(UPLOAD, move |exchange| {
        // Ends with the sender.
        let _ = released.lock().unwrap().recv();
        exchange.read_body();
    });
    held
}

#[test]
fn a_homeserver_that_stops_reading_is_504_and_costs_nothing() {
    for request in [Request::upload().body(&bytes(LARGE)), Request::upload().chunks(&bytes(LARGE))]
    {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| limits.body_idle_timeout = SOON)
            .limit("1GB/never")
            .start();
        let held = unread_uploads(&homeserver);
        let answer = sidecar.ask(&request);
        answer.is_refusal(504, "M_UNKNOWN");
        assert!(answer.text().contains("body_idle_timeout"), "{}", answer.text());
        sidecar.comes_to(0);
        drop(held);
        homeserver.ended(Ended::Cut);
    }
}

#[test]
fn a_homeserver_that_stops_reading_keeps_no_room_of_a_client_that_left() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.body_idle_timeout = Duration::from_secs(3))
        .limit("1GB/never")
        .start();
    let held = unread_uploads(&homeserver);
    let mut client = sidecar.client();
    client.wire.stream.write_timeout(SOON / 3);
    // Every buffer on the way is full before it is all sent, long before the limit.
    assert!(client.try_send(Request::upload().body(&bytes(LARGE)).bytes()).is_err());
    drop(client);
    sidecar.comes_to(0);
    drop(held);
    homeserver.ended(Ended::Cut);
}

#[test]
fn a_homeserver_that_never_answers_is_not_waited_for_once_the_client_has_left() {
    for size in [0, 1000] {
        let homeserver = Homeserver::start();
        let sidecar = Sidecar::before(&homeserver)
            .limits(|limits| {
                limits.abandoned_timeout = SOON;
                limits.uploads_per_subject = Some(1);
            })
            .limit("1MB/never")
            .start();
        homeserver.on(UPLOAD, |exchange| {
            exchange.read_body();
            exchange.hang();
        });
        let mut client = sidecar.client();
        client.send(Request::upload().body(&bytes(size)).bytes());
        homeserver.ended(Ended::Whole);
        // A client that is there is waited with.
        assert!(client.is_silent(SOON * 2));
        assert_eq!(sidecar.upload(10), 429);
        drop(client);
        homeserver.answer_uploads(200, "{}");
        eventually("the slot is free", || sidecar.upload(10) == 200);
        // No word at all keeps the charge.
        sidecar.comes_to(i64::try_from(size).unwrap() + 10);
    }
}

#[test]
fn a_homeserver_may_refuse_after_the_client_has_left() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let (say, told) = channel::<()>();
    let told = Mutex::new(told);
    homeserver.on(UPLOAD, move |exchange| {
        exchange.read_body();
        // Ends with the sender.
        let _ = told.lock().unwrap().recv();
        exchange.answer(403, "{}");
    });
    let mut client = sidecar.client();
    client.send(Request::upload().body(&bytes(1000)).bytes());
    homeserver.ended(Ended::Whole);
    drop(client);
    eventually("it is charged", || sidecar.used() == 1000);
    drop(say);
    eventually("it is taken back", || sidecar.used() == 0);
}

#[test]
fn past_the_most_connections_others_wait() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 2).start();
    let mut served = [(); 2].map(|()| sidecar.client());
    for client in &mut served {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
    let mut waiting: Vec<_> = (0..4).map(|_| sidecar.client()).collect();
    for client in &mut waiting {
        client.send(Request::get("/waited").head());
    }
    assert!(waiting[0].is_silent(Duration::from_millis(100)));
    assert!(homeserver.seen("/waited").is_empty());
    drop(served);
    for mut client in waiting {
        assert_eq!(client.answer_to("GET").status, 200);
    }
}

#[test]
fn the_log_names_the_cap_on_connections_once_it_is_reached() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n[limits]\nconnections = 2\n",
        homeserver.url
    );
    let process = Process::configured(folder.path(), &config);
    let mut served = [(); 2].map(|()| process.client());
    for client in &mut served {
        assert_eq!(client.ask(&Request::get("/x")).status, 200);
    }
    let told = || {
        let log = process.log();
        log.lines().filter(|it| it.contains("WARN") && it.contains("limit=\"connections\"")).count()
    };
    assert_eq!(told(), 0);
    let waiting: Vec<_> = (0..4).map(|_| process.client()).collect();
    eventually("the log names it", || told() > 0);
    // One that is let in and says nothing keeps its place, so all have to go.
    drop((served, waiting));
    assert_eq!(process.client().ask(&Request::get("/x")).status, 200);
    assert_eq!(told(), 1);
}

#[test]
fn a_process_without_room_for_sockets_waits_for_some() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.ask(&Request::upload().body(&bytes(10))).status, 200);
    process.limit_files(50);
    let crowd: Vec<_> = (0..200).map(|_| process.client()).collect();
    process.says("cannot accept connections");
    within(SOON, || false);
    let tries = process.told("cannot accept connections");
    assert!(tries < 100, "it tried {tries} times");
    drop(crowd);
    assert_eq!(process.ask(&Request::upload().body(&bytes(10))).status, 200);
    assert_eq!(process.figures(), (20, 0));
}

#[test]
fn a_tunnel_counts_as_a_connection_until_it_ends() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 1).start();
    homeserver.on("/ws", |exchange| {
        exchange.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n");
        exchange.hang();
    });
    let mut tunnel = sidecar.client();
    tunnel.send(Request::get("/ws").line("Connection: upgrade").line("Upgrade: ws").head());
    assert_eq!(tunnel.head("GET").status, 101);
    let mut waiting = sidecar.client();
    waiting.send(Request::get("/x").head());
    assert!(waiting.is_silent(Duration::from_millis(100)));
    drop(tunnel);
    assert_eq!(waiting.answer_to("GET").status, 200);
}

#[test]
fn a_homeserver_that_does_not_take_connections_is_502_in_time() {
    // A listener whose queue is full does not answer at all.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let _queue: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
            let socket = socket.unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            socket
        })
        .collect();
    let sidecar = Sidecar::before_url(&format!("http://{address}"))
        .limits(|limits| limits.connect_timeout = SOON)
        .start();
    let begun = now();
    sidecar.ask(&Request::get("/x")).is_refusal(502, "M_UNKNOWN");
    sidecar.ask(&Request::upload().body(b"x")).is_refusal(502, "M_UNKNOWN");
    assert!(begun.elapsed() < NOT_LATE);
}

#[test]
fn room_for_all_is_given_back_whatever_ended_an_upload() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    for count in 0..10 {
        let mut client = sidecar.client();
        client.send(Request::upload().length(1_000_000).head());
        client.send(bytes(1000 * count));
        eventually("it is under way", || sidecar.reserved() == 1_000_000);
        drop(client);
        eventually("its end", || sidecar.reserved() == 0);
    }
    assert_eq!(sidecar.upload(1_000_000), 200);
}
