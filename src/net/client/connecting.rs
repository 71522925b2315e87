//! Connecting: from a route to a connection that takes requests.

use std::io;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::route::{Protocol, Route};
use super::sender::{STREAMS, Sender, Share};
use crate::net::address::Origin;
use crate::net::body::BoxError;
use crate::net::parting::Parting;
use crate::net::server::BUFFER;
use crate::net::vanishing::{UNTAKEN, cut_vanished};

/// What may be under way of one answer over HTTP/2.
const STREAM_WINDOW: u32 = 256 * 1024;
/// And of all on one connection: as much as all may have, so that answers nobody reads leave room
/// for the others.
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// The largest head of an answer over HTTP/2, as over HTTP/1.1.
const HEAD: u32 = 128 * 1024;
/// How often an upstream that is silent is asked over HTTP/2 whether it is there.
const PINGED_EVERY: Duration = Duration::from_secs(30);

/// A connection, or why what came over it was no HTTP; outside of that, why there is none.
type Connected<B> = io::Result<Result<Sender<B>, hyper::Error>>;

impl Route {
    /// Opens a connection; it is a task of the present runtime.
    pub(super) async fn connect<B>(&self) -> Connected<B>
    where
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        match &self.origin {
            Origin::Tcp { host, port } | Origin::Https { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                cut_vanished(&stream, UNTAKEN)?;
                match (&self.tls, &self.origin) {
                    // Apart, as below, so that no other request is made larger by it.
                    (Some(tls), _) => {
                        let secret = async { Ok(self.speak(tls.over(stream, host).await?).await) };
                        Box::pin(secret).await
                    }
                    (None, Origin::Https { .. }) => {
                        Err(io::Error::new(io::ErrorKind::Unsupported, "no TLS to speak"))
                    }
                    (None, _) => Ok(self.speak(stream).await),
                }
            }
            Origin::Unix(path) => Ok(self.speak(UnixStream::connect(path).await?).await),
        }
    }

    async fn speak<T, B>(&self, stream: T) -> Result<Sender<B>, hyper::Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(Parting::new(stream));
        if self.protocol == Protocol::H2c {
            let (sender, connection) = Box::pin(http2().handshake(stream)).await?;
            drop(tokio::spawn(async {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "upstream connection ended early");
                }
            }));
            return Ok(Sender::Http2(sender, Share::first()));
        }
        let (sender, connection) =
            http1::Builder::new().max_buf_size(BUFFER).handshake(stream).await?;
        // Ends when the sender is dropped and its last answer is read, or with the runtime.
        drop(tokio::spawn(async {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended early");
            }
        }));
        Ok(Sender::Http1(sender))
    }
}

/// What is spoken over HTTP/2: bounded like what is spoken over HTTP/1.1.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut protocol = http2::Builder::new(TokioExecutor::new());
    protocol
        .timer(TokioTimer::new())
        .keep_alive_interval(PINGED_EVERY)
        .keep_alive_while_idle(false)
        .max_header_list_size(HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(BUFFER);
    protocol
}
