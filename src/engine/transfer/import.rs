//! import: a document comes into the books, as a whole or not at all.

use super::changes::{Changes, changes};
use super::document::Document;
use super::draft::Draft;
use super::lines::newest;
use super::read::{Understood, read};
use crate::engine::known::TRIES;
use crate::engine::{Engine, EngineError};
use crate::quota::policy::Rule;
use crate::quota::{Grants, Group, Layer, Policy, Subject};
use crate::store::{Import, StoreError};

/// What becomes of what is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// What the document names is set, limit by limit; the rest stays.
    #[default]
    Merge,
    /// The store's own policy, and what subjects have of their own, become the document's; so
    /// does the ledger if the document has one.
    Replace,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Imported {
    /// What became of the policy, entry by entry.
    pub changes: Changes,
    /// What the configuration file declares, too, which therefore has no effect.
    pub shadowed: Vec<String>,
    /// How many lines the ledger has now; none if it stays as it is.
    pub lines: Option<usize>,
    /// How many lines it had, as far as that is known, if it is replaced.
    pub lines_before: Option<u64>,
    /// Reservations that end because the ledger is replaced.
    pub reservations_ended: usize,
}

impl Engine {
    /// Brings `draft` into the books; a `dry_run` only tells what that would do.
    ///
    /// All of it happens or nothing does; on the new state, if the policy changes meanwhile.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use metergate::clock::Manual;
    /// # use metergate::store::memory::Memory;
    /// # use metergate::{Draft, Engine, How};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = Arc::new(Manual::at("2026-11-30T22:00:00Z".parse()?));
    /// # let engine = Engine::visit(Arc::new(Memory::default()), clock).await?;
    /// let draft: Draft = serde_json::from_str(
    ///     r#"{"groups": {"free": {"media_bytes": "500MB/month"}}, "default_group": "free"}"#,
    /// )?;
    /// let told = engine.import(&draft, How::Merge, true).await?;
    /// assert_eq!(told.changes[1].to_string(), "+ group free media_bytes 500 MB/month");
    /// assert!(engine.policy().await?.groups().is_empty(), "it was a dry run");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Bad input for what makes no sense, with its place in the document; conflict for a ledger
    /// that is to be merged with one that is there; unavailable if the store is.
    pub async fn import(
        &self,
        draft: &Draft,
        how: How,
        dry_run: bool,
    ) -> Result<Imported, EngineError> {
        for _ in 0..TRIES {
            let (snapshot, everyone) = self.everyone().await?;
            let policy = &snapshot.policy;
            let own = |(_, grants): &(Subject, Grants)| !grants.is_empty();
            let grants = everyone.into_iter().filter(own).collect();
            let before = Document { layer: policy.store.clone(), grants, ledger: None };
            let understood = read(draft, &joined(policy, how))?;
            let shadowed = shadowed(&understood.document.layer, &policy.file);
            let after = match how {
                How::Merge => laid_over(&before, &understood),
                How::Replace => Document { ledger: None, ..understood.document.clone() },
            };
            let next = Policy { store: after.layer.clone(), ..policy.clone() };
            understood.document.is_declared_in(&next)?;
            let ledger = understood.document.ledger.clone();
            let mut told = Imported {
                changes: changes((&before, policy), (&after, &next)),
                shadowed,
                lines: ledger.as_ref().map(|ledger| ledger.lines.len()),
                lines_before: None,
                reservations_ended: 0,
            };
            if ledger.is_some() {
                self.makes_room(how, &mut told).await?;
            }
            if dry_run || (told.changes.is_empty() && ledger.is_none()) {
                return Ok(told);
            }
            let no_others = how == How::Replace;
            let touched = |(subject, _): &(Subject, Grants)| {
                no_others || understood.document.grants.contains_key(subject)
            };
            let grants = after.grants.into_iter().filter(touched).collect();
            let import = Import { layer: after.layer, grants, no_others, ledger };
            match self.0.store.import(import, policy.version).await {
                Ok(_) => {
                    self.refresh().await?;
                    return Ok(told);
                }
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::outrun())
    }

    /// Returns an error if there is a ledger that must not be lost; otherwise tells what will be.
    async fn makes_room(&self, how: How, told: &mut Imported) -> Result<(), EngineError> {
        let store = &self.0.store;
        let last = newest(&**store).await?;
        let known = last.is_some() || !store.balances().await?.is_empty();
        if how == How::Merge && known {
            return Err(EngineError::Conflict(
                "events cannot be merged with those that are there: write --replace, or import into empty books"
                    .to_owned(),
            ));
        }
        told.lines_before = last;
        told.reservations_ended = store.open(self.now(), usize::MAX).await?.len();
        Ok(())
    }
}

/// Returns the policy by which amounts are read.
fn joined(policy: &Policy, how: How) -> Policy {
    match how {
        How::Merge => policy.clone(),
        How::Replace => Policy { store: Layer::default(), ..policy.clone() },
    }
}

/// Returns `before` with everything set that `understood` names.
fn laid_over(before: &Document, understood: &Understood) -> Document {
    let Layer {
        groups,
        default_group,
        resources,
        capabilities,
        rules,
        timezone,
        period,
        origin: _,
    } = understood.document.layer.clone();
    let mut layer = before.layer.clone();
    for (name, group) in groups {
        let lifts = understood.lifted.contains(&name);
        let there = layer.groups.entry(name).or_default();
        if lifts {
            there.max_upload_bytes = None;
        }
        over_group(there, group);
    }
    layer.default_group = default_group.or(layer.default_group);
    layer.resources.extend(resources);
    layer.capabilities.extend(capabilities);
    for rule in rules {
        over_rules(&mut layer.rules, rule);
    }
    layer.timezone = timezone.or(layer.timezone);
    layer.period = period.or(layer.period);
    let mut grants = before.grants.clone();
    for (subject, given) in understood.document.grants.clone() {
        over_grants(grants.entry(subject).or_default(), given);
    }
    Document { layer, grants, ledger: None }
}

fn over_group(there: &mut Group, group: Group) {
    let Group { extends, limits, max_upload_bytes, timezone } = group;
    there.limits.extend(limits);
    there.extends = extends.or(there.extends.take());
    there.max_upload_bytes = max_upload_bytes.or(there.max_upload_bytes);
    there.timezone = timezone.or(there.timezone.take());
}

fn over_rules(rules: &mut Vec<Rule>, rule: Rule) {
    match rules.iter_mut().find(|other| other.pattern == rule.pattern) {
        Some(other) => *other = rule,
        None => rules.push(rule),
    }
}

fn over_grants(there: &mut Grants, given: Grants) {
    let Grants { group, exempt, overrides, boosts, max_upload_bytes } = given;
    there.group = group.or(there.group.take());
    there.exempt = exempt.or(there.exempt.take());
    there.overrides.extend(overrides);
    there.boosts.extend(boosts);
    there.max_upload_bytes = max_upload_bytes.or(there.max_upload_bytes.take());
}

/// Returns what both `layer` and the configuration file declare.
fn shadowed(layer: &Layer, file: &Layer) -> Vec<String> {
    let both = |what: &str, names: &mut dyn Iterator<Item = &String>| {
        names.map(|name| format!("{what} {name}")).collect::<Vec<_>>()
    };
    let groups = both("group", &mut layer.groups.keys().filter(|it| file.groups.contains_key(*it)));
    let known = |it: &&String| file.capabilities.contains_key(*it);
    let capabilities = both("capability", &mut layer.capabilities.keys().filter(known));
    let resources = layer.resources.keys().filter(|it| file.resources.contains_key(*it));
    let resources = resources.map(|it| format!("resource {it}"));
    let said = |rule: &&Rule| file.rules.iter().any(|other| other.pattern == rule.pattern);
    let rules = layer.rules.iter().filter(said).map(|rule| format!("rule {}", rule.pattern));
    let settings = [
        ("default_group", layer.default_group.is_some() && file.default_group.is_some()),
        ("timezone", layer.timezone.is_some() && file.timezone.is_some()),
        ("period", layer.period.is_some() && file.period.is_some()),
    ];
    let settings = settings.into_iter().filter(|(_, both)| *both).map(|(name, _)| name.to_owned());
    groups.into_iter().chain(capabilities).chain(resources).chain(rules).chain(settings).collect()
}
