//! Replay: the entries of the journal, brought into the books in order.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::fuse::Fuse;
use super::journal::{Entry, Journal, Noted, Shelf};
use crate::engine::plan::Planned;
use crate::engine::{Ask, Engine, EngineError, Inner};
use crate::quota::held::{HoldId, Life, State};
use crate::quota::plan::Plan;
use crate::store::{Admission, StoreError};
use crate::telemetry::cause;

/// Entries that are brought in side by side.
const BATCH: usize = 64;
/// How long until an entry that the store did not take is tried again; then twice as long.
const AGAIN: Duration = Duration::from_millis(200);
/// How long at most.
const LONGEST: Duration = Duration::from_secs(5);
/// How far back a charge may be made. What is older is charged now.
const LATEST: Duration = Duration::from_hours(35 * 24);
/// How far ahead, for clocks that disagree.
const AHEAD: Duration = Duration::from_mins(5);
/// How long room is set aside that is settled right after.
const BRIEFLY: Duration = Duration::from_mins(10);

/// Brings in what is in the journal, and what comes into it, as long as the engine is there.
/// Dropped half way, entries may be brought in again, which changes nothing.
pub(super) async fn run(engine: Weak<Inner>, fuse: Arc<Fuse>, shelf: Arc<Shelf>) {
    let (mut pause, mut said, mut brought) = (AGAIN, false, 0_usize);
    loop {
        while let Some(journal) = shelf.there().filter(|journal| journal.waiting().0 > 0) {
            fuse.mended().await;
            let Some(engine) = engine.upgrade().map(Engine) else { return };
            match bring_in(&engine, journal).await {
                Ok(entries) => {
                    (pause, said) = (AGAIN, false);
                    brought = brought.saturating_add(entries);
                    shelf.brought(entries);
                }
                Err(error) => {
                    said |= tell_of(&error, pause == LONGEST && !said);
                    drop(engine);
                    sleep(pause).await;
                    pause = LONGEST.min(2 * pause);
                }
            }
        }
        if brought > 0 {
            tracing::info!(entries = brought, "what the journal held is in the books");
            brought = 0;
        }
        shelf.changed().await;
    }
}

/// Says why the journal waits; loudly if it `lasts`. Returns that.
fn tell_of(error: &EngineError, lasts: bool) -> bool {
    let error = cause(error);
    if lasts {
        tracing::warn!(error, "the journal cannot be brought in: it is tried again");
    } else {
        tracing::debug!(error, "the journal waits");
    }
    lasts
}

/// Brings in the next entries; returns how many.
async fn bring_in(engine: &Engine, journal: Arc<Journal>) -> Result<usize, EngineError> {
    let reading = journal.clone();
    let unread =
        |error| EngineError::Unavailable(StoreError::unavailable("journal not read", error));
    let batch = spawn_blocking(move || reading.next(BATCH)).await;
    let batch =
        batch.map_err(|error| unread(Box::<dyn std::error::Error + Send + Sync>::from(error)))?;
    let batch = batch.map_err(|error| unread(error.into()))?;
    // A reservation is charged before it is taken back, and one has nothing to do with another.
    let (charges, others): (Vec<_>, Vec<_>) =
        batch.entries.iter().cloned().partition(|entry| matches!(entry, Entry::Charge(_)));
    for part in [charges, others] {
        let mut tasks = JoinSet::new();
        for entry in part {
            let engine = engine.clone();
            tasks.spawn(async move { engine.see_to(&entry).await });
        }
        let mut failed = None;
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed = Some(error),
                Err(error) => failed = Some(unread(error.into())),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    let entries = batch.entries.len();
    journal.done(&batch).await.map_err(|error| unread(error.into()))?;
    Ok(entries)
}

impl Engine {
    /// Brings one entry in. An error says that the store did not take it, and may later.
    async fn see_to(&self, entry: &Entry) -> Result<(), EngineError> {
        let store = &self.0.store;
        let outcome = match entry {
            Entry::Charge(noted) => self.charge_noted(noted).await,
            // Where the store has lost the charge with a server, room may be set aside in its place.
            Entry::Refund(id, _) | Entry::GiveBack(id, _) => {
                give_back(store.as_ref(), *id, self.now()).await
            }
        };
        self.charged();
        match outcome {
            Ok(()) => Ok(()),
            Err(
                error @ (StoreError::Unavailable { .. }
                | StoreError::Corrupt(_)
                | StoreError::Misconfigured(_)),
            ) => Err(error.into()),
            // Trying again would not change that; of a refund: there is nothing to take back.
            Err(error @ (StoreError::Conflict(_) | StoreError::Overflow(_))) => {
                if let Entry::Charge(noted) = entry
                    && !self.was_refunded(noted.id).await?
                {
                    let (hold, subject, total) = (noted.id, &noted.subject, noted.total);
                    let error = cause(&error);
                    tracing::error!(%hold, %subject, %total, error, "an upload cannot be charged");
                }
                Ok(())
            }
        }
    }

    /// Returns true if the charge is in the books, and so is that it was taken back.
    async fn was_refunded(&self, id: HoldId) -> Result<bool, EngineError> {
        let held = self.0.store.held(id).await?;
        Ok(held.is_some_and(|held| held.state == State::Refunded))
    }

    /// Charges what took place, once.
    async fn charge_noted(&self, noted: &Noted) -> Result<(), StoreError> {
        if noted.seen {
            let (now, ask) = (self.now(), asked(noted));
            let planned = self.planning(&noted.subject, &ask, Some(noted.at)).next().await;
            let watched = charged(planned.map_err(store_error)?, noted);
            let settled = self.0.store.settle(noted.id, noted.total, Some(&watched), now).await?;
            if settled.is_some() {
                return Ok(());
            }
        }
        self.charge_anew(noted).await
    }

    /// Charges an action whose reservation the store does not know: because it never heard of it,
    /// or because it was lost with a server.
    pub(in crate::engine) async fn charge_anew(&self, noted: &Noted) -> Result<(), StoreError> {
        let now = self.now();
        let at = noted.at.min(now.after(AHEAD));
        let at = if at < now.before(LATEST) {
            let (hold, subject) = (noted.id, &noted.subject);
            tracing::warn!(%hold, %subject, at = %noted.at, "charged now: it is more than 35 days old");
            now
        } else {
            at
        };
        let ask = asked(noted);
        let mut planning = self.planning(&noted.subject, &ask, Some(at));
        loop {
            let planned = planning.next().await.map_err(store_error)?;
            let watched = charged(planned, noted);
            let plan = without_limits(watched.clone());
            let life = Life::Until(now.after(BRIEFLY));
            match self.0.store.reserve(&plan, noted.id, life, now).await? {
                Admission::Stale => {}
                // Open, or settled already; or nobody settled it in time, which is no harm.
                Admission::Granted(_) | Admission::Lapsed => {
                    let settled =
                        self.0.store.settle(noted.id, noted.total, Some(&watched), now).await?;
                    return match settled {
                        Some(_) => Ok(()),
                        None => {
                            Err(StoreError::unavailable("it was forgotten", "it was set aside"))
                        }
                    };
                }
                Admission::Denied(_) => {
                    return Err(StoreError::Conflict("it was denied without a limit".to_owned()));
                }
            }
        }
    }
}

/// Gives back room, or what was charged in its place by a call whose answer got lost.
pub(in crate::engine) async fn give_back(
    store: &dyn crate::store::Store,
    id: HoldId,
    now: crate::clock::Timestamp,
) -> Result<(), StoreError> {
    match store.release(id, now).await {
        Err(StoreError::Conflict(_)) => store.refund(id, None, now).await.map(drop),
        outcome => outcome.map(drop),
    }
}

fn asked(noted: &Noted) -> Ask {
    let amounts = noted.items.iter().map(|item| (item.resource.clone(), item.amount));
    Ask::Items(amounts.collect())
}

/// Returns the plan that sets aside what was written down.
fn charged(planned: Planned, noted: &Noted) -> Plan {
    let mut plan = planned.plan;
    for (item, known) in plan.items.iter_mut().zip(&noted.items) {
        item.metered = known.metered;
        item.amount = if known.metered { noted.total } else { known.amount };
    }
    plan
}

fn without_limits(mut plan: Plan) -> Plan {
    for bound in plan.items.iter_mut().flat_map(|item| &mut item.bounds) {
        bound.limit = None;
    }
    plan
}

fn store_error(error: EngineError) -> StoreError {
    match error {
        EngineError::Unavailable(error) => error,
        // The policy keeps changing: later it may not.
        EngineError::Conflict(text) => StoreError::unavailable("it could not be planned", text),
        EngineError::BadInput(text) | EngineError::NotFound(text) => StoreError::Conflict(text),
    }
}
