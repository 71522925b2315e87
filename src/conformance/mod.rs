//! Conformance: the contract of a store, clause by clause, for those who keep books, and for those
//! who want to know whether theirs are kept.
//!
//! Each clause of S1 … S20 on [`Store`](crate::store::Store) is a sentence that holds of a store or
//! does not: `exactly_as_many_as_fit_are_let_in`. [`clauses`] has them all; each is held against
//! books of its own, which a [`Scratch`] makes and takes away. The stores that are here have theirs
//! from [`scratch()`]; whoever writes another store implements [`Scratch`] and [`Books`] for it.
//!
//! ```
//! use metergate::StorageSpec;
//! use metergate::conformance::{clauses_for, scratch};
//!
//! let place = scratch(&StorageSpec::Memory);
//! for clause in clauses_for(place.as_ref()) {
//! #   if !["admission", "policy"].contains(&clause.group()) { continue }
//!     if let Err(broken) = clause.hold(&place) {
//!         panic!("{clause}: {broken}");
//!     }
//! }
//! ```
//!
//! A clause that is broken panics; [`Clause::hold`] makes that an error with its words, and nothing
//! else hears of it. All of it needs `panic = "unwind"`.
//!
//! `metergate doctor --conformance` runs this on the store it is given.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a clause is a test: it fails by panicking, which is caught where it is run"
)]
#![cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "what clauses speak in is a language, not a list")
)]

/// Makes functions that panic where the contract is broken its clauses: those of one handle on
/// books, those that look at all there is `on the bench`, and those `of several` handles.
macro_rules! clauses {
    (on the bench: $($clause:ident),+ $(,)?) => {
        pub(in crate::conformance) const CLAUSES: &[crate::conformance::Clause] = &[$(
            crate::conformance::Clause::new(module_path!(), stringify!($clause), |bench| Box::pin($clause(bench))),
        )+];
    };
    (of several: $($clause:ident),+ $(,)?) => {
        pub(in crate::conformance) const CLAUSES: &[crate::conformance::Clause] = &[$(
            crate::conformance::Clause::new(module_path!(), stringify!($clause), |bench| Box::pin($clause(bench)))
                .of_several(),
        )+];
    };
    ($($clause:ident),+ $(,)?) => {
        pub(in crate::conformance) const CLAUSES: &[crate::conformance::Clause] = &[$(
            crate::conformance::Clause::new(module_path!(), stringify!($clause), |bench| {
                Box::pin($clause(bench.store()))
            }),
        )+];
    };
}

// What is held against what, and how.
mod clause;
#[cfg(feature = "sqlite")]
mod folder;
mod heard;
mod kinds;
mod registry;
mod run;
mod scratch;
// What the clauses speak in.
pub mod crowd;
pub mod words;
// Who is let in.
mod admission;
mod pools;
mod soft;
// How it is counted.
mod aggregates;
mod moving;
// What becomes of room that is set aside.
mod ending;
mod holds;
mod instances;
mod patience;
// What happened, and who may how much.
mod events;
mod idempotency;
mod listing;
mod notices;
mod policy;
// The books as a whole, and several who keep them.
mod keeping;
mod model;
mod sharing;

pub use clause::Clause;
pub use kinds::scratch;
pub use registry::{clauses, clauses_for};
pub use run::{Broken, hold_all, try_out};
pub use scratch::{Books, Scratch};
