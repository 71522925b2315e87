//! Transfer: the books as one document, and as what moves from store to store.
//!
//! **export** tells everything in one [`Document`], always in the same form; **import** brings one
//! in, as a whole or not at all: a [`Draft`] is read in the light of the policy it joins, laid over
//! it or put in its place, and told as [`Changes`] before it is written. Blocks of other programs
//! become drafts, too. **move** copies a whole store to another and makes sure that it is the same.

// What is carried.
mod document;
mod draft;
mod lines;
mod record;
mod tree;
// How it is read.
mod limits;
mod names;
mod parts;
mod place;
mod read;
// What becomes of it.
mod changes;
mod compare;
mod export;
mod import;
mod moving;
// What others wrote.
mod foreign;

pub use changes::{Change, Changes};
pub use document::Document;
pub use draft::Draft;
pub use export::Wanted;
pub use foreign::{Foreign, foreign};
pub use import::{How, Imported};
pub use lines::Steps;
pub(super) use lines::Walk;
pub use moving::Moved;
pub use tree::Tree;

#[cfg(test)]
mod tests;
