//! Lane: one core's part of the proxy, and how a share of a listener is served.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::net::{self, Cap, Crowd, Entrance, Heralds, Listener, Seal, Shutdown};
use crate::proxy::{self, Proxy};

/// One core's part of the proxy.
pub(super) struct Lane {
    pub(super) runtime: Runtime,
    pub(super) listeners: Vec<Listener>,
    pub(super) entrance: Entrance,
    pub(super) connections: Cap,
    pub(super) shutdown: Shutdown,
    pub(super) ended: CancellationToken,
    pub(super) shared: Arc<proxy::Shared>,
}

impl Lane {
    /// Serves until all has ended.
    pub(super) fn run(self) {
        let Self { runtime, listeners, entrance, connections, shutdown, ended, shared } = self;
        runtime.block_on(async move {
            let proxy = Proxy::new(shared);
            for listener in listeners {
                let proxy = proxy.clone();
                let service = move |connection, request| proxy.clone().serve(connection, request);
                let (connections, shutdown) = (connections.clone(), shutdown.clone());
                let entrance = entrance.clone();
                let serving = serve(listener, entrance, connections, shutdown.clone(), service);
                drop(shutdown.spawn(serving));
            }
            ended.cancelled().await;
        });
        // A look-up of a name may be under way in a thread that nobody can stop.
        runtime.shutdown_background();
    }
}

/// Serves one share of a listener until told to stop; says so if it cannot.
pub(super) async fn serve<S, F, B>(
    listener: Listener,
    entrance: Entrance,
    connections: Cap,
    shutdown: Shutdown,
    service: S,
) where
    S: Fn(Arc<net::Connection>, http::Request<hyper::body::Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = http::Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    let address = listener.address().clone();
    if let Err(error) = net::serve(listener, entrance, connections, shutdown, service).await {
        tracing::error!(%address, %error, "not served any more");
    }
}

/// Returns how connections of clients begin.
pub(super) fn entrance(settings: &proxy::Settings, seal: Option<Seal>) -> Entrance {
    let told = &settings.limits;
    let limits = net::Limits {
        head_timeout: told.head_timeout,
        send_idle_timeout: told.send_idle_timeout,
        head_bytes: told.head_bytes,
        header_count: told.header_count,
        http2_streams: told.http2_streams,
        http2_resets: told.http2_resets,
    };
    let heralds = settings.proxy_protocol.then(|| Heralds::of(&settings.trusted_proxies));
    let crowd = Crowd::new(told.connections_per_client, &settings.trusted_proxies);
    Entrance { limits, seal, heralds, crowd }
}
