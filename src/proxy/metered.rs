//! Metered: what the body of an upload, or of another metered request, has become: counted, given room, stopped before its end.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::action::Action;
use super::body::{End, Feed, NobodyTakes};
use super::underway::Underway;
use super::{Limits, room};
use crate::engine::{Charge, Decision, EngineError, Hold};
use crate::net::{BodyError, Passing};
use crate::quota::{Amount, Overflow};
use crate::telemetry::cause;
use crate::telemetry::labels::Outcome;

/// Why the body of an upload did not come to its end. Nothing is charged yet.
#[derive(Debug)]
pub(super) enum Ending {
    /// There was no room for all of it.
    Refused(Box<Decision>),
    /// The client left.
    ClientGone,
    /// The client sent what is no body.
    ClientOdd,
    /// The client sent nothing for `body_idle_timeout`.
    ClientIdle,
    /// The homeserver's connection took no more.
    UpstreamGone,
    /// The homeserver took nothing for `body_idle_timeout`.
    UpstreamIdle,
    /// The store did not answer.
    StoreOut(EngineError),
}

/// What is carried of one upload.
#[derive(Debug)]
pub(super) struct Metered {
    /// Gone once it is settled.
    hold: Option<Hold>,
    /// How many bytes are to come, if that is known; then room for all of them is held.
    length: Option<u64>,
    /// It costs one, however long it is.
    costs_one: bool,
    counted: Amount,
    underway: Underway,
}

impl From<NobodyTakes> for Ending {
    fn from(_: NobodyTakes) -> Self {
        Self::UpstreamGone
    }
}

impl From<BodyError> for Ending {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Idle(_) => Self::ClientIdle,
            error if error.is_parting() => Self::ClientGone,
            BodyError::Broken(_) => Self::ClientOdd,
        }
    }
}

impl From<EngineError> for Ending {
    fn from(error: EngineError) -> Self {
        Self::StoreOut(error)
    }
}

impl From<Overflow> for Ending {
    fn from(overflow: Overflow) -> Self {
        EngineError::from(overflow).into()
    }
}

impl Metered {
    pub(super) const fn new(hold: Hold, length: Option<u64>, underway: Underway) -> Self {
        Self { hold: Some(hold), length, costs_one: false, counted: Amount::ZERO, underway }
    }

    /// Says that it costs one, however long it is.
    pub(super) fn costs_one(mut self) -> Self {
        self.costs_one = true;
        self
    }

    pub(super) const fn action(&self) -> &Action {
        self.underway.action()
    }

    /// Returns how many bytes are to come, if that is known.
    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Passes `body` on to `feed`, all but its end, which it returns: that is to be paid for first.
    /// `body_idle_timeout` limits each wait, for the client's next piece and for the homeserver to
    /// take it.
    ///
    /// May be dropped at any await: what is held is then still held.
    ///
    /// # Errors
    /// When the body does not come to its end.
    pub(super) async fn pump(
        &mut self,
        body: &mut Incoming,
        feed: &Feed,
        limits: &Limits,
    ) -> Result<End, Ending> {
        let access = self.underway.access();
        let mut body = Passing::new(body).idle_limit(limits.body_idle_timeout).told(access);
        loop {
            let frame = body.frame().await.transpose()?;
            match frame.map(http_body::Frame::into_data) {
                Some(Ok(data)) => {
                    self.count(data.len()).await?;
                    if self.is_whole() {
                        return Ok(End { last: Some(data), trailers: None });
                    }
                    let fed = timeout(limits.body_idle_timeout, feed.data(data)).await;
                    fed.map_err(|_| Ending::UpstreamIdle)??;
                }
                Some(Err(frame)) => {
                    return Ok(End { last: None, trailers: frame.into_trailers().ok() });
                }
                None => return Ok(End::default()),
            }
        }
    }

    /// Counts `bytes`, and sees to it that there is room for them.
    async fn count(&mut self, bytes: usize) -> Result<(), Ending> {
        let bytes = u64::try_from(bytes).map_err(|_| Overflow)?;
        self.counted = self.counted.plus(Amount::try_from(bytes)?)?;
        if self.costs_one {
            return Ok(());
        }
        self.underway.counted(self.counted);
        let Some(hold) = self.hold.as_mut().filter(|hold| self.counted > hold.room()) else {
            return Ok(());
        };
        let decision = room::up_to(hold, self.counted).await?;
        if decision.allowed {
            self.underway.grown(hold.room(), &decision);
            return Ok(());
        }
        self.underway.is(Outcome::Cut);
        Err(Ending::Refused(Box::new(decision)))
    }

    /// Returns true if a body of known length has been read to its last byte.
    fn is_whole(&self) -> bool {
        self.length.is_some_and(|length| u64::try_from(self.counted.get()) == Ok(length))
    }

    /// Replaces the room by what was counted; durable when it returns. An error gives the room back.
    ///
    /// Not to be dropped half way: it may be settled then, and nobody could take it back in time.
    pub(super) async fn settle(&mut self) -> Result<Charge, EngineError> {
        match self.hold.take() {
            Some(hold) => {
                let total = if self.costs_one { Amount::ONE } else { self.counted };
                let charge = hold.settle(total).await?;
                self.underway.unreserved();
                self.underway.is(Outcome::Charged);
                Ok(charge)
            }
            None => Err(EngineError::Conflict("it is settled already".to_owned())),
        }
    }

    /// Says that the homeserver did not keep it, and that what was charged went back.
    pub(super) fn refunded(&mut self) {
        self.underway.is(Outcome::Refunded);
    }

    /// Returns how much of it has come.
    pub(super) fn counted(&self) -> u64 {
        u64::try_from(self.counted.get()).unwrap_or_default()
    }

    /// Gives the room back, now if the store answers, else later.
    pub(super) async fn release(&mut self) {
        if let Some(hold) = self.hold.take()
            && let Err(error) = hold.release().await
        {
            let error = cause(&error);
            tracing::debug!(error, "room is given back later");
        }
    }
}
