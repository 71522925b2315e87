//! Registry: all clauses, group by group.

use super::clause::Clause;
use super::scratch::Scratch;
use super::{
    admission, aggregates, ending, events, holds, idempotency, instances, keeping, listing, model,
    moving, notices, patience, policy, pools, sharing, soft,
};

/// Returns every clause of the contract.
#[must_use]
pub fn clauses() -> Vec<Clause> {
    [
        admission::CLAUSES,
        pools::CLAUSES,
        soft::CLAUSES,
        aggregates::CLAUSES,
        moving::first_use::CLAUSES,
        moving::rolling::CLAUSES,
        holds::CLAUSES,
        instances::CLAUSES,
        ending::CLAUSES,
        patience::CLAUSES,
        events::CLAUSES,
        idempotency::CLAUSES,
        listing::CLAUSES,
        policy::CLAUSES,
        notices::crossing::CLAUSES,
        notices::outbox::CLAUSES,
        keeping::forgetting::CLAUSES,
        keeping::importing::CLAUSES,
        keeping::pruning::CLAUSES,
        keeping::recounting::CLAUSES,
        model::CLAUSES,
        sharing::CLAUSES,
    ]
    .concat()
}

/// Returns the clauses that can be held against the books of `scratch`: all, or those of one
/// handle.
#[must_use]
pub fn clauses_for(scratch: &dyn Scratch) -> Vec<Clause> {
    let holdable = |clause: &Clause| scratch.is_lasting() || !clause.of_several;
    clauses().into_iter().filter(holdable).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_clauses_have_one_name() {
        let names: Vec<_> = clauses().iter().map(ToString::to_string).collect();
        assert!(names.len() > 200);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn a_group_is_the_module_a_clause_stands_in() {
        let groups: HashSet<_> = clauses().iter().map(Clause::group).collect();
        for group in ["admission", "keeping", "model", "notices"] {
            assert!(groups.contains(group), "{groups:?}");
        }
    }
}
