//! doctor: what could make the books lie, or be lost.

use clap::Args;
use serde::Serialize;

use super::answer::Answer;
use super::books::{Examined, There};
use super::exit::{Exit, Failure};
use super::place::{Chosen, Place};
use super::table::table;
use super::{suite, visit};
use crate::clock::{Clock, System};
use crate::engine::EngineError;
use crate::store::{self, Finding, Severity, StorageSpec, StoreError};

/// What could make the books lie, or be lost
///
/// Looks at the store and at what it stands on: schema, durability, space, clock. With
/// --conformance it holds the store to each clause of its contract instead, in books of their own,
/// which are gone after: beside the file, in a schema or under a prefix of their own.
///
/// Exits 0 if nothing is a fault and every clause holds, else 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate doctor
  metergate doctor --storage sqlite:/var/lib/metergate/metergate.db --json
  metergate doctor --conformance
  metergate doctor --conformance --only pools --storage memory:")]
pub(super) struct Doctor {
    /// Hold the store to its contract, clause by clause
    #[arg(long)]
    conformance: bool,
    /// Only the clauses in whose name this is: pools, admission::the_exact_limit_fits
    #[arg(long, value_name = "TEXT", requires = "conformance")]
    only: Option<String>,
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Told<'a> {
    storage: &'a str,
    healthy: bool,
    findings: &'a [Finding],
}

impl Doctor {
    /// Runs it where the books are.
    pub(super) fn run(self, place: Place) -> Result<Answer, Failure> {
        if self.conformance {
            let spec = visit::which(place.store_for("doctor --conformance")?)?;
            return suite::run(&spec, self.only.as_deref().unwrap_or_default());
        }
        let place = place.chosen()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (storage, mut findings) = runtime.block_on(examined(place))?;
        // The worst first; among equals, as the store tells them.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let healthy = findings.iter().all(|finding| finding.severity < Severity::Fault);
        let rows = findings.iter().map(|finding| {
            [finding.severity.to_string(), finding.about.to_string(), finding.text.clone()]
        });
        let text = table(["", "ABOUT", "FOUND"], rows, "nothing was looked at");
        let text = format!("{storage}\n\n{text}");
        let told = Told { storage: &storage, healthy, findings: &findings };
        let exit = if healthy { Exit::Done } else { Exit::Denied };
        Ok(Answer::new(text, &told)?.ending(exit))
    }
}

/// Returns what the store is, and what it found.
async fn examined(place: Chosen) -> Result<(String, Vec<Finding>), Failure> {
    match place {
        Chosen::Store(named) => {
            let spec = visit::which(named)?;
            Ok(examined_here(&spec).await.map_err(EngineError::from)?)
        }
        Chosen::Server(server) => {
            let Examined { storage, findings } = There::at(server).examine().await?;
            Ok((storage, findings))
        }
    }
}

async fn examined_here(spec: &StorageSpec) -> Result<(String, Vec<Finding>), StoreError> {
    let store = store::open(spec)?;
    let found = store.examine(System.now()).await;
    let closed = store.close().await;
    let found = found?;
    closed?;
    Ok((store.describe(), found))
}
