//! Action: what is asked for where something is metered: its capability, and its words.

use std::sync::Arc;

use crate::engine::Ask;
use crate::quota::Amount;
use crate::quota::capability::UPLOAD;

/// What a client wants to do that costs something. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action {
    capability: Arc<str>,
    kind: Kind,
    /// Text messages cost nothing, as they do unless the configuration meters them.
    text_is_free: bool,
}

/// How it is told to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Media goes up.
    Upload,
    /// Something comes down.
    Download,
    /// Anything else.
    Other,
}

impl Action {
    /// Returns the action that is built in.
    pub(super) fn upload(text_is_free: bool) -> Self {
        Self { capability: UPLOAD.into(), kind: Kind::Upload, text_is_free }
    }

    /// Returns one of the configuration; a `download` if what comes down is counted.
    pub(super) fn named(capability: &str, download: bool, text_is_free: bool) -> Self {
        let kind = match capability {
            _ if download => Kind::Download,
            UPLOAD => Kind::Upload,
            _ => Kind::Other,
        };
        Self { capability: capability.into(), kind, text_is_free }
    }

    pub(super) fn capability(&self) -> &str {
        &self.capability
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether somebody who is refused may be told that text messages still work.
    pub(super) const fn leaves_text(&self) -> bool {
        self.text_is_free && !matches!(self.kind, Kind::Other)
    }

    /// Returns the question for `amount` of it; for one unit without.
    pub(super) fn ask(&self, amount: Option<Amount>) -> Ask {
        Ask::Capability { name: self.capability.as_ref().to_owned(), amount }
    }
}
