//! Holds one clause against books of its own, and says how that ended.

use std::sync::Arc;
use std::time::Duration;

use super::clause::{Bench, Clause};
use super::heard::heard;
use super::scratch::{Books, Scratch};

/// How long a clause may take before it is called broken: longer than any does on a slow machine.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long what a clause left running is waited for.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a clause does not hold, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Clause {
    /// Holds it against new books of `scratch`, which are taken away whatever comes of it.
    ///
    /// Blocks until that is done: it has a runtime of its own, so that nothing of one clause is
    /// left in the next. A panic of the clause goes no further, and says nothing elsewhere.
    ///
    /// # Errors
    /// If it does not hold, or there can be no books to hold it against.
    pub fn hold(&self, scratch: &Arc<dyn Scratch>) -> Result<(), Broken> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Broken(error.to_string()))?;
        let books = runtime.block_on(scratch.books()).map_err(|error| Broken(told(&error)))?;
        let held = heard(|| runtime.block_on(self.in_time(books.clone(), scratch.clone())));
        let erased = runtime.block_on(books.erase());
        runtime.shutdown_timeout(FAREWELL);
        held.flatten().map_err(Broken)?;
        erased.map_err(|error| Broken(format!("its books could not be erased: {}", told(&error))))
    }

    async fn in_time(
        &self,
        books: Arc<dyn Books>,
        scratch: Arc<dyn Scratch>,
    ) -> Result<(), String> {
        let bench = Bench::at(books, scratch);
        let held = tokio::time::timeout(PATIENCE, self.on(&bench)).await;
        held.map_err(|_| format!("it did not end within {} seconds", PATIENCE.as_secs()))
    }
}

/// Returns `error` with all that caused it.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
