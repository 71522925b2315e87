//! Disk: how much of what was acknowledged a loss of power, or of a server, may take.

use redis::{Cmd, InfoDict};

use super::entry;
use super::link::Link;
use crate::store::{Finding, StoreError};

/// What is asked of the configuration.
const FSYNC: &str = "appendfsync";
const REPLICAS: &str = "min-replicas-to-write";

/// Says how durable what is written is.
pub(super) async fn examine(link: &mut Link) -> Result<Vec<Finding>, StoreError> {
    let persistence = entry::section(link, "persistence").await?;
    let replication = entry::section(link, "replication").await?;
    let fsync = setting(link, FSYNC).await;
    let needed = setting(link, REPLICAS).await;
    let mut found = Vec::new();
    for (place, info) in persistence.iter().enumerate() {
        found.push(log(info, fsync.get(place).map(String::as_str)));
        found.extend(errors(info));
    }
    for (place, info) in replication.iter().enumerate() {
        found.extend(replicas(info, needed.get(place).map(String::as_str)));
    }
    Ok(found)
}

/// Returns what each master has set; nothing if this user may not ask.
async fn setting(link: &mut Link, name: &str) -> Vec<String> {
    let mut ask = Cmd::new();
    ask.arg("CONFIG").arg("GET").arg(name);
    let all: Vec<Vec<String>> = entry::each(link, ask).await.unwrap_or_default();
    all.into_iter().filter_map(|pair| pair.into_iter().nth(1)).collect()
}

fn log(info: &InfoDict, fsync: Option<&str>) -> Finding {
    let about = "durability";
    let is_on = info.get::<u8>("aof_enabled").is_some_and(|on| on == 1);
    match fsync {
        _ if !is_on => Finding::fault(
            about,
            "The server keeps no log of changes, so a restart loses what came since its last \
             snapshot: set appendonly to yes.",
        ),
        Some("always") => Finding::good(about, "What is acknowledged is on the server's disk."),
        Some("no") => Finding::fault(
            about,
            "The server never makes sure of its disk, so a loss of power may take many seconds of \
             changes: set appendfsync to always, or everysec.",
        ),
        Some(_) => Finding::warning(
            about,
            "A loss of power may take the last second of changes: set appendfsync to always where \
             that matters.",
        ),
        None => Finding::warning(
            about,
            "The server keeps a log of changes; this user may not ask how often it reaches the \
             disk: see that appendfsync is always, or allow CONFIG GET.",
        ),
    }
}

fn errors(info: &InfoDict) -> Option<Finding> {
    let failed = ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"];
    let is_bad = |name: &&str| info.get::<String>(name).is_some_and(|status| status != "ok");
    let failed: Vec<_> = failed.into_iter().filter(is_bad).collect();
    if failed.is_empty() {
        return None;
    }
    let text =
        format!("The server could not write to its disk ({}): see its log.", failed.join(", "));
    Some(Finding::fault("disk", text))
}

fn replicas(info: &InfoDict, needed: Option<&str>) -> Option<Finding> {
    let about = "failover";
    let replicas: u32 = info.get("connected_slaves").unwrap_or_default();
    if replicas == 0 {
        return None;
    }
    Some(match needed.and_then(|needed| needed.parse::<u32>().ok()) {
        Some(0) => Finding::warning(
            about,
            "The server takes changes that no replica has, and a failover then loses: set \
             min-replicas-to-write to 1.",
        ),
        Some(_) => Finding::good(
            about,
            format!("The server has {replicas} replicas and takes no changes without them."),
        ),
        None => Finding::warning(
            about,
            "This user may not ask whether the server takes changes without its replicas: see \
             that min-replicas-to-write is 1, or allow CONFIG GET.",
        ),
    })
}
