//! Every clause of the contract, held against every store: `store::group::clause`. What the clauses
//! say is in `src/conformance`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/servers/mod.rs"]
#[expect(dead_code, reason = "other tests stop and restart them as well")]
mod servers;

mod processes;
mod shelves;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use metergate::conformance::{Clause, clauses};

use shelves::{Shelf, Shelves};

fn main() -> ExitCode {
    if processes::was_one_of_two() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let shelves = Arc::new(Shelves::default());
    let trials = Shelf::built().flat_map(|shelf| {
        let holdable = move |clause: &Clause| shelf.is_lasting() || !clause.of_several;
        let shelves = shelves.clone();
        clauses().into_iter().filter(holdable).map(move |clause| trial(shelf, clause, &shelves))
    });
    let crowds = Shelf::built().filter(|shelf| shelf.is_lasting());
    let crowds = crowds.map(|shelf| crowd(shelf, &shelves));
    let conclusion = libtest_mimic::run(&arguments, trials.chain(crowds).collect());
    conclusion.exit_code()
}

/// Returns `clause` as a test of the store on `shelf`.
fn trial(shelf: Shelf, clause: Clause, shelves: &Arc<Shelves>) -> Trial {
    let name = format!("{}::{clause}", shelf.name());
    let shelves = shelves.clone();
    Trial::test(name, move || Ok(clause.hold(&shelves.scratch(shelf)?)?))
}

/// Returns the test that two processes on one store of the kind `shelf` let in no more than one.
fn crowd(shelf: Shelf, shelves: &Arc<Shelves>) -> Trial {
    let name = format!("{}::processes::two_let_in_exactly_as_many_as_fit", shelf.name());
    let shelves = shelves.clone();
    Trial::test(name, move || {
        let books = shelves.apart(shelf, "two_processes")?;
        Ok(processes::two_let_in_exactly_as_many_as_fit(&books)?)
    })
}
