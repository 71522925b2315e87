//! people: those the books know, of one group, or the latest first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Engine, EngineError, Someone};
use crate::clock::Timestamp;
use crate::quota::{Grants, Subject};
use crate::store::Page;

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
        let mut found = BTreeMap::new();
        let mut page = Page::first(STEP);
        loop {
            let part = self.subjects(&among.prefix, page).await?;
            let Some(last) = part.last() else { break };
            page = Page::behind(last.subject.clone(), STEP);
            let is_last = part.len() < STEP;
            for someone in part.into_iter().filter(|someone| among.holds(someone)) {
                let place = (Reverse(someone.last_activity), someone.subject.clone());
                if behind.as_ref().is_none_or(|behind| place > *behind) {
                    found.insert(place, someone);
                }
                if found.len() > most {
                    found.pop_last();
                }
            }
            if is_last {
                break;
            }
        }
        Ok(found.into_values().collect())
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
