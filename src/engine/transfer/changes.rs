//! Changes: what a document makes of the policy, entry by entry, for people and programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::Document;
use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::{Amount, Limit, Measure, Policy, Resource};

/// What one entry was, and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Change {
    /// Which: `group free media_bytes`.
    pub what: String,
    /// None if it was not there.
    pub before: Option<String>,
    /// None if it is gone.
    pub after: Option<String>,
}

/// `+ group free media_bytes 500 MB/month`, `- rule @x`, `~ group free uploads 5 → 6`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, before, after } = self;
        let text = |value: &Option<String>| {
            value
                .as_deref()
                .filter(|it| !it.is_empty())
                .map(|it| format!(" {it}"))
                .unwrap_or_default()
        };
        match (before, after) {
            (None, _) => write!(f, "+ {what}{}", text(after)),
            (_, None) => write!(f, "- {what}{}", text(before)),
            _ => write!(f, "~ {what}{} →{}", text(before), text(after)),
        }
    }
}

/// All changes, in order.
pub type Changes = Vec<Change>;

/// The entries of a document: by section and name, each in words.
type Entries = BTreeMap<(u8, String), String>;

/// Returns what differs between `before` and `after`, which stand in these policies.
pub(super) fn changes(
    (before, old): (&Document, &Policy),
    (after, new): (&Document, &Policy),
) -> Changes {
    let (was, is) = (entries(before, old), entries(after, new));
    let mut names: Vec<_> = was.keys().chain(is.keys()).collect();
    names.sort();
    names.dedup();
    let all = names.into_iter().map(|name| {
        let (before, after) = (was.get(name).cloned(), is.get(name).cloned());
        Change { what: name.1.clone(), before, after }
    });
    let mut all: Changes = all.filter(|change| change.before != change.after).collect();
    all.extend(order(before, after));
    all
}

/// Tells that the same rules stand in another order.
fn order(before: &Document, after: &Document) -> Option<Change> {
    let patterns = |document: &Document, other: &Document| {
        let common =
            |pattern: &str| other.layer.rules.iter().any(|it| it.pattern.as_str() == pattern);
        let all = document.layer.rules.iter().map(|rule| rule.pattern.as_str());
        all.filter(|it| common(it)).collect::<Vec<_>>().join(", ")
    };
    let (was, is) = (patterns(before, after), patterns(after, before));
    let what = "order of rules".to_owned();
    (was != is).then_some(Change { what, before: Some(was), after: Some(is) })
}

fn entries(document: &Document, policy: &Policy) -> Entries {
    let mut all = Entries::new();
    let mut say = |section: u8, what: String, value: String| {
        all.insert((section, what), value);
    };
    let layer = &document.layer;
    for (resource, Measure { aggregate, unit, decimals }) in &layer.resources {
        let decimals =
            if *decimals > 0 { format!(" with {decimals} decimals") } else { String::new() };
        say(0, format!("resource {resource}"), format!("{aggregate} of {unit}{decimals}"));
    }
    for (name, group) in &layer.groups {
        say(1, format!("group {name}"), String::new());
        for (resource, limit) in &group.limits {
            let limit = limited(limit, &policy.measure(resource));
            say(1, format!("group {name} {resource}"), limit);
        }
        let size = group.max_upload_bytes.map(|size| amount(size, &Measure::BYTES));
        let zone = group.timezone.as_ref().map(|zone| zone.name().to_owned());
        let settings =
            [("extends", group.extends.clone()), ("max_upload_bytes", size), ("timezone", zone)];
        for (key, value) in settings {
            if let Some(value) = value {
                say(1, format!("group {name} {key}"), value);
            }
        }
    }
    for (name, capability) in &layer.capabilities {
        let drawn: Vec<_> = capability.resources().iter().map(Resource::as_str).collect();
        say(2, format!("capability {name}"), drawn.join(", "));
        if let Some(on_outage) = capability.on_outage() {
            say(2, format!("capability {name} on_outage"), on_outage.to_string());
        }
    }
    for rule in &layer.rules {
        say(3, format!("rule {}", rule.pattern), rule.group.clone());
    }
    let period = layer.period.map(|period| period.to_string());
    let zone = layer.timezone.as_ref().map(|zone| zone.name().to_owned());
    let settings =
        [("default_group", layer.default_group.clone()), ("period", period), ("timezone", zone)];
    for (key, value) in settings {
        if let Some(value) = value {
            say(4, key.to_owned(), value);
        }
    }
    grants(document, policy, &mut say);
    all
}

fn grants(document: &Document, policy: &Policy, say: &mut impl FnMut(u8, String, String)) {
    for (subject, grants) in &document.grants {
        if let Some(grant) = &grants.group {
            say(5, format!("subject {subject} group"), held(&grant.what, grant));
        }
        if let Some(grant) = &grants.exempt {
            say(5, format!("subject {subject} exempt"), held("yes", grant));
        }
        for (resource, grant) in &grants.overrides {
            let limit = limited(&grant.what, &policy.measure(resource));
            say(6, format!("override {subject} {resource}"), held(&limit, grant));
        }
        if let Some(grant) = &grants.max_upload_bytes {
            let size = |size| amount(size, &Measure::BYTES);
            let size = grant.what.map_or_else(|| "unlimited".to_owned(), size);
            say(6, format!("override {subject} max_upload_bytes"), held(&size, grant));
        }
        for (resource, boosts) in &grants.boosts {
            let measure = policy.measure(resource);
            let each = boosts.iter().map(|grant| held(&amount(grant.what, &measure), grant));
            let each: Vec<_> = each.collect();
            say(7, format!("boost {subject} {resource}"), each.join(", "));
        }
    }
}

/// Returns what is granted, until when and why.
fn held<T>(what: &str, grant: &Grant<T>) -> String {
    let until = grant.until.map(Timestamp::exact).map(|end| format!(" until {end}"));
    let note = grant.note.as_ref().map(|note| format!(" ({note})"));
    format!("{what}{}{}", until.unwrap_or_default(), note.unwrap_or_default())
}

/// Returns a limit as people write it; in base units where that says less.
fn limited(limit: &Limit, measure: &Measure) -> String {
    let human = limit.human(measure);
    if Limit::parse(&human, measure).as_ref() == Ok(limit) { human } else { limit.to_string() }
}

/// Returns an amount as people write it, with the exact number where that says less.
pub(super) fn amount(amount: Amount, measure: &Measure) -> String {
    let human = measure.human(amount);
    if measure.parse(&human) == Ok(amount) { human } else { format!("{human} ({amount})") }
}
