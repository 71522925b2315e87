//! move: the books to another store.

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Done};
use super::exit::Failure;
use super::progress::Progress;
use super::visit;
use crate::engine::{Engine, Moved};

/// Copy everything to another store, and make sure that it is the same there
///
/// Policy, subjects, ledger and counts are copied; the other store must be empty, and no
/// reservation may be under way: stop `metergate serve` first. The old books stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  metergate move --to sqlite:/var/lib/metergate/new.db
  metergate move --storage sqlite:old.db --to sqlite:new.db")]
pub(super) struct Move {
    /// The other store: sqlite:FILE
    #[arg(long, value_name = "URL")]
    to: String,
}

/// What programs read.
#[derive(Debug, Serialize)]
struct Told {
    from: String,
    to: String,
    #[serde(flatten)]
    moved: Moved,
}

impl Move {
    /// Runs it on the storage called `named`.
    pub(super) async fn run(self, named: Option<String>) -> Result<Answer, Failure> {
        let engine = visit::open(named).await?;
        let answer = self.copy(&engine).await;
        let closed = engine.close().await;
        let answer = answer?;
        closed?;
        Ok(answer)
    }

    async fn copy(self, engine: &Engine) -> Result<Answer, Failure> {
        let target = visit::target("--to", &self.to)?;
        let progress = Progress::of("moving");
        let moved = engine.move_to(&target, &|done, total| progress.at(done, total)).await?;
        let (from, to) = (engine.describe_store(), target.describe());
        let Moved { lines, counts, subjects, .. } = moved;
        let words = format!(
            "{from} is now in {to}, too: {lines} events, {counts} counts and {subjects} subjects are the same there\nstart metergate with --storage {to}, and delete the old books when it runs"
        );
        Ok(Answer::new(words, &Done::now(Told { from, to, moved }))?)
    }
}
