//! Watch: looks at a store of which a call has failed, and, while it is out, asks whether it is
//! back.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, interval, sleep};

use super::fuse::{Fuse, whole};
use crate::clock::whole_seconds;
use crate::engine::{Engine, EngineError, Inner};
use crate::quota::duration_text;
use crate::store::StoreError;
use crate::telemetry::cause;

/// How long until a store that has just gone out is asked again; then twice as long each time.
const SOON: Duration = Duration::from_millis(50);
/// How long at most.
const OFTEN: Duration = Duration::from_secs(1);
/// How often the store's clock is read.
const MINUTE: Duration = Duration::from_mins(1);
/// How often it is said that a call failed while the store answers others.
const SELDOM: Duration = Duration::from_secs(10);

impl Engine {
    /// Watches over the store, and brings the journal in, until the engine is closed or gone.
    pub(in crate::engine) fn look_after(&self) {
        let outage = &self.0.outage;
        let (engine, closing) = (Arc::downgrade(&self.0), outage.closing.subscribe());
        let watch = Watch { engine: engine.clone(), fuse: outage.fuse.clone(), said: None };
        outage.begin(tokio::spawn(until(closing.clone(), watch.run())));
        let replay = super::replay::run(engine, outage.fuse.clone(), outage.shelf.clone());
        outage.begin(tokio::spawn(until(closing, replay)));
    }

    /// Asks nothing of the store from now on, and says so.
    pub(super) fn go_out(&self, why: &str) {
        let outage = &self.0.outage;
        {
            let mut state = outage.state();
            state.since = Some(self.now());
            state.written = outage.shelf.written();
        }
        outage.fuse.be_out(true);
        tracing::error!(store = self.describe_store(), why, "the store is out");
    }

    /// Asks the store again from now on, and says so.
    fn come_back(&self) {
        let outage = &self.0.outage;
        let (since, before) = {
            let mut state = outage.state();
            state.refused = None;
            (state.since.take(), state.written)
        };
        outage.fuse.be_out(false);
        let out = since.map_or(Duration::ZERO, |since| since.until(self.now()));
        let out_for = duration_text(Duration::from_secs(whole_seconds(out)));
        let journalled = outage.shelf.written().saturating_sub(before);
        tracing::info!(out_for, journalled, "the store is back");
    }

    /// Tries whether the store is back.
    async fn is_back(&self) -> bool {
        let Err(error) = self.arrive().await else { return true };
        let why = match &error {
            EngineError::Unavailable(StoreError::Unavailable { .. }) => return false,
            EngineError::Unavailable(error) => whole(error),
            error => error.to_string(),
        };
        let known = self.0.outage.state().refused.replace(why.clone());
        if known.as_ref() != Some(&why) {
            tracing::error!(why, "the store answers, but cannot be used");
        }
        false
    }
}

/// Does `work` until the engine closes. What it does then is dropped half way.
async fn until(mut closing: Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = closing.wait_for(|closing| *closing) => {}
        () = work => {}
    }
}

/// Watches over a store, as long as its engine is there.
struct Watch {
    engine: Weak<Inner>,
    fuse: Arc<Fuse>,
    /// When it was last said that a call failed.
    said: Option<Instant>,
}

impl Watch {
    async fn run(mut self) {
        let mut minute = interval(MINUTE);
        minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        minute.reset();
        loop {
            if self.fuse.is_out() {
                self.wait().await;
            }
            let why = tokio::select! {
                why = self.fuse.doubted() => Some(why),
                _ = minute.tick() => None,
            };
            let Some(engine) = self.engine() else { return };
            match why {
                Some(why) => self.look(&engine, &why).await,
                // If it does not answer, the next call will tell.
                None => drop(engine.align().await),
            }
        }
    }

    fn engine(&self) -> Option<Engine> {
        self.engine.upgrade().map(Engine)
    }

    /// Looks whether the store is out, of which a call has failed for this reason.
    async fn look(&mut self, engine: &Engine, why: &str) {
        let (store, instance) = (&engine.0.outage.store, &engine.0.instance);
        // A sign of life is written: one that can only be read from is out, too.
        if let Err(error) = store.beat(instance, engine.now()).await {
            engine.go_out(&whole(&error));
            return;
        }
        if self.said.is_none_or(|said| said.elapsed() >= SELDOM) {
            tracing::warn!(why, "a call of the store failed, though it answers others");
            self.said = Some(Instant::now());
        }
        // Whoever fails meanwhile is looked into afterwards, all at once.
        sleep(SOON).await;
    }

    /// Returns once the store is back.
    async fn wait(&self) {
        let mut pause = SOON;
        loop {
            sleep(pause).await;
            pause = OFTEN.min(2 * pause);
            let Some(engine) = self.engine() else { return };
            if engine.is_back().await {
                self.fuse.calm().await;
                engine.come_back();
                engine.warn_of_missing_groups().await;
                return;
            }
        }
    }
}

impl Engine {
    /// Warns of groups that are named and not declared: those who are meant are bound by others,
    /// or not at all.
    pub async fn warn_of_missing_groups(&self) {
        match self.missing_groups().await {
            Ok(missing) => {
                for crate::engine::MissingGroup { name, needed_by } in missing {
                    tracing::warn!(
                        group = name,
                        %needed_by,
                        "a group is needed that is declared nowhere"
                    );
                }
            }
            Err(error) => tracing::warn!(error = cause(&error), "groups not looked at"),
        }
    }
}
