//! simulate: what another policy would have made of what happened.
//!
//! The ledger is told again, line by line, to books in memory that live under the other policy,
//! their clock always at the moment the line is of. What was asked for then and does not fit is
//! refused and not counted: whoever is refused has not used it, and may have room for what is
//! smaller. What is given back, set or reset is done as it was, but for what was refused. What
//! subjects have of their own (groups, overrides, boosts, exemptions) is as it is today.

mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::replay::Replay;
use super::transfer::{Steps, Walk};
use super::{Engine, EngineError, WindowDecision};
use crate::clock::{Manual, Timestamp};
use crate::quota::{Amount, Layer, Measure, Resource, Subject};
use crate::store::memory::Memory;
use crate::store::{Import, LayerKind, Ledger, Store};

/// Which time is judged; what came before is only counted, what came after is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The first moment; none begins with the ledger.
    pub start: Option<Timestamp>,
    /// The first moment after it; none ends with the ledger.
    pub end: Option<Timestamp>,
}

/// What another policy would have made of what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Simulation {
    /// How many actions were judged.
    pub asked: u64,
    /// How many of them would have been allowed.
    pub allowed: u64,
    /// How many would have been refused.
    pub denied: u64,
    /// Who would have been refused something, by name.
    pub refused: Vec<Refused>,
    /// Who would have reached a limit, by name.
    pub over: Vec<OverAt>,
}

/// What one subject would not have been allowed, of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Refused {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// How often.
    pub times: u64,
    /// How much in all.
    pub amount: Amount,
    /// When for the first time.
    pub first: Timestamp,
    /// By which window, the first time; none if one action alone was too large.
    pub window: Option<WindowDecision>,
}

/// A limit that one subject would have reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OverAt {
    /// Who.
    pub subject: Subject,
    /// Of what.
    pub resource: Resource,
    /// How it is counted; not written.
    #[serde(skip)]
    pub measure: Measure,
    /// When for the first time.
    pub first: Timestamp,
    /// The window, as it was then.
    pub window: WindowDecision,
}

impl Engine {
    /// Tells the ledger again to a store that lives under `policy`, and nothing else that is
    /// declared today; writes nothing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Amount, Ask, Engine, Group, GroupChange, Layer, Limit, Measure, Resource, Stretch};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// # let limits = [("media_bytes".parse()?, Limit::parse("500MB/month", &Measure::BYTES)?)].into();
    /// # let free = GroupChange { limits, default: true, ..GroupChange::default() };
    /// # engine.set_group("free", &free).await?;
    /// let media: Resource = "media_bytes".parse()?;
    /// engine.consume(&"@alice:example.org".parse()?, &Ask::upload(Amount::new(300_000_000))).await?;
    /// let limits = [(media, Limit::parse("200MB/month", &Measure::BYTES)?)].into();
    /// let strict = Group { limits, ..Group::default() };
    /// let policy = Layer {
    ///     groups: [("free".to_owned(), strict)].into(),
    ///     default_group: Some("free".to_owned()),
    ///     ..Layer::default()
    /// };
    /// let told = engine.simulate(&policy, Stretch::default(), &|_done, _total| {}).await?;
    /// assert_eq!((told.asked, told.denied), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Bad input for a policy that makes no sense; unavailable if the store is.
    pub async fn simulate(
        &self,
        policy: &Layer,
        stretch: Stretch,
        steps: Steps<'_>,
    ) -> Result<Simulation, EngineError> {
        policy.consistent()?;
        let (_, everyone) = self.everyone().await?;
        let books = Arc::new(Memory::default());
        let ledger = Ledger { balances: self.0.store.balances().await?, lines: Vec::new() };
        let import = Import {
            grants: everyone.into_iter().collect(),
            ledger: Some(ledger),
            ..Import::default()
        };
        let seen = books.import(import, books.policy().await?.version).await?;
        books.write_layer(LayerKind::File, policy.clone(), seen).await?;
        books.policy().await?.has_no_circle()?;
        let clock = Arc::new(Manual::at(self.now()));
        let engine = Self::visit(books, clock.clone()).await?;
        let mut replay = Replay::new(&engine, &clock, stretch);
        let mut walk = Walk::of(&*self.0.store, steps).await?;
        loop {
            let lines = walk.next().await?;
            if lines.is_empty() {
                return replay.end().await;
            }
            for line in lines {
                replay.tell(line).await?;
            }
        }
    }
}

/// What was found of each subject and resource.
type Found<T> = BTreeMap<(Subject, Resource), T>;

#[cfg(test)]
mod tests;
