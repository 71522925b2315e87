//! Draft: a document as it was read: its form is right, its names and amounts not looked at yet.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::record::{Brought, Record};
use super::tree::{Planted, Tree, within};
use crate::quota::nearest;

/// Every key that a document may have.
pub(super) const KEYS: [&str; 12] = [
    "balances",
    "boosts",
    "capabilities",
    "default_group",
    "events",
    "groups",
    "overrides",
    "period",
    "resources",
    "rules",
    "subjects",
    "timezone",
];

/// A document as it was read. What amounts mean depends on the policy it is to join.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub(super) entries: Vec<(&'static str, Tree)>,
    pub(super) balances: Vec<Brought>,
    /// None if it says nothing of the ledger.
    pub(super) events: Option<Vec<Record>>,
}

impl Draft {
    /// Returns what stands under `key`.
    pub(super) fn at(&self, key: &str) -> Option<&Tree> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, tree)| tree)
    }

    /// Returns the draft that says `entries` of the policy, and nothing of the ledger.
    pub(super) fn of(entries: Vec<(&'static str, Tree)>) -> Self {
        Self { entries, ..Self::default() }
    }
}

impl Serialize for Draft {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self { entries, balances, events } = self;
        let mut map = out.serialize_map(None)?;
        for (key, tree) in entries {
            map.serialize_entry(key, tree)?;
        }
        if let Some(events) = events {
            map.serialize_entry("balances", balances)?;
            map.serialize_entry("events", events)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(Drafting)
    }
}

struct Drafting;

impl<'de> Visitor<'de> for Drafting {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document with keys like groups")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Draft, A::Error> {
        let (mut draft, mut seen) = (Draft::default(), Vec::new());
        while let Some(name) = entries.next_key::<String>()? {
            let pointer = within("", &name);
            let Some(key) = KEYS.into_iter().find(|key| *key == name) else {
                let hint = nearest(&name, KEYS);
                let all = KEYS.join(", ");
                return Err(A::Error::custom(format!("{pointer}: is none of {all}{hint}")));
            };
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("{pointer} is named twice: keep one")));
            }
            seen.push(key);
            match key {
                "balances" => draft.balances = entries.next_value_seed(Numbered::at(key))?,
                "events" => draft.events = Some(entries.next_value_seed(Numbered::at(key))?),
                _ => draft.entries.push((key, entries.next_value_seed(Planted(pointer))?)),
            }
        }
        if draft.events.is_none() && !draft.balances.is_empty() {
            return Err(A::Error::custom(
                "/balances: they stand before events, and there are none",
            ));
        }
        Ok(draft)
    }
}

/// Reads a list; what is wrong with a record is told with its number.
struct Numbered<T> {
    key: &'static str,
    of: std::marker::PhantomData<T>,
}

impl<T> Numbered<T> {
    const fn at(key: &'static str) -> Self {
        Self { key, of: std::marker::PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Numbered<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Vec<T>, D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Numbered<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.key)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        loop {
            let place = within(&within("", self.key), &all.len().to_string());
            let item = items.next_element();
            match item.map_err(|error| A::Error::custom(format!("{place}: {error}")))? {
                Some(item) => all.push(item),
                None => return Ok(all),
            }
        }
    }
}
