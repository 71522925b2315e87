//! Holds one clause against books of its own, and says how that ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::clause::{Bench, Clause};
use super::heard::heard;
use super::scratch::{Books, Scratch};
use crate::store::StoreError;

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

/// Holds `clauses` against `scratch`, so many `at_once`, until `stop` says so; tells each one's end
/// to `tell`.
///
/// Blocks until that is done.
pub fn hold_all(
    clauses: &[Clause],
    scratch: &Arc<dyn Scratch>,
    at_once: usize,
    stop: &(dyn Fn() -> bool + Sync),
    tell: &(dyn Fn(&Clause, Result<(), Broken>) + Sync),
) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(clause) = clauses.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop() {
                return;
            }
            tell(clause, clause.hold(scratch));
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..at_once.max(1) {
            threads.spawn(work);
        }
    });
}

/// Makes books in `scratch`, asks them something, and takes them away: whether that can be done at
/// all.
///
/// # Errors
/// What the store says if it cannot.
pub async fn try_out(scratch: &dyn Scratch) -> Result<(), StoreError> {
    let books = scratch.books().await?;
    let asked = async { books.open()?.policy().await.map(|_| ()) };
    let asked = asked.await;
    let erased = books.erase().await;
    asked.and(erased)
}

/// Returns `error` with all that caused it.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::conformance::clauses;
    use crate::store::Store;
    use crate::store::memory::Memory;

    /// Says that its books outlive their handles, which they do not.
    #[derive(Clone, Default)]
    struct Forgetful(Arc<AtomicUsize>);

    #[async_trait]
    impl Scratch for Forgetful {
        async fn books(&self) -> Result<Arc<dyn Books>, StoreError> {
            Ok(Arc::new(self.clone()))
        }

        fn is_lasting(&self) -> bool {
            true
        }
    }

    #[async_trait]
    impl Books for Forgetful {
        fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
            Ok(Arc::new(Memory::default()))
        }

        async fn erase(&self) -> Result<(), StoreError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    fn called(name: &str) -> Clause {
        clauses().into_iter().find(|clause| clause.name == name).unwrap()
    }

    #[test]
    fn a_broken_clause_is_told_with_its_place_and_its_books_are_erased() {
        let forgetful = Forgetful::default();
        let scratch: Arc<dyn Scratch> = Arc::new(forgetful.clone());
        called("the_exact_limit_fits").hold(&scratch).unwrap();
        let broken = called("what_one_process_reserved_another_settles_and_refunds");
        let said = broken.hold(&scratch).unwrap_err().to_string();
        assert!(said.contains("sharing.rs:"), "{said}");
        // In the thread of another caller, too.
        let broken = called("two_processes_let_in_exactly_as_many_as_fit");
        let said = broken.hold(&scratch).unwrap_err().to_string();
        assert!(said.contains("room for 10 in"), "{said}");
        assert_eq!(forgetful.0.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_sequence_of_calls_that_breaks_the_model_is_told() {
        let scratch: Arc<dyn Scratch> = Arc::new(Forgetful::default());
        let broken = called("any_calls_are_answered_as_a_naive_model_answers_them");
        let said = broken.hold(&scratch).unwrap_err().to_string();
        assert!(said.contains("minimal failing input"), "{said}");
    }

    #[test]
    fn all_are_held_until_told_to_stop() {
        let scratch: Arc<dyn Scratch> = Arc::new(Forgetful::default());
        let clauses = [called("the_exact_limit_fits"); 9];
        let told = AtomicUsize::new(0);
        let tell = |_: &Clause, held: Result<(), Broken>| {
            held.unwrap();
            told.fetch_add(1, Ordering::SeqCst);
        };
        hold_all(&clauses, &scratch, 2, &|| false, &tell);
        assert_eq!(told.load(Ordering::SeqCst), 9);
        hold_all(&clauses, &scratch, 1, &|| told.load(Ordering::SeqCst) == 11, &tell);
        assert_eq!(told.load(Ordering::SeqCst), 11);
    }

    #[tokio::test]
    async fn whether_there_can_be_books_is_tried_without_leaving_any() {
        let forgetful = Forgetful::default();
        try_out(&forgetful).await.unwrap();
        assert_eq!(forgetful.0.load(Ordering::SeqCst), 1);
    }
}
