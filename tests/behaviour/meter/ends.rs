//! Downloads that break off: what went out is charged.

use std::sync::Arc;
use std::time::Duration;

use super::{DOWNLOAD, EGRESS, download, homeserver, metering};
use crate::support::http2::request;
use crate::support::process::Process;
use crate::support::stores::scripted;
use crate::support::{Homeserver, Sidecar, bytes, eventually, within};

/// More than all buffers on the way hold together.
const LARGE: usize = 48_000_000;
/// What the homeserver sends of it.
const SENT: usize = 24_000_000;
/// Time enough for what must not happen to happen.
const A_WHILE: Duration = Duration::from_millis(100);

/// A homeserver that sends the half of a large file, and then waits.
fn slow() -> Homeserver {
    let homeserver = homeserver();
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n"));
        exchange.send(bytes(SENT));
        exchange.hang();
    });
    homeserver
}

/// Returns what is charged in the end.
fn charged(sidecar: &Sidecar) -> usize {
    usize::try_from(sidecar.ends_with(EGRESS)).unwrap()
}

#[test]
fn a_client_that_leaves_pays_for_what_was_sent() {
    for read in [1000, 5_000_000] {
        let homeserver = slow();
        let sidecar = metering(&homeserver, "1GB/never").start();
        let mut client = sidecar.client();
        client.send(download(LARGE).head());
        let mut answer = client.head("GET");
        while answer.body.len() < read {
            assert!(answer.read(&mut client.wire));
        }
        assert_eq!(sidecar.figures_of(EGRESS), (0, 1));
        let read = answer.body.len();
        drop(client);
        let charged = charged(&sidecar);
        assert!((read..=SENT).contains(&charged), "{charged} charged, {read} read");
    }
}

#[test]
fn a_stream_that_is_reset_is_paid_for_by_what_was_sent() {
    let homeserver = slow();
    let sidecar = metering(&homeserver, "1GB/never").start();
    let mut client = sidecar.http2();
    let path = format!("{DOWNLOAD}example.org/{LARGE}");
    let sending = client.begin(request("GET", &path).body(()).unwrap(), true);
    let read = client.first_piece(sending.answer).len();
    // With the last of its handles the stream is reset.
    drop(sending.body);
    let charged = charged(&sidecar);
    assert!((read..=SENT).contains(&charged), "{charged} charged, {read} read");
}

#[test]
fn a_homeserver_that_breaks_off_is_paid_for_as_far_as_it_came() {
    for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let homeserver = homeserver();
        homeserver.on(DOWNLOAD, move |exchange| {
            exchange.read_body();
            exchange.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
            if framing.starts_with('T') {
                exchange.send("c350\r\n");
            }
            exchange.send(bytes(50_000));
            exchange.close();
        });
        let sidecar = metering(&homeserver, "1MB/never").start();
        let answer = sidecar.ask(&download(100_000));
        assert_eq!((answer.status, answer.whole), (200, false));
        let (read, charged) = (answer.body.len(), charged(&sidecar));
        assert!((read..=50_000).contains(&charged), "{charged} charged, {read} read");
    }
}

#[test]
fn a_homeserver_that_is_gone_or_silent_costs_nothing() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "1MB/never").start();
    homeserver.on(DOWNLOAD, crate::support::Exchange::close);
    sidecar.ask(&download(10)).is_refusal(502, "M_UNKNOWN");
    assert_eq!(sidecar.figures_of(EGRESS), (0, 0));
    homeserver.on(DOWNLOAD, crate::support::Exchange::hang);
    let mut client = sidecar.client();
    client.send(download(10).head());
    eventually("it is asked", || sidecar.figures_of(EGRESS).1 == 1);
    drop(client);
    assert_eq!(charged(&sidecar), 0);
    homeserver.stop_listening();
    sidecar.ask(&download(10)).is_refusal(502, "M_UNKNOWN");
    assert_eq!(sidecar.figures_of(EGRESS), (0, 0));
}

#[test]
fn the_end_goes_out_only_once_it_is_paid_for() {
    for chunked in [false, true] {
        let homeserver = homeserver();
        if chunked {
            homeserver.on(DOWNLOAD, |exchange| {
                exchange.read_body();
                exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                exchange.send("5\r\nhello\r\n0\r\n\r\n");
            });
        }
        let store = Arc::new(scripted());
        let sidecar = metering(&homeserver, "1MB/never").store(&store).start();
        store.guard().stop_at("settle");
        let mut client = sidecar.client();
        client.send(download(5).head());
        store.guard().is_stopped_at("settle");
        let mut answer = client.head("GET");
        if chunked {
            assert!(answer.read(&mut client.wire));
        }
        assert!(client.is_silent(A_WHILE));
        assert_eq!(sidecar.figures_of(EGRESS), (0, 1));
        store.guard().let_go("settle");
        while answer.read(&mut client.wire) {}
        assert_eq!((answer.body.len(), answer.whole), (5, true));
        assert_eq!(sidecar.figures_of(EGRESS), (5, 0));
    }
}

#[test]
fn a_client_that_leaves_while_it_is_paid_for_pays() {
    let homeserver = homeserver();
    let store = Arc::new(scripted());
    let sidecar = metering(&homeserver, "1MB/never").store(&store).start();
    store.guard().stop_at("settle");
    let mut client = sidecar.client();
    client.send(download(5000).head());
    store.guard().is_stopped_at("settle");
    drop(client);
    assert!(!within(A_WHILE, || sidecar.figures_of(EGRESS).1 == 0));
    store.guard().let_go("settle");
    assert_eq!(charged(&sidecar), 5000);
}

#[test]
fn what_is_cut_at_the_end_of_the_process_is_charged() {
    let homeserver = slow();
    let grace = Duration::from_millis(200);
    let setup = metering(&homeserver, "1GB/never");
    let mut sidecar = setup.limits(|limits| limits.shutdown_grace = grace).start();
    let mut client = sidecar.client();
    client.send(download(LARGE).head());
    let mut answer = client.head("GET");
    while answer.body.len() < 5_000_000 {
        assert!(answer.read(&mut client.wire));
    }
    assert!(!sidecar.take().stop(), "it had to be cut");
    while answer.read(&mut client.wire) {}
    let (used, reserved) = sidecar.figures_of(EGRESS);
    let (read, charged) = (answer.body.len(), usize::try_from(used).unwrap());
    assert!((read..=SENT).contains(&charged), "{charged} charged, {read} read");
    assert_eq!(reserved, 0);
}

#[test]
fn of_a_process_that_is_killed_no_more_than_a_part_is_lost() {
    const PART: usize = 64 * 1024 * 1024;
    const MANY: usize = 3 * PART;
    let homeserver = Homeserver::start();
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {MANY}\r\n\r\n"));
        let piece = bytes(1_000_000);
        for _ in 0..MANY / piece.len() {
            exchange.send(&piece);
        }
        exchange.hang();
    });
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[upstream]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n[[meter]]\nmethods = \"GET\"\n\
         path = \"{DOWNLOAD}**\"\ncapability = \"download_media\"\nresource = \"{EGRESS}\"\ncount = \"response_body\"\n",
        homeserver.url
    );
    let mut process = Process::configured(folder.path(), &config);
    let mut client = process.client();
    client.send(download(MANY).head());
    let mut answer = client.head("GET");
    while answer.body.len() < 2 * PART + 8_000_000 {
        assert!(answer.read(&mut client.wire));
    }
    let used = |process: &Process| usize::try_from(process.figures_of(EGRESS).0).unwrap();
    eventually("two parts are charged", || used(&process) >= 2 * PART);
    process.kill();
    let process = Process::configured(folder.path(), &config);
    let charged = used(&process);
    assert!((2 * PART..=MANY).contains(&charged), "{charged}");
}
