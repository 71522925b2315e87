//! Records: lines of the ledger, and what was used before them, as a document says them.

use serde::{Deserialize, Serialize};

use super::place::said;
use crate::clock::{Timestamp, exact};
use crate::quota::event::{Event, Kind, Line, member};
use crate::quota::held::HoldId;
use crate::quota::idempotency::Key;
use crate::quota::resource::name;
use crate::quota::{Amount, Invalid, Measure, Per, Resource, Said, Subject};
use crate::store::Balance;

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    #[serde(default)]
    amount: Said,
    #[serde(with = "exact")]
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    /// What was asked under the key, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    /// Its place in the ledger; without one it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// When it was written down; without that, when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exact::optional")]
    recorded: Option<Timestamp>,
    pub(super) resource: Resource,
    subject: Subject,
}

/// What an account had used before the first line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Brought {
    #[serde(default)]
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exact::optional")]
    newest: Option<Timestamp>,
    #[serde(default)]
    per: Per,
    pub(super) resource: Resource,
    used: Said,
}

impl Record {
    /// Returns how `line` is said.
    pub(super) fn of(line: &Line) -> Self {
        let Line { id, event, recorded, key } = line;
        let fingerprint = key.as_ref().map(|key| hexadecimal(&key.fingerprint));
        Self {
            amount: Said::Units(event.amount),
            at: event.at,
            bucket: event.bucket.clone(),
            fingerprint,
            group: event.group.as_deref().map(str::to_owned),
            hold: event.hold.map(|hold| hold.to_string()),
            id: Some(*id),
            key: key.as_ref().map(|key| key.name.clone()),
            kind: event.kind.name().to_owned(),
            member: event.member.as_deref().map(str::to_owned),
            recorded: Some(*recorded),
            resource: event.resource.clone(),
            subject: event.subject.clone(),
        }
    }

    /// Returns the line that it says, as number `id`, its amount in `measure`.
    ///
    /// # Errors
    /// What contradicts itself.
    pub(super) fn line(&self, id: u64, measure: &Measure) -> Result<Line, Invalid> {
        let kind = Kind::named(&self.kind).ok_or_else(|| {
            let all = Kind::ALL.map(Kind::name).join(", ");
            Invalid::new(format!("\"{}\" is no kind of event: write one of {all}", self.kind))
        })?;
        let amount = units(&self.amount, measure)?;
        if !kind.charges() && amount != Amount::ZERO {
            return Err(Invalid::new(format!(
                "a {kind} has no amount: write 0",
                kind = kind.name()
            )));
        }
        if self.bucket.is_some() && kind != Kind::Reset {
            return Err(Invalid::new("only a reset is about one bucket: leave bucket out"));
        }
        let event = Event {
            subject: self.subject.clone(),
            group: self.group.as_deref().map(|group| name(group, "group")).transpose()?,
            resource: self.resource.clone(),
            kind,
            amount,
            member: self.member.as_deref().map(member).transpose()?,
            at: self.at,
            hold: self.hold.as_deref().map(str::parse::<HoldId>).transpose()?,
            bucket: self.bucket.clone(),
        };
        Ok(Line { id, event, recorded: self.recorded.unwrap_or(self.at), key: self.key()? })
    }

    fn key(&self) -> Result<Option<Key>, Invalid> {
        match (&self.key, &self.fingerprint) {
            (Some(name), Some(fingerprint)) => {
                let fingerprint = bytes(fingerprint).ok_or_else(|| {
                    Invalid::new("the fingerprint is no text of hexadecimal digits")
                })?;
                Key::new(name, fingerprint).map(Some)
            }
            (None, None) => Ok(None),
            _ => Err(Invalid::new("key and fingerprint belong together: write both, or neither")),
        }
    }
}

impl Brought {
    /// Returns how `balance` is said.
    pub(super) fn of(balance: &Balance) -> Self {
        let Balance { resource, per, account, used, newest } = balance.clone();
        Self { account, newest, per, resource, used: Said::Units(used) }
    }

    /// Returns the balance that it says, its amount in `measure`.
    ///
    /// # Errors
    /// What contradicts itself.
    pub(super) fn balance(&self, measure: &Measure) -> Result<Balance, Invalid> {
        let Self { account, newest, per, resource, used } = self.clone();
        if (per == Per::Server) != account.is_empty() {
            return Err(Invalid::new(
                "what is per server has no account, and everything else has one",
            ));
        }
        match per {
            Per::Subject => drop(account.parse::<Subject>()?),
            Per::Group => drop(name(&account, "group")?),
            Per::Server => {}
        }
        Ok(Balance { resource, per, account, used: units(&used, measure)?, newest })
    }
}

/// Returns what is said, a number without a unit as one of base units.
fn units(amount: &Said, measure: &Measure) -> Result<Amount, Invalid> {
    match amount {
        Said::Units(units) => Ok(*units),
        Said::Text(text) => said(text, measure).parse(text),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok()));
    let digits = digits.collect::<Option<Vec<_>>>()?;
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(high * 16 + low),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}
