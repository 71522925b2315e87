//! Entry: one thing that is still to be brought into the books, as a line of the journal.
//!
//! ```text
//! 9f86d081884c7d65 95 charge 0190… 1781784000123 1781784000456 unseen 700 media_bytes=700 @alice:example.org
//! checksum         length and what is to be done
//! ```

use std::fmt::{self, Write};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::quota::held::{HeldItem, HoldId};
use crate::quota::{Amount, Subject};

/// What is still to be brought into the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Entry {
    /// An action took place: it is to be charged.
    Charge(Noted),
    /// It was settled, in the store or by an entry before this one; that is to be taken back.
    Refund(HoldId, Timestamp),
    /// It did not take place; whatever is held or charged for it is to be given back.
    GiveBack(HoldId, Timestamp),
}

/// An action that is to be charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Noted {
    /// Its reservation: whatever happens, that is settled once.
    pub(in crate::engine) id: HoldId,
    pub(in crate::engine) subject: Subject,
    /// The moment that says in which buckets it counts.
    pub(in crate::engine) at: Timestamp,
    /// When it was written down.
    pub(in crate::engine) since: Timestamp,
    /// The store may know the reservation.
    pub(in crate::engine) seen: bool,
    /// What the action turned out to be.
    pub(in crate::engine) total: Amount,
    /// What it draws on; the amounts of what is metered do not matter.
    pub(in crate::engine) items: Vec<HeldItem>,
}

impl Entry {
    /// Returns when it was written down.
    pub(in crate::engine) const fn noted(&self) -> Timestamp {
        match self {
            Self::Charge(Noted { since, .. })
            | Self::Refund(_, since)
            | Self::GiveBack(_, since) => *since,
        }
    }

    /// Returns the line that says it, its end included.
    pub(super) fn line(&self) -> String {
        let said = self.to_string();
        format!("{} {} {said}\n", checksum(said.as_bytes()), said.len())
    }

    /// Returns what `line` says, without its end; none if it is damaged.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (sum, rest) = line.split_once(' ')?;
        let (length, said) = rest.split_once(' ')?;
        let whole = length.parse() == Ok(said.len()) && sum == checksum(said.as_bytes());
        said.parse().ok().filter(|_| whole)
    }
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is charged for the action as a whole is marked by a star.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Charge(noted) => {
                let seen = if noted.seen { "seen" } else { "unseen" };
                let (at, when) = (noted.at.millis(), noted.since.millis());
                write!(f, "charge {} {at} {when} {seen} {} ", noted.id, noted.total.get())?;
                for (index, item) in noted.items.iter().enumerate() {
                    let (between, star) =
                        (if index > 0 { "," } else { "" }, if item.metered { "*" } else { "" });
                    write!(f, "{between}{}={}{star}", item.resource, item.amount.get())?;
                }
                write!(f, " {}", noted.subject)
            }
            Self::Refund(id, noted) => write!(f, "refund {id} {}", noted.millis()),
            Self::GiveBack(id, noted) => write!(f, "back {id} {}", noted.millis()),
        }
    }
}

/// What is no entry.
#[derive(Debug)]
pub(in crate::engine) struct NoEntry;

impl FromStr for Entry {
    type Err = NoEntry;

    fn from_str(said: &str) -> Result<Self, NoEntry> {
        let words: Vec<_> = said.split(' ').collect();
        match words.as_slice() {
            ["charge", id, at, since, seen, total, items, subject] => Ok(Self::Charge(Noted {
                id: read(id)?,
                subject: read(subject)?,
                at: moment(at)?,
                since: moment(since)?,
                seen: *seen == "seen",
                total: Amount::new(read(total)?),
                items: items
                    .split(',')
                    .filter(|item| !item.is_empty())
                    .map(item)
                    .collect::<Result<_, _>>()?,
            })),
            ["refund", id, noted] => Ok(Self::Refund(read(id)?, moment(noted)?)),
            ["back", id, noted] => Ok(Self::GiveBack(read(id)?, moment(noted)?)),
            _ => Err(NoEntry),
        }
    }
}

fn read<T: FromStr>(word: &str) -> Result<T, NoEntry> {
    word.parse().map_err(|_| NoEntry)
}

fn moment(word: &str) -> Result<Timestamp, NoEntry> {
    read(word).map(Timestamp::from_millis)
}

fn item(word: &str) -> Result<HeldItem, NoEntry> {
    let (resource, amount) = word.split_once('=').ok_or(NoEntry)?;
    let plain = amount.strip_suffix('*');
    let metered = plain.is_some();
    let amount = Amount::new(read(plain.unwrap_or(amount))?);
    Ok(HeldItem { resource: read(resource)?, amount, metered })
}
