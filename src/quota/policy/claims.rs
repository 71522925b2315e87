//! Claims: all that could limit a subject's use of a resource, in the order in which it is asked
//! for. The first that stands is in force; [`Terms`](super::Terms) look no further.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Policy, Source};
use crate::clock::Timestamp;
use crate::quota::grant::Grant;
use crate::quota::{Grants, Limit, Pattern, Resource, Subject};

/// Something that could limit a subject's own use of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Claim {
    /// What it is.
    pub source: Source,
    /// The rule, if it is one.
    pub rule: Option<Pattern>,
    /// The group that names the resource, where its own only extends that one.
    pub extended: Option<String>,
    /// The limit; none if it sets none: everything is allowed.
    pub limit: Option<Limit>,
    /// The first moment it no longer holds.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub note: Option<String>,
    /// Whether it is in force.
    pub standing: Standing,
}

/// Whether a claim is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is.
    Holds,
    /// Another one is, that comes before it.
    Shadowed,
    /// Its time has passed.
    Ended,
    /// Its group is declared nowhere.
    Missing,
}

impl Policy {
    /// Returns all that could limit what `subject` itself uses of `resource` at `now`: a limit of
    /// the `call`, exemption, override, groups; in this order.
    #[must_use]
    pub fn claims(
        &self,
        subject: &Subject,
        grants: &Grants,
        resource: &Resource,
        call: Option<&Limit>,
        now: Timestamp,
    ) -> Vec<Claim> {
        let call = call.map(|limit| Claim::of(Source::Call, Some(limit)));
        let exempt = grants.exempt.as_ref();
        let exempt = exempt.map(|grant| Claim::of(Source::Exempt, None).granted(grant, now));
        let own = grants.overrides.get(resource);
        let own =
            own.map(|grant| Claim::of(Source::Override, Some(&grant.what)).granted(grant, now));
        let assigned = grants.group.as_ref().map(|grant| {
            self.group_claim(&grant.what, Source::Assigned, resource).granted(grant, now)
        });
        let rules = self.rules().filter(|rule| rule.pattern.matches(subject));
        let matched = rules.map(|rule| Claim {
            rule: Some(rule.pattern.clone()),
            ..self.group_claim(&rule.group, Source::Matched, resource)
        });
        let default = self.default_group();
        let default = default.map(|name| self.group_claim(name, Source::Default, resource));
        let first = call.into_iter().chain(exempt).chain(own).chain(assigned);
        let mut all: Vec<_> = first.chain(matched).chain(default).collect();
        if let Some(claim) = all.iter_mut().find(|claim| claim.standing == Standing::Shadowed) {
            claim.standing = Standing::Holds;
        }
        all
    }

    fn group_claim(&self, name: &str, source: fn(Arc<str>) -> Source, of: &Resource) -> Claim {
        let line = self.line_of(name);
        let found = line.iter().find_map(|(base, group)| Some((*base, group.limits.get(of)?)));
        let extended = found.map(|(base, _)| base).filter(|base| *base != name);
        let missing = line.is_empty();
        Claim {
            extended: extended.map(ToOwned::to_owned),
            standing: if missing { Standing::Missing } else { Standing::Shadowed },
            ..Claim::of(source(name.into()), found.map(|(_, limit)| limit))
        }
    }
}

impl Claim {
    /// Returns a claim that others come before, as long as nobody says otherwise.
    fn of(source: Source, limit: Option<&Limit>) -> Self {
        Self {
            source,
            rule: None,
            extended: None,
            limit: limit.cloned(),
            until: None,
            note: None,
            standing: Standing::Shadowed,
        }
    }

    fn granted<T>(self, grant: &Grant<T>, now: Timestamp) -> Self {
        let ended = grant.live(now).is_none();
        Self {
            until: grant.until,
            note: grant.note.clone(),
            standing: if ended { Standing::Ended } else { self.standing },
            ..self
        }
    }
}
