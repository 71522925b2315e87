//! `[policy]`: groups, their limits, and who is in which; the file layer of the policy.

use std::collections::BTreeMap;

use super::limit::limit;
use super::resources::{self, Measures, resources};
use crate::config::section::Section;
use crate::config::tree::{Node, Value};
use crate::config::value::{bytes, parsed, text};
use crate::quota::policy::Rule;
use crate::quota::resource::RESERVED;
use crate::quota::{Amount, Capability, Group, Invalid, Layer, Resource, nearest, resource};

pub(in crate::config) fn policy(whole: &Section<'_>) -> Layer {
    let section = whole.section("policy");
    let capabilities = capabilities(&section.section("capabilities"));
    let resources = resources(&section.section("resources"));
    let groups = groups(&section.section("groups"), &capabilities, &resources);
    let rules = section.sections("rules").into_iter();
    let read = Layer {
        origin: None,
        timezone: section.value("timezone", parsed),
        period: section.value("period", parsed),
        default_group: section.value("default_group", group_name),
        resources,
        capabilities,
        rules: rules.filter_map(|it| rule(it, &groups)).collect(),
        groups,
    };
    if let Some(group) = &read.default_group {
        declared(&section, "default_group", group, &read.groups);
    }
    everyone_is_meant(&section, &read);
    section.done();
    read
}

fn groups(
    section: &Section<'_>,
    capabilities: &BTreeMap<String, Capability>,
    measures: &Measures,
) -> BTreeMap<String, Group> {
    let (mut groups, mut sections) = (BTreeMap::new(), Vec::new());
    for (name, entry) in section.others() {
        section.heed(name, &entry.place, resource::name(name, "group"));
        let below = section.named(name, &entry.node);
        let group = group(&below, capabilities, measures);
        groups.insert(name.to_owned(), group);
        sections.push((name, below));
    }
    for (name, section) in sections {
        extends_well(&section, name, &groups);
    }
    groups
}

/// Warns if `name` extends a group that nothing here declares; complains if, by whatever others,
/// it extends itself. Of a circle only the first group is complained about.
fn extends_well(section: &Section<'_>, name: &str, groups: &BTreeMap<String, Group>) {
    let base = |name: &str| groups.get(name).and_then(|group| group.extends.as_deref());
    let Some(first) = base(name) else { return };
    if !groups.contains_key(first) {
        let hint = nearest(first, groups.keys().map(String::as_str));
        let text = "is not declared here: without it in the store nothing is taken from it";
        section.warn("extends", format!("group \"{first}\" {text}{hint}"));
    }
    let mut line = vec![name];
    while let Some(next) = line.last().and_then(|last| base(last)) {
        let closes = line.contains(&next);
        line.push(next);
        if closes {
            break;
        }
    }
    let is_circle = line.len() > 1 && line.last() == Some(&name);
    if is_circle && line.iter().all(|other| name <= *other) {
        let names = line.join(" → ");
        section.refuse("extends", format!("groups extend each other in a circle: {names}"));
    }
}

fn group(
    section: &Section<'_>,
    capabilities: &BTreeMap<String, Capability>,
    measures: &Measures,
) -> Group {
    let mut group = Group {
        extends: section.value("extends", group_name),
        max_upload_bytes: section.value("max_upload_bytes", size).flatten(),
        timezone: section.value("timezone", parsed),
        limits: BTreeMap::new(),
    };
    for (key, entry) in section.others() {
        let resource: Option<Resource> = section.heed(key, &entry.place, key.parse());
        let Some(resource) = resource else { continue };
        if let Some(likely) = mistyped(key, capabilities) {
            let text = format!("nothing draws on it (did you mean \"{likely}\"?)");
            section.warn(key, text);
        }
        let measure = resources::of(measures, &resource);
        if let Some(limit) = limit(section, key, &entry.node.place, &measure) {
            group.limits.insert(resource, limit);
        }
    }
    group
}

/// Returns what `name` is most likely meant to be, if no capability draws on it.
///
/// Any name is a resource: only what is a letter or two away from a known one is taken for a slip.
fn mistyped<'a>(name: &str, capabilities: &'a BTreeMap<String, Capability>) -> Option<&'a str> {
    const SLIP: f64 = 0.8;
    let drawn = capabilities.values().flat_map(Capability::resources);
    let known = drawn.map(Resource::as_str).chain(["media_bytes"]).chain(RESERVED);
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(name, other);
    let near: Vec<_> = known.map(|other| (likeness(other), other)).collect();
    let (most, other) = near.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (most >= SLIP && other != name).then_some(other)
}

/// Reads the size of one upload; none is any size.
fn size(node: &Node) -> Result<Option<Amount>, Invalid> {
    match &node.value {
        Value::Text(text) | Value::Word(text) if text.trim() == "unlimited" => Ok(None),
        _ => bytes(node).map(Some),
    }
}

fn capabilities(section: &Section<'_>) -> BTreeMap<String, Capability> {
    let mut capabilities = BTreeMap::new();
    for (name, entry) in section.others() {
        section.heed(name, &entry.place, resource::name(name, "capability"));
        let (resources, on_outage) = match &entry.node.value {
            Value::Table(_) => {
                let table = section.named(name, &entry.node);
                let resources = table.list("resources", parsed).unwrap_or_default();
                let on_outage = table.value("on_outage", parsed);
                table.done();
                (resources, on_outage)
            }
            _ => (section.each(name, parsed), None),
        };
        let capability = section.heed(name, &entry.node.place, Capability::new(resources));
        capabilities.extend(capability.map(|it| (name.to_owned(), it.when_out(on_outage))));
    }
    capabilities
}

fn rule(section: Section<'_>, groups: &BTreeMap<String, Group>) -> Option<Rule> {
    let pattern = section.value("match", parsed);
    let group = section.value("group", group_name);
    section.needs("match", "\"@bridge_*:example.org\"");
    section.needs("group", "\"bridges\"");
    if let Some(group) = &group {
        declared(&section, "group", group, groups);
    }
    section.done();
    Some(Rule { pattern: pattern?, group: group? })
}

fn group_name(node: &Node) -> Result<String, Invalid> {
    resource::name(text(node)?, "group").map(|name| name.as_ref().to_owned())
}

/// Warns if nothing here declares `group`; it may be in the store.
fn declared(section: &Section<'_>, key: &str, group: &str, groups: &BTreeMap<String, Group>) {
    if !groups.contains_key(group) {
        let hint = nearest(group, groups.keys().map(String::as_str));
        let text = "is not declared here: without it in the store nobody is limited by it";
        section.warn(key, format!("group \"{group}\" {text}{hint}"));
    }
}

/// Warns if there are groups, and people who are in none.
fn everyone_is_meant(section: &Section<'_>, read: &Layer) {
    let is_everyone = |rule: &Rule| matches!(rule.pattern.as_str(), "*" | "@*" | "@*:*");
    let everyone = read.default_group.is_some() || read.rules.iter().any(is_everyone);
    if !read.groups.is_empty() && !everyone {
        let text =
            "there is no default_group and no rule for everyone: who matches no rule has no limit";
        section.warn("groups", text);
    }
}
