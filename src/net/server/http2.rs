//! HTTP/2: a connection that speaks it, to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::ended::{tell_end, tell_late, tell_untaken};
use super::lingering::Lingering;
use super::opening::{Alarm, Watch};
use super::protocols;
use super::serving::Serving;
use super::streams::{Streams, Tasks};
use super::taken::{Counted, Flow};
use crate::net::body::BoxError;
use crate::net::idle::Idle;

/// How long a client that was told to go may take, once nothing of it is under way.
const LAST_WORD: Duration = Duration::from_secs(1);

impl<S, F, B> Serving<S>
where
    S: Fn(Arc<Connection>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    pub(super) async fn speak_http2<T>(
        self,
        stream: T,
        connection: Arc<Connection>,
        mut watch: Pin<&mut Watch>,
    ) where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { house, service } = self;
        let (heard, streams) = (Arc::clone(&connection), Streams::new());
        let limits = house.entrance.limits;
        let tasks = Tasks {
            shutdown: house.shutdown.clone(),
            streams: streams.clone(),
            send_idle_timeout: limits.send_idle_timeout,
            counts: house.counts().clone(),
            next: Arc::default(),
        };
        let protocol = protocols::http2(limits, tasks.clone());
        let connections = house.connections.clone();
        let stream = Lingering::new(stream, house.shutdown.clone(), Arc::clone(&connection));
        let service = service_fn(move |request| {
            connection.hear();
            let (connections, stream) = (connections.clone(), tasks.begin());
            let answer = service(Arc::clone(&connection), request);
            async move {
                stream.take_room(&connections).await;
                Ok::<_, Infallible>(answer.await.map(|body| Counted::new(body, stream)))
            }
        });
        let mut wire = pin!(protocol.serve_connection(TokioIo::new(stream), service));
        let (mut told, mut idle) = (None, pin!(sleep(Duration::ZERO)));
        let mut remains = (Idle::new(limits.send_idle_timeout), 0);
        let end = poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = wire.as_mut().poll(cx) {
                    return Poll::Ready(end);
                }
                if poll_untaken(&streams, &mut remains, cx).is_ready() {
                    tell_untaken(house.counts());
                    return Poll::Ready(Ok(()));
                }
                let alarm = match told {
                    Some(_) => Poll::Pending,
                    None => watch.as_mut().poll(cx, heard.is_heard()),
                };
                if alarm == Poll::Ready(Alarm::Late) {
                    tell_late(house.counts());
                    return Poll::Ready(Ok(()));
                }
                // One that said nothing for long, or is to end, is told first; if it does not go
                // then, it is left.
                let due = streams.idle_since(cx).and_then(|since| match told {
                    Some(told) => since.max(told).checked_add(LAST_WORD),
                    None if heard.is_heard() => since.checked_add(limits.head_timeout),
                    None => None,
                });
                let is_over = due.is_some_and(|due| {
                    if idle.deadline() != due {
                        idle.as_mut().reset(due);
                    }
                    idle.as_mut().poll(cx).is_ready()
                });
                match (told, is_over) {
                    (Some(_), true) => return Poll::Ready(Ok(())),
                    (None, false) if alarm.is_pending() => return Poll::Pending,
                    (Some(_), false) => return Poll::Pending,
                    (None, true) if alarm.is_pending() => tell_late(house.counts()),
                    (None, _) => {}
                }
                told = Some(Instant::now());
                wire.as_mut().graceful_shutdown();
            }
        });
        if let Err(error) = end.await {
            tell_end(&error, house.counts());
        }
    }
}

/// Waits until nothing of what remains was taken for long, once nothing else is under way; `remains`
/// has the clock, and what was taken when it was looked at last.
fn poll_untaken(
    streams: &Streams,
    (idle, before): &mut (Idle, usize),
    cx: &mut Context<'_>,
) -> Poll<()> {
    let taken = streams.remains().map(Flow::taken);
    if taken != Some(*before) {
        idle.moved();
    }
    *before = taken.unwrap_or_default();
    if taken.is_some() { idle.poll(cx) } else { Poll::Pending }
}
