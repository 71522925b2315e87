//! Entry: what is looked at on each new connection, before anything is asked of it.

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, ErrorKind, FromRedisValue, InfoDict, RedisResult, Value};

use super::fault;
use super::keys::{Keys, LAYOUT};
use super::link::Link;
use crate::store::StoreError;

/// The only `maxmemory-policy` under which no part of the books is thrown away.
pub(super) const KEEPS: &str = "noeviction";

/// Refuses a server that throws keys away when it is full, and books that are too new.
pub(super) async fn check(link: &mut Link, keys: &Keys) -> Result<(), StoreError> {
    for info in memory(link).await? {
        let policy: Option<String> = info.get("maxmemory_policy");
        if let Some(policy) = policy.filter(|policy| policy != KEEPS) {
            return Err(StoreError::Misconfigured(format!(
                "Redis throws books away when it is full: set its maxmemory-policy from {policy} \
                 to {KEEPS}"
            )));
        }
    }
    let mut claim = redis::cmd("SETNX");
    claim.arg(keys.layout()).arg(LAYOUT);
    claim.exec_async(link).await.map_err(fault::of)?;
    let mut ask = redis::cmd("GET");
    ask.arg(keys.layout());
    let found: Option<u32> = ask.query_async(link).await.map_err(fault::of)?;
    match found {
        Some(newer) if newer > LAYOUT => Err(StoreError::Corrupt(format!(
            "the books in Redis are of layout {newer}, and this metergate knows {LAYOUT}: \
             use the newer metergate that wrote them"
        ))),
        _ => Ok(()),
    }
}

/// Returns what each master says of its memory.
pub(super) async fn memory(link: &mut Link) -> Result<Vec<InfoDict>, StoreError> {
    section(link, "memory").await
}

/// Returns what each master says in a section of INFO.
pub(super) async fn section(link: &mut Link, name: &str) -> Result<Vec<InfoDict>, StoreError> {
    let mut ask = redis::cmd("INFO");
    ask.arg(name);
    each(link, ask).await.map_err(fault::of)
}

/// Returns what each master answers.
pub(super) async fn each<T: FromRedisValue>(link: &mut Link, ask: Cmd) -> RedisResult<Vec<T>> {
    match link {
        Link::One(link) => ask.query_async(link).await.map(|answer| vec![answer]),
        Link::Cluster(link) => {
            let everyone = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
            let Value::Map(answers) = link.route_command(ask, everyone).await? else {
                return Err(
                    (ErrorKind::UnexpectedReturnType, "the nodes do not say how they are").into()
                );
            };
            let answers = answers.into_iter();
            answers.map(|(_, answer)| Ok(T::from_redis_value(answer)?)).collect()
        }
    }
}
