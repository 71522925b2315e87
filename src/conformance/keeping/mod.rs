//! S19, S20: old lines are taken out, counters are made anew, names are forgotten, books brought in.

mod history;

pub(super) mod forgetting;
pub(super) mod importing;
pub(super) mod pruning;
pub(super) mod recounting;
