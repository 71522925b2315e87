//! Document: everything that can be carried from one store to another, in its one canonical form.
//!
//! Names stand in order, amounts are whole numbers of base units, moments are exact: the same
//! books are the same bytes.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::record::{Brought, Record};
use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::{Amount, Grants, Group, Layer, Limit, Resource, Subject};
use crate::store::Ledger;

/// A policy, what subjects have of their own and, if asked for, the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What binds many.
    pub layer: Layer,
    /// What subjects have of their own; nobody without anything.
    pub grants: BTreeMap<Subject, Grants>,
    /// What happened; none if it is left out.
    pub ledger: Option<Ledger>,
}

/// A value in a table of several kinds of them.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Limit(&'a Limit),
    Amount(Amount),
    Text(&'a str),
}

/// What is granted, and until when.
#[derive(Clone, Debug, serde::Serialize)]
struct Given<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// The place of one subject.
#[derive(Clone, Debug, serde::Serialize)]
struct Place<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exempt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt_note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exempt_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Layer {
            origin: _,
            groups,
            default_group,
            resources,
            capabilities,
            rules,
            timezone,
            period,
        } = &self.layer;
        let mut map = out.serialize_map(None)?;
        if let Some(ledger) = &self.ledger {
            let all: Vec<_> = ledger.balances.iter().map(Brought::of).collect();
            map.serialize_entry("balances", &all)?;
        }
        map.serialize_entry("boosts", &self.of_each(boosts))?;
        map.serialize_entry("capabilities", capabilities)?;
        map.serialize_entry("default_group", default_group)?;
        if let Some(ledger) = &self.ledger {
            map.serialize_entry("events", &Records(ledger))?;
        }
        let all: BTreeMap<_, _> = groups.iter().map(|(name, it)| (name, group(it))).collect();
        map.serialize_entry("groups", &all)?;
        map.serialize_entry("overrides", &self.of_each(overrides))?;
        if let Some(period) = period {
            map.serialize_entry("period", period)?;
        }
        map.serialize_entry("resources", resources)?;
        let rules =
            rules.iter().map(|rule| [("group", &*rule.group), ("match", rule.pattern.as_str())]);
        map.serialize_entry("rules", &rules.map(BTreeMap::from).collect::<Vec<_>>())?;
        map.serialize_entry("subjects", &self.of_each(place))?;
        if let Some(zone) = timezone {
            map.serialize_entry("timezone", zone)?;
        }
        map.end()
    }
}

impl Document {
    /// Returns what `part` finds in the grants of each who has any of it.
    fn of_each<'a, T>(
        &'a self,
        part: impl Fn(&'a Grants) -> Option<T>,
    ) -> BTreeMap<&'a Subject, T> {
        let each = self.grants.iter();
        each.filter_map(|(subject, grants)| Some((subject, part(grants)?))).collect()
    }
}

/// The lines of a ledger, each made when it is written.
struct Records<'a>(&'a Ledger);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.0.lines.iter().map(Record::of))
    }
}

fn group(group: &Group) -> BTreeMap<&str, Value<'_>> {
    let limits = group.limits.iter();
    let limits = limits.map(|(resource, limit)| (resource.as_str(), Value::Limit(limit)));
    let extends = group.extends.as_deref().map(|base| ("extends", Value::Text(base)));
    let size = group.max_upload_bytes.map(|size| ("max_upload_bytes", Value::Amount(size)));
    let zone = group.timezone.as_ref().map(|zone| ("timezone", Value::Text(zone.name())));
    limits.chain(extends).chain(size).chain(zone).collect()
}

fn place(grants: &Grants) -> Option<Place<'_>> {
    let Grants { group, exempt, .. } = grants;
    (group.is_some() || exempt.is_some()).then(|| Place {
        exempt: exempt.is_some(),
        exempt_note: exempt.as_ref().and_then(|grant| grant.note.as_deref()),
        exempt_until: exempt.as_ref().and_then(|grant| grant.until).map(Timestamp::exact),
        group: group.as_ref().map(|grant| grant.what.as_str()),
        note: group.as_ref().and_then(|grant| grant.note.as_deref()),
        until: group.as_ref().and_then(|grant| grant.until).map(Timestamp::exact),
    })
}

fn overrides(grants: &Grants) -> Option<BTreeMap<&str, Given<'_>>> {
    let limits = grants.overrides.iter();
    let limits = limits
        .map(|(resource, grant)| (resource.as_str(), limited(grant, Value::Limit(&grant.what))));
    let size = grants.max_upload_bytes.as_ref().map(|grant| {
        let size = grant.what.map_or(Value::Text("unlimited"), Value::Amount);
        ("max_upload_bytes", limited(grant, size))
    });
    Some(limits.chain(size).collect::<BTreeMap<_, _>>()).filter(|all| !all.is_empty())
}

fn boosts(grants: &Grants) -> Option<BTreeMap<&Resource, Vec<Given<'_>>>> {
    let each = grants.boosts.iter().filter(|(_, boosts)| !boosts.is_empty());
    let each = each.map(|(resource, boosts)| (resource, boosts.iter().map(boost).collect()));
    Some(each.collect::<BTreeMap<_, _>>()).filter(|all| !all.is_empty())
}

fn boost(grant: &Grant<Amount>) -> Given<'_> {
    Given { amount: Some(grant.what), ..given(grant) }
}

fn limited<'a, T>(grant: &'a Grant<T>, limit: Value<'a>) -> Given<'a> {
    Given { limit: Some(limit), ..given(grant) }
}

fn given<T>(grant: &Grant<T>) -> Given<'_> {
    let Grant { until, note, .. } = grant;
    Given { amount: None, limit: None, note: note.as_deref(), until: until.map(Timestamp::exact) }
}
