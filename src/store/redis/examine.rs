//! Examine: what could make the books in Redis lie or be lost; what time it is there.

use std::time::Duration;

use redis::InfoDict;

use super::entry::{self, KEEPS};
use super::keys::LAYOUT;
use super::link::{self, Link};
use super::script::script;
use super::view::Parts;
use super::{Redis, disk, fault};
use crate::clock::Timestamp;
use crate::store::{Finding, INSTANCE_LEASE, StoreError};

script!(TIME, WORDS, "verbs/time.lua");
script!(INSTANCES, WORDS, "verbs/instances.lua");

/// By how much clocks may differ before that is told, and before it is a fault.
const SKEW: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// How many percent of the memory that Redis may use are much, and too much.
const FULL: (u64, u64) = (75, 90);

/// The oldest version that has all that the books need.
const OLDEST: (u32, u32) = (6, 2);

/// Looks at the servers by a connection of its own, so that one is told of that `entry` refuses.
pub(super) async fn examine(store: &Redis, now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    let mut link = link::connect(&store.connection.address.servers).await.map_err(fault::of)?;
    let mut found = Vec::new();
    for server in entry::section(&mut link, "server").await? {
        found.push(version(&server));
    }
    for memory in entry::section(&mut link, "memory").await? {
        found.extend([eviction(&memory), room(&memory)]);
    }
    for replication in entry::section(&mut link, "replication").await? {
        found.extend(role(&replication));
    }
    found.extend(disk::examine(&mut link).await?);
    if let Link::Cluster(_) = link {
        found.push(cluster(&mut link).await?);
    }
    found.push(layout(store, &mut link).await?);
    if let Some(there) = time(store).await? {
        found.push(clock(there, now));
        found.push(instances(store, there).await?);
    }
    Ok(found)
}

pub(super) async fn time(store: &Redis) -> Result<Option<Timestamp>, StoreError> {
    let (seconds, micros): (i64, i64) = store.connection.run(&TIME, &[]).await?;
    let millis = seconds.saturating_mul(1000).saturating_add(micros / 1000);
    Ok(Some(Timestamp::from_millis(millis)))
}

fn word(info: &InfoDict, name: &str) -> Option<String> {
    info.get::<String>(name).filter(|word| !word.is_empty())
}

fn version(server: &InfoDict) -> Finding {
    if let Some(valkey) = word(server, "valkey_version") {
        return Finding::good("version", format!("The server is Valkey {valkey}."));
    }
    let Some(version) = word(server, "redis_version") else {
        return Finding::warning("version", "The server does not say which version it is.");
    };
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let is_old = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST;
    let text = format!("The server is Redis {version}");
    if is_old {
        let (major, minor) = OLDEST;
        return Finding::fault("version", format!("{text}: take {major}.{minor} or newer."));
    }
    Finding::good("version", format!("{text}."))
}

fn eviction(memory: &InfoDict) -> Finding {
    match word(memory, "maxmemory_policy") {
        Some(policy) if policy == KEEPS => {
            Finding::good("eviction", "The server throws nothing away when it is full.")
        }
        Some(policy) => Finding::fault(
            "eviction",
            format!(
                "The server throws books away when it is full, by {policy}: set maxmemory-policy \
                 to {KEEPS}."
            ),
        ),
        None => Finding::warning(
            "eviction",
            format!("The server does not say its maxmemory-policy: see that it is {KEEPS}."),
        ),
    }
}

fn room(memory: &InfoDict) -> Finding {
    let used: u64 = memory.get("used_memory").unwrap_or_default();
    let most: u64 = memory.get("maxmemory").unwrap_or_default();
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    if most == 0 {
        let text = format!("The server uses {} of memory, without a limit.", mib(used));
        return Finding::good("memory", text);
    }
    let percent = used.saturating_mul(100) / most;
    let text = format!("The server uses {} of {} of memory, {percent} %", mib(used), mib(most));
    match percent {
        it if it >= FULL.1 => {
            Finding::fault("memory", format!("{text}: raise maxmemory, or prune the ledger."))
        }
        it if it >= FULL.0 => {
            Finding::warning("memory", format!("{text}: see that it does not run out."))
        }
        _ => Finding::good("memory", format!("{text}.")),
    }
}

fn role(replication: &InfoDict) -> Option<Finding> {
    let role = word(replication, "role").filter(|role| role != "master")?;
    Some(Finding::fault("role", format!("The server is a {role}: name the master.")))
}

async fn cluster(link: &mut Link) -> Result<Finding, StoreError> {
    let mut ask = redis::cmd("CLUSTER");
    ask.arg("INFO");
    let all: Vec<InfoDict> = entry::each(link, ask).await.map_err(fault::of)?;
    let state = |info: &InfoDict| word(info, "cluster_state").is_some_and(|state| state == "ok");
    Ok(if all.iter().all(state) {
        Finding::good("cluster", format!("The Cluster is whole, with {} masters.", all.len()))
    } else {
        Finding::fault("cluster", "A node calls the Cluster down: see CLUSTER NODES.")
    })
}

async fn layout(store: &Redis, link: &mut Link) -> Result<Finding, StoreError> {
    let mut ask = redis::cmd("GET");
    ask.arg(store.keys().layout());
    let layout: Option<u32> = ask.query_async(link).await.map_err(fault::of)?;
    let layout = layout.unwrap_or(LAYOUT);
    Ok(if layout > LAYOUT {
        let text = format!("The books are of layout {layout}, this metergate knows {LAYOUT}");
        Finding::fault("schema", format!("{text}: use the newer one that wrote them."))
    } else {
        Finding::good("schema", format!("The books are of layout {layout}."))
    })
}

fn clock(there: Timestamp, now: Timestamp) -> Finding {
    let apart = there.until(now).max(now.until(there));
    let text = format!("This machine's clock and the server's are {} ms apart", apart.as_millis());
    match apart {
        it if it > SKEW.1 => {
            Finding::fault("clock", format!("{text}: set them, for example by NTP."))
        }
        it if it > SKEW.0 => {
            Finding::warning("clock", format!("{text}: set them, for example by NTP."))
        }
        _ => Finding::good("clock", format!("{text}.")),
    }
}

async fn instances(store: &Redis, now: Timestamp) -> Result<Finding, StoreError> {
    let answer: Vec<String> = store.connection.run(&INSTANCES, &[]).await?;
    let mut parts = Parts::of(answer);
    let (mut alive, mut gone) = (Vec::new(), 0_usize);
    while !parts.is_empty() {
        let (name, seen) = (parts.text()?, Timestamp::from_millis(parts.number()?));
        if now < seen.after(INSTANCE_LEASE) {
            alive.push(format!("{name} {} s ago", seen.until(now).as_secs()));
        } else {
            gone += 1;
        }
    }
    alive.sort();
    let alive = if alive.is_empty() { "none".to_owned() } else { alive.join(", ") };
    let text = format!("Instances that gave a sign of life: {alive}; silent ones: {gone}.");
    Ok(Finding::good("instances", text))
}
