//! Serving: one connection from its first byte on, to its end if it speaks HTTP/1.1.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::connection::{Connection, Guest, Place};
use super::ended::{tell_end, tell_late};
use super::news::News;
use super::opening::{self, Alarm, Watch};
use super::{Cap, Entrance, herald, protocols};
use crate::net::ahead::Ahead;
use crate::net::body::BoxError;
use crate::net::listener::{Accepted, Peer};
use crate::net::shutdown::Shutdown;
use crate::net::tls::Seal;
use crate::telemetry::metrics::Connections;

/// What every connection of a listener has in common.
#[derive(Debug)]
pub(super) struct House {
    pub(super) entrance: Entrance,
    http1: http1::Builder,
    pub(super) shutdown: Shutdown,
    /// How many there may be.
    pub(super) connections: Cap,
    /// That trusted proxies do not say whose connections theirs are.
    unannounced: News,
}

impl House {
    pub(super) fn new(entrance: Entrance, shutdown: Shutdown, connections: Cap) -> Arc<Self> {
        let http1 = protocols::http1(entrance.limits);
        let unannounced = News::default();
        Arc::new(Self { entrance, http1, shutdown, connections, unannounced })
    }

    pub(super) const fn counts(&self) -> &Connections {
        &self.connections.counts
    }

    /// Counts one more connection as open.
    fn place(&self, room: OwnedSemaphorePermit) -> Place {
        Place { _room: room, _open: self.counts().opened() }
    }

    /// Returns who is at the other end, or behind it, if that is a proxy that says so.
    ///
    /// # Errors
    /// When it does not say so as it should, or the client has as many connections as it may.
    async fn admitted<T>(&self, stream: &mut Ahead<T>, peer: Peer) -> io::Result<Guest>
    where
        T: AsyncRead + Unpin,
    {
        let peer = match &self.entrance.heralds {
            Some(heralds) if heralds.expect_of(peer) => {
                let read = herald::read(stream).await;
                if let Err(error) = &read
                    && error.kind() == io::ErrorKind::InvalidData
                    && self.unannounced.is_due()
                {
                    tracing::warn!(%error, "proxy_protocol is set: connections are refused");
                }
                read?.map_or(peer, Peer::Ip)
            }
            _ => peer,
        };
        let slot = self.entrance.crowd.enter(peer, self.counts());
        let slot = slot.ok_or_else(|| io::Error::other("past connections_per_client"))?;
        Ok(Guest { peer, slot })
    }

    /// Waits for a connection to have begun; none if it did not, or not in time.
    async fn opened<T>(
        &self,
        mut watch: Pin<&mut Watch>,
        opening: impl Future<Output = io::Result<T>>,
    ) -> Option<T> {
        let alarm = poll_fn(|cx| watch.as_mut().poll(cx, false));
        tokio::select! {
            biased;
            opened = opening => opened.inspect_err(|error| {
                tracing::debug!(%error, "connection ended before its first request");
            }).ok(),
            alarm = alarm => {
                if alarm == Alarm::Late {
                    tell_late(self.counts());
                }
                None
            }
        }
    }
}

/// One connection, about to begin.
#[derive(Clone)]
pub(super) struct Serving<S> {
    pub(super) house: Arc<House>,
    pub(super) service: S,
}

impl<S, F, B> Serving<S>
where
    S: Fn(Arc<Connection>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    /// Lets a connection in, unless there can be no room.
    pub(super) fn let_in(&self, accepted: Accepted, room: Option<OwnedSemaphorePermit>) {
        let Some(room) = room else { return };
        match accepted {
            Accepted::Tcp(stream, ip) => self.begin_tcp(stream, Peer::Ip(ip), room),
            Accepted::Unix(stream) => self.begin(stream, Peer::Unix, room),
        }
    }

    /// Lets a connection in once there is room, if that comes before all is cut.
    pub(super) fn let_in_later(&self, accepted: Accepted) {
        let serving = self.clone();
        drop(self.house.shutdown.spawn(async move {
            let room = serving.house.connections.enter().await;
            serving.let_in(accepted, room);
        }));
    }

    /// Makes a connection a task.
    pub(super) fn begin<T>(&self, stream: T, peer: Peer, room: OwnedSemaphorePermit)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = self.house.place(room);
        drop(self.house.shutdown.spawn(self.clone().run(stream, peer, place)));
    }

    /// Makes a connection a task that begins with TLS, if that is spoken.
    fn begin_tcp(&self, stream: TcpStream, peer: Peer, room: OwnedSemaphorePermit) {
        match self.house.entrance.seal.clone() {
            Some(seal) => {
                let run = self.clone().run_sealed(stream, seal, peer, self.house.place(room));
                drop(self.house.shutdown.spawn(run));
            }
            None => self.begin(stream, peer, room),
        }
    }

    /// Drives a connection to its end, whichever version it speaks.
    async fn run<T>(self, stream: T, peer: Peer, place: Place)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut watch, house) = (pin!(self.watch()), Arc::clone(&self.house));
        let mut stream = Ahead::new(stream);
        let opening = async {
            let guest = house.admitted(&mut stream, peer).await?;
            Ok((opening::is_http2(&mut stream).await?, guest))
        };
        if let Some((is_http2, guest)) = house.opened(watch.as_mut(), opening).await {
            self.speak(stream, is_http2, Connection::new(guest, false, place), watch).await;
        }
    }

    /// Likewise, over TLS.
    async fn run_sealed(self, stream: TcpStream, seal: Seal, peer: Peer, place: Place) {
        let (mut watch, house) = (pin!(self.watch()), Arc::clone(&self.house));
        let mut stream = Ahead::new(stream);
        let opening = async {
            let guest = house.admitted(&mut stream, peer).await?;
            Ok((seal.over(stream).await?, guest))
        };
        if let Some(((stream, is_http2), guest)) = house.opened(watch.as_mut(), opening).await {
            self.speak(stream, is_http2, Connection::new(guest, true, place), watch).await;
        }
    }

    fn watch(&self) -> Watch {
        Watch::new(self.house.shutdown.clone(), self.house.entrance.limits.head_timeout)
    }

    async fn speak<T>(
        self,
        stream: T,
        is_http2: bool,
        connection: Connection,
        watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Arc::new(connection);
        if is_http2 {
            // Apart, so that no other connection is made larger by it.
            Box::pin(self.speak_http2(stream, connection, watch)).await;
        } else {
            self.speak_http1(stream, connection, watch).await;
        }
    }

    async fn speak_http1<T>(
        self,
        stream: T,
        connection: Arc<Connection>,
        mut watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { house, service } = self;
        let heard = Arc::clone(&connection);
        let service = service_fn(move |request| {
            connection.hear();
            let answer = service(Arc::clone(&connection), request);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let wire = house.http1.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let (mut wire, mut told) = (pin!(wire), false);
        let end = poll_fn(|cx| {
            if let Poll::Ready(end) = wire.as_mut().poll(cx) {
                return Poll::Ready(end);
            }
            if told {
                return Poll::Pending;
            }
            match ready!(watch.as_mut().poll(cx, heard.is_heard())) {
                Alarm::Late => {
                    tell_late(house.counts());
                    Poll::Ready(Ok(()))
                }
                Alarm::Stopping => {
                    told = true;
                    wire.as_mut().graceful_shutdown();
                    wire.as_mut().poll(cx)
                }
            }
        });
        if let Err(error) = end.await {
            tell_end(&error, house.counts());
        }
    }
}
