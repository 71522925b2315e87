//! Held: what is remembered of a reservation: for whom, how much, whether it still counts.

use std::sync::Arc;

pub use super::hold_id::HoldId;

use super::event::{Event, Kind};
use super::{Amount, Resource, Subject};
use crate::clock::Timestamp;

/// Names a running process among those on one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance(Arc<str>);

impl Instance {
    /// Returns a name that no other process has.
    #[must_use]
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string().into())
    }

    /// Returns the instance called `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long an open reservation counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until a moment.
    Until(Timestamp),
    /// As long as the instance that took it gives signs of life.
    While(Instance),
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its room is set aside.
    Open,
    /// Its owner or its time was gone; the room was given back.
    Lapsed,
    /// The room was given back.
    Released,
    /// It was replaced by what was really used.
    Settled,
    /// It was settled, and then taken back.
    Refunded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Open, Self::Lapsed, Self::Released, Self::Settled, Self::Refunded];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Lapsed => "lapsed",
            Self::Released => "released",
            Self::Settled => "settled",
            Self::Refunded => "refunded",
        }
    }

    /// Returns the state whose word is `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Room on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldItem {
    /// The resource.
    pub resource: Resource,
    /// How much is set aside; once settled, how much was charged.
    pub amount: Amount,
    /// It is charged by what the action turned out to be; otherwise by what is set aside.
    pub metered: bool,
}

/// A reservation, as a store remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: HoldId,
    /// Whose room.
    pub subject: Subject,
    /// The group whose pools it draws on, too.
    pub group: Option<Arc<str>>,
    /// The moment that says in which buckets it counts, now and when settled.
    pub at: Timestamp,
    /// How long it counts.
    pub life: Life,
    /// What became of it.
    pub state: State,
    /// The room on each resource.
    pub items: Vec<HeldItem>,
}

impl Held {
    /// Returns what each item is charged when the action turned out to be `total`.
    #[must_use]
    pub fn charges(&self, total: Amount) -> Vec<HeldItem> {
        let charge = |item: &HeldItem| HeldItem {
            amount: if item.metered { total } else { item.amount },
            ..item.clone()
        };
        self.items.iter().map(charge).collect()
    }

    /// Returns the line of the ledger about what became of `item`.
    #[must_use]
    pub fn event(&self, item: &HeldItem, kind: Kind, amount: Amount) -> Event {
        Event {
            subject: self.subject.clone(),
            group: self.group.clone(),
            resource: item.resource.clone(),
            kind,
            amount,
            member: None,
            at: self.at,
            hold: Some(self.id),
            bucket: None,
        }
    }
}
