//! What subjects have of their own.

use std::collections::BTreeMap;

use super::{Reader, SIZE, named, size};
use crate::engine::EngineError;
use crate::engine::transfer::limits::limit;
use crate::engine::transfer::place::{Place, Table};
use crate::engine::transfer::tree::Tree;
use crate::quota::grant::{self, Grant};
use crate::quota::{Amount, Grants, Limit, Resource, Subject};

/// Reads who is in which group, and who is exempt.
pub(super) fn subjects(
    place: &Place<'_>,
    grants: &mut BTreeMap<Subject, Grants>,
) -> Result<(), EngineError> {
    const KEYS: [&str; 6] = ["exempt", "exempt_note", "exempt_until", "group", "note", "until"];
    for (subject, place) in place.named::<Subject>()? {
        let table = place.table(&KEYS)?;
        let exempt = table.value("exempt", |it| match it.tree {
            Tree::Boolean(yes) => Ok(*yes),
            _ => Err(it.needs("true or false")),
        })?;
        let group = table.value("group", |it| named(it, "group"))?;
        let has = |key, there: bool, of| match table.get(key) {
            Some(place) if !there => {
                Err(place.wrong(format_args!("belongs to {of}: write that, too")))
            }
            _ => Ok(()),
        };
        let is_exempt = exempt.unwrap_or_default();
        has("exempt_until", is_exempt, "exempt")?;
        has("exempt_note", is_exempt, "exempt")?;
        has("until", group.is_some(), "group")?;
        has("note", group.is_some(), "group")?;
        let group = group.map(|what| given(&table, what, "until", "note")).transpose()?;
        let exempt = is_exempt.then(|| given(&table, (), "exempt_until", "exempt_note"));
        if group.is_none() && exempt.is_none() {
            return Err(place.wrong("says neither group nor exempt: leave it out"));
        }
        let own = grants.entry(subject).or_default();
        (own.group, own.exempt) = (group, exempt.transpose()?);
    }
    Ok(())
}

fn given<T>(table: &Table<'_>, what: T, until: &str, note: &str) -> Result<Grant<T>, EngineError> {
    let note = table.value(note, |it| it.heed(grant::note(it.text()?)))?;
    Ok(Grant { what, until: table.value(until, Place::parsed)?, note })
}

impl Reader<'_> {
    pub(super) fn overrides(
        &self,
        place: &Place<'_>,
        grants: &mut BTreeMap<Subject, Grants>,
    ) -> Result<(), EngineError> {
        for (subject, place) in place.named::<Subject>()? {
            let own = grants.entry(subject).or_default();
            for (key, place) in place.entries()? {
                if key == SIZE {
                    own.max_upload_bytes = Some(granted(&place, size)?);
                    continue;
                }
                let resource: Resource = place.heed(key.parse())?;
                let measure = self.measure(&resource);
                let alone = |it: &Place<'_>| {
                    let limit = limit(it, &measure)?;
                    it.heed(limit.is_one_s_own()).map(|()| limit)
                };
                let grant: Grant<Limit> = granted(&place, alone)?;
                own.overrides.insert(resource, grant);
            }
        }
        Ok(())
    }

    pub(super) fn boosts(
        &self,
        place: &Place<'_>,
        grants: &mut BTreeMap<Subject, Grants>,
    ) -> Result<(), EngineError> {
        for (subject, place) in place.named::<Subject>()? {
            let own = grants.entry(subject).or_default();
            for (resource, place) in place.named::<Resource>()? {
                let measure = self.measure(&resource);
                let boost = |place: &Place<'_>| {
                    let table = place.table(&["amount", "note", "until"])?;
                    let amount = table.needed("amount")?;
                    let more = amount.amount(&measure)?;
                    if more <= Amount::ZERO {
                        return Err(amount.wrong("a boost is above zero"));
                    }
                    given(&table, more, "until", "note")
                };
                let all: Vec<_> = place.items().iter().map(boost).collect::<Result<_, _>>()?;
                if !all.is_empty() {
                    own.boosts.insert(resource, all);
                }
            }
        }
        Ok(())
    }
}

/// Reads a table with a limit and how long it holds, or the limit alone.
fn granted<T>(
    place: &Place<'_>,
    read: impl FnOnce(&Place<'_>) -> Result<T, EngineError>,
) -> Result<Grant<T>, EngineError> {
    let Tree::Table(_) = place.tree else {
        return Ok(Grant { what: read(place)?, until: None, note: None });
    };
    let table = place.table(&["limit", "note", "until"])?;
    let what = read(table.needed("limit")?)?;
    given(&table, what, "until", "note")
}
