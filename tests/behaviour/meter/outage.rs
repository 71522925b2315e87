//! While the books are out.

use metergate::proxy::Count;
use metergate::quota::OnOutage;

use super::{DOWNLOAD, EGRESS, download, message};
use crate::support::scene::Scene;
use crate::support::sidecar::Setup;
use crate::support::{Homeserver, Request, Sidecar, bytes, eventually};

/// A scene in which downloads and messages are metered.
fn scene(more: impl FnOnce(Setup) -> Setup) -> Scene {
    let scene = Scene::with(|sidecar| {
        more(
            sidecar
                .meter(&format!("GET {DOWNLOAD}**"), EGRESS, Count::ResponseBody, Some("1MB/never"))
                .meter(
                    "PUT /_matrix/client/v3/rooms/*/send/**",
                    "messages",
                    Count::One,
                    Some("5/day"),
                ),
        )
    });
    serve(&scene.homeserver);
    scene
}

fn serve(homeserver: &Homeserver) {
    homeserver.on(DOWNLOAD, |exchange| {
        exchange.read_body();
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
        exchange.send(bytes(5000));
    });
}

fn is_back(sidecar: &Sidecar) {
    eventually("it is asked again", || sidecar.api(&Request::get("/readyz")).status == 200);
}

#[test]
fn closed_what_is_metered_is_503_and_everything_else_flows() {
    let Scene { homeserver: _homeserver, store, sidecar } = scene(|it| it);
    store.guard().be_out(true);
    for (request, word) in [(download(5000), "Downloads"), (message(1).body(b"{}"), "This")] {
        let refused = sidecar.ask(&request);
        refused.is_refusal(503, "M_UNKNOWN");
        assert!(refused.header("retry-after").is_some());
        let error = refused.json()["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with(&format!("{word} cannot be counted right now.")), "{error}");
    }
    let other = Request::get("/_matrix/client/v3/sync").token("alice");
    assert_eq!(sidecar.ask(&other).status, 200);
    store.guard().be_out(false);
    is_back(&sidecar);
    assert_eq!(sidecar.ask(&download(5000)).status, 200);
    assert_eq!(sidecar.ask(&message(1).body(b"{}")).status, 200);
    assert_eq!(sidecar.figures_of(EGRESS), (5000, 0));
    assert_eq!(sidecar.figures_of("messages"), (1, 0));
}

#[test]
fn open_what_is_metered_passes_and_is_charged_later() {
    let Scene { homeserver: _homeserver, store, sidecar } =
        scene(|it| it.on_outage(OnOutage::Open));
    store.guard().be_out(true);
    assert_eq!(sidecar.ask(&download(5000)).body.len(), 5000);
    assert_eq!(sidecar.ask(&message(1).body(b"{}")).status, 200);
    store.guard().be_out(false);
    eventually("both are charged", || {
        sidecar.figures_if_there(EGRESS) == Some((5000, 0))
            && sidecar.figures_if_there("messages") == Some((1, 0))
    });
}

/// Has a download end while the store is out, which is not to cost its client anything but money.
fn ends_in_an_outage(journal: bool, stops: bool) {
    let Scene { homeserver, store, mut sidecar } =
        scene(|it| if journal { it } else { it.without_journal() });
    store.guard().fail("settle", true);
    store.guard().fail("beat", true);
    let answer = sidecar.ask(&download(5000));
    assert_eq!((answer.status, answer.body.len(), answer.whole), (200, 5000, true));
    if stops {
        let _ = sidecar.take().stop();
        // The former engine, which this test still has, keeps its own to itself.
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        std::fs::copy(sidecar.journal_file(), &journal).unwrap();
        store.guard().fail("settle", false);
        store.guard().fail("beat", false);
        let next = Sidecar::before(&homeserver)
            .meter(&format!("GET {DOWNLOAD}**"), EGRESS, Count::ResponseBody, Some("1MB/never"))
            .store(&store)
            .journal(&journal)
            .start();
        eventually("it is charged", || next.figures_of(EGRESS).0 == 5000);
        return;
    }
    store.guard().fail("settle", false);
    store.guard().fail("beat", false);
    is_back(&sidecar);
    eventually("it is charged", || sidecar.figures_of(EGRESS) == (5000, 0));
}

#[test]
fn a_download_that_ends_while_the_store_is_out_is_charged_once_it_is_back() {
    ends_in_an_outage(true, false);
}

#[test]
fn it_is_charged_without_a_journal_too() {
    ends_in_an_outage(false, false);
}

#[test]
fn it_is_charged_by_the_next_process_if_this_one_stops() {
    ends_in_an_outage(true, true);
}
