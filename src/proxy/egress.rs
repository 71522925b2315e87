//! Egress: an answer that costs what of it goes out: a download.
//!
//! It is gated as if it cost one, since nobody knows its length before the homeserver answers, and
//! charged by the bytes that the client's connection took. What makes the answer whole, its last
//! bytes or its end, waits for the charge: who has read all of it has paid.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::action::Action;
use super::rejection::Rejection;
use super::underway::Underway;
use super::{Proxy, forwarding, upload};
use crate::engine::{Hold, Spent};
use crate::net::{Body, BodyError, Connection, Segments};
use crate::quota::Amount;
use crate::telemetry::labels::Outcome;
use crate::telemetry::{Access, cause};

/// What goes out is charged whenever it has come to this much, in bytes: of a process that is
/// killed, no more than that is lost.
const PART: u64 = 64 * 1024 * 1024;

/// Meters one answer. A client that leaves before its head leaves nothing behind.
pub(super) async fn meter(
    proxy: &Proxy,
    connection: &Connection,
    request: Request<Incoming>,
    action: Action,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let admitted = upload::admit_one(proxy, connection, &parts, &action).await;
    let (hold, decision) = match admitted {
        Ok(admitted) => admitted,
        Err(rejection) => return proxy.refuse(rejection, &parts, body),
    };
    let access = parts.extensions.remove::<Arc<Access>>();
    let metrics = proxy.metrics().clone();
    let underway = Underway::begin(action, metrics, access.clone(), hold.room(), &decision);
    let has_body = parts.method != Method::HEAD;
    let request = Request::from_parts(parts, body);
    let answer = proxy.forward(connection, request, false, access).await;
    match answer {
        Ok(response) if response.status().is_success() && has_body => {
            let (head, body) = forwarding::answer(response).into_parts();
            let body = Egress::of(body, hold, underway);
            if body.is_empty() {
                // Nothing of it could be held back.
                body.pay_all().await;
                return Response::from_parts(head, Body::empty());
            }
            Response::from_parts(head, Body::within(body))
        }
        answer => {
            release(hold).await;
            match answer {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    tracing::warn!("homeserver switched protocols without being asked");
                    Rejection::Upstream.into_response(proxy.settings())
                }
                Ok(response) => forwarding::answer(response),
                Err(rejection) => rejection.into_response(proxy.settings()),
            }
        }
    }
}

/// Gives the room back, now if the store answers, else later.
async fn release(hold: Hold) {
    if let Err(error) = hold.release().await {
        tracing::debug!(error = cause(&error), "room is given back later");
    }
}

/// The body of an answer on its way out. Dropped before its end, what went out is charged.
struct Egress {
    body: Body,
    /// Gone once all of it is charged.
    hold: Option<Hold>,
    underway: Underway,
    /// How many bytes it has, if that is known.
    length: Option<u64>,
    /// How many went out, or are held back until they are paid for.
    counted: u64,
    /// How many of these are charged by now.
    charged: u64,
    end: End,
}

/// What makes it whole.
enum End {
    /// It has not come yet.
    Ahead,
    /// It is held back until it is paid for: the last frame, or none.
    Held(Option<Frame<Segments>>, Spent),
    /// It has gone out.
    Past,
}

impl Egress {
    fn of(body: Body, hold: Hold, underway: Underway) -> Self {
        let length = body.size_hint().exact();
        let (hold, end) = (Some(hold), End::Ahead);
        Self { body, hold, underway, length, counted: 0, charged: 0, end }
    }

    fn is_empty(&self) -> bool {
        self.length == Some(0)
    }

    /// Charges it at once.
    async fn pay_all(mut self) {
        if let Some(spent) = self.pay() {
            spent.await;
        }
    }

    /// Has what is not charged yet charged; none if that is done already.
    fn pay(&mut self) -> Option<Spent> {
        let hold = self.hold.take()?;
        let left = self.counted.saturating_sub(self.charged);
        self.underway.counted(amount(self.counted));
        self.underway.unreserved();
        self.underway.is(Outcome::Charged);
        Some(hold.spend(amount(left)))
    }

    /// Counts data; has a part charged if it is time.
    fn count(&mut self, bytes: usize) {
        self.counted = self.counted.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let part = self.counted.saturating_sub(self.charged);
        if let Some(hold) = self.hold.as_ref().filter(|_| part >= PART) {
            drop(hold.spend_part(amount(part)));
            self.charged = self.counted;
        }
    }

    /// Holds the end back until it is paid for.
    fn hold_back(&mut self, frame: Option<Frame<Segments>>) {
        self.end = match self.pay() {
            Some(spent) => End::Held(frame, spent),
            None => End::Past,
        };
    }
}

impl http_body::Body for Egress {
    type Data = Segments;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Segments>, BodyError>>> {
        let this = self.get_mut();
        loop {
            match &mut this.end {
                End::Ahead => {}
                End::Held(frame, spent) => {
                    ready!(Pin::new(spent).poll(cx));
                    let frame = frame.take();
                    this.end = End::Past;
                    return Poll::Ready(frame.map(Ok));
                }
                End::Past => return Poll::Ready(None),
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Some(data) = frame.data_ref() else {
                        this.hold_back(Some(frame));
                        continue;
                    };
                    this.count(data.len());
                    if this.length.is_none_or(|length| this.counted < length) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    this.hold_back(Some(frame));
                }
                Some(Err(error)) => {
                    drop(this.pay());
                    return Poll::Ready(Some(Err(error)));
                }
                None => this.hold_back(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.end, End::Past)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.end, self.length) {
            (End::Past, _) => SizeHint::with_exact(0),
            (End::Held(frame, _), _) => {
                let data = frame.as_ref().and_then(Frame::data_ref).map_or(0, Segments::len);
                SizeHint::with_exact(u64::try_from(data).unwrap_or(u64::MAX))
            }
            (End::Ahead, Some(length)) => SizeHint::with_exact(length.saturating_sub(self.counted)),
            (End::Ahead, None) => SizeHint::default(),
        }
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        drop(self.pay());
    }
}

fn amount(bytes: u64) -> Amount {
    Amount::try_from(bytes).unwrap_or(Amount::MAX)
}
