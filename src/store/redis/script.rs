//! Script: one step of the books, run by the server as a whole. Why scripts and not MULTI: what is
//! written hangs on what is read.

use std::sync::LazyLock;

/// A verb with the shared pieces before it.
pub(super) struct Script {
    source: String,
    hash: String,
}

impl Script {
    /// Returns the script of these pieces, in this order.
    pub(super) fn of(pieces: &[&str]) -> Self {
        let source = pieces.concat();
        let hash = redis::Script::new(&source).get_hash().to_owned();
        Self { source, hash }
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Returns the name the server knows it by.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }
}

/// A script that is put together when it is first asked for.
pub(super) type Lazy = LazyLock<Script>;

/// What every verb needs: exact amounts, names of keys.
pub(super) const WORDS: [&str; 2] =
    [include_str!("shared/amount.lua"), include_str!("shared/keys.lua")];

/// What verbs need that write lines: who lives, what is held, the ledger, the counts.
pub(super) const BOOKS: [&str; 6] = [
    WORDS[0],
    WORDS[1],
    include_str!("shared/places.lua"),
    include_str!("shared/ledger.lua"),
    include_str!("shared/holds.lua"),
    include_str!("shared/taken_back.lua"),
];

/// What verbs need that fill a root of their own.
pub(super) const IMPORTING: [&str; 7] = [
    BOOKS[0],
    BOOKS[1],
    BOOKS[2],
    BOOKS[3],
    BOOKS[4],
    BOOKS[5],
    include_str!("shared/importing.lua"),
];

/// What verbs need that look at the windows of a plan.
pub(super) const WINDOWS: [&str; 10] = [
    BOOKS[0],
    BOOKS[1],
    BOOKS[2],
    BOOKS[3],
    BOOKS[4],
    BOOKS[5],
    include_str!("shared/plan.lua"),
    include_str!("shared/readings.lua"),
    include_str!("shared/rule.lua"),
    include_str!("shared/watch.lua"),
];

/// Makes a script of shared pieces and a verb's own file.
macro_rules! script {
    ($name:ident, $pieces:ident, $file:literal) => {
        static $name: $crate::store::redis::script::Lazy =
            $crate::store::redis::script::Lazy::new(|| {
                let pieces = &$crate::store::redis::script::$pieces;
                let all: Vec<&str> = pieces.iter().copied().chain([include_str!($file)]).collect();
                $crate::store::redis::script::Script::of(&all)
            });
    };
}
pub(super) use script;
