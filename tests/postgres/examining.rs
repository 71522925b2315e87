//! What `doctor` is told of a server.

use std::time::Duration;

use metergate::conformance::words::*;
use metergate::quota::held::Instance;
use metergate::store::{Finding, Severity, Store};

use crate::{opened, server};

fn about<'a>(found: &'a [Finding], about: &str) -> Vec<&'a Finding> {
    let here: Vec<_> = found.iter().filter(|finding| finding.about == about).collect();
    assert!(!here.is_empty(), "nothing about {about}");
    here
}

#[tokio::test]
async fn a_server_that_may_lose_books_is_told_of() {
    // The one of the tests does not wait for its disk.
    let store = opened(&server().url("doctor"));
    let now = store.time().await.unwrap().unwrap();
    store.join(&Instance::named("a"), now).await.unwrap();
    store.beat(&Instance::named("gone"), now.before(Duration::from_mins(1))).await.unwrap();
    let found = store.examine(now).await.unwrap();
    let faults: Vec<_> = about(&found, "durability").iter().map(|it| it.severity).collect();
    assert_eq!(faults, [Severity::Fault, Severity::Warning, Severity::Good]);
    for good in ["schema", "version", "clock", "connections"] {
        assert_eq!(about(&found, good)[0].severity, Severity::Good, "{good}");
    }
    let instances = about(&found, "instances");
    let told: Vec<_> = instances.iter().map(|it| it.severity).collect();
    assert_eq!(told, [Severity::Good, Severity::Warning]);
    assert!(instances[1].text.contains("\"gone\""), "{}", instances[1].text);
    for (skew, severity) in [(2, Severity::Warning), (60, Severity::Fault)] {
        for now in [now.after(Duration::from_secs(skew)), now.before(Duration::from_secs(skew))] {
            let found = store.examine(now).await.unwrap();
            assert_eq!(about(&found, "clock")[0].severity, severity, "{skew} s");
        }
    }
    assert!(noon() < now);
}
