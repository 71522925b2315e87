//! What is never in the log, at any level: tokens, query strings, statements of the database.

use rusqlite::Connection;

use crate::support::client::UPLOAD;
use crate::support::homeserver::WHOAMI;
use crate::support::process::Process;
use crate::support::{Exchange, Homeserver, Request, bytes, eventually};

/// In every token.
const HUSH: &str = "hush";
/// In every query string.
const WHISPER: &str = "whisper";

fn config(homeserver: &Homeserver, format: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n\
         [auth]\ntimeout = \"2s\"\nnegative_ttl = \"0s\"\n\
         [admin]\ntoken = \"admin_{HUSH}\"\n[storage]\ntimeout = \"2s\"\n\
         [limits]\nhead_bytes = \"8KiB\"\nbody_idle_timeout = \"1s\"\n\
         [log]\nlevel = \"trace\"\nformat = \"{format}\"\naccess = true\n\
         [policy]\ndefault_group = \"free\"\n\
         [policy.groups.free]\nmedia_bytes = \"100kB/day\"\nmax_upload_bytes = \"60kB\"\n",
        homeserver.url
    )
}

/// Knows alice by one token; of others it says what may come of a homeserver.
fn tell_who(exchange: &mut Exchange) {
    let shown = exchange.head.header("authorization").unwrap_or_default().to_owned();
    exchange.read_body();
    match shown.split('_').nth(1) {
        Some("good") => exchange.answer(200, r#"{"user_id":"@alice:example.org"}"#),
        Some("text") => exchange.answer(200, &format!("{shown:?}")),
        Some("type") => exchange.answer(200, &format!("{{\"user_id\":[{shown:?}]}}")),
        Some("nobody") => exchange.answer(200, &format!("{{\"user_id\":{shown:?}}}")),
        Some("broken") => exchange.send(format!("HTTP/1.1 {shown}\r\n\r\n")),
        Some("slow") => exchange.hang(),
        Some("gone") => exchange.close(),
        Some("error") => exchange.answer(500, &shown),
        _ => exchange.answer(401, r#"{"errcode":"M_UNKNOWN_TOKEN","error":"Unknown token"}"#),
    }
}

fn token(kind: &str) -> String {
    format!("syt_{kind}_{HUSH}")
}

/// An upload whose token is in the header, and which has a query.
fn upload(kind: &str) -> Request {
    Request::post(&format!("{UPLOAD}?filename={WHISPER}.png")).token(&token(kind))
}

/// The same with the token in the query.
fn by_query(kind: &str) -> Request {
    Request::post(&format!("{UPLOAD}?filename={WHISPER}.png&access_token={}", token(kind)))
}

/// Uploads that are accepted, refused, and broken off.
fn upload_all_ways(homeserver: &Homeserver, service: &Process) {
    let small = bytes(1000);
    let status = |request: Request| service.ask(&request).status;
    assert_eq!(status(upload("good").body(&small)), 200);
    assert_eq!(status(by_query("good").body(&small)), 200);
    assert_eq!(status(by_query("good").chunks(&small)), 200);
    assert_eq!(status(by_query("good").token(&token("other")).body(&small)), 401);
    assert_eq!(status(upload("good").token(&token("good")).body(&small)), 401);
    assert_eq!(status(upload("good").body(&bytes(61_000))), 413);
    for _ in 0..2 {
        assert_eq!(status(upload("good").body(&bytes(40_000))), 200);
    }
    assert_eq!(status(upload("good").body(&bytes(40_000))), 429);
    assert_eq!(status(by_query("good").chunks(&bytes(40_000))), 429);
    let disguised = format!("/_matrix/media/v3/%75pload?{WHISPER}&access_token={}", token("good"));
    assert_eq!(status(Request::post(&disguised).body(&small)), 404);
    for answer in [500, 401] {
        homeserver.answer_uploads(answer, "{}");
        assert_eq!(status(upload("good").body(&small)), answer);
    }
    homeserver.on(UPLOAD, Exchange::close);
    assert_eq!(status(by_query("good").body(&small)), 502);
    homeserver.on(UPLOAD, |exchange| {
        exchange.answer(200, "{}");
        exchange.hang();
    });
    let mut slow = service.client();
    slow.send(by_query("good").length(1000).head());
    slow.send(bytes(10));
    assert_eq!(slow.answer().status, 200);
    homeserver.on(UPLOAD, Exchange::hang);
    let mut idle = service.client();
    idle.send(by_query("good").length(1000).head());
    assert_eq!(idle.answer().status, 408);
    let mut left = service.client();
    left.send(upload("good").length(1000).head());
    left.reset();
}

/// Everybody whom the homeserver does not, or not well, know.
fn ask_as_all_kinds(service: &Process) {
    for kind in ["bad", "text", "type", "nobody", "broken", "slow", "gone", "error"] {
        for request in [upload(kind), by_query(kind)] {
            let status = service.ask(&request.body(&bytes(100))).status;
            assert!(matches!(status, 401 | 502 | 503), "{kind}: {status}");
        }
    }
    let config = format!("/_matrix/client/v1/media/config?{WHISPER}={}", token("good"));
    service.ask(&Request::get(&config).token(&token("good")));
    let sync = format!("/_matrix/client/v3/sync?access_token={}&{WHISPER}", token("good"));
    service.ask(&Request::get(&sync));
    let create = format!("/_matrix/media/v1/create?{WHISPER}");
    service.ask(&Request::post(&create).token(&token("good")).body(b""));
}

/// What no client should send.
fn send_nonsense(service: &Process) {
    let long = format!("X-Long: {}", HUSH.repeat(4000));
    for nonsense in [
        upload("good").line(&long).length(1).head(),
        upload("good").line("Transfer-Encoding: chunked, hush").line("Content-Length: 5").head(),
        format!("POST {UPLOAD}?{WHISPER} HTTP/1.1\r\n{HUSH}\r\n\r\n").into_bytes(),
        format!("{HUSH} {WHISPER}\r\n\r\n").into_bytes(),
        upload("good").line("Content-Length: 99999999999999999999").head(),
    ] {
        let mut client = service.client();
        let _ = client.try_send(nonsense);
        client.finish();
        client.wire.wait_gone();
    }
}

fn use_the_api(service: &Process) {
    let check = format!("/v1/check?subject=@bob:x&capability=upload_media&amount={WHISPER}");
    for (shown, expected) in [("admin", 400), ("wrong", 401)] {
        let request = Request::get(&check).token(&format!("{shown}_{HUSH}"));
        assert_eq!(service.api(&request).status, expected);
    }
}

/// The books, and then the homeserver, are out.
fn be_out(homeserver: &Homeserver, service: &Process) {
    let other = Connection::open(service.books()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(service.ask(&upload("good").body(&bytes(10))).status, 503);
    other.execute_batch("ROLLBACK").unwrap();
    eventually("the books are back", || {
        service.ask(&upload("good").body(&bytes(60_000))).status == 429
    });
    homeserver.stop();
    assert_eq!(service.ask(&by_query("good").body(&bytes(10))).status, 502);
    assert_eq!(service.ask(&by_query("new").body(&bytes(10))).status, 502);
    assert_eq!(service.ask(&Request::get(&format!("/x?{WHISPER}"))).status, 502);
}

fn keeps_secrets(format: &str) {
    let homeserver = Homeserver::start();
    homeserver.on(WHOAMI, tell_who);
    let folder = tempfile::tempdir().unwrap();
    let service = Process::configured(folder.path(), &config(&homeserver, format));
    upload_all_ways(&homeserver, &service);
    ask_as_all_kinds(&service);
    send_nonsense(&service);
    use_the_api(&service);
    be_out(&homeserver, &service);
    for (tries, mistake) in [
        format!("[admin]\ntoken = [\"admin_{HUSH}\"]\n"),
        format!("[admin]\ntoken = \"admin_{HUSH}\n"),
        format!("[admin]\ntoken = \"admin {HUSH}\"\ntoken_file = \"x\"\n"),
        format!("[admin]\ntoken = admin_{HUSH}\n[storage]\nurl = \"redis://u:{HUSH}@db\"\n"),
        format!("[upstream]\nurl = \"https://u:{HUSH}@h\"\n[reject]\ninfo_uri = \"x:{HUSH}@h\"\n"),
    ]
    .iter()
    .enumerate()
    {
        service.reload(mistake);
        eventually("another refusal", || service.told("reload refused") == tries + 1);
    }
    let log = service.stop();
    for told in [
        "answered",
        "room refused",
        "upload cut",
        "hold dropped",
        "cannot tell who asks",
        "homeserver did not answer",
        "homeserver accepted an upload before its end",
        "books cannot be kept",
        "connection ended",
    ] {
        assert!(log.contains(told), "the log does not tell of {told:?}:\n{log}");
    }
    for secret in [HUSH, WHISPER, "access_token", "SELECT ", "INSERT ", "UPDATE ", "BEGIN"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    if format == "json" {
        let is_json = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert_eq!(log.lines().find(|line| !is_json(line)), None);
    }
}

#[test]
fn a_log_in_text_keeps_secrets() {
    keeps_secrets("text");
}

#[test]
fn a_log_in_json_keeps_secrets() {
    keeps_secrets("json");
}
