//! Account: whose count of what.

use std::sync::Arc;

use crate::quota::event::Event;
use crate::quota::{Per, Resource};

/// Whose count of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::store::memory) struct Account {
    pub(super) resource: Resource,
    pub(super) per: Per,
    /// A subject, a group, or everyone.
    pub(super) name: Arc<str>,
}

impl Account {
    pub(super) fn new(resource: &Resource, per: Per, name: &str) -> Self {
        Self { resource: resource.clone(), per, name: name.into() }
    }
}

/// Returns the accounts whose counts `event` changes.
pub(super) fn changed_by(event: &Event) -> Vec<Account> {
    let account = |per| event.account(per).map(|name| Account::new(&event.resource, per, name));
    Per::ALL.into_iter().filter_map(account).collect()
}
