//! The mind: policy, store and clock together answer one question: may they?
//!
//! **check** writes nothing; **explain** says why, too; **consume** charges at once; **reserve**
//! decides and sets room aside as a [`Hold`], which can **grow** and be **extended** until it is
//! **settled** with what was really used, **released** or, once settled, **refunded**. **record**
//! notes what happened whatever the limit; **set** brings a count to a value, **reset** to zero.
//! **usage**, **summary**, **over**, **top**, **subjects**, **events** and **history** tell;
//! **notices** are what others are to be told. **rebuild**, **forget** and **prune** keep the
//! books. While the store is **out** an action is refused, or passes and is charged later.
//! Changes of the policy are **declared**; **export**, **import** and **move** carry all of it
//! elsewhere, and **simulate** tries another policy on it. Each verb is a file, or shares one with
//! its like.

// Deciding.
mod ask;
mod check;
mod decision;
mod explain;
mod plan;
mod terms;
mod worded;
// Room set aside.
mod consume;
mod hold;
mod once;
mod reservation;
mod reserve;
mod settle;
mod spend;
// Facts.
mod record;
mod set;
// Telling.
mod ledger;
mod outbox;
mod over;
mod people;
mod preview;
mod report;
mod summary;
mod top;
// Keeping the books.
mod keeping;
// Changing.
mod declare;
// Carrying all of it elsewhere, and trying another policy on it.
mod simulate;
mod transfer;
// The process itself.
mod error;
mod gauges;
mod instance;
mod known;
mod outage;

use std::sync::Arc;

use tokio::sync::watch;

pub use ask::Ask;
pub use consume::Consumed;
pub use decision::{Decision, Figures, ItemDecision, Reason, WindowDecision};
pub use declare::{
    BoostChange, DeclaredBy, DeclaredResource, GroupChange, Members, MissingGroup, NeededBy,
    OverrideChange, PlaceChange, SubjectView, declared_group,
};
pub use error::EngineError;
pub use explain::{Explained, ExplainedWindow, Explanation, Remedy, Standing};
pub use gauges::JournalCounts;
pub use hold::{Charge, Hold};
pub use keeping::{LEAST_KEPT, Rebuilt};
pub use ledger::{Someone, Step};
pub use once::Once;
pub use outage::{Outages, StoreStanding};
pub use outbox::Charges;
pub use people::{Among, Latest, Part};
pub use preview::Preview;
pub use record::{Fact, Recorded};
pub use report::{Span, UsageReport, Used};
pub use reservation::{Reservation, ReservedItem};
pub use reserve::Reserved;
pub use simulate::{OverAt, Refused, Simulation, Stretch};
pub use spend::Spent;
pub use summary::Summary;
pub use terms::{CommonLimit, CommonTerms, UploadTerms, Uploaded};
pub use transfer::{
    Change, Changes, Document, Draft, Foreign, How, Imported, Moved, Steps, Tree, Wanted, foreign,
};
pub use worded::{Answered, Worded};

/// Parts of lists, and of the ledger.
pub use crate::store::{Charged, Drift, Finding, Lines, Page, Severity};

use self::instance::Keeper;
use self::known::Known;
use self::outage::{Fused, Outage};
use crate::clock::{Aligned, Clock, Timestamp};
use crate::quota::held::Instance;
use crate::quota::{Layer, OnOutage, Policy};
use crate::store::{Store, StoreError};

/// Decides and counts. Cheap to clone; all clones are one engine.
///
/// Every call may be dropped half way. One that only asks has then changed nothing. One that
/// changes something has then done so whole or not at all, and if it does, then before what is
/// called after it. What takes several steps says how far it then is.
///
/// A store that does not answer is asked no more until it does, which is tried once a second or
/// more often: calls fail at once meanwhile.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Behind a fuse, but for a visitor.
    store: Arc<dyn Store>,
    /// Goes by the clock of the store, where that has one that is shared.
    clock: Arc<Aligned>,
    /// The policy as last seen; a plan made from an outdated one is refused by the store.
    known: Known,
    instance: Instance,
    /// Who waits for something to be charged.
    charged: watch::Sender<()>,
    /// Idle for a visitor: it is no instance, and the store is not told of it.
    keeper: Keeper,
    outage: Outage,
}

impl Engine {
    /// Returns an engine on `store`, as an instance of its own on it.
    ///
    /// Reservations of instances proven dead are ended first. A task is spawned that keeps this
    /// instance alive and ends dropped holds; [`Engine::close`] waits for it.
    ///
    /// # Errors
    /// If the store cannot be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        Self::start_as(store, clock, Instance::fresh()).await
    }

    /// Like [`Engine::start`], under a name that is unique among the instances on the store.
    ///
    /// # Errors
    /// If the store cannot be read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start_as(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        instance: Instance,
    ) -> Result<Self, EngineError> {
        Self::start_with(store, clock, instance, Outages::default()).await
    }

    /// Like [`Engine::start_as`], with a word on what becomes of actions while the store is out.
    ///
    /// Blocks shortly while the journal is opened.
    ///
    /// # Errors
    /// If the store cannot be read, unless [`Outages::begin_with`] says by what to begin without
    /// it; conflict if another process has the journal.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start_with(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        instance: Instance,
        outages: Outages,
    ) -> Result<Self, EngineError> {
        let Outages { on_outage, journal, begin_with } = outages;
        let opens = |layer: &Layer| {
            layer.capabilities.values().any(|it| it.on_outage() == Some(OnOutage::Open))
        };
        let needed = on_outage == OnOutage::Open || begin_with.as_ref().is_some_and(opens);
        let outage = Outage::new(store.clone(), on_outage, journal, needed)?;
        let store: Arc<dyn Store> = Arc::new(Fused::by(outage.fuse.clone(), store));
        let clock = Arc::new(Aligned::by(clock));
        let keeper = Keeper::spawn(store.clone(), clock.clone(), instance.clone(), &outage);
        let engine = Self::of(store, clock, instance, keeper, outage, Policy::default());
        match (engine.arrive().await, begin_with) {
            (Ok(()), _) => {}
            (
                Err(EngineError::Unavailable(error @ StoreError::Unavailable { .. })),
                Some(layer),
            ) => engine.begin_out(&layer, &error),
            (Err(error), _) => {
                engine.0.keeper.close().await;
                return Err(error);
            }
        }
        engine.look_after();
        Ok(engine)
    }

    /// Returns an engine on `store` for a question or a change, such as one command.
    ///
    /// It is no instance: it spawns nothing and writes nothing but what it is told to. What it
    /// reserves with [`Engine::reserve`] therefore ends with the lease of an instance
    /// ([`INSTANCE_LEASE`](crate::store::INSTANCE_LEASE)), dropped or not, unless it is settled
    /// or released before that.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn visit(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let outage = Outage::of_visitor(store.clone());
        let clock = Arc::new(Aligned::by(clock));
        let policy = store.policy().await?;
        let engine = Self::of(store, clock, Instance::fresh(), Keeper::idle(), outage, policy);
        engine.align().await?;
        Ok(engine)
    }

    fn of(
        store: Arc<dyn Store>,
        clock: Arc<Aligned>,
        instance: Instance,
        keeper: Keeper,
        outage: Outage,
        policy: Policy,
    ) -> Self {
        let (known, charged) = (Known::new(policy), watch::Sender::default());
        Self(Arc::new(Inner { store, clock, known, instance, charged, keeper, outage }))
    }

    /// Ends what is still held, says good-bye to the store, and returns when all is written.
    ///
    /// While entries wait in the journal, what is held is left to lapse instead: so they can be
    /// charged by the next start.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn close(&self) -> Result<(), EngineError> {
        if !self.0.keeper.is_idle() {
            self.close_outage().await;
            self.0.keeper.close().await;
            if !self.0.outage.has_joined() {
                // It never answered: there is nothing to leave, and nothing to close.
                return Ok(());
            }
            // To leave would give back what is held, of which some is charged in the journal.
            if !self.has_journalled() {
                self.0.store.leave(&self.0.instance, self.now()).await?;
            }
        }
        Ok(self.0.store.close().await?)
    }

    /// Returns the present moment, as the engine sees it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns what the store is, for people.
    #[must_use]
    pub fn describe_store(&self) -> String {
        self.0.store.describe()
    }

    /// Returns the policy version in the store; an answer means the store works.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn policy_version(&self) -> Result<crate::quota::PolicyVersion, EngineError> {
        Ok(self.refresh().await?.policy.version)
    }
}

#[cfg(test)]
mod tests;
