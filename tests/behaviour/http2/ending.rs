//! How connections end: silent ones, floods, and the end of the process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use h2::Reason;

use crate::support::figures::{Figures, grow};
use crate::support::http2::request;
use crate::support::{Homeserver, PATIENCE, Request, Sidecar, eventually, now};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn with_head_timeout(homeserver: &Homeserver, span: Duration) -> Sidecar {
    Sidecar::before(homeserver).limits(|limits| limits.head_timeout = span).start()
}

#[test]
fn a_client_that_does_not_come_to_its_first_request_is_cut() {
    let homeserver = Homeserver::start();
    let sidecar = with_head_timeout(&homeserver, Duration::from_millis(500));
    let settings = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    for begun_with in [&b""[..], &PREFACE[..10], PREFACE, &settings] {
        let mut stream = TcpStream::connect(("127.0.0.1", sidecar.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(begun_with).unwrap();
        let begun = now();
        let mut rest = Vec::new();
        // However it is closed.
        let _ = stream.read_to_end(&mut rest);
        assert!(begun.elapsed() < Duration::from_secs(10), "{begun_with:?}");
    }
}

#[test]
fn a_connection_without_requests_ends_and_one_that_waits_stays() {
    let homeserver = Homeserver::start();
    homeserver.on("/poll", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_secs(3));
        exchange.answer(200, "{}");
    });
    let sidecar = with_head_timeout(&homeserver, Duration::from_millis(800));
    let mut idle = sidecar.http2();
    assert_eq!(idle.get("/x").status, 200);
    let mut waiting = sidecar.http2();
    let poll = waiting.begin(request("GET", "/poll").body(()).unwrap(), true);
    assert_eq!(idle.end(), Ok(()));
    assert_eq!(waiting.answer(poll.answer).status, 200);
    assert_eq!(waiting.end(), Ok(()));
}

#[test]
fn requests_taken_back_in_floods_end_their_connection_and_no_other() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limits(|limits| limits.http2_resets = 5).start();
    let figures = || Figures::of(&sidecar.api(&Request::get("/metrics")));
    let before = figures();
    let mut other = sidecar.http2();
    let mut flood = sidecar.http2();
    let begun = now();
    while !flood.ends_within(Duration::ZERO) {
        assert!(begun.elapsed() < PATIENCE, "it is not cut");
        let Some(mut sending) = flood.try_begin(request("GET", "/x").body(()).unwrap()) else {
            break;
        };
        sending.body.send_reset(Reason::CANCEL);
    }
    assert!(flood.end().is_err());
    assert_eq!(other.get("/x").status, 200);
    let floods = r#"metergate_connections_limited_total{limit="http2_flood",listener="proxy"}"#;
    grow(&before, figures, &[(floods, 1.0)]);
}

#[test]
fn at_the_end_of_the_process_answers_are_given_and_connections_close() {
    let homeserver = Homeserver::start();
    homeserver.on("/slow", |exchange| {
        exchange.read_body();
        std::thread::sleep(Duration::from_millis(500));
        exchange.answer(200, "{}");
    });
    let mut sidecar = Sidecar::before(&homeserver).start();
    let mut idle = sidecar.http2();
    assert_eq!(idle.get("/x").status, 200);
    let mut busy = sidecar.http2();
    let slow = busy.begin(request("GET", "/slow").body(()).unwrap(), true);
    eventually("it is asked", || homeserver.seen("/slow").len() == 1);
    let app = sidecar.take();
    let stopping = std::thread::spawn(move || app.stop());
    assert_eq!(busy.answer(slow.answer).status, 200);
    assert_eq!((idle.end(), busy.end()), (Ok(()), Ok(())));
    assert!(stopping.join().unwrap());
}

/// Reads all there is, a little at a time, and says so each time; returns how much of it is DATA.
fn read_slowly(mut stream: TcpStream) -> usize {
    let (mut all, mut piece) = (Vec::new(), [0; 64 * 1024]);
    while let Ok(read @ 1..) = stream.read(&mut piece) {
        all.extend_from_slice(&piece[..read]);
        std::thread::sleep(Duration::from_millis(30));
        // WINDOW_UPDATE of the connection, by one.
        let _ = stream.write_all(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
    let (mut rest, mut data) = (all.as_slice(), 0);
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        data += if rest[3] == 0 { length.min(rest.len() - 9) } else { 0 };
        rest = &rest[rest.len().min(9 + length)..];
    }
    data
}

#[test]
fn at_the_end_of_the_process_a_slow_client_reads_the_answer_to_its_end() {
    const SIZE: usize = 5_000_000;
    let homeserver = Homeserver::start();
    homeserver.on("/big", |exchange| {
        exchange.read_body();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        exchange.send(vec![b'x'; SIZE]);
    });
    let mut sidecar = Sidecar::before(&homeserver).start();
    let mut stream = TcpStream::connect(("127.0.0.1", sidecar.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(PREFACE).unwrap();
    // Windows of 16 MiB, for each answer and for all; then GET /big, as HPACK has it.
    stream.write_all(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0]).unwrap();
    stream.write_all(&[0, 0, 4, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0]).unwrap();
    let head = [&[0x82, 0x86, 0x44, 4][..], b"/big", &[0x41, 1], b"x"].concat();
    let length = u8::try_from(head.len()).unwrap();
    stream.write_all(&[&[0, 0, length, 1, 5, 0, 0, 0, 1], &head[..]].concat()).unwrap();
    eventually("it is asked", || homeserver.seen("/big").len() == 1);
    let app = sidecar.take();
    let stopping = std::thread::spawn(move || app.stop());
    assert_eq!(read_slowly(stream), SIZE);
    assert!(stopping.join().unwrap());
}

#[test]
fn one_that_is_stuck_is_cut_at_the_deadline() {
    let homeserver = Homeserver::start();
    homeserver.on("/poll", |exchange| {
        exchange.read_body();
        exchange.hang();
    });
    let mut sidecar = Sidecar::before(&homeserver)
        .limits(|limits| limits.shutdown_grace = Duration::from_millis(300))
        .start();
    let mut client = sidecar.http2();
    let _poll = client.begin(request("GET", "/poll").body(()).unwrap(), true);
    eventually("it is asked", || homeserver.seen("/poll").len() == 1);
    let app = sidecar.take();
    let begun = now();
    assert!(!app.stop());
    assert!(begun.elapsed() < Duration::from_secs(10));
}
