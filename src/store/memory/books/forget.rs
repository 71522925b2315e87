//! Forget: all that one subject did, given to a name that says nothing.

use super::account::Account;
use super::outbox::renamed;
use super::{Books, conflict};
use crate::clock::Timestamp;
use crate::quota::{Amount, Per, PolicyVersion, Subject};
use crate::store::StoreError;

impl Books {
    pub(in crate::store::memory) fn forget(
        &mut self,
        subject: &Subject,
        pseudonym: &Subject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.knows_of(subject) {
            return Ok(false);
        }
        let mut open = self.open_of(Per::Subject, subject.as_str());
        if open.any(|held| self.counts(held, now)) {
            return conflict(format!(
                "{subject} has reservations under way: try again when they have ended"
            ));
        }
        drop(open);
        self.retire(subject, now);
        let is_shared = self.knows_of(pseudonym);
        self.ledger.rename(subject, pseudonym);
        self.rename_balances(subject, pseudonym);
        for (place, counters) in &mut self.opened {
            if place.per == Per::Subject {
                let new = Account::new(&place.resource, Per::Subject, pseudonym.as_str());
                counters.rename(&self.ledger, subject.as_str(), &new, is_shared);
            }
        }
        for held in self.holds.values_mut().filter(|held| held.subject == *subject) {
            held.subject = pseudonym.clone();
        }
        self.outbox.rename(subject, pseudonym);
        let over = std::mem::take(&mut self.over).into_iter();
        self.over = over.map(|(it, at)| (renamed(it, subject, pseudonym), at)).collect();
        if self.grants.remove(subject).is_some() {
            self.policy.version = PolicyVersion(self.policy.version.0 + 1);
        }
        Ok(true)
    }

    fn knows_of(&self, subject: &Subject) -> bool {
        let own =
            |account: &Account| account.per == Per::Subject && *account.name == *subject.as_str();
        self.grants.contains_key(subject)
            || self.ledger.accounts().any(|(account, _)| own(account))
            || self.ledger.balances.keys().any(own)
            || self.holds.values().any(|held| held.subject == *subject)
    }

    fn rename_balances(&mut self, subject: &Subject, pseudonym: &Subject) {
        let own =
            |account: &Account| account.per == Per::Subject && *account.name == *subject.as_str();
        let old: Vec<_> = self.ledger.balances.keys().filter(|it| own(it)).cloned().collect();
        for account in old {
            let Some(balance) = self.ledger.balances.remove(&account) else { continue };
            let new = Account::new(&account.resource, Per::Subject, pseudonym.as_str());
            let known = self.ledger.balances.entry(new).or_default();
            known.used = known.used.plus(balance.used).unwrap_or(Amount::MAX);
            known.newest = known.newest.max(balance.newest);
        }
    }
}
