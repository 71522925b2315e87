//! Names: whatever a document names is declared, by itself or by what it joins.

use super::document::Document;
use super::tree::within;
use crate::engine::EngineError;
use crate::quota::{Policy, nearest};

impl Document {
    /// Returns an error if it names a group or resource that `policy`, which it has become part
    /// of, does not declare, or if groups then extend each other in a circle.
    pub(super) fn is_declared_in(&self, policy: &Policy) -> Result<(), EngineError> {
        self.layer.consistent()?;
        let groups = policy.groups();
        for (pointer, group) in self.groups_named() {
            if !groups.contains_key(group) {
                let hint = nearest(group, groups.keys().copied());
                return Err(EngineError::BadInput(format!(
                    "{pointer}: there is no group \"{group}\"{hint}: put it into the document, too"
                )));
            }
        }
        let resources = policy.resources();
        for (pointer, resource) in self.resources_named() {
            if !resources.iter().any(|known| known.as_str() == resource) {
                let hint = nearest(resource, resources.iter().map(|known| known.as_str()));
                return Err(EngineError::BadInput(format!(
                    "{pointer}: there is no resource \"{resource}\"{hint}: name it in a group or capability to declare it"
                )));
            }
        }
        Ok(policy.has_no_circle()?)
    }

    /// Returns the groups it needs, and where it says so.
    fn groups_named(&self) -> Vec<(String, &str)> {
        let layer = &self.layer;
        let default = layer.default_group.iter().map(|it| ("/default_group".to_owned(), &**it));
        let bases = layer.groups.iter().filter_map(|(name, group)| {
            let pointer = within(&within("/groups", name), "extends");
            Some((pointer, group.extends.as_deref()?))
        });
        let rules = layer.rules.iter().enumerate();
        let rules = rules.map(|(index, rule)| (format!("/rules/{index}/group"), &*rule.group));
        let subjects = self.grants.iter().filter_map(|(subject, grants)| {
            let pointer = within(&within("/subjects", subject.as_str()), "group");
            Some((pointer, &*grants.group.as_ref()?.what))
        });
        default.chain(bases).chain(rules).chain(subjects).collect()
    }

    /// Returns the resources that it gives subjects more or less of, and where.
    fn resources_named(&self) -> Vec<(String, &str)> {
        let each = self.grants.iter().flat_map(|(subject, grants)| {
            let at = |part: &'static str| {
                move |name: &'_ crate::quota::Resource| {
                    within(&within(part, subject.as_str()), name.as_str())
                }
            };
            let (overrides, boosts) = (at("/overrides"), at("/boosts"));
            let overrides = grants.overrides.keys().map(move |it| (overrides(it), it.as_str()));
            overrides.chain(grants.boosts.keys().map(move |it| (boosts(it), it.as_str())))
        });
        each.collect()
    }
}
