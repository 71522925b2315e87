//! Grants: what groups, overrides and boosts of one subject have in common: whose, and until when.

use super::exit::Failure;
use crate::clock::Timestamp;
use crate::engine::{Engine, EngineError};
use crate::quota::{Grants, Subject};
use crate::store::Page;

/// How many subjects are read in one step.
const PAGE: usize = 1000;

/// Refuses a date that has passed: what is given until then would take away what was there, and
/// never be in force.
pub(super) fn refuse_past(until: Option<Timestamp>, now: Timestamp) -> Result<(), Failure> {
    match until.filter(|end| *end <= now) {
        Some(end) => Err(Failure::bad_input(format!("{end} has passed: write a later --until"))),
        None => Ok(()),
    }
}

/// Returns what `subject` has of its own, or everyone who has something.
pub(super) async fn whose(
    engine: &Engine,
    subject: Option<Subject>,
) -> Result<Vec<(Subject, Grants)>, EngineError> {
    match subject {
        Some(subject) => {
            let grants = engine.subject(&subject).await?.grants;
            Ok(vec![(subject, grants)])
        }
        None => everyone(engine).await,
    }
}

/// Returns everyone who has something of their own.
pub(super) async fn everyone(engine: &Engine) -> Result<Vec<(Subject, Grants)>, EngineError> {
    let mut all = Vec::new();
    let mut page = Page::first(PAGE);
    loop {
        let part = engine.subjects_with_grants(page).await?;
        let Some((last, _)) = part.last() else {
            return Ok(all);
        };
        page = Page::behind(last.clone(), PAGE);
        all.extend(part.into_iter().filter(|(_, grants)| !grants.is_empty()));
    }
}
