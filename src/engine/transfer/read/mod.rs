//! Reading: a draft becomes a document, its amounts read by the policy it is to join.

mod grants;
mod ledger;

use std::collections::{BTreeMap, BTreeSet};

use self::grants::subjects;
use crate::engine::EngineError;
use crate::engine::transfer::document::Document;
use crate::engine::transfer::draft::Draft;
use crate::engine::transfer::limits::limit;
use crate::engine::transfer::place::Place;
use crate::engine::transfer::tree::Tree;
use crate::quota::policy::Rule;
use crate::quota::resource::name;
use crate::quota::{Amount, Capability, Group, Layer, Measure, Policy, Resource};

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
        origin: None,
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

/// Reads what a group says of resources and of itself, and whether it says that one upload may
/// have any size.
///
/// # Errors
/// Bad input: the first thing that is wrong, and where it stands.
pub(super) fn terms(tree: &Tree, policy: &Policy) -> Result<(Group, bool), EngineError> {
    let reader = Reader { resources: &BTreeMap::new(), policy };
    reader.group(&Place::new("limits", tree))
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
        let (listed, on_outage) = match place.tree {
            Tree::Table(_) => {
                let table = place.table(&["on_outage", "resources"])?;
                let on_outage = table.value("on_outage", Place::parsed)?;
                (table.needed("resources")?.clone(), on_outage)
            }
            _ => (place.clone(), None),
        };
        let resources = listed.items().iter().map(Place::parsed).collect::<Result<Vec<_>, _>>()?;
        let capability = place.heed(Capability::new(resources))?;
        Ok((called.to_owned(), capability.when_out(on_outage)))
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
            let (group, lifts) = self.group(&place)?;
            lifted.extend(lifts.then(|| called.to_owned()));
            groups.insert(called.to_owned(), group);
        }
        Ok(groups)
    }

    /// Reads one group, and whether it says that one upload may have any size.
    fn group(&self, place: &Place<'_>) -> Result<(Group, bool), EngineError> {
        let (mut group, mut lifts) = (Group::default(), false);
        for (key, place) in place.entries()? {
            match key {
                "extends" => group.extends = Some(named(&place, "group")?),
                "timezone" => group.timezone = Some(place.parsed()?),
                SIZE => {
                    group.max_upload_bytes = size(&place)?;
                    lifts = group.max_upload_bytes.is_none();
                }
                _ => {
                    let resource: Resource = place.heed(key.parse())?;
                    let limit = limit(&place, &self.measure(&resource))?;
                    group.limits.insert(resource, limit);
                }
            }
        }
        Ok((group, lifts))
    }
}

/// Reads the size of one upload; none is any size.
fn size(place: &Place<'_>) -> Result<Option<Amount>, EngineError> {
    match place.tree {
        Tree::Text(text) if text.trim() == "unlimited" => Ok(None),
        _ => place.size(&Measure::BYTES).map(Some),
    }
}
