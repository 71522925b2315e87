//! people: those the books know, of one group, or the latest first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Engine, EngineError, Someone};
use crate::clock::Timestamp;
use crate::quota::policy::Source;
use crate::quota::{Grants, Policy, Subject};
use crate::store::{Known, Page};

/// How many are looked at in one step.
const STEP: usize = 1000;
/// How many steps are looked for those who are wanted before it is said how far that was.
const STEPS: usize = 10;

/// Whom to tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Among {
    /// Those whose name begins so.
    pub prefix: String,
    /// Those who are in this group now.
    pub group: Option<String>,
}

impl Among {
    fn holds(&self, someone: &Someone) -> bool {
        self.group.is_none() || self.group == someone.group
    }
}

/// A place in the list of those who were active last: the moment, and who.
pub type Latest = (Option<Timestamp>, Subject);

/// A part of a list, and behind whom it goes on; none at the end.
pub type Part<T> = (Vec<T>, Option<Subject>);

impl Engine {
    /// Returns some of those the books know, by name. There may be fewer of them than were asked
    /// for, although there are more: who is looked for among very many is looked for in parts.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn people(&self, among: &Among, page: Page) -> Result<Part<Someone>, EngineError> {
        let Page { mut after, most } = page;
        let step = if among.group.is_none() { most.saturating_add(1) } else { STEP };
        let mut found = Vec::new();
        for _ in 0..STEPS {
            let part = self.subjects(&among.prefix, Page { after, most: step }).await?;
            let is_last = part.len() < step;
            for someone in part.iter().filter(|someone| among.holds(someone)) {
                if found.len() == most {
                    let behind = found.last().map(|last: &Someone| last.subject.clone());
                    return Ok((found, behind));
                }
                found.push(someone.clone());
            }
            after = part.last().map(|last| last.subject.clone());
            if is_last {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }

    /// Returns those the books know, who was active last first, and then by name; those who never
    /// were come last. Only those behind `behind`, `most` of them.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn latest(
        &self,
        among: &Among,
        behind: Option<&Latest>,
        most: usize,
    ) -> Result<Vec<Someone>, EngineError> {
        let behind = behind.map(|(last, subject)| (Reverse(*last), subject.clone()));
        let mut found = BTreeSet::new();
        let mut page = Page::first(STEP);
        loop {
            let part = self.0.store.subjects(&among.prefix, page).await?;
            let Some(last) = part.last() else { break };
            page = Page::behind(last.subject.clone(), STEP);
            let is_last = part.len() < STEP;
            for known in self.of_group(part, among.group.as_deref()).await? {
                let place = (Reverse(known.last), known.subject);
                if behind.as_ref().is_none_or(|behind| place > *behind) {
                    found.insert(place);
                }
                if found.len() > most {
                    found.pop_last();
                }
            }
            if is_last {
                break;
            }
        }
        let mut told = Vec::with_capacity(found.len());
        for (Reverse(last_activity), subject) in found {
            let (snapshot, grants) = self.grants(&subject).await?;
            let group = group(&snapshot.policy, &subject, &grants, self.now());
            told.push(Someone { subject, last_activity, group });
        }
        Ok(told)
    }

    /// Returns those of `known` who are in the group `name` now; all of them if it is none.
    async fn of_group(
        &self,
        mut known: Vec<Known>,
        name: Option<&str>,
    ) -> Result<Vec<Known>, EngineError> {
        let (Some(_), Some(first), Some(last)) = (name, known.first(), known.last()) else {
            return Ok(known);
        };
        let (snapshot, grants) = self.grants_between(&first.subject, &last.subject).await?;
        let (now, nothing) = (self.now(), Grants::default());
        known.retain(|it| {
            let grants = grants.get(&it.subject).unwrap_or(&nothing);
            group(&snapshot.policy, &it.subject, grants, now).as_deref() == name
        });
        Ok(known)
    }

    /// Returns some of those who have something of their own that `wanted` says, by name; fewer
    /// than were asked for as [`Engine::people`] does.
    ///
    /// # Errors
    /// Unavailable if the store is.
    pub async fn granted(
        &self,
        page: Page,
        wanted: impl Fn(&Grants) -> bool,
    ) -> Result<Part<(Subject, Grants)>, EngineError> {
        let Page { mut after, most } = page;
        let mut found: Vec<(Subject, Grants)> = Vec::new();
        for _ in 0..STEPS {
            let part = self.subjects_with_grants(Page { after, most: STEP }).await?;
            let is_last = part.len() < STEP;
            after = part.last().map(|(last, _)| last.clone());
            for one in part.into_iter().filter(|(_, grants)| wanted(grants)) {
                if found.len() == most {
                    let behind = found.last().map(|(last, _)| last.clone());
                    return Ok((found, behind));
                }
                found.push(one);
            }
            if is_last {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }
}

/// Returns the group that `subject` is in at `now`.
fn group(policy: &Policy, subject: &Subject, grants: &Grants, now: Timestamp) -> Option<String> {
    let terms = policy.terms(subject, grants, now);
    terms.group().and_then(Source::group).map(ToString::to_string)
}
