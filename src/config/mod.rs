//! File, environment and flags → [`Settings`], once, before any port is bound.
//!
//! Each source becomes a tree of values with their places; the trees are laid over each other, and
//! the result is read section by section. Whatever is wrong is noted and reading goes on, so that
//! all complaints come at once: where, what is wrong, what would be right.

// What comes in.
mod environment;
mod file;
mod sources;
mod tree;
// How it is read.
mod load;
mod notes;
mod resolve;
mod section;
mod sections;
mod value;
// What comes out.
mod changes;
mod error;
mod settings;

pub use environment::{environment, variable};
pub use error::{Complaint, ConfigError, Place};
pub use load::{keys, load};
pub use settings::{Loaded, Settings};
pub use sources::{Flags, Sources};
