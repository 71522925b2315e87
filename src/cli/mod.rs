//! The command line: arguments → a command → an answer and its exit code.
//!
//! Every command but `serve`, `config check`, `completions` and `man` opens the store, does one
//! thing, and answers with words for people and JSON for programs. The words go to standard
//! output; a failure is one sentence on standard error.
#![expect(
    clippy::doc_markdown,
    reason = "the docs of arguments are help texts: nobody reads backticks on a terminal"
)]

// What was typed, and what is said about it.
mod answer;
mod args;
mod assignment;
mod exit;
mod mistake;
mod pages;
mod progress;
mod table;
mod words;
// Who may how much.
mod boost;
mod capability;
mod grants;
mod group;
mod overrides;
mod resource;
mod rule;
mod user;
// What was used, and what may be.
mod asking;
mod check;
mod events;
mod explain;
mod history;
mod listing;
mod record;
mod set;
mod subjects;
mod summary;
mod usage;
// Everything at once: carried elsewhere, or tried under another policy.
mod move_to;
mod simulate;
mod transfer;
// The books.
mod doctor;
mod rebuild;
mod suite;
// The service.
mod config;
mod serve;
// What stands beside the program: its manual, and what shells know of it.
mod completions;
mod man;
// The books, for the length of one command.
mod books;
mod place;
mod visit;

mod run;

pub use run::run;
