//! How it ends: gently, at a deadline, or not at all gently.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use metergate::net::Address;

use crate::support::process::Process;
use crate::support::stores::scripted;
use crate::support::wire::chunk;
use crate::support::{Ended, Exchange, Homeserver, Request, Sidecar, bytes, eventually};

/// A sidecar that is told to stop when an upload is half way; what `then` does with its client.
fn stopped_half_way(
    grace: Duration,
    then: impl FnOnce(&mut crate::support::Client),
) -> (bool, i64) {
    let homeserver = Homeserver::start();
    let store = Arc::new(scripted());
    let mut sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.shutdown_grace = grace)
        .limit("1MB/never")
        .store(&store)
        .start();
    let mut client = sidecar.client();
    client.send(Request::upload().length(200_000).head());
    client.send(bytes(100_000));
    homeserver.has(50_000);
    let app = sidecar.take();
    let Address::Tcp(address) = app.proxy()[0].clone() else { panic!("not TCP") };
    let stopping = std::thread::spawn(move || app.stop());
    eventually("nobody is let in", || TcpStream::connect(address).is_err());
    then(&mut client);
    let gentle = stopping.join().unwrap();
    assert_eq!(sidecar.reserved(), 0);
    (gentle, sidecar.used())
}

#[test]
fn an_upload_under_way_ends_and_is_charged() {
    let end = stopped_half_way(Duration::from_secs(20), |client| {
        client.send(bytes(100_000));
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(client.is_closed());
    });
    assert_eq!(end, (true, 200_000));
}

#[test]
fn an_upload_that_is_stuck_is_cut_and_costs_nothing() {
    let end = stopped_half_way(Duration::from_millis(200), |client| client.wire.wait_gone());
    assert_eq!(end, (false, 0));
}

#[test]
fn an_upload_whose_client_leaves_meanwhile_costs_nothing() {
    let end = stopped_half_way(Duration::from_secs(20), |client| {
        client.wire.stream.shutdown(std::net::Shutdown::Both);
    });
    assert_eq!(end, (true, 0));
}

#[test]
fn idle_connections_close_and_answers_under_way_are_given() {
    let homeserver = Homeserver::start();
    let mut sidecar = Sidecar::before(&homeserver).start();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl");
        std::thread::sleep(Duration::from_millis(300));
        exchange.send("ow");
    });
    let mut idle = sidecar.client();
    assert_eq!(idle.ask(&Request::get("/x")).status, 200);
    let mut busy = sidecar.client();
    busy.send(Request::get("/slow").head());
    eventually("it is asked", || homeserver.seen("/slow").len() == 1);
    let app = sidecar.take();
    let stopping = std::thread::spawn(move || app.stop());
    assert!(idle.is_closed());
    let answer = busy.answer_to("GET");
    assert_eq!((answer.text().as_str(), answer.whole), ("slow", true));
    assert!(stopping.join().unwrap());
}

#[test]
fn who_had_connected_and_waits_for_room_is_served() {
    let homeserver = Homeserver::start();
    let mut sidecar = Sidecar::before(&homeserver).limits(|limits| limits.connections = 1).start();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_millis(300));
        exchange.answer(200, "{}");
    });
    let mut busy = sidecar.client();
    busy.send(Request::get("/slow").head());
    eventually("it is asked", || homeserver.seen("/slow").len() == 1);
    let mut waiting = [(); 6].map(|()| sidecar.client());
    for client in &mut waiting {
        client.send(Request::get("/x").head());
    }
    let app = sidecar.take();
    let stopping = std::thread::spawn(move || app.stop());
    assert_eq!(busy.answer_to("GET").status, 200);
    for client in &mut waiting {
        assert_eq!(client.answer_to("GET").status, 200);
    }
    assert!(stopping.join().unwrap());
}

#[test]
fn tunnels_and_long_polls_are_cut_at_the_deadline() {
    let homeserver = Homeserver::start();
    let mut sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.shutdown_grace = Duration::from_millis(200))
        .start();
    homeserver.on("/sync", Exchange::hang);
    homeserver.on("/ws", |exchange| {
        exchange.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n");
        exchange.hang();
    });
    let mut poll = sidecar.client();
    poll.send(Request::get("/sync").head());
    let mut tunnel = sidecar.client();
    tunnel.send(Request::get("/ws").line("Connection: upgrade").line("Upgrade: ws").head());
    assert_eq!(tunnel.head("GET").status, 101);
    eventually("both are under way", || homeserver.forwarded().len() == 2);
    assert!(!sidecar.take().stop());
    assert!(poll.is_closed() && tunnel.is_closed());
}

#[test]
fn told_to_end_the_process_finishes_an_upload_and_exits_0() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &homeserver, "1MB/never");
    let mut client = process.client();
    client.send(Request::upload().length(200_000).head());
    client.send(bytes(100_000));
    homeserver.has(50_000);
    process.terminate();
    eventually("nobody is let in", || process.is_closed());
    client.send(bytes(100_000));
    assert_eq!(client.answer().status, 200);
    assert_eq!(process.end().code(), Some(0), "{}", process.log());
    let process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.figures(), (200_000, 0));
}

#[test]
fn killed_half_way_it_has_reserved_nothing_and_forgotten_nothing() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.ask(&Request::upload().body(&bytes(100_000))).status, 200);
    let mut known = process.client();
    known.send(Request::upload().length(500_000).head());
    known.send(bytes(200_000));
    let mut unknown = process.client();
    unknown.send(Request::upload().chunked().head());
    unknown.send(chunk(&bytes(200_000)));
    eventually("both are under way", || process.figures().1 >= 700_000);
    eventually("both are on their way up", || homeserver.forwarded().len() == 3);
    process.kill();
    drop((known, unknown));
    // At once: no lease has to run out.
    let mut process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.figures(), (100_000, 0));
    eventually("neither was whole", || {
        homeserver.forwarded().iter().filter(|one| one.ended == Ended::Cut).count() == 2
    });
    assert_eq!(process.ask(&Request::upload().body(&bytes(900_000))).status, 200);
    process.terminate();
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn killed_after_it_said_yes_it_has_charged() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    for count in 1..=3 {
        let mut process = Process::start(folder.path(), &homeserver, "1MB/never");
        let request = Request::upload();
        let request =
            if count == 2 { request.chunks(&bytes(1000)) } else { request.body(&bytes(1000)) };
        assert_eq!(process.ask(&request).status, 200);
        process.kill();
        let process = Process::start(folder.path(), &homeserver, "1MB/never");
        assert_eq!(process.figures(), (1000 * count, 0));
    }
}

#[test]
fn killed_while_the_homeserver_has_all_of_it_it_has_charged() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path(), &homeserver, "1MB/never");
    homeserver.on("/_matrix/media/", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let mut client = process.client();
    client.send(Request::upload().body(&bytes(1000)).bytes());
    homeserver.ended(Ended::Whole);
    process.kill();
    assert!(client.is_closed());
    let process = Process::start(folder.path(), &homeserver, "1MB/never");
    assert_eq!(process.figures(), (1000, 0));
}

#[test]
fn no_token_and_no_query_is_ever_in_the_log() {
    let homeserver = Homeserver::start();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &homeserver, "100kB/never");
    let upload = |query: &str| Request::post(&format!("/_matrix/media/v3/upload{query}"));
    let secret = "s3cret";
    homeserver.on("/broken", Exchange::close);
    for request in [
        upload("").token(secret).body(&bytes(1000)),
        upload("?access_token=s3cret&filename=f1lename").body(&bytes(1000)),
        upload("?access_token=s3cret").token("other").body(b"x"),
        upload("?user_id=@s3cret:example.org").token(secret).body(&bytes(200_000)),
        upload("").token("bad-s3cret").body(b"x"),
        upload("/x/../s3cret?access_token=s3cret").token(secret).body(b"x"),
        Request::get("/_matrix/client/v3/sync?access_token=s3cret").token(secret),
        Request::get("/broken?access_token=s3cret").token(secret),
        Request::post("/broken?access_token=s3cret").token(secret).body(b"x"),
        Request::post("/x?access_token=s3cret").line("Content-Length: x s3cret"),
    ] {
        process.ask(&request);
    }
    homeserver.stop();
    process.ask(&upload("?access_token=s3cret").body(&bytes(10)));
    process.ask(&Request::get("/x?access_token=s3cret").token(secret));
    let log = process.log();
    let lines = log.lines().filter(|line| line.contains("s3cret") || line.contains("f1lename"));
    // The user's name and the path are not secret.
    let lines = lines.filter(|line| !line.contains("@s3cret:") && !line.contains("/x/../s3cret"));
    assert_eq!(lines.collect::<Vec<_>>(), [""; 0]);
    assert!(log.contains("answered"), "there is an access log");
}
