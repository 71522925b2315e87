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
    pub(super) fn upload() -> Self {
        Self { capability: UPLOAD.into(), kind: Kind::Upload }
    }

    /// Returns one of the configuration; a `download` if what comes down is counted.
    pub(super) fn named(capability: &str, download: bool) -> Self {
        let kind = match capability {
            _ if download => Kind::Download,
            UPLOAD => Kind::Upload,
            _ => Kind::Other,
        };
        Self { capability: capability.into(), kind }
    }

    pub(super) fn capability(&self) -> &str {
        &self.capability
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the question for `amount` of it; for one unit without.
    pub(super) fn ask(&self, amount: Option<Amount>) -> Ask {
        Ask::Capability { name: self.capability.as_ref().to_owned(), amount }
    }
}
