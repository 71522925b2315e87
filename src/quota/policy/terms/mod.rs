//! Terms: what binds one subject at one moment: limits in their order, pools beside them.

use std::sync::Arc;

use super::{Policy, Source};
use crate::clock::Timestamp;
use crate::quota::{Amount, Grants, Group, Limit, Per, Resource, Subject, Window, Zone};

/// What binds one subject at one moment.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    policy: &'a Policy,
    grants: &'a Grants,
    /// Its group and those that it extends, nearest first; none without a group.
    line: Vec<(&'a str, &'a Group)>,
    /// Why it is in its group.
    group: Option<Source>,
    exempt: bool,
    now: Timestamp,
    /// The zone in which the subject's days begin.
    pub zone: Zone,
}

/// A window that binds, with what is added to it.
#[derive(Clone, Copy, Debug)]
pub struct Capped<'a> {
    /// The window, as it was declared.
    pub window: &'a Window,
    /// What boosts add to its limit.
    pub boost: Amount,
}

impl Policy {
    /// Returns what binds `subject` at `now`.
    #[must_use]
    pub fn terms<'a>(&'a self, subject: &Subject, grants: &'a Grants, now: Timestamp) -> Terms<'a> {
        let found = self.group_of(subject, grants, now);
        let (line, group) = found.map_or((Vec::new(), None), |(line, why)| (line, Some(why)));
        let zone = line.iter().find_map(|(_, group)| group.timezone.clone());
        let zone = zone.unwrap_or_else(|| self.zone());
        let exempt = grants.exempt.as_ref().and_then(|grant| grant.live(now)).is_some();
        Terms { policy: self, grants, line, group, exempt, now, zone }
    }

    /// Returns the group `subject` is in. A group that is declared nowhere is passed over: it
    /// must not lift the limits that the next rule, or the default group, would set.
    fn group_of<'a>(
        &'a self,
        subject: &Subject,
        grants: &'a Grants,
        now: Timestamp,
    ) -> Option<(Vec<(&'a str, &'a Group)>, Source)> {
        let group = |name: &'a str, source: fn(Arc<str>) -> Source| {
            let line = self.line_of(name);
            (!line.is_empty()).then(|| (line, source(name.into())))
        };
        let assigned = grants.group.as_ref().and_then(|grant| grant.live(now));
        let assigned = assigned.and_then(|name| group(name, Source::Assigned));
        let matching = || self.rules().filter(|rule| rule.pattern.matches(subject));
        assigned
            .or_else(|| matching().find_map(|rule| group(&rule.group, Source::Matched)))
            .or_else(|| self.default_group().and_then(|name| group(name, Source::Default)))
    }
}

impl<'a> Terms<'a> {
    /// Returns the subject's own limit on `resource`, and where it comes from: exemption,
    /// override, group. Windows in it that are shared are [pools](Self::pools).
    #[must_use]
    pub fn limit(&self, resource: &Resource) -> (&'a Limit, Source) {
        static UNLIMITED: Limit = Limit::unlimited();
        if self.exempt {
            return (&UNLIMITED, Source::Exempt);
        }
        let own = self.grants.overrides.get(resource).and_then(|grant| grant.live(self.now));
        if let Some(limit) = own {
            return (limit, Source::Override);
        }
        let group = self.group.clone().unwrap_or(Source::Nothing);
        (self.of_group(resource).unwrap_or(&UNLIMITED), group)
    }

    /// Returns the windows that the subject has alone, with its boosts.
    pub fn own(&self, limit: &'a Limit, resource: &Resource) -> impl Iterator<Item = Capped<'a>> {
        let boost = self.grants.boost(resource, self.now);
        let own = limit.windows().iter().filter(|window| window.per == Per::Subject);
        own.map(move |window| Capped { window, boost })
    }

    /// Returns the windows that the subject shares, with its group and with everyone, whatever
    /// it has of its own.
    pub fn pools(&self, resource: &Resource) -> impl Iterator<Item = Capped<'a>> {
        let group = self.of_group(resource).map(Limit::windows).unwrap_or_default().iter();
        let group = group.filter(|window| window.per == Per::Group);
        let all = group.chain(self.policy.server_windows(resource));
        all.map(|window| Capped { window, boost: Amount::ZERO })
    }

    /// Returns what the nearest group that names `resource` says of it.
    fn of_group(&self, resource: &Resource) -> Option<&'a Limit> {
        self.line.iter().find_map(|(_, group)| group.limits.get(resource))
    }

    /// Returns the most bytes one upload may have, none meaning any size, and where that comes
    /// from.
    #[must_use]
    pub fn max_upload(&self) -> (Option<Amount>, Source) {
        if self.exempt {
            return (None, Source::Exempt);
        }
        let own = self.grants.max_upload_bytes.as_ref().and_then(|grant| grant.live(self.now));
        if let Some(size) = own {
            return (*size, Source::Override);
        }
        let group = self.line.iter().find_map(|(_, group)| group.max_upload_bytes);
        (group, self.group.clone().unwrap_or(Source::Nothing))
    }

    /// Returns the group the subject is in and why, whatever overrides it has.
    #[must_use]
    pub const fn group(&self) -> Option<&Source> {
        self.group.as_ref()
    }
}

#[cfg(test)]
mod tests;
