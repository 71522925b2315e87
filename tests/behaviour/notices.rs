//! Whoever asked is told of warnings and overages: in order, at least once, and signed.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metergate::notify::Signer;
use serde_json::{Value, json};

use crate::support::homeserver::Seen;
use crate::support::process::Process;
use crate::support::{Exchange, Homeserver, Request, eventually};

/// Where it is told; what is behind the host is nobody else's business.
const HOOK: &str = "/hook/hunter2";
const SECRET: &str = "whsec_aHVudGVyMi1odW50ZXIyLWh1bnRlcjI=";
/// What must never be in a log.
const UNTOLD: [&str; 3] = ["hunter2", SECRET, "aHVudGVy"];

/// Everyone may have a thousand bytes, softly, and is warned at half; `[[notify]]` says this too.
fn config(receiver: &str, rest: &str) -> String {
    format!(
        "[log]\nlevel = \"trace\"\n[policy]\ndefault_group = \"free\"\n[policy.groups.free]\n\
         media_bytes = {{ limit = 1000, period = \"never\", mode = \"soft\", warn = 50 }}\n\
         [[notify]]\nurl = \"{receiver}{HOOK}?key=hunter2\"\nsecret = \"{SECRET}\"\n{rest}"
    )
}

fn serving(folder: &Path, receiver: &Homeserver) -> Process {
    Process::configured(folder, &config(&receiver.url, ""))
}

/// Charges so much to somebody.
fn charge(service: &Process, name: &str, amount: i64) {
    let fact =
        json!({"subject": format!("@{name}:x"), "resource": "media_bytes", "amount": amount});
    let request = Request::post("/v1/use").line("Content-Type: application/json");
    let answer = service.api(&request.body(fact.to_string().as_bytes()));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Returns what the receiver was told, whether it took it or not.
fn told(receiver: &Homeserver) -> Vec<Value> {
    receiver.seen(HOOK).iter().map(message).collect()
}

/// Returns what a message says, if it is signed well.
#[track_caller]
fn message(seen: &Seen) -> Value {
    let header = |name: &str| seen.head.header(name).unwrap().to_owned();
    assert_eq!((seen.method(), header("content-type").as_str()), ("POST", "application/json"));
    assert_eq!(header("user-agent"), concat!("metergate/", env!("CARGO_PKG_VERSION")));
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let signed = Signer::with(SECRET).unwrap().sign(&id, time.parse().unwrap(), &seen.body);
    assert_eq!(header("webhook-signature"), signed);
    assert!(!id.contains('.'), "{id}");
    serde_json::from_slice(&seen.body).unwrap()
}

fn topics(told: &[Value]) -> Vec<&str> {
    told.iter().map(|message| message["topic"].as_str().unwrap()).collect()
}

/// Waits until it was told so often.
#[track_caller]
fn told_times(receiver: &Homeserver, times: usize) -> Vec<Value> {
    eventually(&format!("{times} messages"), || {
        receiver.seen(HOOK).iter().filter(|it| it.ended == crate::support::Ended::Whole).count()
            >= times
    });
    let told = told(receiver);
    assert_eq!(told.len(), times, "{told:#?}");
    told
}

/// Has the receiver answer the first messages like this, and the others with 200.
fn answering(receiver: &Homeserver, first: &'static [&'static str]) {
    let count = Arc::new(AtomicUsize::new(0));
    receiver.on(HOOK, move |exchange: &mut Exchange| {
        exchange.read_body();
        match first.get(count.fetch_add(1, Ordering::SeqCst)) {
            Some(answer) => {
                exchange.send(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n"));
            }
            None => exchange.answer(200, "{}"),
        }
    });
}

#[track_caller]
fn nothing_untold(log: &str, receiver: &Homeserver) {
    let port = receiver.port().to_string();
    for untold in UNTOLD.into_iter().chain([port.as_str()]) {
        assert!(!log.contains(untold), "{untold} in {log}");
    }
}

#[test]
fn each_topic_is_told_once_per_window_and_every_charge_past_a_soft_limit() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = serving(folder.path(), &receiver);
    for amount in [400, 200, 500, 10, -500, 450] {
        charge(&service, "alice", amount);
    }
    let told = told_times(&receiver, 6);
    let gist = |it: &Value| (it["topic"].clone(), it["used"].clone(), it["part"].clone());
    assert_eq!(
        told.iter().map(gist).collect::<Vec<_>>(),
        [
            (json!("warn"), json!(600), Value::Null),
            (json!("over"), json!(1100), Value::Null),
            (json!("charge_over"), json!(1100), json!(100)),
            (json!("charge_over"), json!(1110), json!(10)),
            (json!("recovered"), json!(610), Value::Null),
            (json!("charge_over"), json!(1060), json!(60)),
        ]
    );
    let first = &told[0];
    let expected = json!({
        "id": 1, "topic": "warn", "subject": "@alice:x", "resource": "media_bytes",
        "per": "subject", "period": "never", "bucket": first["bucket"], "mode": "soft",
        "limit": 1000, "used": 600, "percentage": 50, "at": first["at"],
    });
    assert_eq!(*first, expected);
    nothing_untold(&service.stop(), &receiver);
}

#[test]
fn what_was_not_asked_for_is_passed_over() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = Process::configured(
        folder.path(),
        &config(&receiver.url, "on = [\"over\", \"recovered\"]"),
    );
    for amount in [1100, 5, -500] {
        charge(&service, "alice", amount);
    }
    assert_eq!(topics(&told_times(&receiver, 2)), ["over", "recovered"]);
    service.stop();
}

#[test]
fn what_is_not_taken_is_told_again_and_later_ones_wait() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    answering(&receiver, &["500 Oops", "302 There\r\nLocation: /elsewhere"]);
    let service = serving(folder.path(), &receiver);
    charge(&service, "alice", 600);
    charge(&service, "bob", 700);
    let told = told_times(&receiver, 4);
    let whose = |it: &Value| it["subject"].as_str().unwrap().to_owned();
    assert_eq!(
        told.iter().map(whose).collect::<Vec<_>>(),
        ["@alice:x", "@alice:x", "@alice:x", "@bob:x"]
    );
    let ids: Vec<_> = receiver
        .seen(HOOK)
        .iter()
        .map(|it| it.head.header("webhook-id").unwrap().to_owned())
        .collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    assert!(receiver.seen("/elsewhere").is_empty());
    service.says("notices are taken again");
    let log = service.stop();
    // Once of each answer, however often it was tried.
    assert_eq!(log.matches("notices wait").count(), 2, "{log}");
    nothing_untold(&log, &receiver);
}

#[test]
fn who_was_away_is_told_what_happened_meanwhile() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = serving(folder.path(), &receiver);
    receiver.stop_listening();
    charge(&service, "alice", 600);
    charge(&service, "alice", 500);
    service.says("notices wait");
    let receiver = Homeserver::on_port(receiver.port());
    assert_eq!(topics(&told_times(&receiver, 3)), ["warn", "over", "charge_over"]);
    let log = service.stop();
    assert_eq!(log.matches("notices wait").count(), 1, "{log}");
    nothing_untold(&log, &receiver);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = serving(folder.path(), &receiver);
    charge(&service, "alice", 600);
    told_times(&receiver, 1);
    receiver.stop_listening();
    charge(&service, "bob", 600);
    service.says("notices wait");
    service.stop();
    let service = serving(folder.path(), &receiver);
    charge(&service, "carol", 600);
    let receiver = Homeserver::on_port(receiver.port());
    let told = told_times(&receiver, 2);
    assert_eq!((&told[0]["subject"], &told[1]["subject"]), (&json!("@bob:x"), &json!("@carol:x")));
    service.stop();
}

#[test]
fn what_the_last_charge_caused_is_told_before_the_end() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = serving(folder.path(), &receiver);
    charge(&service, "alice", 600);
    service.stop();
    assert_eq!(topics(&told(&receiver)), ["warn"]);
}

#[test]
fn what_another_process_charges_is_told_by_the_one_that_serves() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let service = serving(folder.path(), &receiver);
    let charged = Command::new(env!("CARGO_BIN_EXE_metergate"))
        .args(["use", "@alice:x", "media_bytes", "600"])
        .env_clear()
        .env("METERGATE_STORAGE", format!("sqlite:{}", service.books().display()))
        .output()
        .unwrap();
    assert!(charged.status.success(), "{charged:?}");
    assert_eq!(topics(&told_times(&receiver, 1)), ["warn"]);
    service.stop();
}

#[test]
fn a_receiver_that_never_answers_holds_nobody_up() {
    let (folder, homeserver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let receiver = Homeserver::start();
    receiver.on(HOOK, Exchange::hang);
    let proxy = format!(
        "on = \"charge_over\"\n[upstream]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"",
        homeserver.url
    );
    let mut service = Process::configured(folder.path(), &config(&receiver.url, &proxy));
    for _ in 0..5 {
        let answer = service.ask(&Request::upload().body(&[b'x'; 2000]));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    eventually("the first message", || receiver.seen(HOOK).len() == 1);
    // All of that while it was waited for: not even the first delivery had been given up.
    assert_eq!(service.told("notices wait"), 0, "{}", service.log());
    assert_eq!(service.figures().0, 10_000);
    service.kill();
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Homeserver::start());
    receiver.on(HOOK, |exchange: &mut Exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while exchange.wire.send([b'x'; 4096]).is_ok() {}
        exchange.close();
    });
    let service = serving(folder.path(), &receiver);
    charge(&service, "alice", 600);
    charge(&service, "bob", 600);
    told_times(&receiver, 2);
    assert_eq!(service.stop().matches("notices wait").count(), 0);
}

#[test]
fn a_reload_takes_over_who_is_told() {
    let (folder, first) = (tempfile::tempdir().unwrap(), Homeserver::start());
    let second = Homeserver::start();
    let service = serving(folder.path(), &first);
    charge(&service, "alice", 600);
    told_times(&first, 1);
    service.reload(&config(&second.url, "on = \"over\""));
    service.says("policy reloaded");
    charge(&service, "alice", 500);
    assert_eq!(topics(&told_times(&second, 1)), ["over"]);
    service.reload(&config(&second.url, ""));
    eventually("a second reload", || service.told("policy reloaded") == 2);
    charge(&service, "bob", 600);
    assert_eq!(topics(&told_times(&second, 2)), ["over", "warn"]);
    let log = service.stop();
    assert!(!log.contains("restart to apply"), "{log}");
    assert_eq!(told(&first).len(), 1);
}
