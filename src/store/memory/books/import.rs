//! Import: everything, in one step.

use super::Books;
use super::account::Account;
use super::ledger::Ledger;
use crate::quota::PolicyVersion;
use crate::quota::count::Count;
use crate::store::{self, Balance, Import, StoreError};

impl Books {
    pub(in crate::store::memory) fn import(
        &mut self,
        import: Import,
        seen: PolicyVersion,
    ) -> Result<PolicyVersion, StoreError> {
        let Import { layer, grants, no_others, ledger } = import;
        self.policy.version = self.next_version(seen)?;
        self.policy.store = layer;
        if no_others {
            self.grants.clear();
        }
        for (subject, grants) in grants {
            if grants.is_empty() {
                self.grants.remove(&subject);
            } else {
                self.grants.insert(subject, grants);
            }
        }
        match ledger {
            Some(ledger) => self.replace_ledger(ledger),
            None => self.close_what_adds_up_otherwise(),
        }
        Ok(self.policy.version)
    }

    fn replace_ledger(&mut self, ledger: store::Ledger) {
        self.ledger = Ledger::default();
        for Balance { resource, per, account, used, newest } in ledger.balances {
            let account = Account::new(&resource, per, &account);
            self.ledger.balances.insert(account, Count { used, newest, since: None });
        }
        for line in ledger.lines {
            self.ledger.put(line);
        }
        self.opened.clear();
        self.open.clear();
        self.holds.clear();
        self.settled.clear();
        self.over.clear();
        self.outbox.forget_marks();
    }
}
