//! `GET /v1/refusals`: how many uploads were refused, over time.

use serde_json::Value;

use crate::support::{Homeserver, Request, Sidecar, bytes, eventually};

fn sums(told: &Value) -> (u64, u64) {
    let items = told["items"].as_array().unwrap();
    let sum = |key: &str| items.iter().map(|item| item[key].as_u64().unwrap()).sum();
    (sum("refused"), sum("bytes"))
}

#[test]
fn refused_and_cut_uploads_are_told_by_the_hour_and_by_the_day() {
    let homeserver = Homeserver::start();
    let sidecar = Sidecar::before(&homeserver).limit("1kB/month").start();
    let ask = |query: &str| sidecar.api(&Request::get(&format!("/v1/refusals{query}")));
    let nothing = ask("").json();
    assert_eq!(sums(&nothing), (0, 0));
    assert_eq!(sidecar.upload(500), 200);
    assert_eq!(sidecar.upload(2000), 429);
    assert_eq!(sidecar.upload(3000), 429);
    for query in ["", "?step=hour", "?step=day"] {
        let told = ask(query).json();
        assert_eq!(sums(&told), (2, 5000), "{query}");
        assert_eq!(told["since"], nothing["since"]);
        assert!((1..=2).contains(&told["items"].as_array().unwrap().len()), "{told}");
    }
    assert_eq!(sidecar.ask(&Request::upload().chunks(&bytes(4000))).status, 429);
    eventually("the cut one", || sums(&ask("").json()).0 == 3);
    let since = nothing["since"].as_str().unwrap();
    let past = ask(&format!("?start=2020-01-01&end={since}")).json();
    assert_eq!(past["items"].as_array().unwrap().len(), 0, "{past}");
    let future = ask("?start=2200-01-01&end=2200-01-02").json();
    assert_eq!(future["items"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let sidecar = Sidecar::alone().start();
    for query in ["?step=week", "?step=x", "?start=2026-02-01&end=2026-01-01", "?x=1", "?start=y"] {
        let answer = sidecar.api(&Request::get(&format!("/v1/refusals{query}")));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
}
