//! Instances: which processes live, by their sign of life and by a connection each.
//!
//! A process that joined keeps a connection that is named after it until it leaves or ends. So one
//! that starts anew under the same name can see whether the former one has let go; a connection
//! that is there still proves nothing once the sign of life is old. Of all others the sign of life
//! alone tells.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{FromRedisValue, RedisResult, Value};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Redis;
use super::address::Address;
use super::fault::{self, corrupt};
use super::link::{self, Link};
use super::script::script;
use crate::clock::Timestamp;
use crate::quota::held::Instance;
use crate::store::StoreError;

script!(JOIN, BOOKS, "verbs/join.lua");
script!(LEAVE, BOOKS, "verbs/leave.lua");

/// How often a named connection is looked after.
const LOOK: Duration = Duration::from_secs(2);

/// The instances of this store.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Those that joined, each with the task that keeps its connection.
    joined: Mutex<HashMap<Instance, Kept>>,
    /// Those of which that is not known, since the answer was lost: the token of each, and its
    /// connection.
    asked: Mutex<HashMap<Instance, (String, Link)>>,
}

/// A task that ends with this.
#[derive(Debug)]
struct Kept(JoinHandle<()>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Own {
    fn joined(&self) -> MutexGuard<'_, HashMap<Instance, Kept>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Instance, (String, Link)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn join(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let now = now.millis().to_string();
    let is_own = store.own.joined().contains_key(instance);
    if is_own {
        let answer: Vec<String> =
            store.connection.run(&JOIN, &[instance.as_str(), "", "", "", &now]).await?;
        return ended(&answer);
    }
    let before = store.own.asked().remove(instance);
    let (token, link) = if let Some(before) = before {
        before
    } else {
        let token = uuid::Uuid::now_v7().simple().to_string();
        let link = named(store, instance, &token).await.map_err(fault::of)?;
        (token, link)
    };
    store.own.asked().insert(instance.clone(), (token.clone(), link.clone()));
    let joined = join_as(store, instance, &token, &now).await;
    if matches!(joined, Err(StoreError::Unavailable { .. })) {
        return joined;
    }
    store.own.asked().remove(instance);
    if joined.is_ok() {
        let name = name(store, instance, &token);
        let kept = Kept(tokio::spawn(keep(store.connection.address.clone(), name, link)));
        store.own.joined().insert(instance.clone(), kept);
    }
    joined
}

/// Joins by the connection with that token, as soon as no other has come between.
async fn join_as(
    store: &Redis,
    instance: &Instance,
    token: &str,
    now: &str,
) -> Result<usize, StoreError> {
    loop {
        let mut ask = redis::cmd("HGET");
        ask.arg(store.keys().tokens()).arg(instance.as_str());
        let former: Option<String> = store.connection.ask(&ask).await?;
        let former = former.unwrap_or_default();
        let is_other = !former.is_empty() && former != token;
        let is_gone = is_other && has_let_go(store, instance, &former).await?;
        let gone = if is_gone { "gone" } else { "" };
        let arguments = [instance.as_str(), token, &former, gone, now];
        let answer: Vec<String> = store.connection.run(&JOIN, &arguments).await?;
        if answer.first().is_some_and(|word| word == "again") {
            continue;
        }
        return ended(&answer);
    }
}

fn ended(answer: &[String]) -> Result<usize, StoreError> {
    match answer {
        [word, count] if word == "joined" => {
            count.parse().map_err(|_| corrupt("no number of reservations ended"))
        }
        [word, text] if word == "conflict" => Err(StoreError::Conflict(text.clone())),
        _ => Err(corrupt("an instance that did not join")),
    }
}

pub(super) async fn beat(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sign = redis::cmd("HSET");
    sign.arg(store.keys().instances()).arg(instance.as_str()).arg(now.millis());
    store.connection.ask(&sign).await
}

pub(super) async fn leave(
    store: &Redis,
    instance: &Instance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let arguments = [instance.as_str(), &now.millis().to_string()];
    let _left: Vec<String> = store.connection.run(&LEAVE, &arguments).await?;
    store.own.joined().remove(instance);
    Ok(())
}

/// Returns the name of the connection of an instance; a byte that is no good in one becomes `%XX`.
fn name(store: &Redis, instance: &Instance, token: &str) -> String {
    let mut name = format!("metergate:{}:", store.connection.address.prefix);
    for byte in instance.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name + ":" + token
}

async fn named(store: &Redis, instance: &Instance, token: &str) -> RedisResult<Link> {
    begin(&store.connection.address, &name(store, instance, token)).await
}

/// Makes a connection with this name.
async fn begin(address: &Address, name: &str) -> RedisResult<Link> {
    let mut link = link::plain(&address.servers).await?;
    redis::cmd("CLIENT").arg("SETNAME").arg(name).exec_async(&mut link).await?;
    Ok(link)
}

/// Keeps a connection with this name, and makes it anew where it breaks.
async fn keep(address: Address, name: String, link: Link) {
    let mut link = Some(link);
    loop {
        tokio::time::sleep(LOOK).await;
        let is_there = match &mut link {
            Some(link) => {
                let answer = redis::cmd("PING");
                let answer = timeout(link::CONNECT, answer.exec_async(link)).await;
                answer.is_ok_and(|answer| answer.is_ok())
            }
            None => false,
        };
        if !is_there {
            link = begin(&address, &name).await.ok();
        }
    }
}

/// Returns true if no connection of the former process of that name is there; false if one is, or
/// if this user may not know.
async fn has_let_go(store: &Redis, instance: &Instance, token: &str) -> Result<bool, StoreError> {
    let wanted = format!(" name={} ", name(store, instance, token));
    let link = store.connection.link().await?;
    let mut list = redis::cmd("CLIENT");
    list.arg("LIST");
    let answer = match link {
        Link::One(mut link) => list.query_async(&mut link).await,
        Link::Cluster(mut link) => {
            let everyone = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None));
            link.route_command(list, everyone).await
        }
    };
    match answer {
        Ok(Value::Map(nodes)) => {
            let texts = nodes.into_iter().map(|(_, text)| String::from_redis_value(text));
            let texts: Result<Vec<_>, _> = texts.collect();
            Ok(texts.is_ok_and(|texts| texts.iter().all(|text| !text.contains(&wanted))))
        }
        Ok(text) => Ok(String::from_redis_value(text).is_ok_and(|text| !text.contains(&wanted))),
        Err(error) if error.code() == Some("NOPERM") => Ok(false),
        Err(error) => Err(fault::of(error)),
    }
}
