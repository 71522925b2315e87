//! move: a whole store becomes another one, of any kind.

use std::sync::Arc;

use serde::Serialize;

use super::compare::{Accounts, same};
use super::lines::{Steps, balances, ledger, newest};
use crate::engine::{Engine, EngineError};
use crate::quota::{Layer, PolicyVersion};
use crate::store::{Import, LayerKind, Lines, Page, Store, StoreError};

/// What was moved, all of it found again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Lines of the ledger.
    pub lines: usize,
    /// What was used before them, by account.
    pub balances: usize,
    /// Counts that are the same in both: of each account in the default period, and in all.
    pub counts: usize,
    /// Subjects with something of their own.
    pub subjects: usize,
}

impl Engine {
    /// Copies everything to `target`, which must be empty, and makes sure that it is the same
    /// there: policy, grants, every line of the ledger, every count.
    ///
    /// Nothing is written to the store of this engine. Notices that nobody was told of yet, and
    /// what reservations there were, stay behind. Dropped half way, the target is no copy: delete
    /// it and move again.
    ///
    /// # Errors
    /// Conflict if the target is not empty, if reservations are under way, if someone writes
    /// meanwhile, or if the copy is not the same; unavailable if either store is.
    pub async fn move_to(
        &self,
        target: &Arc<dyn Store>,
        steps: Steps<'_>,
    ) -> Result<Moved, EngineError> {
        self.nothing_is_under_way().await?;
        let version = is_empty(&**target).await?;
        let before = self.moment().await?;
        self.copy(&**target, version, steps).await.map_err(half_way)?;
        let moved = self.compare(&**target, steps).await.map_err(half_way)?;
        self.nothing_is_under_way().await.map_err(half_way)?;
        if self.moment().await.map_err(half_way)? != before {
            return Err(half_way(EngineError::Conflict(
                "someone wrote to the books meanwhile: stop metergate first".to_owned(),
            )));
        }
        target.close().await.map_err(|error| half_way(error.into()))?;
        Ok(moved)
    }

    async fn nothing_is_under_way(&self) -> Result<(), EngineError> {
        match self.0.store.open(self.now(), 1).await?.first() {
            None => Ok(()),
            Some(held) => Err(EngineError::Conflict(format!(
                "a reservation of {} is under way: stop metergate first, or wait until it has ended",
                held.subject
            ))),
        }
    }

    /// Returns what changes whenever anything is written.
    async fn moment(&self) -> Result<(PolicyVersion, Option<u64>), EngineError> {
        let store = &self.0.store;
        let last = newest(&**store).await?;
        Ok((store.policy().await?.version, last))
    }

    async fn copy(
        &self,
        target: &dyn Store,
        seen: PolicyVersion,
        steps: Steps<'_>,
    ) -> Result<(), EngineError> {
        let (snapshot, everyone) = self.everyone().await?;
        let ledger = ledger(&*self.0.store, steps).await?;
        let import = Import {
            layer: snapshot.policy.store.clone(),
            grants: everyone.into_iter().filter(|(_, grants)| !grants.is_empty()).collect(),
            no_others: true,
            ledger: Some(ledger),
        };
        let seen = target.import(import, seen).await?;
        target.write_layer(LayerKind::File, snapshot.policy.file.clone(), seen).await?;
        Ok(())
    }

    /// Makes sure that `other` holds the same as the store of this engine.
    ///
    /// # Errors
    /// Conflict: the first thing that differs; unavailable if either store is.
    pub async fn compare(&self, other: &dyn Store, steps: Steps<'_>) -> Result<Moved, EngineError> {
        let store = &*self.0.store;
        let (here, there) = (store.policy().await?, other.policy().await?);
        same("the policy of the file", &here.file, &there.file)?;
        same("the policy of the store", &here.store, &there.store)?;
        let subjects = same_grants(store, other).await?;
        let mut accounts = Accounts::default();
        let (here, there) = (balances(store).await?, balances(other).await?);
        same("what was used before the ledger", &here, &there)?;
        for balance in &here {
            accounts.of_balance(balance);
        }
        let lines = accounts.of_lines(store, other, steps).await?;
        let counts = accounts.counted_alike(store, other, self.now()).await?;
        Ok(Moved { lines, balances: here.len(), counts, subjects })
    }
}

/// Returns the version of an empty store; a conflict if it is none.
async fn is_empty(store: &dyn Store) -> Result<PolicyVersion, EngineError> {
    let policy = store.policy().await?;
    let (nothing, one) = (Layer::default(), Lines { most: 1, ..Lines::default() });
    let empty = policy.file == nothing
        && policy.store == nothing
        && store.all_grants(Page::first(1)).await?.is_empty()
        && store.lines(&one).await?.is_empty()
        && store.balances().await?.is_empty();
    if !empty {
        return Err(EngineError::Conflict(format!(
            "{} is not empty: name a new one, so that nothing there is lost",
            store.describe()
        )));
    }
    Ok(policy.version)
}

async fn same_grants(store: &dyn Store, other: &dyn Store) -> Result<usize, EngineError> {
    const PAGE: usize = 1000;
    let (mut count, mut page) = (0, Page::first(PAGE));
    loop {
        let (here, there) = (store.all_grants(page.clone()).await?, other.all_grants(page).await?);
        same("what subjects have of their own", &here, &there)?;
        let Some((last, _)) = here.last() else { return Ok(count) };
        count += here.len();
        page = Page::behind(last.clone(), PAGE);
    }
}

/// Says what to do with a target that is no copy.
fn half_way(error: EngineError) -> EngineError {
    const THEN: &str = "the old books are as they were: delete the new ones and move again";
    match error {
        EngineError::Unavailable(source) => {
            EngineError::Unavailable(StoreError::unavailable(THEN, source))
        }
        EngineError::BadInput(text) | EngineError::Conflict(text) => {
            EngineError::Conflict(format!("{text}; {THEN}"))
        }
        EngineError::NotFound(text) => EngineError::NotFound(text),
    }
}
