//! Place: one value of a document and where it stands, so that whatever is wrong says where.

use std::fmt::Display;
use std::str::FromStr;

use super::tree::{Tree, within};
use crate::engine::EngineError;
use crate::quota::{Amount, Measure, nearest};

/// A value, and the pointer to it.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pointer: String,
    pub(super) tree: &'a Tree,
}

impl<'a> Place<'a> {
    /// Returns `tree`, which stands at `pointer`.
    pub(super) fn new(pointer: impl Into<String>, tree: &'a Tree) -> Self {
        Self { pointer: pointer.into(), tree }
    }

    /// Returns the complaint `text` about it.
    pub(super) fn wrong(&self, text: impl Display) -> EngineError {
        let pointer = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        EngineError::BadInput(format!("{pointer}: {text}"))
    }

    /// Says that `needed` is needed here.
    pub(super) fn needs(&self, needed: &str) -> EngineError {
        self.wrong(format_args!("needs {needed}, not {}", self.tree.kind()))
    }

    /// Returns what `read` makes of it, or where it went wrong.
    pub(super) fn heed<T>(&self, read: Result<T, impl Display>) -> Result<T, EngineError> {
        read.map_err(|error| self.wrong(error))
    }

    /// Returns its entries, each with its name.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, EngineError> {
        let Tree::Table(entries) = self.tree else { return Err(self.needs("a table")) };
        let place = |(name, tree): &'a (String, Tree)| {
            (name.as_str(), Self::new(within(&self.pointer, name), tree))
        };
        Ok(entries.iter().map(place).collect())
    }

    /// Returns its entries, whose names `T` reads.
    pub(super) fn named<T>(&self) -> Result<Vec<(T, Self)>, EngineError>
    where
        T: FromStr<Err: Display>,
    {
        let entries = self.entries()?.into_iter();
        entries.map(|(name, place)| Ok((place.heed(name.parse())?, place))).collect()
    }

    /// Returns its items; a single value is a list of one.
    pub(super) fn items(&self) -> Vec<Self> {
        let Tree::List(items) = self.tree else { return vec![self.clone()] };
        let place = |(index, tree): (usize, &'a Tree)| {
            Self::new(within(&self.pointer, &index.to_string()), tree)
        };
        items.iter().enumerate().map(place).collect()
    }

    /// Returns it as a table that has no other keys than `known`.
    pub(super) fn table(&self, known: &'static [&'static str]) -> Result<Table<'a>, EngineError> {
        let entries = self.entries()?;
        for (name, place) in &entries {
            if !known.contains(name) {
                let hint = nearest(name, known.iter().copied());
                return Err(place.wrong(format_args!("is none of {}{hint}", known.join(", "))));
            }
        }
        Ok(Table { place: self.clone(), entries })
    }

    /// Returns the text it is.
    pub(super) fn text(&self) -> Result<&'a str, EngineError> {
        match self.tree {
            Tree::Text(text) => Ok(text),
            _ => Err(self.needs("text")),
        }
    }

    /// Returns what the text it is means to `T`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self) -> Result<T, EngineError> {
        self.heed(self.text()?.parse())
    }

    /// Returns an amount: a number of base units, or text in a unit of `measure`.
    pub(super) fn amount(&self, measure: &Measure) -> Result<Amount, EngineError> {
        match self.tree {
            Tree::Number(number) => Ok(Amount::new(*number)),
            Tree::Text(text) => self.heed(said(text, measure).parse(text)),
            _ => Err(self.needs("an amount, like 500000000 or \"500MB\"")),
        }
    }

    /// Returns an amount that is not below zero.
    pub(super) fn size(&self, measure: &Measure) -> Result<Amount, EngineError> {
        let size = self.amount(measure)?;
        if size.is_negative() {
            return Err(self.wrong("must not be below zero"));
        }
        Ok(size)
    }
}

/// Returns the measure in which `text` is to be read.
///
/// A number without a unit is one of base units; where these are parts of a unit, only what names
/// the unit is in units.
pub(super) fn said(text: &str, measure: &Measure) -> Measure {
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | ' ');
    let behind = text.trim_start_matches(number);
    let unit: String = behind.chars().take_while(|c| c.is_alphanumeric()).collect();
    let names_unit = unit == measure.unit.name();
    if names_unit { measure.clone() } else { Measure { decimals: 0, ..measure.clone() } }
}

/// A value that is a table with known keys.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) place: Place<'a>,
    entries: Vec<(&'a str, Place<'a>)>,
}

impl<'a> Table<'a> {
    /// Returns what stands under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Place<'a>> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, place)| place)
    }

    /// Returns what stands under `key`, as `read` understands it.
    pub(super) fn value<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Place<'a>) -> Result<T, EngineError>,
    ) -> Result<Option<T>, EngineError> {
        self.get(key).map(read).transpose()
    }

    /// Returns what stands under `key`, which must be there.
    pub(super) fn needed(&self, key: &str) -> Result<&Place<'a>, EngineError> {
        self.get(key).ok_or_else(|| self.place.wrong(format_args!("has no {key}")))
    }
}
