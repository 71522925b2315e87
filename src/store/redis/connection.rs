//! Connection: the way to the server: made at the first call, shared by all calls, made again when
//! it is lost.
//!
//! Calls go out in the order in which they are made, one behind the other on one connection, so
//! one whose caller has left happens, if it does, before those that come after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisFuture,
    RedisResult, ServerErrorKind, TlsMode, Value,
};
use tokio::sync::{Mutex, Semaphore};

use super::address::{Address, Servers};
use super::script::{Script, script};
use super::{entry, fault};
use crate::store::StoreError;

script!(DIRECT, WORDS, "verbs/direct.lua");

/// Calls that may be under way; past it they are refused instead of filling memory.
const WAITING: usize = 16_384;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take. Whoever has less patience leaves earlier.
const ANSWER: Duration = Duration::from_mins(1);

/// How long is waited each time that a Cluster did not run a call, before it is sent again.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// The way to the server.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) address: Address,
    present: Mutex<Present>,
    /// How often a connection was tried to make.
    tries: AtomicU64,
    calls: Semaphore,
}

#[derive(Debug, Default)]
struct Present {
    link: Option<Link>,
    /// How many there were before it.
    number: u64,
    /// Why the last try to make one failed, if it did.
    failed: Option<RedisError>,
}

/// One connection, whatever it leads to. A copy of it is the same one.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(link) => link.req_packed_command(cmd),
            Self::Cluster(link) => link.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(link) => link.req_packed_commands(cmd, offset, count),
            Self::Cluster(link) => link.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

impl Connection {
    /// Returns the way to `address`; nothing is asked of it yet.
    pub(super) fn to(address: Address) -> Self {
        let (present, tries) = (Mutex::default(), AtomicU64::new(0));
        Self { address, present, tries, calls: Semaphore::new(WAITING) }
    }

    /// Sends one command, whose first argument is a key of the books, and returns its answer. It
    /// goes by a script, since only the server knows which root the keys have.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let arguments = command.args_iter().filter_map(|argument| match argument {
            redis::Arg::Simple(text) => std::str::from_utf8(text).ok(),
            _ => None,
        });
        let arguments: Vec<_> = arguments.collect();
        self.run(&DIRECT, &arguments).await
    }

    /// Runs a script, and returns its answer.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        arguments: &[&str],
    ) -> Result<T, StoreError> {
        let _call = self
            .calls
            .try_acquire()
            .map_err(|error| StoreError::unavailable("too many calls wait for Redis", error))?;
        let mut waits = AGAIN.into_iter();
        loop {
            let (link, number) = self.link().await?;
            let is_cluster = matches!(link, Link::Cluster(_));
            let error = match self.once(link, script, arguments).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let is_again = is_cluster && fault::was_not_run(&error);
            let error = self.lost(error, number).await;
            match waits.next() {
                Some(wait) if is_again => tokio::time::sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    async fn once<T: FromRedisValue>(
        &self,
        mut link: Link,
        script: &Script,
        arguments: &[&str],
    ) -> RedisResult<T> {
        let known = self.call("EVALSHA", script.hash(), arguments);
        match known.query_async(&mut link).await {
            Err(error) if is_unknown(&error) => {
                // The server forgot it, or is another: this way it learns it, too.
                self.call("EVAL", script.source(), arguments).query_async(&mut link).await
            }
            answer => answer,
        }
    }

    /// The keys it names are one that is never there and one that always is: a node that has only
    /// a part of the books, as they move from it or to it, does not run it.
    fn call(&self, verb: &str, script: &str, arguments: &[&str]) -> Cmd {
        let keys = &self.address.keys;
        let mut command = redis::cmd(verb);
        command.arg(script).arg(2).arg(keys.root()).arg(keys.layout()).arg(arguments);
        command
    }

    /// Returns the present connection, made anew if there is none; and its number.
    pub(super) async fn link(&self) -> Result<(Link, u64), StoreError> {
        let tries = self.tries.load(Ordering::Relaxed);
        let mut present = self.present.lock().await;
        if let Some(link) = &present.link {
            return Ok((link.clone(), present.number));
        }
        let failed = present.failed.take();
        if let Some(error) = failed.filter(|_| self.tries.load(Ordering::Relaxed) != tries) {
            // It was tried while this call waited: those who wait do not try one after the other.
            present.failed = Some(error.clone());
            return Err(fault::of(error));
        }
        self.tries.fetch_add(1, Ordering::Relaxed);
        let mut link = connect(&self.address.servers).await.map_err(|error| {
            present.failed = Some(error.clone());
            fault::of(error)
        })?;
        entry::check(&mut link, &self.address.keys).await?;
        present.number += 1;
        present.link = Some(link.clone());
        Ok((link, present.number))
    }

    /// Returns once the server has answered all that went out before.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let link = self.present.lock().await.link.clone();
        let Some(mut link) = link else { return Ok(()) };
        let mut ask = redis::cmd("GET");
        ask.arg(self.address.keys.layout());
        ask.exec_async(&mut link).await.map_err(fault::of)
    }

    /// Gives up the connection with this number, if nothing else can help after `error`.
    async fn lost(&self, error: RedisError, number: u64) -> StoreError {
        if fault::ends_the_connection(&error) {
            let mut present = self.present.lock().await;
            if present.number == number {
                present.link = None;
            }
        }
        fault::of(error)
    }
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Makes a connection.
pub(super) async fn connect(servers: &Servers) -> RedisResult<Link> {
    match servers {
        Servers::One(info) => one(Client::open(info.as_ref().clone())?).await.map(Link::One),
        Servers::Cluster(infos) => {
            let client = ClusterClientBuilder::new(infos.iter().cloned())
                .connection_timeout(CONNECT)
                .response_timeout(ANSWER)
                // One whose answer was lost may have been run: only who knows what it does repeats it.
                .retries(0)
                .build()?;
            client.get_async_connection().await.map(Link::Cluster)
        }
        Servers::Sentinel { watchers, master } => {
            let mut client = sentinel(watchers, master)?;
            one(client.async_get_client().await?).await.map(Link::One)
        }
    }
}

/// Makes a connection to one server: of a Cluster, to the first that answers.
pub(super) async fn plain(servers: &Servers) -> RedisResult<Link> {
    let Servers::Cluster(infos) = servers else { return connect(servers).await };
    let mut failed = Err(RedisError::from((redis::ErrorKind::Client, "no node is named")));
    for info in infos {
        failed = one(Client::open(info.clone())?).await.map(Link::One);
        if failed.is_ok() {
            break;
        }
    }
    failed
}

async fn one(client: Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The user, the password and the database are those of the server, not of its Sentinels.
fn sentinel(watchers: &[redis::ConnectionInfo], master: &str) -> RedisResult<SentinelClient> {
    let mut server = SentinelNodeConnectionInfo::default();
    if let Some(first) = watchers.first() {
        server = server.set_redis_connection_info(first.redis_settings().clone());
        if matches!(first.addr(), redis::ConnectionAddr::TcpTls { .. }) {
            server = server.set_tls_mode(TlsMode::Secure);
        }
    }
    let addresses: Vec<_> = watchers.iter().map(|info| info.addr().clone()).collect();
    SentinelClient::build(addresses, master, Some(server), SentinelServerType::Master)
}
