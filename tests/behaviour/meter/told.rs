//! What is told of it: figures, the access log; and what a running process takes over.

use metergate::proxy::Count;

use super::{DOWNLOAD, EGRESS, download, homeserver, message, metering};
use crate::support::figures::{Figures, grow};
use crate::support::process::Process;
use crate::support::{Homeserver, Request, Sidecar, eventually};

#[test]
fn what_became_of_it_is_counted_by_capability() {
    let homeserver = homeserver();
    let sidecar = metering(&homeserver, "5000/month")
        .meter("PUT /_matrix/client/v3/rooms/*/send/**", "messages", Count::One, Some("1/day"))
        .start();
    let now = || Figures::of(&sidecar.api(&Request::get("/metrics")));
    let before = now();
    assert_eq!(sidecar.ask(&download(5000)).status, 200);
    assert_eq!(sidecar.ask(&download(10)).status, 429);
    assert_eq!(sidecar.ask(&message(1).body(b"{}")).status, 200);
    assert_eq!(sidecar.ask(&message(2).body(b"{}")).status, 429);
    sidecar.ask(&Request::get("/_matrix/client/v1/media/Download/a/b").token("alice"));
    let of = |name: &str, capability: &str, outcome: &str| {
        format!("metergate_metered_{name}{{capability=\"{capability}\",outcome=\"{outcome}\"}}")
    };
    let denials = |capability: &str, period: &str| {
        let labels = format!("capability=\"{capability}\",mode=\"hard\",period=\"{period}\"");
        format!("metergate_denials_total{{{labels}}}")
    };
    grow(
        &before,
        now,
        &[
            (&of("total", EGRESS, "charged"), 1.0),
            (&of("total", EGRESS, "refused"), 1.0),
            (&of("bytes_total", EGRESS, "charged"), 5000.0),
            (&of("total", "messages", "charged"), 1.0),
            (&of("total", "messages", "refused"), 1.0),
            (&of("bytes_total", "messages", "charged"), 0.0),
            (&denials(EGRESS, "month"), 1.0),
            (&denials("messages", "day"), 1.0),
            ("metergate_requests_total{kind=\"metered\",status=\"2xx\"}", 2.0),
            ("metergate_requests_total{kind=\"metered\",status=\"4xx\"}", 2.0),
            ("metergate_requests_total{kind=\"disguised\",status=\"4xx\"}", 1.0),
            ("metergate_uploads_total{outcome=\"charged\"}", 0.0),
            ("metergate_uploads_total{outcome=\"refused\"}", 0.0),
            ("metergate_reservations_open", 0.0),
            ("metergate_reserved_bytes", 0.0),
        ],
    );
}

#[test]
fn without_an_entry_nobody_is_asked_anything() {
    let homeserver = homeserver();
    let sidecar = Sidecar::before(&homeserver).start();
    assert_eq!(sidecar.ask(&download(10)).status, 200);
    let odd = "/_matrix/client/v1/media/Download/example.org/10";
    assert_eq!(sidecar.ask(&Request::get(odd).token("alice")).status, 200);
    assert_eq!(sidecar.ask(&message(1).body(b"{}")).status, 200);
    assert!(homeserver.seen("/_matrix/client/v3/account/whoami").is_empty());
}

/// A configuration with a limit of so much, and perhaps an entry for downloads.
fn config(homeserver: &Homeserver, limit: &str, metered: bool) -> String {
    let entry = format!(
        "[[meter]]\nmethods = \"GET\"\npath = \"{DOWNLOAD}**\"\ncapability = \"download_media\"\n\
         resource = \"{EGRESS}\"\ncount = \"response_body\"\n"
    );
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[upstream]\nurl = \"{}\"\n[log]\naccess = true\n\
         [policy]\ndefault_group = \"free\"\n[policy.groups.free]\n{EGRESS} = \"{limit}\"\n{}",
        homeserver.url,
        if metered { entry.as_str() } else { "" }
    )
}

#[test]
fn a_reload_takes_entries_over_and_gives_them_up() {
    let homeserver = homeserver();
    let folder = tempfile::tempdir().unwrap();
    let process = Process::configured(folder.path(), &config(&homeserver, "1kB/month", false));
    let status = || process.ask(&download(2000)).status;
    assert_eq!((status(), status()), (200, 200));
    process.reload(&config(&homeserver, "1kB/month", true));
    eventually("it is metered", || status() == 429);
    assert_eq!(process.figures_of(EGRESS), (2000, 0));
    process.reload(&config(&homeserver, "9kB/month", true));
    eventually("there is room again", || status() == 200);
    process.reload(&config(&homeserver, "1kB/month", false));
    eventually("it is metered no more", || {
        (0..5).map(|_| status()).all(|status| status == 200) && process.told("policy reloaded") == 3
    });
    assert_eq!(process.told("restart to apply"), 0);
    let line = r#"kind="metered" status=200 metering="charged""#;
    assert!(process.told(line) > 0, "{}", process.log());
    process.stop();
}
