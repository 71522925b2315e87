//! Carrying: one upload from its first byte to the homeserver's word, whatever the client does.

use std::pin::{Pin, pin};

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use super::body::{Feed, Outgoing};
use super::metered::{Ending, Metered};
use super::rejection::Rejection;
use super::{Proxy, forwarding};
use crate::engine::Charge;
use crate::net::{Body, ClientError};
use crate::telemetry::cause;

/// The homeserver's word, or that there is none.
type Answer = Result<Response<Incoming>, ClientError>;
/// The word that is waited for.
type Awaited = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// An upload whose room is reserved.
#[derive(Debug)]
pub(super) struct Carrying {
    pub(super) proxy: Proxy,
    pub(super) body: Incoming,
    pub(super) metered: Metered,
}

/// How body and answer went past each other.
enum Course {
    /// The homeserver said no, or broke off, before it had all of the body.
    Answered(Answer),
    /// The body ended, one way or another; perhaps the homeserver had said yes before.
    Ended(Ending, Option<Response<Incoming>>),
}

impl Carrying {
    /// Carries it under `head`; returns what the client is told.
    ///
    /// Dropped half way, room that is still held goes back, while what was charged stays charged.
    pub(super) async fn run(mut self, head: Parts) -> Response<Body> {
        let client = self.proxy.0.fresh.clone();
        if self.metered.length() == Some(0) {
            return self.run_empty(head).await;
        }
        let (feed, outgoing) = Outgoing::fed(self.metered.length());
        let request = Request::from_parts(head, outgoing);
        let mut answer: Awaited = Box::pin(async move { client.request(request).await });
        match self.meet(&mut answer, &feed).await {
            Course::Answered(answer) => self.give_up().await.relay(answer, feed),
            Course::Ended(Ending::Settled(charge), Some(early)) => {
                self.conclude(charge, Ok(early), true).await
            }
            Course::Ended(Ending::Settled(charge), None) => {
                let answer = answer.await;
                self.conclude(charge, answer, feed.all_taken()).await
            }
            Course::Ended(ending, Some(early)) => {
                self.accept_part(&ending).await.relay(Ok(early), feed)
            }
            Course::Ended(Ending::UpstreamGone, None) => {
                // Only its answer tells whether it said no or was gone.
                let (proxy, answer) = (self.give_up().await, answer.await);
                proxy.relay(answer, feed)
            }
            Course::Ended(ending, None) => {
                let proxy = self.give_up().await;
                drop(feed);
                ending.rejection().into_response(proxy.settings())
            }
        }
    }

    /// Lets the body go up until it ends, or until the homeserver says that it need not.
    async fn meet(&mut self, answer: &mut Awaited, feed: &Feed) -> Course {
        let Self { proxy, body, metered } = self;
        let mut pumping = pin!(metered.pump(body, feed, proxy.limits()));
        let mut early = None;
        loop {
            tokio::select! {
                biased;
                answer = answer.as_mut(), if early.is_none() => match answer {
                    // It said yes before it had everything: whatever it takes of the rest counts.
                    Ok(response) if response.status().is_success() => early = Some(response),
                    answer => return Course::Answered(answer),
                },
                ending = &mut pumping => return Course::Ended(ending, early),
            }
        }
    }

    /// Carries an upload of no bytes: its head is all there is, so that is held back.
    async fn run_empty(mut self, head: Parts) -> Response<Body> {
        let charge = match self.metered.settle().await {
            Ok(charge) => charge,
            Err(error) => {
                return Rejection::from_engine(&error).into_response(self.proxy.settings());
            }
        };
        let request = Request::from_parts(head, Outgoing::empty());
        let answer = self.proxy.0.fresh.request(request).await;
        let sent = !matches!(answer, Err(ClientError::Connect(_) | ClientError::ConnectTimeout));
        self.conclude(charge, answer, sent).await
    }

    /// Tells the client the homeserver's word on a whole upload, after the books agree with it: a
    /// yes or no word at all keeps the charge, a no takes it back, and so does an end that never left.
    async fn conclude(self, charge: Charge, answer: Answer, all_taken: bool) -> Response<Body> {
        let keep = match &answer {
            Ok(response) => response.status().is_success(),
            Err(_) => all_taken,
        };
        if !keep {
            charge.refund().await;
        }
        match answer {
            Ok(response) => forwarding::answer(response),
            Err(error) => Rejection::from_client(&error).into_response(self.proxy.settings()),
        }
    }

    /// Charges what went up of an upload that the homeserver said yes to before it broke off.
    async fn accept_part(mut self, ending: &Ending) -> Proxy {
        tracing::warn!(?ending, "homeserver accepted an upload before its end");
        if let Err(error) = self.metered.settle().await {
            tracing::error!(error = cause(&error), "part of an upload not charged");
        }
        self.proxy.drain(self.body);
        self.proxy
    }

    /// Gives the room back, and reads away what still comes.
    async fn give_up(mut self) -> Proxy {
        self.metered.release().await;
        self.proxy.drain(self.body);
        self.proxy
    }
}

impl Proxy {
    /// Tells the client what the homeserver said before it had the whole body. The rest of the
    /// body stays out until that is told: its connection would break off otherwise.
    fn relay(&self, answer: Answer, feed: Feed) -> Response<Body> {
        match answer {
            Ok(response) => forwarding::answer(response).map(|body| body.with_guard(feed)),
            Err(error) => Rejection::from_client(&error).into_response(self.settings()),
        }
    }
}

impl Ending {
    /// Returns what the client is told when nothing was charged.
    fn rejection(self) -> Rejection {
        match self {
            Self::Refused(decision) => {
                tracing::info!(reason = ?decision.reason, source = decision.source, "upload cut");
                Rejection::Denied(decision)
            }
            Self::StoreOut(error) => Rejection::from_engine(&error),
            Self::ClientGone => Rejection::BadRequest("the request body broke off"),
            Self::ClientIdle => Rejection::BodyIdle,
            Self::UpstreamGone | Self::Settled(_) => Rejection::Upstream,
        }
    }
}
