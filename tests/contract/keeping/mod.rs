//! S19, S20: old lines are taken out, counters are made anew, names are forgotten, books brought in.

mod history;

mod forgetting;
mod importing;
mod pruning;
mod recounting;
