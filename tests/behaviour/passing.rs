//! While the books are out and uploads pass: the last policy holds, all of it is charged later,
//! once, whatever ends in between.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metergate::quota::OnOutage;
use serde_json::Value;

use crate::support::process::Process;
use crate::support::scene::Scene;
use crate::support::stores::scripted;
use crate::support::wire::chunk;
use crate::support::{Ended, Homeserver, Request, Sidecar, bytes, eventually, now};

fn scene() -> Scene {
    Scene::with(|sidecar| sidecar.largest(800_000).on_outage(OnOutage::Open))
}

fn readyz(sidecar: &Sidecar) -> (u16, Value) {
    let answer = sidecar.api(&Request::get("/readyz"));
    (answer.status, answer.json())
}

/// Waits until the store is asked again, and all is in the books.
fn is_right(sidecar: &Sidecar) {
    eventually("all is in the books", || {
        let (status, told) = readyz(sidecar);
        status == 200 && told["store"] == "ok" && told["journal"]["waiting"] == 0
    });
}

#[test]
fn uploads_of_all_kinds_pass_and_are_charged_when_it_is_back() {
    let Scene { homeserver, store, sidecar } = scene();
    store.guard().be_out(true);
    let put = "/_matrix/media/v3/upload/example.org/abc";
    for request in [
        Request::upload().body(&bytes(600_000)),
        Request::upload().body(&bytes(600_000)),
        Request::upload().chunks(&bytes(300_000)),
        Request::upload().body(b""),
        Request::new("PUT", put).token("alice").body(b"x"),
        Request::post("/_matrix/media/v1/create").token("alice").body(b"{}"),
    ] {
        assert_eq!(sidecar.ask(&request).status, 200);
    }
    assert_eq!(homeserver.forwarded().len(), 7);
    let (status, told) = readyz(&sidecar);
    assert_eq!((status, &told["status"], &told["store"]), (200, &"ready".into(), &"out".into()));
    assert_eq!(told["journal"]["waiting"], 5);
    let says = told["says"].as_str().unwrap();
    assert!(says.contains("uploads pass") && says.contains("5 entries wait"), "{says}");
    store.guard().be_out(false);
    is_right(&sidecar);
    sidecar.comes_to(1000 + 600_000 + 600_000 + 300_000 + 1);
    // The limit holds again.
    sidecar.ask(&Request::upload().body(b"x")).is_refusal(429, "M_LIMIT_EXCEEDED");
}

#[test]
fn what_could_never_fit_is_refused_while_it_is_out() {
    let Scene { homeserver, store, sidecar } = scene();
    store.guard().be_out(true);
    let large = Request::upload().body(&bytes(800_001));
    sidecar.ask(&large).is_refusal(413, "M_TOO_LARGE");
    let endless = Request::upload().chunks(&bytes(800_001));
    sidecar.ask(&endless).is_refusal(413, "M_TOO_LARGE");
    assert_eq!(homeserver.forwarded().iter().filter(|it| it.ended == Ended::Whole).count(), 1);
    store.guard().be_out(false);
    is_right(&sidecar);
    sidecar.comes_to(1000);
}

#[test]
fn what_the_homeserver_refuses_while_it_is_out_is_not_charged() {
    let Scene { homeserver, store, sidecar } = scene();
    store.guard().be_out(true);
    homeserver.answer_uploads(403, r#"{"errcode":"M_FORBIDDEN"}"#);
    assert_eq!(sidecar.upload(500), 403);
    // Both: the charge, and that it is taken back.
    assert_eq!(readyz(&sidecar).1["journal"]["waiting"], 2);
    store.guard().be_out(false);
    is_right(&sidecar);
    sidecar.comes_to(1000);
}

#[test]
fn what_cannot_be_written_down_does_not_pass() {
    let (homeserver, store) = (Homeserver::start(), Arc::new(scripted()));
    // A disk that is always full.
    let sidecar = Sidecar::before(&homeserver)
        .limit("1MB/never")
        .store(&store)
        .on_outage(OnOutage::Open)
        .journal(Path::new("/dev/full"))
        .start();
    store.guard().be_out(true);
    for request in [
        Request::upload().body(&bytes(1000)),
        Request::upload().chunks(&bytes(1000)),
        Request::upload().body(b""),
    ] {
        sidecar.ask(&request).is_refusal(503, "M_UNKNOWN");
    }
    homeserver.keeps_nothing();
    let (status, told) = readyz(&sidecar);
    assert_eq!(status, 503);
    assert!(told["says"].as_str().unwrap().contains("uploads are refused"), "{told}");
    store.guard().be_out(false);
    is_right(&sidecar);
    sidecar.comes_to(0);
}

#[test]
fn an_outage_half_way_does_not_cut() {
    let Scene { homeserver, store, sidecar } = scene();
    let mut client = sidecar.client();
    client.send(Request::upload().chunked().head());
    client.send(chunk(&bytes(1000)));
    eventually("it is under way", || homeserver.forwarded().len() == 2);
    store.guard().be_out(true);
    client.send(chunk(&bytes(200_000)));
    client.send(b"0\r\n\r\n");
    assert_eq!(client.answer().status, 200);
    store.guard().be_out(false);
    is_right(&sidecar);
    sidecar.comes_to(1000 + 201_000);
}

#[test]
fn a_store_that_hangs_holds_nobody_up_for_long() {
    let Scene { homeserver: _homeserver, store, sidecar } = scene();
    for verb in ["reserve", "settle", "beat", "grants", "policy", "join", "time"] {
        store.guard().stop_at(verb);
    }
    let begun = now();
    assert_eq!(sidecar.upload(1000), 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    eventually("it is out", || readyz(&sidecar).1["store"] == "out");
    let begun = now();
    for _ in 0..50 {
        assert_eq!(sidecar.upload(10), 200);
    }
    // Not as long as each would wait.
    assert!(begun.elapsed() < Duration::from_secs(50), "{:?}", begun.elapsed());
    for verb in ["reserve", "settle", "beat", "grants", "policy", "join", "time"] {
        store.guard().let_go(verb);
    }
    is_right(&sidecar);
    sidecar.comes_to(2000 + 500);
}

#[test]
fn serving_begins_without_the_store_where_it_is_on_a_server() {
    for (on_outage, status) in [(OnOutage::Open, 200), (OnOutage::Closed, 503)] {
        let homeserver = Homeserver::start();
        let store = Arc::new(scripted());
        store.guard().be_out(true);
        let sidecar = Sidecar::before(&homeserver)
            .limit("1MB/never")
            .on_a_server()
            .store(&store)
            .on_outage(on_outage)
            .start();
        assert_eq!(sidecar.ask(&Request::get("/_matrix/client/v3/sync")).status, 200);
        assert_eq!(sidecar.upload(1000), status);
        assert_eq!(readyz(&sidecar).0, status);
        if on_outage == OnOutage::Open {
            let large = Request::upload().body(&bytes(1_000_001));
            sidecar.ask(&large).is_refusal(429, "M_LIMIT_EXCEEDED");
        }
        store.guard().be_out(false);
        is_right(&sidecar);
        // By the limit of the file, which is in the store by now.
        sidecar.ask(&Request::upload().body(&bytes(1_000_001))).is_refusal(429, "M_LIMIT_EXCEEDED");
        sidecar.comes_to(if on_outage == OnOutage::Open { 1000 } else { 0 });
    }
}

/// Locks the books in a file, so that they cannot be written until the answer is dropped.
fn locked(books: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(books).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn configuration(homeserver: &Homeserver, on_outage: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n[storage]\ntimeout = \"300ms\"\n\
         on_outage = \"{on_outage}\"\n[policy]\ndefault_group = \"free\"\n\
         [policy.groups.free]\nmedia_bytes = \"1GB/never\"\n",
        homeserver.url
    )
}

#[test]
fn what_passed_survives_kills_of_the_process() {
    let (folder, homeserver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let configuration = configuration(&homeserver, "open");
    let upload = |process: &Process, size| {
        let status = process.ask(&Request::upload().body(&bytes(size))).status;
        assert_eq!(status, 200);
    };
    let mut process = Process::configured(folder.path(), &configuration);
    upload(&process, 1000);
    for round in 1..=3_i64 {
        let books = locked(&process.books());
        for _ in 0..3 {
            upload(&process, 100);
        }
        process.says("the store is out");
        assert_eq!(process.told("the store is out"), 1, "{}", process.log());
        process.kill();
        drop(books);
        process = Process::configured(folder.path(), &configuration);
        // It may end again in the middle of bringing them in.
        if round == 2 {
            process.kill();
            process = Process::configured(folder.path(), &configuration);
        }
        let used = || process.figures();
        eventually("all is in the books", || used() == (1000 + round * 300, 0));
    }
    process.stop();
}

#[test]
fn a_refund_that_was_put_off_survives_a_kill() {
    for on_outage in ["closed", "open"] {
        let (folder, homeserver) = (tempfile::tempdir().unwrap(), Homeserver::start());
        let configuration = configuration(&homeserver, on_outage);
        let mut process = Process::configured(folder.path(), &configuration);
        // The books are locked after it was charged and before it is refused.
        let lock = Arc::new(Mutex::new(None));
        let (held, books) = (lock.clone(), process.books());
        homeserver.on("/_matrix/media/v3/upload", move |exchange| {
            if exchange.read_body() {
                *held.lock().unwrap() = Some(locked(&books));
                exchange.answer(403, r#"{"errcode":"M_FORBIDDEN"}"#);
            }
        });
        let answer = process.ask(&Request::upload().body(&bytes(1000)));
        assert_eq!(answer.status, 403);
        process.kill();
        drop(lock.lock().unwrap().take());
        process = Process::configured(folder.path(), &configuration);
        eventually("it is taken back", || process.figures() == (0, 0));
        process.stop();
    }
}

#[test]
fn two_processes_do_not_share_a_journal() {
    let (folder, homeserver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let process = Process::configured(folder.path(), &configuration(&homeserver, "open"));
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_metergate"))
        .args(["serve", "--port", "0", "--storage", "sqlite:quota.db", "--config"])
        .arg("metergate.toml")
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(4), "{said}");
    assert!(said.contains("[storage] journal") && said.contains("another process"), "{said}");
    process.stop();
}
