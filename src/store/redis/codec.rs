//! Codec: how lines, notices and what is set aside are written: JSON arrays of texts, in which what
//! is missing is an empty text.

use crate::clock::Timestamp;
use crate::quota::count::Count;
use crate::quota::event::{Event, Kind, Line};
use crate::quota::held::HeldItem;
use crate::quota::idempotency::Key;
use crate::quota::notice::{Notice, Topic};
use crate::quota::strictness::Mode;
use crate::quota::{Amount, Per};
use crate::store::StoreError;

use super::fault::corrupt;

/// Writes `line`, without its id.
pub(super) fn write_line(line: &Line) -> String {
    let Event { subject, group, resource, kind, amount, member, at, hold, bucket } = &line.event;
    let (key, fingerprint) = match &line.key {
        Some(key) => (key.name.as_str(), hexadecimal(&key.fingerprint)),
        None => ("", String::new()),
    };
    texts(&[
        subject.as_str(),
        group.as_deref().unwrap_or_default(),
        resource.as_str(),
        kind.name(),
        &amount.to_string(),
        member.as_deref().unwrap_or_default(),
        &at.millis().to_string(),
        &hold.map(|hold| hold.to_string()).unwrap_or_default(),
        bucket.as_deref().unwrap_or_default(),
        &line.recorded.millis().to_string(),
        key,
        &fingerprint,
    ])
}

/// Reads the line that is written under `id`.
pub(super) fn read_line(id: u64, text: &str) -> Result<Line, StoreError> {
    let parts: [String; 12] = read(text, "a line of the ledger")?;
    let [subject, group, resource, kind, amount, member, at, hold, bucket, recorded, key, print] =
        parts;
    let wrong = || corrupt(format!("line {id} of the ledger cannot be read"));
    let event = Event {
        subject: subject.parse().map_err(|_| wrong())?,
        group: some(group).map(Into::into),
        resource: resource.parse().map_err(|_| wrong())?,
        kind: Kind::named(&kind).ok_or_else(wrong)?,
        amount: self::amount(&amount)?,
        member: some(member).map(Into::into),
        at: moment(&at)?,
        hold: some(hold).map(|hold| hold.parse()).transpose().map_err(|_| wrong())?,
        bucket: some(bucket),
    };
    let key = match some(key) {
        Some(name) => Some(Key { name, fingerprint: bytes(&print).ok_or_else(wrong)? }),
        None => None,
    };
    Ok(Line { id, event, recorded: moment(&recorded)?, key })
}

/// Reads the notice that is written under `id`.
pub(super) fn read_notice(id: u64, text: &str) -> Result<Notice, StoreError> {
    let parts: [String; 13] = read(text, "a notice")?;
    let [topic, subject, resource, per, group, period, bucket, mode, limit, used, rest @ ..] =
        parts;
    let [percentage, part, at] = rest;
    let wrong = || corrupt(format!("notice {id} cannot be read"));
    Ok(Notice {
        id,
        topic: Topic::named(&topic).ok_or_else(wrong)?,
        subject: subject.parse().map_err(|_| wrong())?,
        resource: resource.parse().map_err(|_| wrong())?,
        per: Per::named(&per).ok_or_else(wrong)?,
        group: some(group),
        period: period.parse().map_err(|_| wrong())?,
        bucket,
        mode: mode.parse::<Mode>().map_err(|_| wrong())?,
        limit: amount(&limit)?,
        used: amount(&used)?,
        percentage: some(percentage).map(|it| it.parse()).transpose().map_err(|_| wrong())?,
        part: some(part).map(|it| amount(&it)).transpose()?,
        at: moment(&at)?,
    })
}

/// Reads what is set aside, or charged: a resource, an amount and `1` if it is metered, each.
pub(super) fn read_items(text: &str) -> Result<Vec<HeldItem>, StoreError> {
    let items: Vec<[String; 3]> = read(text, "a reservation")?;
    let read = |[resource, amount, metered]: [String; 3]| {
        let resource = resource.parse().map_err(|_| corrupt("a reservation of no resource"))?;
        Ok(HeldItem { resource, amount: self::amount(&amount)?, metered: metered == "1" })
    };
    items.into_iter().map(read).collect()
}

/// Reads an amount.
pub(super) fn amount(text: &str) -> Result<Amount, StoreError> {
    let amount = text.parse().map(Amount::new);
    amount.map_err(|_| corrupt(format!("\"{text}\" is not an amount")))
}

/// Reads a moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, StoreError> {
    let moment = text.parse().map(Timestamp::from_millis);
    moment.map_err(|_| corrupt(format!("\"{text}\" is not a moment")))
}

/// Reads a moment that may be missing, as `-`.
pub(super) fn maybe(text: &str) -> Result<Option<Timestamp>, StoreError> {
    if text == "-" { Ok(None) } else { moment(text).map(Some) }
}

/// Reads the count of an account in an opened bucket: `USED NEWEST SINCE END`.
pub(super) fn read_count(text: &str) -> Result<Count, StoreError> {
    let wrong = || corrupt(format!("\"{text}\" is not a count"));
    let mut parts = text.split(' ');
    let mut next = || parts.next().ok_or_else(wrong);
    let used = amount(next()?)?;
    let (newest, since) = (maybe(next()?)?, maybe(next()?)?);
    Ok(Count { used, newest, since })
}

/// Reads a balance, `USED NEWEST`; nothing is none.
pub(super) fn read_balance(text: &str) -> Result<Option<Count>, StoreError> {
    let Some((used, newest)) = text.split_once(' ') else {
        return if text.is_empty() { Ok(None) } else { Err(corrupt("a balance has no moment")) };
    };
    Ok(Some(Count { used: amount(used)?, newest: maybe(newest)?, since: None }))
}

/// Writes a balance.
pub(super) fn write_balance(count: &Count) -> String {
    let newest = count.newest.map_or_else(|| "-".to_owned(), |at| at.millis().to_string());
    format!("{} {newest}", count.used)
}

/// Writes `parts` as a JSON array.
pub(super) fn texts(parts: &[&str]) -> String {
    // Texts can always be written.
    serde_json::to_string(parts).unwrap_or_default()
}

/// Writes `bytes` in hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    let byte = |pair: &[u32]| {
        let [high, low] = pair else { return None };
        u8::try_from(high * 16 + low).ok()
    };
    pairs.chunks(2).map(byte).collect()
}

fn read<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(format!("{what}: {error}")))
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
