//! What is kept is what the ledger says, whatever happened, and nothing is told twice.

mod kept;
mod verbs;
mod world;
