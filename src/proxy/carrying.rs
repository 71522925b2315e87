//! Carrying: one upload, or other metered request, from its first byte to the homeserver's word, whatever the client does.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::action::Action;
use super::body::{End, Feed, Outgoing};
use super::metered::{Ending, Metered};
use super::patience::Answer;
use super::rejection::Rejection;
use super::{Proxy, forwarding};
use crate::engine::Charge;
use crate::net::{Body, ClientError};
use crate::telemetry::{Access, cause};

/// An upload whose room is reserved.
#[derive(Debug)]
pub(super) struct Carrying {
    pub(super) proxy: Proxy,
    pub(super) body: Incoming,
    pub(super) metered: Metered,
    /// Cancelled when the client has gone, and nobody waits for the answer any more.
    pub(super) departed: CancellationToken,
    pub(super) access: Option<Arc<Access>>,
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
        let (feed, mut outgoing) = Outgoing::fed(self.metered.length());
        let mut word = Word::awaited(async move {
            outgoing.begun().await;
            client.request(Request::from_parts(head, outgoing)).await
        });
        let Self { proxy, body, metered, .. } = &mut self;
        match word.unless_no(metered.pump(body, &feed, proxy.limits())).await {
            Some(Ok(end)) => self.finish(end, word, feed).await,
            Some(Err(ending)) => self.break_off(ending, word, feed).await,
            None => self.give_up().await.relay(word.heard().await, feed),
        }
    }

    /// Pays, durably; only then lets go of what makes the body whole.
    async fn finish(mut self, end: End, mut word: Word, feed: Feed) -> Response<Body> {
        let charge = match word.meanwhile(self.metered.settle()).await {
            Ok(charge) => charge,
            Err(error) => {
                let kind = self.metered.action().kind();
                return Rejection::from_engine(&error, kind).into_response(self.proxy.settings());
            }
        };
        let heard = async {
            // Whether the end was taken, the feed tells.
            let _ = word.unless_no(feed.end(end)).await;
            word.heard().await
        };
        let patience = self.proxy.limits().abandoned_timeout;
        let answer = self.in_time(heard, patience).await;
        let all_taken = feed.all_taken();
        self.conclude(charge, answer, all_taken, feed).await
    }

    /// Sees to an upload whose body did not come to its end.
    async fn break_off(self, ending: Ending, word: Word, feed: Feed) -> Response<Body> {
        if word.said.is_some() {
            return self.accept_part(&ending).await.relay(word.heard().await, feed);
        }
        let (counted, action) = (self.metered.counted(), self.metered.action().clone());
        let proxy = match ending {
            // Nobody waits for it a second time: the room goes back later.
            Ending::StoreOut(_) => self.leave(),
            _ => self.give_up().await,
        };
        if let Ending::UpstreamGone = ending {
            // Only its answer tells whether it said no or was gone.
            return proxy.relay(word.heard().await, feed);
        }
        drop(feed);
        if let Ending::Refused(decision) = &ending {
            proxy.count_no(&action, decision, counted);
        }
        ending.rejection(action).into_response(proxy.settings())
    }

    /// Carries an upload of no bytes: its head is all there is, so that is held back.
    async fn run_empty(mut self, head: Parts) -> Response<Body> {
        let charge = match self.metered.settle().await {
            Ok(charge) => charge,
            Err(error) => {
                let kind = self.metered.action().kind();
                return Rejection::from_engine(&error, kind).into_response(self.proxy.settings());
            }
        };
        let lane = &self.proxy.0;
        let answer = if head.method.is_safe() {
            // It leaves nothing behind that somebody would have to see to the end, nor is it spoilt
            // by being asked twice.
            let request = Request::from_parts(head, Body::empty());
            self.in_time(lane.kept.request(request), Duration::ZERO).await
        } else {
            let request = Request::from_parts(head, Outgoing::default());
            self.in_time(lane.fresh.request(request), self.proxy.limits().abandoned_timeout).await
        };
        let sent =
            !matches!(answer, Ok(Err(ClientError::Connect(_) | ClientError::ConnectTimeout)));
        self.conclude(charge, answer, sent, ()).await
    }

    /// Tells the client the homeserver's word on a whole upload, after the books agree with it: a
    /// yes or no word at all keeps the charge, a no takes it back, and so does an end that never left.
    async fn conclude(
        mut self,
        charge: Charge,
        answer: Result<Answer, Rejection>,
        all_taken: bool,
        feed: impl Send + 'static,
    ) -> Response<Body> {
        let keep = match &answer {
            Ok(Ok(response)) => is_kept(response.status()),
            Ok(Err(_)) | Err(_) => all_taken,
        };
        if !keep {
            charge.refund().await;
            self.metered.refunded();
        }
        match answer {
            Ok(answer) => self.proxy.relay(answer, feed),
            Err(rejection) => rejection.into_response(self.proxy.settings()),
        }
    }

    /// Awaits the homeserver's word on what is whole, as long as the client does, and `patience`
    /// longer, but for `response_head_timeout` at most. What is awaited is dropped when it is not
    /// there by then, and with it the connection.
    async fn in_time(
        &self,
        word: impl Future<Output = Answer>,
        patience: Duration,
    ) -> Result<Answer, Rejection> {
        let abandoned = async {
            self.departed.cancelled().await;
            sleep(patience).await;
        };
        tokio::select! {
            biased;
            answer = word => Ok(answer),
            () = abandoned => {
                if !patience.is_zero() {
                    let limit = "abandoned_timeout";
                    tracing::warn!(limit, "homeserver said nothing of what it was sent");
                }
                Err(Rejection::Upstream)
            }
            rejection = self.proxy.too_late(&self.proxy.metrics().metered) => Err(rejection),
        }
    }

    /// Charges what went up of an upload that the homeserver said yes to before it broke off.
    async fn accept_part(mut self, ending: &Ending) -> Proxy {
        let ending = ending.name();
        tracing::warn!(ending, "homeserver accepted an upload before its end");
        if let Err(error) = self.metered.settle().await {
            tracing::error!(error = cause(&error), "part of an upload not charged");
        }
        self.proxy.drain(self.body, self.access);
        self.proxy
    }

    /// Has the room given back once the store can, and reads away what still comes.
    fn leave(self) -> Proxy {
        drop(self.metered);
        self.proxy.drain(self.body, self.access);
        self.proxy
    }

    /// Gives the room back, and reads away what still comes.
    async fn give_up(mut self) -> Proxy {
        self.metered.release().await;
        self.proxy.drain(self.body, self.access);
        self.proxy
    }
}

impl Proxy {
    /// Tells the client what the homeserver said, perhaps before it had the whole body. The rest of
    /// the body stays out until that is told: its connection would break off otherwise.
    fn relay(&self, answer: Answer, feed: impl Send + 'static) -> Response<Body> {
        match answer {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                tracing::warn!("homeserver switched protocols at the end of an upload");
                Rejection::Upstream.into_response(self.settings())
            }
            Ok(response) => forwarding::answer(response).map(|body| body.with_guard(feed)),
            Err(error) => Rejection::from_client(&error).into_response(self.settings()),
        }
    }
}

/// The homeserver's word, heard while something else is done.
struct Word {
    awaited: Pin<Box<dyn Future<Output = Answer> + Send>>,
    said: Option<Answer>,
}

impl Word {
    fn awaited(answer: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self { awaited: Box::pin(answer), said: None }
    }

    /// Does `work` to its end, whatever the homeserver says meanwhile.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                answer = self.awaited.as_mut(), if self.said.is_none() => self.said = Some(answer),
            }
        }
    }

    /// Does `work` to its end, or drops it when the homeserver says no or breaks off. A yes does
    /// not end it: whatever the homeserver takes of the rest counts.
    async fn unless_no<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            if self.said.as_ref().is_some_and(is_no) {
                return None;
            }
            tokio::select! {
                biased;
                answer = self.awaited.as_mut(), if self.said.is_none() => self.said = Some(answer),
                done = &mut work => return Some(done),
            }
        }
    }

    /// Returns what it says.
    async fn heard(self) -> Answer {
        match self.said {
            Some(answer) => answer,
            None => self.awaited.await,
        }
    }
}

/// Returns whether the homeserver keeps nothing, as far as it knows.
fn is_no(answer: &Answer) -> bool {
    !matches!(answer, Ok(response) if is_kept(response.status()))
}

/// Returns whether a status means that the file is kept; one that is not final does not deny it.
fn is_kept(status: StatusCode) -> bool {
    status.is_success() || status.is_informational()
}

impl Ending {
    /// Returns a word for it, for the log.
    const fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::ClientGone => "client gone",
            Self::ClientOdd => "body unreadable",
            Self::ClientIdle => "client idle",
            Self::UpstreamGone => "upstream gone",
            Self::UpstreamIdle => "upstream idle",
            Self::StoreOut(_) => "store out",
        }
    }

    /// Returns what the client is told when nothing was charged.
    fn rejection(self, action: Action) -> Rejection {
        match self {
            Self::Refused(decision) => {
                tracing::info!(reason = ?decision.reason, source = decision.source, "upload cut");
                Rejection::Denied(action, decision)
            }
            Self::StoreOut(error) => Rejection::from_engine(&error, action.kind()),
            Self::ClientGone => Rejection::ClientGone,
            Self::ClientOdd => Rejection::BadRequest("the request body is unreadable"),
            Self::ClientIdle => Rejection::BodyIdle,
            Self::UpstreamGone => Rejection::Upstream,
            Self::UpstreamIdle => {
                tracing::warn!(limit = "body_idle_timeout", "homeserver stopped taking an upload");
                Rejection::UpstreamIdle
            }
        }
    }
}
