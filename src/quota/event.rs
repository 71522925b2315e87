//! Event: what happened, once and for good; and the line of the ledger that keeps it.

use std::sync::Arc;

use super::hold_id::HoldId;
use super::idempotency::Key;
use super::invalid::Invalid;
use super::{Amount, Per, Resource, Subject};
use crate::clock::Timestamp;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Recorded as a fact, whatever the limit.
    Use,
    /// A count was brought to a value; the amount is what that changed.
    Set,
    /// A reservation was replaced by what was really used.
    Settle,
    /// A settled reservation was taken back.
    Refund,
    /// A reservation ended because its owner was gone; nothing was charged.
    Lapse,
    /// The count of a bucket was brought to zero.
    Reset,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Use, Self::Set, Self::Settle, Self::Refund, Self::Lapse, Self::Reset];

    /// Returns the word for it, as the ledger writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Set => "set",
            Self::Settle => "settle",
            Self::Refund => "refund",
            Self::Lapse => "lapse",
            Self::Reset => "reset",
        }
    }

    /// Returns the kind whose word is `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns true if it may change a count by its amount.
    #[must_use]
    pub const fn charges(self) -> bool {
        matches!(self, Self::Use | Self::Set | Self::Settle | Self::Refund)
    }
}

/// What happened, and whose counts it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose usage.
    pub subject: Subject,
    /// The group the subject was in, whose pools it counts in, too.
    pub group: Option<Arc<str>>,
    /// Of what.
    pub resource: Resource,
    /// What happened.
    pub kind: Kind,
    /// How much it adds to the count, or what the count is; zero for a lapse and a reset.
    pub amount: Amount,
    /// Which one, where different ones are counted.
    pub member: Option<Arc<str>>,
    /// The moment that says in which buckets it counts.
    pub at: Timestamp,
    /// The reservation it belongs to.
    pub hold: Option<HoldId>,
    /// The key of the one bucket that a reset is about; none means every bucket `at` is in.
    pub bucket: Option<String>,
}

/// Reads the name of one of those that are counted where different ones are.
///
/// # Errors
/// If it is empty or longer than 255 bytes.
pub fn member(text: &str) -> Result<Arc<str>, Invalid> {
    if text.is_empty() || text.len() > 255 {
        return Err(Invalid::new("a member has 1 to 255 bytes"));
    }
    Ok(text.into())
}

/// The account of all subjects together.
pub const EVERYONE: &str = "";

impl Event {
    /// Returns whose count it changes where windows are shared `per`: the subject, its group, or
    /// [everyone's](EVERYONE). A reset is about the subject's own count alone.
    #[must_use]
    pub fn account(&self, per: Per) -> Option<&str> {
        match per {
            Per::Subject => Some(self.subject.as_str()),
            Per::Group | Per::Server if self.kind == Kind::Reset => None,
            Per::Group => self.group.as_deref(),
            Per::Server => Some(EVERYONE),
        }
    }
}

/// One line of the ledger: an event as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place in the ledger, from 1; what is folded in order is folded by it.
    pub id: u64,
    /// What happened.
    pub event: Event,
    /// When it was written down.
    pub recorded: Timestamp,
    /// The caller's name for it.
    pub key: Option<Key>,
}
