//! Link: one connection to the servers, and how it is made.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, Pipeline, RedisError, RedisFuture,
    RedisResult, TlsMode, Value,
};
use tokio::time::timeout;

use super::address::Servers;
use super::fault;

/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take. Whoever has less patience leaves earlier.
const ANSWER: Duration = Duration::from_mins(1);

/// After what silence a server is asked whether it is there, how often it is asked again, and how
/// many times.
const SILENT: Duration = Duration::from_secs(5);
const ASKED_EVERY: Duration = Duration::from_secs(2);
const ASKED: u32 = 3;

/// How long what was sent may lie without the server taking it.
const UNTAKEN: Duration = Duration::from_secs(10);

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

/// Makes a connection.
pub(super) async fn connect(servers: &Servers) -> RedisResult<Link> {
    match servers {
        Servers::One(info) => one(info.as_ref()).await.map(Link::One),
        Servers::Cluster(infos) => {
            let client = ClusterClientBuilder::new(infos.iter().cloned())
                .connection_timeout(CONNECT)
                .response_timeout(ANSWER)
                .tcp_settings(noticing())
                // One whose answer was lost may have been run: only who knows what it does repeats it.
                .retries(0)
                .build()?;
            client.get_async_connection().await.map(Link::Cluster)
        }
        Servers::Sentinel { watchers, master } => {
            let mut client = sentinel(watchers, master)?;
            // One of them may be silent.
            let found = timeout(CONNECT, client.async_get_client()).await;
            let found = found.map_err(|_| fault::silent())??;
            multiplexed(found).await.map(Link::One)
        }
    }
}

/// Makes a connection to one server: of a Cluster, to the first that answers.
pub(super) async fn plain(servers: &Servers) -> RedisResult<Link> {
    let Servers::Cluster(infos) = servers else { return connect(servers).await };
    let mut failed = Err(RedisError::from((redis::ErrorKind::Client, "no node is named")));
    for info in infos {
        failed = one(info).await.map(Link::One);
        if failed.is_ok() {
            break;
        }
    }
    failed
}

async fn one(info: &ConnectionInfo) -> RedisResult<MultiplexedConnection> {
    multiplexed(Client::open(info.clone().set_tcp_settings(noticing()))?).await
}

async fn multiplexed(client: Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(ANSWER));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The user, the password and the database are those of the server, not of its Sentinels.
fn sentinel(watchers: &[ConnectionInfo], master: &str) -> RedisResult<SentinelClient> {
    let mut server = SentinelNodeConnectionInfo::default().set_tcp_settings(noticing());
    if let Some(first) = watchers.first() {
        server = server.set_redis_connection_info(first.redis_settings().clone());
        if matches!(first.addr(), redis::ConnectionAddr::TcpTls { .. }) {
            server = server.set_tls_mode(TlsMode::Secure);
        }
    }
    let addresses: Vec<_> = watchers.iter().map(|info| info.addr().clone()).collect();
    SentinelClient::build(addresses, master, Some(server), SentinelServerType::Master)
}

/// Settings by which it is noticed that the server vanished without a word, and by which nothing
/// goes to it any more once a connection is given up: that would come late.
fn noticing() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(SILENT).with_interval(ASKED_EVERY);
    TcpSettings::default()
        .set_keepalive(keepalive.with_retries(ASKED))
        .set_user_timeout(UNTAKEN)
        .set_linger_time(Duration::ZERO)
}
