//! suite: `doctor --conformance`, which holds a store to its contract.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::answer::{Answer, complain};
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::table::table;
use crate::conformance::{Broken, Clause, Scratch, clauses_for, hold_all, scratch, try_out};
use crate::engine::EngineError;
use crate::store::StorageSpec;

/// How many clauses are held at once: some wait most of the time.
const AT_ONCE: usize = 4;

/// What programs read.
#[derive(Debug, Serialize)]
struct Told {
    storage: String,
    holds: bool,
    clauses: usize,
    /// Clauses nobody came to, because the command was interrupted.
    left_out: usize,
    groups: BTreeMap<&'static str, Group>,
    broken: Vec<BrokenClause>,
}

/// How the clauses about one thing ended.
#[derive(Debug, Default, Serialize)]
struct Group {
    clauses: usize,
    held: usize,
}

/// A clause that does not hold.
#[derive(Debug, Serialize)]
struct BrokenClause {
    group: &'static str,
    clause: &'static str,
    reason: String,
}

/// Holds the kind of store that `spec` names to the clauses in whose name `only` is.
pub(super) fn run(spec: &StorageSpec, only: &str) -> Result<Answer, Failure> {
    let place = scratch(spec);
    let mut clauses = clauses_for(place.as_ref());
    clauses.retain(|clause| clause.to_string().contains(only));
    if clauses.is_empty() {
        let text = format!("--only {only}: no clause has this in its name: leave it out, once");
        return Err(Failure::bad_input(text));
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build()?;
    // One sentence that it does not answer, not one for each clause.
    runtime.block_on(try_out(place.as_ref())).map_err(EngineError::from)?;
    let stopped = Arc::new(AtomicBool::new(false));
    runtime.spawn(stopping(stopped.clone()));
    let told = held(spec, &place, &clauses, &stopped);
    let exit = if told.holds { Exit::Done } else { Exit::Denied };
    Ok(Answer::new(words(&told), &told)?.ending(exit))
}

/// Lets the clauses under way end when the command is interrupted, so that their books are taken
/// away; interrupted again, the process ends as it is.
async fn stopping(stopped: Arc<AtomicBool>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if stopped.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        complain("warning", "interrupted: waiting for the clauses under way, to clean up");
    }
}

fn held(
    spec: &StorageSpec,
    place: &Arc<dyn Scratch>,
    clauses: &[Clause],
    stopped: &AtomicBool,
) -> Told {
    let progress = Progress::of("holding the store to its contract");
    let ends = Mutex::new(Vec::with_capacity(clauses.len()));
    let tell = |clause: &Clause, end: Result<(), Broken>| {
        let mut ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.push((*clause, end));
        progress.at(ends.len(), clauses.len());
    };
    let stop = || stopped.load(Ordering::SeqCst);
    hold_all(clauses, place, AT_ONCE, &stop, &tell);
    drop(progress);
    let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    let left_out = clauses.len().saturating_sub(ends.len());
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    for clause in clauses {
        groups.entry(clause.group()).or_default().clauses += 1;
    }
    let mut broken = Vec::new();
    for (clause, end) in ends {
        match end {
            Ok(()) => groups.entry(clause.group()).or_default().held += 1,
            Err(why) => broken.push(BrokenClause {
                group: clause.group(),
                clause: clause.name,
                reason: why.to_string(),
            }),
        }
    }
    broken.sort_by_key(|broken| (broken.group, broken.clause));
    let holds = broken.is_empty() && left_out == 0;
    Told { storage: spec.to_string(), holds, clauses: clauses.len(), left_out, groups, broken }
}

fn words(told: &Told) -> String {
    let broken = told.broken.iter().map(|it| {
        // One line, whatever was compared.
        let reason = it.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("BROKEN {}::{}: {reason}\n", it.group, it.clause)
    });
    let broken: String = broken.collect();
    let rows = told.groups.iter().map(|(name, group)| {
        [(*name).to_owned(), group.held.to_string(), group.clauses.to_string()]
    });
    let groups = table(["GROUP", "HELD", "CLAUSES"], rows, "there are no clauses");
    let (storage, clauses) = (&told.storage, told.clauses);
    let end = match (told.broken.len(), told.left_out) {
        (0, 0) => format!("{storage} keeps its contract: all {clauses} clauses hold"),
        (0, left_out) => {
            format!("{storage}: no clause is broken, but {left_out} of {clauses} were not tried")
        }
        (broken, _) => {
            format!(
                "{storage} does not keep its contract: {broken} of {clauses} clauses are broken"
            )
        }
    };
    let between = if broken.is_empty() { "" } else { "\n" };
    format!("{broken}{between}{groups}\n\n{end}")
}
