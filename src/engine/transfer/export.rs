//! export: the books as one document.

use super::document::Document;
use super::lines::{Steps, ledger};
use crate::engine::{Engine, EngineError};
use crate::quota::policy::Rule;
use crate::quota::{Grants, Layer, Policy, Subject};

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
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Engine, GroupChange, Limit, Measure, Wanted};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// let document = engine.export(Wanted::default(), &|_done, _total| {}).await?;
    /// assert!(serde_json::to_string(&document)?.contains("\"500000000/month\""));
    /// # Ok(())
    /// # }
    /// ```
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
        origin: None,
        rules: file.rules.iter().cloned().chain(rules).collect(),
        groups: store.groups.into_iter().chain(file.groups).collect(),
        default_group: file.default_group.or(store.default_group),
        resources: store.resources.into_iter().chain(file.resources).collect(),
        capabilities: store.capabilities.into_iter().chain(file.capabilities).collect(),
        timezone: file.timezone.or(store.timezone),
        period: file.period.or(store.period),
    }
}
