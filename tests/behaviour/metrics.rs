//! What `/metrics` tells: every figure moves when what it counts happens, and names nobody.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::sync::Arc;
use std::time::Duration;

use metergate::quota::OnOutage;

use crate::support::client::UPLOAD;
use crate::support::figures::{Figures, grow};
use crate::support::homeserver::WHOAMI;
use crate::support::process::Process;
use crate::support::stores::scripted;
use crate::support::{Exchange, Homeserver, Request, Sidecar, bytes, eventually};

fn figures(sidecar: &Sidecar) -> Figures {
    Figures::of(&sidecar.api(&Request::get("/metrics")))
}

/// Does something, and waits until these series have grown by so much, and by no more.
#[track_caller]
fn moves(sidecar: &Sidecar, act: impl FnOnce(), expected: &[(&str, f64)]) {
    let before = figures(sidecar);
    act();
    grow(&before, || figures(sidecar), expected);
}

#[test]
fn they_are_told_in_the_text_format_to_who_shows_the_token() {
    let sidecar = Sidecar::alone().admin_token("s3cret").start();
    assert_eq!(sidecar.api(&Request::get("/metrics")).status, 401);
    let answer = sidecar.api(&Request::get("/metrics").token("s3cret"));
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let build = concat!("metergate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    let told = Figures::of(&answer);
    assert!(told.has(build), "{}", answer.text());
    let started = told.of_series("metergate_start_timestamp_seconds");
    assert!(started > 1.7e9, "{started}");
    assert!((told.of_series("metergate_store_up") - 1.0).abs() < f64::EPSILON);
}

#[test]
fn requests_are_counted_by_what_they_ask_for_and_how_they_are_answered() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).start();
    let ask = |request: Request, status: u16| assert_eq!(sidecar.ask(&request).status, status);
    moves(
        &sidecar,
        || {
            ask(Request::upload().body(b"abc"), 200);
            ask(Request::post(UPLOAD).token("bad").body(b"abc"), 401);
            ask(Request::post("/_matrix/media/v1/create").token("alice").body(b"{}"), 200);
            ask(Request::get("/_matrix/client/v1/media/config").token("alice"), 200);
            ask(Request::post("/_matrix/client/v3/logout").token("alice").body(b"{}"), 200);
            ask(Request::post("/_matrix/media/v3/%75pload").token("alice").body(b"x"), 404);
            ask(Request::get("/_matrix/client/versions"), 200);
            ask(Request::get("/").without("Host"), 400);
        },
        &[
            (r#"metergate_requests_total{kind="upload",status="2xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="upload",status="4xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="create",status="2xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="media_config",status="2xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="sessions_end",status="2xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="disguised",status="4xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="other",status="2xx"}"#, 1.0),
            (r#"metergate_requests_total{kind="malformed",status="4xx"}"#, 1.0),
            (r#"metergate_request_head_seconds_count{kind="upload"}"#, 2.0),
            (r#"metergate_request_head_seconds_count{kind="other"}"#, 1.0),
            (r#"metergate_upstream_head_seconds_count{kind="upload"}"#, 1.0),
        ],
    );
    let before = figures(&sidecar);
    let after = figures(&sidecar);
    let admin = r#"metergate_admin_requests_total{status="2xx"}"#;
    assert!((after.of_series(admin) - before.of_series(admin) - 1.0).abs() < 1e-9);
}

#[test]
fn a_client_that_leaves_before_its_answer_is_counted() {
    let homeserver = Homeserver::start();
    homeserver.on("/_matrix/client/v3/sync", Exchange::hang);
    let sidecar = Sidecar::before(&homeserver).start();
    moves(
        &sidecar,
        || {
            let mut client = sidecar.client();
            client.send(Request::get("/_matrix/client/v3/sync").head());
            eventually("it is asked", || !homeserver.seen("/_matrix/client/v3/sync").is_empty());
            client.reset();
        },
        &[
            (r#"metergate_requests_total{kind="other",status="499"}"#, 1.0),
            (r#"metergate_request_head_seconds_count{kind="other"}"#, 0.0),
        ],
    );
}

#[test]
fn uploads_are_counted_by_what_became_of_them() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").start();
    let outcome = |word: &str| {
        (
            format!("metergate_uploads_total{{outcome=\"{word}\"}}"),
            format!("metergate_upload_bytes_total{{outcome=\"{word}\"}}"),
        )
    };
    let became = |word: &str, size: f64, act: &dyn Fn()| {
        let (uploads, bytes) = outcome(word);
        moves(&sidecar, act, &[(&uploads, 1.0), (&bytes, size)]);
    };
    became("charged", 1000.0, &|| assert_eq!(sidecar.upload(1000), 200));
    became("refused", 2_000_000.0, &|| assert_eq!(sidecar.upload(2_000_000), 429));
    homeserver.answer_uploads(500, "{}");
    became("refunded", 1000.0, &|| assert_eq!(sidecar.upload(1000), 500));
    became("released", 10.0, &|| {
        let mut client = sidecar.client();
        client.send(Request::upload().length(1000).head());
        client.send(bytes(10));
        eventually("some of it has come", || {
            homeserver.forwarded().last().is_some_and(|seen| seen.body.len() == 10)
        });
        client.reset();
    });
    let (uploads, _) = outcome("cut");
    moves(
        &sidecar,
        || assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(1_500_000))).status, 429),
        &[
            (&uploads, 1.0),
            (
                r#"metergate_denials_total{capability="upload_media",mode="hard",period="month"}"#,
                1.0,
            ),
        ],
    );
}

#[test]
fn windows_that_deny_are_counted_and_those_that_only_observe() {
    let homeserver = Homeserver::start();
    let limit = "1MB/day,2MB/rolling 30d,100B/week observe";
    let sidecar = Sidecar::before(&homeserver).limit(limit).largest(5_000_000).start();
    let denials = |period: &str, mode: &str| {
        format!(
            "metergate_denials_total{{capability=\"upload_media\",mode=\"{mode}\",period=\"{period}\"}}"
        )
    };
    let (day, rolling) = (denials("day", "hard"), denials("rolling", "hard"));
    let (week, file) = (denials("week", "observe"), denials("file", "hard"));
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(1000), 200),
        &[(&week, 1.0), (&day, 0.0), (&rolling, 0.0)],
    );
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(1_500_000), 429),
        &[(&day, 1.0), (&rolling, 0.0), (&week, 1.0)],
    );
    moves(&sidecar, || assert_eq!(sidecar.upload(3_000_000), 429), &[(&day, 1.0), (&rolling, 1.0)]);
    moves(&sidecar, || assert_eq!(sidecar.upload(6_000_000), 413), &[(&file, 1.0)]);
    let create = Request::post("/_matrix/media/v1/create").token("alice").body(b"{}");
    sidecar.record(1_000_000);
    moves(&sidecar, || assert_eq!(sidecar.ask(&create).status, 429), &[(&day, 1.0)]);
}

#[test]
fn what_is_reserved_is_told_while_it_is() {
    let homeserver = Homeserver::start();
    let limits = |limits: &mut metergate::proxy::Limits| limits.uploads_per_subject = Some(1);
    let sidecar = Sidecar::before(&homeserver).limit("1MB/month").limits(limits).start();
    let told = |series: &str| figures(&sidecar).of_series(series);
    let comes_to = |series: &str, value: f64| {
        eventually(&format!("{series} {value}"), || (told(series) - value).abs() < 1e-9);
    };
    let mut client = sidecar.client();
    client.send(Request::upload().length(1000).head());
    client.send(bytes(10));
    comes_to("metergate_reservations_open", 1.0);
    comes_to("metergate_reserved_bytes", 1000.0);
    comes_to("metergate_store_reservations_open", 1.0);
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(10), 429),
        &[(r#"metergate_uploads_busy_total{limit="uploads_per_subject"}"#, 1.0)],
    );
    client.send(bytes(990));
    assert_eq!(client.answer().status, 200);
    comes_to("metergate_reservations_open", 0.0);
    comes_to("metergate_reserved_bytes", 0.0);
    comes_to("metergate_store_reservations_open", 0.0);
    // Of an unknown length it grows, and all of it ends.
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(500_000))).status, 200);
    comes_to("metergate_reserved_bytes", 0.0);
}

#[test]
fn lookups_are_counted_by_how_it_was_found_out_who_asks() {
    let homeserver = Homeserver::start();
    let sidecar =
        Sidecar::before(&homeserver).auth(|auth| auth.timeout = Duration::from_secs(5)).start();
    let lookups =
        |outcome: &str| format!("metergate_whoami_lookups_total{{outcome=\"{outcome}\"}}");
    let (hit, joined, asked) = (lookups("hit"), lookups("joined"), lookups("asked"));
    let (refused, failed) = (lookups("refused"), lookups("failed"));
    let took = "metergate_whoami_lookup_seconds_count";
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(1), 200),
        &[(&asked, 1.0), (took, 1.0), (&hit, 0.0)],
    );
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(1), 200),
        &[(&hit, 1.0), (&asked, 0.0), (took, 0.0)],
    );
    let bad = Request::post(UPLOAD).token("bad").body(b"x");
    moves(&sidecar, || assert_eq!(sidecar.ask(&bad).status, 401), &[(&refused, 1.0), (took, 1.0)]);
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    homeserver.on(WHOAMI, move |exchange| {
        exchange.read_body();
        gate.lock().unwrap().recv().unwrap();
        exchange.answer(200, r#"{"user_id":"@bob:example.org"}"#);
    });
    moves(
        &sidecar,
        || {
            let request = Request::post(UPLOAD).token("bob").body(b"x");
            let mut clients = [sidecar.client(), sidecar.client()];
            let before = homeserver.seen(WHOAMI).len();
            clients[0].send(request.bytes());
            eventually("bob is asked for", || homeserver.seen(WHOAMI).len() > before);
            clients[1].send(request.bytes());
            let other = r#"metergate_connections_open{listener="proxy"}"#;
            eventually("both are there", || figures(&sidecar).of_series(other) >= 2.0);
            // The second may come a moment later still: it then finds the answer remembered.
            std::thread::sleep(Duration::from_millis(200));
            open.send(()).unwrap();
            assert_eq!(clients.map(|mut client| client.answer().status), [200, 200]);
        },
        &[(&asked, 1.0), (&joined, 1.0)],
    );
    homeserver.on(WHOAMI, Exchange::close);
    let new = Request::post(UPLOAD).token("carol").body(b"x");
    moves(&sidecar, || assert_eq!(sidecar.ask(&new).status, 502), &[(&failed, 1.0)]);
}

#[test]
fn the_store_is_timed_by_verb_and_its_errors_and_outages_are_told() {
    let homeserver = Homeserver::start();
    let (store, folder) = (Arc::new(scripted()), tempfile::tempdir().unwrap());
    let sidecar = Sidecar::before(&homeserver)
        .limit("1MB/month")
        .store(&store)
        .on_outage(OnOutage::Open)
        .journal(&folder.path().join("journal"))
        .start();
    moves(
        &sidecar,
        || assert_eq!(sidecar.upload(10), 200),
        &[
            (r#"metergate_store_call_seconds_count{verb="reserve"}"#, 1.0),
            (r#"metergate_store_call_seconds_count{verb="settle"}"#, 1.0),
            (r#"metergate_store_errors_total{reason="unavailable",verb="reserve"}"#, 0.0),
        ],
    );
    let told = |series: &str| figures(&sidecar).of_series(series);
    let before = figures(&sidecar);
    store.guard().be_out(true);
    for _ in 0..2 {
        assert_eq!(sidecar.upload(10), 200);
    }
    eventually("it is known to be out", || told("metergate_store_up") == 0.0);
    assert_eq!(sidecar.upload(10), 200);
    let out = figures(&sidecar);
    assert!(!out.has("metergate_store_reservations_open"));
    assert!(out.of_series("metergate_store_out_since_timestamp_seconds") > 1.7e9);
    let entries = out.of_series("metergate_journal_entries");
    assert!((1.0..=3.0).contains(&entries), "{entries}");
    eventually("it ages", || told("metergate_journal_oldest_age_seconds") > 0.0);
    let failed = r#"metergate_store_errors_total{reason="unavailable",verb="reserve"}"#;
    assert!(out.of_series(failed) >= 1.0);
    store.guard().be_out(false);
    eventually("it is back", || told("metergate_store_up") == 1.0);
    eventually("nothing waits", || told("metergate_journal_entries") == 0.0);
    assert!(told("metergate_store_out_since_timestamp_seconds") == 0.0);
    assert!(told("metergate_journal_oldest_age_seconds") == 0.0);
    let written = out.of_series("metergate_journal_written_total");
    assert!(written >= entries && before.of_series("metergate_journal_written_total") == 0.0);
    eventually("all is replayed", || told("metergate_journal_replayed_total") >= written);
}

#[test]
fn a_homeserver_that_does_not_answer_is_counted_by_why() {
    let homeserver = Homeserver::start();
    homeserver.on("/broken", Exchange::close);
    let sidecar = Sidecar::before(&homeserver).start();
    let errors = |reason: &str| format!("metergate_upstream_errors_total{{reason=\"{reason}\"}}");
    let get = |path: &str| sidecar.ask(&Request::post(path).body(b"")).status;
    moves(&sidecar, || assert_eq!(get("/broken"), 502), &[(&errors("broken"), 1.0)]);
    moves(
        &sidecar,
        || assert_eq!(get("/"), 200),
        &[
            (r#"metergate_upstream_head_seconds_count{kind="other"}"#, 1.0),
            ("metergate_upstream_connect_seconds_count", 1.0),
        ],
    );
    homeserver.stop_listening();
    moves(&sidecar, || assert_eq!(get("/"), 502), &[(&errors("connect"), 1.0)]);
}

#[test]
fn connections_are_told_on_both_listeners_and_what_limits_did() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| {
            limits.connections = 2;
            limits.head_timeout = Duration::from_millis(300);
            limits.head_bytes = 8192;
        })
        .start();
    let told = |series: &str| figures(&sidecar).of_series(series);
    let (proxy, admin) = (
        r#"metergate_connections_open{listener="proxy"}"#,
        r#"metergate_connections_open{listener="admin"}"#,
    );
    let limited = |limit: &str| {
        format!("metergate_connections_limited_total{{limit=\"{limit}\",listener=\"proxy\"}}")
    };
    assert!(told(admin) >= 1.0);
    moves(
        &sidecar,
        || {
            let clients = [sidecar.client(), sidecar.client(), sidecar.client()];
            eventually("two are open", || told(proxy) >= 2.0);
            drop(clients);
        },
        &[
            (&limited("connections"), 1.0),
            (r#"metergate_connections_accepted_total{listener="proxy"}"#, 3.0),
        ],
    );
    eventually("none is open", || told(proxy) == 0.0);
    let slow = limited("head_timeout");
    let before = figures(&sidecar);
    let mut client = sidecar.client();
    client.send("GET / HT");
    client.wire.wait_gone();
    grow(&before, || figures(&sidecar), &[(&slow, 1.0)]);
    let large = Request::get("/").line(&format!("X-Long: {}", "x".repeat(9000)));
    moves(
        &sidecar,
        || assert_eq!(sidecar.ask(&large).status, 431),
        &[(&limited("head_size"), 1.0)],
    );
}

/// A policy and a webhook.
fn config(homeserver: &Homeserver, receiver: &str, limit: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n\
         [policy]\ndefault_group = \"free\"\n[policy.groups.free]\n\
         media_bytes = {{ limit = {limit}, period = \"never\", mode = \"soft\", warn = 50 }}\n\
         [[meter]]\nmethods = \"GET\"\npath = \"/metered/*\"\ncapability = \"read\"\n\
         resource = \"reads\"\ncount = \"one\"\n\
         [[notify]]\nurl = \"{receiver}/hunter2?key=hunter2\"\nsecret = \"whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjI=\"\n",
        homeserver.url
    )
}

#[test]
fn every_figure_is_told_with_reloads_and_notices_and_names_nobody() {
    let (homeserver, receiver) = (Homeserver::start(), Homeserver::start());
    let failing = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let fails = failing.clone();
    receiver.on("/hunter2", move |exchange: &mut Exchange| {
        exchange.read_body();
        let status = if fails.load(std::sync::atomic::Ordering::SeqCst) { 500 } else { 200 };
        exchange.answer(status, "{}");
    });
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config(&homeserver, &receiver.url, "1000"));
    let text = || service.api(&Request::get("/metrics")).text();
    let told =
        |series: &str| Figures::of(&service.api(&Request::get("/metrics"))).of_series(series);
    let upload = Request::post(&format!("{UPLOAD}?filename=hush.png")).token("alice_hush");
    assert_eq!(service.ask(&upload.body(&bytes(600))).status, 200);
    let metered = Request::get("/metered/hush").token("alice_hush");
    assert_eq!(service.ask(&metered).status, 200);
    let charged = r#"metergate_metered_total{capability="read",outcome="charged"}"#;
    eventually("it is counted", || told(charged) == 1.0);
    let (delivered, failed) = (
        r#"metergate_notices_total{notify="1",outcome="delivered"}"#,
        r#"metergate_notices_total{notify="1",outcome="failed"}"#,
    );
    eventually("it fails", || told(failed) >= 1.0);
    eventually("it waits", || told(r#"metergate_notices_waiting{notify="1"}"#) == 1.0);
    failing.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually("it is taken", || told(delivered) == 1.0);
    eventually("none waits", || told(r#"metergate_notices_waiting{notify="1"}"#) == 0.0);

    let version = told("metergate_policy_version");
    let since = told("metergate_config_last_good_timestamp_seconds");
    service.reload("[limts]\n");
    eventually("a bad reload", || told(r#"metergate_config_reloads_total{outcome="bad"}"#) == 1.0);
    assert!(told("metergate_config_last_good_timestamp_seconds") <= since);
    service.reload(&config(&homeserver, &receiver.url, "5000"));
    eventually("a good one", || told(r#"metergate_config_reloads_total{outcome="good"}"#) == 1.0);
    eventually("a new version", || told("metergate_policy_version") > version);
    assert!(told("metergate_config_last_good_timestamp_seconds") > since);

    service.ask(&Request::get("/_matrix/client/v3/profile/@bob:example.org?hush"));
    let text = text();
    let names = include_str!("../../src/telemetry/names.rs");
    let names: Vec<_> = names.split('"').filter(|word| word.starts_with("metergate_")).collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        assert!(
            text.contains(&format!("\n# HELP {name} "))
                || text.starts_with(&format!("# HELP {name} ")),
            "{name}"
        );
    }
    for secret in
        ["hush", "alice", "bob", "hunter2", "example.org", "127.0.0.1", "/_matrix", "whsec"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}
