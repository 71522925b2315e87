//! preview: who of a group would be over if it had other limits.

use super::known::TRIES;
use super::over::Search;
use super::{Engine, EngineError, Used};
use crate::quota::policy::Source;
use crate::quota::{Grants, Group, Policy, Subject};
use crate::store::Page;

/// How many are looked at in one step.
const STEP: usize = 1000;

/// Who of a group would be over.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Preview {
    /// How many of those the books know are in the group now.
    pub members: usize,
    /// How many of them would have reached a limit; each resource counts.
    pub would_be_over: usize,
    /// The first of them by name, at most a thousand for each resource.
    pub over: Vec<Used>,
}

impl Engine {
    /// Tells who of the group `name` would have reached a limit now if the group were `group`.
    /// Writes nothing.
    ///
    /// # Errors
    /// Not found for an unknown group; bad input if it makes no sense; unavailable if the store is.
    pub async fn preview(&self, name: &str, group: &Group) -> Result<Preview, EngineError> {
        self.group(name).await?;
        for _ in 0..TRIES {
            let policy = self.policy().await?;
            let version = policy.version;
            let other = with_group(policy, name, group)?;
            let told = self.previewed(name, group, &other).await?;
            if self.refresh().await?.policy.version == version {
                return Ok(told);
            }
        }
        Err(EngineError::outrun())
    }

    async fn previewed(
        &self,
        name: &str,
        group: &Group,
        other: &Policy,
    ) -> Result<Preview, EngineError> {
        let (now, nothing) = (self.now(), Grants::default());
        let is_in = |subject: &Subject, grants: &Grants| {
            let terms = other.terms(subject, grants, now);
            terms.group().and_then(Source::group).is_some_and(|it| **it == *name)
        };
        let mut told = Preview::default();
        let mut page = Page::first(STEP);
        loop {
            let known = self.0.store.subjects("", page).await?;
            let (Some(first), Some(last)) = (known.first(), known.last()) else { break };
            let (_, grants) = self.grants_between(&first.subject, &last.subject).await?;
            let members = known
                .iter()
                .filter(|it| is_in(&it.subject, grants.get(&it.subject).unwrap_or(&nothing)));
            told.members += members.count();
            page = Page::behind(last.subject.clone(), STEP);
        }
        for resource in group.limits.keys() {
            let mut search = Search::by(self, other);
            let (mut page, mut found) = (Page::first(STEP), 0);
            loop {
                let users = self.0.store.users(resource, now, page).await?;
                let (Some(first), Some(last)) = (users.first(), users.last()) else { break };
                let (_, grants) = self.grants_between(&first.subject, &last.subject).await?;
                page = Page::behind(last.subject.clone(), STEP);
                for usage in users {
                    if !is_in(&usage.subject, grants.get(&usage.subject).unwrap_or(&nothing)) {
                        continue;
                    }
                    if let Some(used) = search.reached(other, &grants, usage).await? {
                        found += 1;
                        if found <= STEP {
                            told.over.push(used);
                        }
                    }
                }
            }
            told.would_be_over += found;
        }
        Ok(told)
    }
}

/// Returns `policy` with `group` in place of the one called `name`, in whichever layer it is.
fn with_group(mut policy: Policy, name: &str, group: &Group) -> Result<Policy, EngineError> {
    let in_file = policy.file.groups.contains_key(name);
    let layer = if in_file { &mut policy.file } else { &mut policy.store };
    layer.groups.insert(name.to_owned(), group.clone());
    layer.consistent()?;
    policy.has_no_circle()?;
    Ok(policy)
}
