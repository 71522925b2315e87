//! What is told of HTTP/2: figures, lines in the access log and ids, as of HTTP/1.1.

use std::time::Duration;

use h2::Reason;
use serde_json::Value;

use crate::support::certificates::{Files, call, connector};
use crate::support::client::UPLOAD;
use crate::support::figures::{Figures, grow};
use crate::support::http2::{self, Http2, request};
use crate::support::process::Process;
use crate::support::{Exchange, Homeserver, Request, Sidecar, bytes, eventually};

const ACCEPTED: &str = r#"metergate_connections_accepted_total{listener="proxy"}"#;
const OPEN: &str = r#"metergate_connections_open{listener="proxy"}"#;
const SLOW: &str = r#"metergate_connections_limited_total{limit="head_timeout",listener="proxy"}"#;
const LARGE: &str = r#"metergate_connections_limited_total{limit="head_size",listener="proxy"}"#;

fn figures(sidecar: &Sidecar) -> Figures {
    Figures::of(&sidecar.api(&Request::get("/metrics")))
}

#[test]
fn connections_requests_and_uploads_are_counted() {
    let homeserver = Homeserver::start();
    homeserver.on("/silent", Exchange::hang);
    let sidecar = Sidecar::before(&homeserver).limit("1MB/never").start();
    let before = figures(&sidecar);
    let mut client = sidecar.http2();
    assert_eq!(client.get("/x").status, 200);
    assert_eq!(client.upload(&bytes(300_000), true).status, 200);
    assert_eq!(client.upload(&bytes(800_000), true).status, 429);
    let mut left = client.begin(request("GET", "/silent").body(()).unwrap(), true);
    eventually("it is asked", || !homeserver.seen("/silent").is_empty());
    left.body.send_reset(Reason::CANCEL);
    let expected = [
        (ACCEPTED, 1.0),
        (OPEN, 1.0),
        (r#"metergate_requests_total{kind="other",status="2xx"}"#, 1.0),
        (r#"metergate_requests_total{kind="other",status="499"}"#, 1.0),
        (r#"metergate_requests_total{kind="upload",status="2xx"}"#, 1.0),
        (r#"metergate_requests_total{kind="upload",status="4xx"}"#, 1.0),
        (r#"metergate_request_head_seconds_count{kind="upload"}"#, 2.0),
        (r#"metergate_uploads_total{outcome="charged"}"#, 1.0),
        (r#"metergate_upload_bytes_total{outcome="charged"}"#, 300_000.0),
    ];
    grow(&before, || figures(&sidecar), &expected);
    drop(client);
    grow(&before, || figures(&sidecar), &[(OPEN, 0.0)]);
}

#[test]
fn what_limits_did_is_counted() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver)
        .limits(|limits| {
            limits.head_timeout = Duration::from_millis(300);
            limits.header_count = 10;
        })
        .start();
    let before = figures(&sidecar);
    let mut client = sidecar.http2();
    // Host and the token are two of them; what metergate adds is none.
    let headed = |count: usize| {
        let names = (0..count).map(|number| format!("x-{number}"));
        let head = names.fold(request("GET", "/x"), |head, name| head.header(name, "1"));
        head.body(()).unwrap()
    };
    assert_eq!(client.ask(headed(8)).status, 200);
    assert_eq!(client.ask(headed(9)).status, 431);
    client.end().unwrap();
    let malformed = r#"metergate_requests_total{kind="malformed",status="4xx"}"#;
    let expected = [(SLOW, 1.0), (LARGE, 1.0), (malformed, 1.0)];
    grow(&before, || figures(&sidecar), &expected);
}

#[test]
fn our_own_answers_carry_the_id_and_those_that_pass_do_not() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("10B/month").start();
    let mut client = sidecar.http2();
    let mut told = |method: &str, target: &str| {
        let head = request(method, target).header("x-request-id", "mine").body(()).unwrap();
        let told = client.ask(head);
        told.headers.get("x-request-id").map(|id| id.to_str().unwrap().to_owned())
    };
    assert_eq!(told("GET", "/x"), None);
    assert_eq!(told("POST", "/_matrix/media/v3/%75pload").as_deref(), Some("mine"));
    assert_eq!(homeserver.only().head.header("x-request-id"), Some("mine"));
    let refused = client.upload(&bytes(100), true);
    assert_eq!((refused.status, refused.headers["x-request-id"].len()), (429, 16));
}

#[test]
fn the_access_log_tells_exchanges_over_tls_with_their_version() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::made(folder.path(), "a", &["matrix.example.org"]);
    let homeserver = Homeserver::start();
    homeserver.on("/silent", Exchange::hang);
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\ncert = {:?}\nkey = {:?}\n\
         [upstream]\nurl = \"{}\"\n[log]\nformat = \"json\"\naccess = true\n\
         [policy]\ndefault_group = \"free\"\n[policy.groups.free]\nmedia_bytes = \"100kB/day\"\n",
        files.cert, files.key, homeserver.url
    );
    let service = Process::configured(folder.path(), &config);
    let runtime = http2::runtime();
    let connector = connector(&[&files.der], &[&tokio_rustls::rustls::version::TLS13], &["h2"]);
    let called = call(&connector, service.port(), "matrix.example.org");
    let stream = runtime.block_on(called).unwrap();
    let mut client = Http2::over(runtime, stream);
    assert_eq!(client.get("/x?hush").status, 200);
    assert_eq!(client.upload(&bytes(1000), false).status, 200);
    let mut left = client.begin(request("GET", "/silent").body(()).unwrap(), true);
    eventually("it is asked", || !homeserver.seen("/silent").is_empty());
    left.body.send_reset(Reason::CANCEL);
    let line = |path: &str| {
        let find = || {
            let log = service.log();
            let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.find(|line| line["target"] == "metergate::access" && line["path"] == path)
        };
        eventually(&format!("a line about {path}"), || find().is_some());
        find().unwrap()
    };
    let says = |path: &str, expected: &[(&str, Value)]| {
        let line = line(path);
        assert_eq!((&line["version"], &line["client"]), (&"2".into(), &"127.0.0.1".into()));
        for (key, value) in expected {
            assert_eq!(&line[key], value, "{key}: {line}");
        }
    };
    says("/x", &[("status", 200.into()), ("sent", 2.into()), ("end", "complete".into())]);
    let upload =
        [("metering", "charged".into()), ("received", 1000.into()), ("kind", "upload".into())];
    says(UPLOAD, &upload);
    says("/silent", &[("status", 499.into()), ("end", "client left".into())]);
}
