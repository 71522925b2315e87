//! The books in SQL: what a database with tables keeps, whichever it is.
//!
//! What is decided comes from [`crate::quota`]; here it is read and written, in rows. Three things
//! stand apart: *words* and how they lie in columns (`value`, `columns`), the *rows* of each table
//! and what they come to (most files), and the *engine* (`engine`, `db`): connections,
//! transactions and the one dialect that all statements are written in.

// The engine.
pub(in crate::store) mod db;
pub(in crate::store) mod engine;
// The words.
mod columns;
pub(in crate::store) mod value;
// The way in.
mod known;
mod readers;
pub(in crate::store) mod step;
mod store;
mod writer;
// What is kept.
mod buckets;
mod counters;
mod ended;
mod holds;
pub(in crate::store) mod instances;
mod ledger;
mod marks;
mod members;
mod open;
mod outbox;
mod parts;
mod policy;
// What it comes to.
mod fold;
mod pools;
mod readings;
mod rolling;
mod sums;
mod tally;
mod watch;
mod window;
// What is asked.
mod admission;
pub(in crate::store) mod facts;
mod forget;
mod import;
mod lines;
mod listing;
mod prune;
mod recount;
mod settle;

pub(super) use self::store::Books;
