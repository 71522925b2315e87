//! Reading: a draft becomes a document, its amounts read by the policy it is to join.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::document::Document;
use super::draft::Draft;
use super::limits::limit;
use super::place::{Place, Table};
use super::record::Record;
use super::tree::Tree;
use crate::engine::EngineError;
use crate::quota::grant::{self, Grant};
use crate::quota::policy::Rule;
use crate::quota::resource::name;
use crate::quota::{
    Amount, Capability, Grants, Group, Layer, Limit, Measure, Policy, Resource, Subject,
};
use crate::store::Ledger;

/// The size of one upload, beside limits.
const SIZE: &str = "max_upload_bytes";

/// A draft, understood.
#[derive(Debug)]
pub(super) struct Understood {
    pub(super) document: Document,
    /// The groups that it says have no size of one upload any more.
    pub(super) lifted: BTreeSet<String>,
}

/// Reads `draft`; where it does not say how a resource is counted, `policy` does.
///
/// # Errors
/// Bad input: the first thing that is wrong, and where it stands.
pub(super) fn read(draft: &Draft, policy: &Policy) -> Result<Understood, EngineError> {
    let resources = part(draft, "resources", resources)?;
    let reader = Reader { resources: &resources, policy };
    let mut lifted = BTreeSet::new();
    let groups = part(draft, "groups", |it| reader.groups(it, &mut lifted))?;
    let mut grants = BTreeMap::new();
    part(draft, "subjects", |it| subjects(it, &mut grants))?;
    part(draft, "overrides", |it| reader.overrides(it, &mut grants))?;
    part(draft, "boosts", |it| reader.boosts(it, &mut grants))?;
    let layer = Layer {
        groups,
        default_group: part(draft, "default_group", |it| named(it, "group").map(Some))?,
        capabilities: part(draft, "capabilities", capabilities)?,
        rules: part(draft, "rules", rules)?,
        timezone: part(draft, "timezone", |it| it.parsed().map(Some))?,
        period: part(draft, "period", |it| it.parsed().map(Some))?,
        resources: resources.clone(),
    };
    let ledger = reader.ledger(draft)?;
    Ok(Understood { document: Document { layer, grants, ledger }, lifted })
}

/// Returns what `read` makes of the part called `key`; its default if it is not there.
fn part<'a, T: Default>(
    draft: &'a Draft,
    key: &str,
    read: impl FnOnce(&Place<'a>) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    match draft.at(key) {
        None | Some(Tree::Null) => Ok(T::default()),
        Some(tree) => read(&Place::new(format!("/{key}"), tree)),
    }
}

/// Reads the name of a `what`.
fn named(place: &Place<'_>, what: &str) -> Result<String, EngineError> {
    place.heed(name(place.text()?, what)).map(|name| name.as_ref().to_owned())
}

fn resources(place: &Place<'_>) -> Result<BTreeMap<Resource, Measure>, EngineError> {
    let all = place.named::<Resource>()?.into_iter();
    all.map(|(resource, place)| {
        let measure = measure(&place, resource.usual_measure())?;
        Ok((resource, measure))
    })
    .collect()
}

/// Reads how something is counted; without a unit in its `usual` one.
fn measure(place: &Place<'_>, usual: Measure) -> Result<Measure, EngineError> {
    let table = place.table(&["aggregate", "decimals", "unit"])?;
    let decimals = table.value("decimals", |it| match it.tree {
        Tree::Number(number) => it.heed(u8::try_from(*number)),
        _ => Err(it.needs("a number of decimals")),
    })?;
    let measure = Measure {
        aggregate: table.value("aggregate", Place::parsed)?.unwrap_or_default(),
        unit: table.value("unit", Place::parsed)?.unwrap_or(usual.unit),
        decimals: decimals.unwrap_or_default(),
    };
    place.heed(measure.consistent())?;
    Ok(measure)
}

fn capabilities(place: &Place<'_>) -> Result<BTreeMap<String, Capability>, EngineError> {
    let one = |(called, place): (&str, Place<'_>)| {
        place.heed(name(called, "capability"))?;
        let resources = place.items().iter().map(Place::parsed).collect::<Result<Vec<_>, _>>()?;
        Ok((called.to_owned(), place.heed(Capability::new(resources))?))
    };
    place.entries()?.into_iter().map(one).collect()
}

fn rules(place: &Place<'_>) -> Result<Vec<Rule>, EngineError> {
    let Tree::List(_) = place.tree else { return Err(place.needs("a list of rules")) };
    let mut rules: Vec<Rule> = Vec::new();
    for place in place.items() {
        let table = place.table(&["group", "match"])?;
        let pattern = table.needed("match")?.parsed()?;
        let rule = Rule { pattern, group: named(table.needed("group")?, "group")? };
        if rules.iter().any(|other| other.pattern == rule.pattern) {
            return Err(
                place.wrong(format_args!("a rule for {} stands before it: keep one", rule.pattern))
            );
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn subjects(place: &Place<'_>, grants: &mut BTreeMap<Subject, Grants>) -> Result<(), EngineError> {
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

/// What amounts are read by.
struct Reader<'a> {
    resources: &'a BTreeMap<Resource, Measure>,
    policy: &'a Policy,
}

impl Reader<'_> {
    /// Returns how `resource` is counted once the document is in force.
    fn measure(&self, resource: &Resource) -> Measure {
        let file = self.policy.file.resources.get(resource);
        let said = file.or_else(|| self.resources.get(resource));
        said.cloned().unwrap_or_else(|| self.policy.measure(resource))
    }

    fn groups(
        &self,
        place: &Place<'_>,
        lifted: &mut BTreeSet<String>,
    ) -> Result<BTreeMap<String, Group>, EngineError> {
        let mut groups = BTreeMap::new();
        for (called, place) in place.entries()? {
            place.heed(name(called, "group"))?;
            let mut group = Group::default();
            for (key, place) in place.entries()? {
                match key {
                    "extends" => group.extends = Some(named(&place, "group")?),
                    "timezone" => group.timezone = Some(place.parsed()?),
                    SIZE => {
                        group.max_upload_bytes = size(&place)?;
                        lifted.extend(group.max_upload_bytes.is_none().then(|| called.to_owned()));
                    }
                    _ => {
                        let resource: Resource = place.heed(key.parse())?;
                        let limit = limit(&place, &self.measure(&resource))?;
                        group.limits.insert(resource, limit);
                    }
                }
            }
            groups.insert(called.to_owned(), group);
        }
        Ok(groups)
    }

    fn overrides(
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

    fn boosts(
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

    fn ledger(&self, draft: &Draft) -> Result<Option<Ledger>, EngineError> {
        let Some(records) = &draft.events else { return Ok(None) };
        let mut ledger = Ledger::default();
        for (index, brought) in draft.balances.iter().enumerate() {
            let wrong = |text| EngineError::BadInput(format!("/balances/{index}: {text}"));
            let balance = brought.balance(&self.measure(&brought.resource));
            ledger.balances.push(balance.map_err(|error| wrong(error.to_string()))?);
        }
        let (mut last, mut keys) = (0, HashSet::new());
        for (index, record) in records.iter().enumerate() {
            let wrong = |text: String| EngineError::BadInput(format!("/events/{index}: {text}"));
            let id = next_id(record, last).map_err(wrong)?;
            let line = record.line(id, &self.measure(&record.resource));
            let line = line.map_err(|error| wrong(error.to_string()))?;
            if let Some(key) = &line.key
                && !keys.insert((line.event.subject.clone(), key.name.clone()))
            {
                let (subject, key) = (&line.event.subject, &key.name);
                return Err(wrong(format!(
                    "{subject} has an event under the key \"{key}\" already"
                )));
            }
            last = id;
            ledger.lines.push(line);
        }
        Ok(Some(ledger))
    }
}

/// Returns the place of `record` in the ledger, behind `last`.
fn next_id(record: &Record, last: u64) -> Result<u64, String> {
    match record.id {
        None => last.checked_add(1).ok_or_else(|| "the id is too large".to_owned()),
        Some(id) if id > last && i64::try_from(id).is_ok() => Ok(id),
        Some(id) => Err(format!("id {id} does not come after {last}: ids rise, or are left out")),
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

/// Reads the size of one upload; none is any size.
fn size(place: &Place<'_>) -> Result<Option<Amount>, EngineError> {
    match place.tree {
        Tree::Text(text) if text.trim() == "unlimited" => Ok(None),
        _ => place.size(&Measure::BYTES).map(Some),
    }
}
