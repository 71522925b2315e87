//! export: the books as one document.

use super::document::Document;
use super::{Steps, step};
use crate::engine::{Engine, EngineError};
use crate::quota::event::Line;
use crate::quota::policy::Rule;
use crate::quota::{Grants, Layer, Policy, Subject};
use crate::store::{Ledger, Lines, Store};

/// How many lines are read in one step.
const PAGE: usize = 2000;
/// How often the policy is read again because it changed meanwhile, at most.
const TRIES: usize = 32;

/// What of the books is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Both layers of the policy as they hold together; otherwise the store's own.
    pub both_layers: bool,
    /// The ledger, too.
    pub ledger: bool,
}

impl Engine {
    /// Returns the books as one document: the policy as it was at one moment and, if wanted, the
    /// ledger as it was at one.
    ///
    /// # Errors
    /// Conflict if the books keep changing meanwhile; unavailable if the store is.
    pub async fn export(&self, wanted: Wanted, steps: Steps<'_>) -> Result<Document, EngineError> {
        let (snapshot, everyone) = self.everyone().await?;
        let layer = if wanted.both_layers {
            merged(&snapshot.policy)
        } else {
            snapshot.policy.store.clone()
        };
        let own = |(_, grants): &(Subject, Grants)| !grants.is_empty();
        let grants = everyone.into_iter().filter(own).collect();
        let ledger = if wanted.ledger { Some(ledger(&*self.0.store, steps).await?) } else { None };
        Ok(Document { layer, grants, ledger })
    }
}

/// Returns both layers of `policy` as one that says the same.
fn merged(policy: &Policy) -> Layer {
    let (file, store) = (policy.file.clone(), policy.store.clone());
    let shadowed = |rule: &Rule| file.rules.iter().any(|other| other.pattern == rule.pattern);
    let rules = store.rules.iter().filter(|rule| !shadowed(rule)).cloned();
    Layer {
        rules: file.rules.iter().cloned().chain(rules).collect(),
        groups: store.groups.into_iter().chain(file.groups).collect(),
        default_group: file.default_group.or(store.default_group),
        resources: store.resources.into_iter().chain(file.resources).collect(),
        capabilities: store.capabilities.into_iter().chain(file.capabilities).collect(),
        timezone: file.timezone.or(store.timezone),
        period: file.period.or(store.period),
    }
}

/// Returns the whole ledger of `store`; read again if old lines are taken out of it meanwhile.
pub(super) async fn ledger(store: &dyn Store, steps: Steps<'_>) -> Result<Ledger, EngineError> {
    for _ in 0..TRIES {
        let balances = store.balances().await?;
        let lines = lines(store, steps).await?;
        if store.balances().await? == balances {
            return Ok(Ledger { balances: sorted(balances), lines });
        }
    }
    Err(EngineError::Conflict("old lines keep being taken out of the ledger: try again".to_owned()))
}

async fn lines(store: &dyn Store, steps: Steps<'_>) -> Result<Vec<Line>, EngineError> {
    let last = Lines { newest_first: true, most: 1, ..Lines::default() };
    let last = store.lines(&last).await?.first().map_or(0, |line| line.id);
    let mut all: Vec<Line> = Vec::new();
    loop {
        let behind = all.last().map(|line| line.id);
        steps(step(behind.unwrap_or(0).min(last)), step(last));
        let part = store.lines(&Lines { behind, most: PAGE, ..Lines::default() }).await?;
        // What is written from now on is not part of it.
        let part: Vec<_> = part.into_iter().filter(|line| line.id <= last).collect();
        if part.is_empty() {
            return Ok(all);
        }
        all.extend(part);
    }
}

fn sorted(mut balances: Vec<crate::store::Balance>) -> Vec<crate::store::Balance> {
    balances.sort_by(|a, b| {
        let key = |it: &crate::store::Balance| (it.resource.clone(), it.per, it.account.clone());
        key(a).cmp(&key(b))
    });
    balances
}
