//! The access log: one line for each exchange, when all of it has ended, and no secret in it.

use serde_json::Value;

use crate::support::client::UPLOAD;
use crate::support::process::Process;
use crate::support::wire::find;
use crate::support::{Exchange, Homeserver, Request, bytes, eventually};

fn config(homeserver: &Homeserver, log: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n[log]\n{log}\n\
         [policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"100kB/day\"\n",
        homeserver.url
    )
}

/// In JSON, and nothing else but errors.
const JSON: &str = "level = \"error\"\nformat = \"json\"\naccess = true";

fn serving(homeserver: &Homeserver) -> (Process, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    // It is found by what it says at its start.
    let log = JSON.replace("error", "info");
    let service = Process::configured(folder.path(), &config(homeserver, &log));
    (service, folder)
}

/// Returns the lines about a path.
fn lines(service: &Process, path: &str) -> Vec<Value> {
    let log = service.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["target"] == "metergate::access" && line["path"] == path).collect()
}

/// Waits for the one line about a path.
#[track_caller]
fn line(service: &Process, path: &str) -> Value {
    eventually(&format!("a line about {path}"), || !lines(service, path).is_empty());
    let mut lines = lines(service, path);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

/// Asserts what a line says.
#[track_caller]
fn says(line: &Value, expected: &[(&str, Value)]) {
    for (key, value) in expected {
        assert_eq!(&line[key], value, "{key}: {line}");
    }
}

#[test]
fn what_passes_is_told_with_both_bodies_and_who_asked() {
    let homeserver = Homeserver::start();
    let (service, _folder) = serving(&homeserver);
    let request = Request::post("/echo/a?hush=1")
        .line("X-Forwarded-For: 203.0.113.7")
        .line("X-Request-Id: mine")
        .body(&bytes(1234));
    assert_eq!(service.ask(&request).status, 200);
    let line = line(&service, "/echo/a");
    says(
        &line,
        &[
            ("id", "mine".into()),
            ("method", "POST".into()),
            ("version", "1.1".into()),
            ("client", "203.0.113.7".into()),
            ("kind", "other".into()),
            ("status", 200.into()),
            ("received", 1234.into()),
            ("sent", 2.into()),
            ("end", "complete".into()),
            ("message", "answered".into()),
            ("metering", Value::Null),
        ],
    );
    assert!(line["head_ms"].as_u64() <= line["duration_ms"].as_u64());
    assert_eq!(service.ask(&Request::new("HEAD", "/head")).status, 200);
    assert_eq!(self::line(&service, "/head")["end"], "complete");
}

#[test]
fn an_upload_is_told_with_what_became_of_it() {
    let homeserver = Homeserver::start();
    let (service, _folder) = serving(&homeserver);
    let path = |number: u32| format!("/_matrix/media/v3/upload/example.org/{number}");
    let upload = |number: u32| Request::new("PUT", &path(number)).token("alice");
    let told =
        |number: u32, expected: &[(&str, Value)]| says(&line(&service, &path(number)), expected);
    service.ask(&upload(1).body(&bytes(1000)));
    told(
        1,
        &[("metering", "charged".into()), ("received", 1000.into()), ("kind", "upload".into())],
    );
    service.ask(&upload(2).body(&bytes(200_000)));
    told(
        2,
        &[
            ("metering", "refused".into()),
            ("status", 429.into()),
            ("received", 200_000.into()),
            ("end", "complete".into()),
        ],
    );
    service.ask(&upload(3).chunks(&bytes(150_000)));
    told(3, &[("metering", "cut".into()), ("status", 429.into())]);
    homeserver.answer_uploads(500, "{}");
    service.ask(&upload(4).body(&bytes(1000)));
    told(4, &[("metering", "refunded".into()), ("status", 500.into())]);
    homeserver.on("/_matrix/media/", Exchange::hang);
    let mut client = service.client();
    client.send(upload(5).length(1000).head());
    client.send(bytes(10));
    eventually("it begins", || homeserver.seen(&path(5)).iter().any(|seen| seen.body.len() == 10));
    client.reset();
    told(
        5,
        &[
            ("metering", "released".into()),
            ("status", 499.into()),
            ("received", 10.into()),
            ("end", "client left".into()),
            ("head_ms", Value::Null),
        ],
    );
}

#[test]
fn a_client_that_leaves_and_a_homeserver_that_breaks_off_are_told_apart() {
    let homeserver = Homeserver::start();
    let head = "HTTP/1.1 200 Told\r\nContent-Length: 100\r\n\r\n0123456789";
    homeserver.on("/broken", move |exchange| {
        exchange.send(head);
        exchange.close();
    });
    homeserver.on("/endless", move |exchange| {
        exchange.send(head);
        exchange.hang();
    });
    homeserver.on("/silent", Exchange::hang);
    let (service, _folder) = serving(&homeserver);
    let broken = service.ask(&Request::get("/broken"));
    assert!(!broken.whole);
    let broken = line(&service, "/broken");
    says(
        &broken,
        &[("end", "upstream broke off".into()), ("status", 200.into()), ("sent", 10.into())],
    );
    let mut client = service.client();
    client.send(Request::get("/endless").head());
    let mut answer = client.head("GET");
    assert!(answer.read(&mut client.wire));
    assert!(lines(&service, "/endless").is_empty(), "it has not ended");
    client.reset();
    says(
        &line(&service, "/endless"),
        &[("end", "client left".into()), ("status", 200.into()), ("sent", 10.into())],
    );
    let mut client = service.client();
    client.send(Request::get("/silent").head());
    eventually("it is asked", || !homeserver.seen("/silent").is_empty());
    client.reset();
    says(&line(&service, "/silent"), &[("end", "client left".into()), ("status", 499.into())]);
}

#[test]
fn a_tunnel_is_told_when_it_closes_with_all_that_went_through_it() {
    let homeserver = Homeserver::start();
    homeserver.on("/ws", |exchange| {
        exchange.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        let said = exchange.wire.exactly(4).unwrap();
        exchange.send([&said[..], b"pong!"].concat());
        exchange.wire.wait_gone();
        exchange.close();
    });
    let (service, _folder) = serving(&homeserver);
    let mut client = service.client();
    client.send(Request::get("/ws").line("Connection: upgrade").line("Upgrade: websocket").head());
    assert_eq!(client.head("GET").status, 101);
    client.send("ping");
    assert_eq!(client.wire.exactly(9).unwrap(), b"pingpong!");
    assert!(lines(&service, "/ws").is_empty(), "it is still open");
    client.finish();
    client.wire.wait_gone();
    says(
        &line(&service, "/ws"),
        &[
            ("status", 101.into()),
            ("received", 4.into()),
            ("sent", 9.into()),
            ("end", "complete".into()),
        ],
    );
}

#[test]
fn the_admin_api_is_told_likewise() {
    let homeserver = Homeserver::start();
    let (service, _folder) = serving(&homeserver);
    assert_eq!(service.api(&Request::get("/v1/usage?subject=@alice:x")).status, 400);
    says(
        &line(&service, "/v1/usage"),
        &[
            ("kind", "admin".into()),
            ("status", 400.into()),
            ("client", "127.0.0.1".into()),
            ("end", "complete".into()),
        ],
    );
}

#[test]
fn it_is_written_at_any_level_and_not_at_all_unless_asked_for() {
    let homeserver = Homeserver::start();
    for (log, expected) in
        [("level = \"info\"\naccess = true", 1), ("level = \"trace\"\naccess = false", 0)]
    {
        let folder = tempfile::tempdir().unwrap();
        let service = Process::configured(folder.path(), &config(&homeserver, log));
        service.ask(&Request::get("/told"));
        if expected == 1 {
            service.says("/told");
        }
        let log = service.stop();
        assert_eq!(log.lines().filter(|line| line.contains("/told")).count(), expected, "{log}");
        assert_eq!(log.matches("metergate::access").count(), expected, "{log}");
    }
}

#[test]
fn neither_users_nor_tokens_are_in_a_line_however_odd_their_place() {
    let homeserver = Homeserver::start();
    let (service, _folder) = serving(&homeserver);
    let odd = [
        format!("{UPLOAD};access_token=hush"),
        format!("{UPLOAD}%3Baccess_token=hush?access_token=hush"),
        "/_matrix/client/v3/profile/@alice:example.org/avatar_url".to_owned(),
        "/_matrix/client/v3/profile/%40alice%3Aexample.org".to_owned(),
        "/_matrix/client/v3/user/%2540alice/filter".to_owned(),
        "/access_token=hush/x".to_owned(),
        "/x/syt_YWxpY2U_hush".to_owned(),
        "/_synapse/admin/v1/registration_tokens/hush".to_owned(),
        "http://hush:hush@matrix.example.org/x".to_owned(),
    ];
    for target in &odd {
        service.ask(&Request::post(target).token("hush").body(b"hush"));
    }
    service.ask(&Request::new("HUSH", "/method").token("hush"));
    line(&service, "/method");
    let log = service.stop();
    let access: Vec<_> = log.lines().filter(|line| line.contains("metergate::access")).collect();
    assert_eq!(access.len(), odd.len() + 1, "{log}");
    for line in access {
        for secret in ["hush", "HUSH", "alice", "YWxpY2U", "token="] {
            assert!(find(line.as_bytes(), secret.as_bytes()).is_none(), "{secret}: {line}");
        }
    }
}
