//! Ledger: the lines, found by account and time; what was used before the first of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound as End;

use super::account::{Account, changed_by};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, fold};
use crate::quota::event::{Event, Line};
use crate::quota::held::HoldId;
use crate::quota::idempotency::Key;
use crate::quota::{Aggregate, Bucket, Per, Resource, Subject};

/// All lines.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) lines: BTreeMap<u64, Line>,
    /// What accounts had used before the first line.
    pub(super) balances: BTreeMap<Account, Count>,
    /// The lines of each account by their moments.
    accounts: BTreeMap<Account, BTreeSet<(Timestamp, u64)>>,
    keys: HashMap<(Subject, String), Vec<u8>>,
    /// Of each resource, the latest moment of the lines that were taken out.
    pruned: HashMap<Resource, Timestamp>,
    /// The highest id that was ever given.
    last: u64,
}

impl Ledger {
    /// Writes down what happened, and returns it.
    pub(super) fn write(&mut self, event: Event, key: Option<Key>, now: Timestamp) -> Event {
        self.put(Line { id: self.last + 1, event: event.clone(), recorded: now, key });
        event
    }

    /// Adds a line; its id is kept if it is higher than all before.
    pub(super) fn put(&mut self, mut line: Line) {
        line.id = line.id.max(self.last + 1);
        self.last = line.id;
        for account in changed_by(&line.event) {
            self.accounts.entry(account).or_default().insert((line.event.at, line.id));
        }
        if let Some(key) = &line.key {
            let name = (line.event.subject.clone(), key.name.clone());
            self.keys.insert(name, key.fingerprint.clone());
        }
        self.lines.insert(line.id, line);
    }

    /// Takes out the first line.
    pub(super) fn take_first(&mut self) -> Option<Line> {
        let (id, line) = self.lines.pop_first()?;
        for account in changed_by(&line.event) {
            if let Some(lines) = self.accounts.get_mut(&account) {
                lines.remove(&(line.event.at, id));
                if lines.is_empty() {
                    self.accounts.remove(&account);
                }
            }
        }
        if let Some(key) = &line.key {
            self.keys.remove(&(line.event.subject.clone(), key.name.clone()));
        }
        let latest = self.pruned.entry(line.event.resource.clone()).or_insert(line.event.at);
        *latest = line.event.at.max(*latest);
        Some(line)
    }

    /// Returns the latest moment of the lines about `resource` that were taken out.
    pub(super) fn pruned(&self, resource: &Resource) -> Option<Timestamp> {
        self.pruned.get(resource).copied()
    }

    /// Makes the lines of `subject` those of `pseudonym`, without keys.
    pub(super) fn rename(&mut self, subject: &Subject, pseudonym: &Subject) {
        self.keys.retain(|(whose, _), _| whose != subject);
        for line in self.lines.values_mut().filter(|line| line.event.subject == *subject) {
            line.event.subject = pseudonym.clone();
            line.key = None;
        }
        let own = self.accounts_named(subject.as_str());
        for account in own {
            let lines = self.accounts.remove(&account).unwrap_or_default();
            let new = Account::new(&account.resource, Per::Subject, pseudonym.as_str());
            self.accounts.entry(new).or_default().extend(lines);
        }
    }

    /// Returns what the subject `name` has lines about.
    pub(super) fn accounts_named(&self, name: &str) -> Vec<Account> {
        let own = |account: &&Account| account.per == Per::Subject && *account.name == *name;
        self.accounts.keys().filter(own).cloned().collect()
    }

    /// Returns what was asked under a key.
    pub(super) fn asked_under(&self, subject: &Subject, key: &str) -> Option<&[u8]> {
        self.keys.get(&(subject.clone(), key.to_owned())).map(Vec::as_slice)
    }

    /// Returns all accounts that have lines, with the moments of those.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&Account, &BTreeSet<(Timestamp, u64)>)> {
        self.accounts.iter()
    }

    /// Returns the accounts of `resource` that are shared `per` and have lines or a balance.
    pub(super) fn accounts_of(&self, resource: &Resource, per: Per) -> BTreeSet<&Account> {
        let first = Account::new(resource, per, "");
        let is_its = |account: &&Account| account.resource == *resource && account.per == per;
        let lines = self.accounts.range(&first..).map(|(account, _)| account).take_while(is_its);
        let balances = self.balances.range(&first..).map(|(account, _)| account);
        lines.chain(balances.take_while(is_its)).collect()
    }

    /// Returns the lines of `account` that lie in `bucket`, by their moments.
    fn within(&self, account: &Account, bucket: &Bucket) -> impl Iterator<Item = &Line> {
        // One that opens by its first use is opened by lines that are not in it.
        let (start, end) = match bucket.shape {
            Shape::FirstUse { .. } => (Timestamp::MIN, None),
            Shape::Stretch | Shape::Rolling { .. } => (bucket.start, bucket.end),
        };
        let end = end.map_or(End::Unbounded, |end| End::Excluded((end.max(start), 0)));
        let lines = self.accounts.get(account).into_iter();
        let lines = lines.flat_map(move |all| all.range((End::Included((start, 0)), end)));
        lines.filter_map(|(_, id)| self.lines.get(id))
    }

    /// Returns what happened to `account` in `bucket`, in order.
    pub(super) fn events(&self, account: &Account, bucket: &Bucket) -> Vec<&Event> {
        let mut lines: Vec<_> = self.within(account, bucket).collect();
        lines.sort_unstable_by_key(|line| line.id);
        lines.into_iter().map(|line| &line.event).collect()
    }

    /// Returns the moment of the oldest charge to `account` in `bucket`, other than by `without`.
    pub(super) fn oldest(
        &self,
        account: &Account,
        bucket: &Bucket,
        without: Option<HoldId>,
    ) -> Option<Timestamp> {
        let mut events = self.within(account, bucket).map(|line| &line.event);
        events.find(|event| event.kind.charges() && others(event, without)).map(|event| event.at)
    }

    /// Returns the count of `account`, as if the reservation `without` had not been; `counted`
    /// is what is kept of it.
    pub(super) fn count(
        &self,
        account: &Account,
        bucket: &Bucket,
        aggregate: Aggregate,
        counted: Option<Count>,
        without: Option<HoldId>,
    ) -> Count {
        let mut events = self.events(account, bucket);
        events.retain(|event| others(event, without));
        fold(events.into_iter(), bucket, aggregate, self.start(account, bucket, counted))
    }

    /// Returns true if `asked`, were it written now, would count a member that is counted already.
    pub(super) fn is_known(
        &self,
        account: &Account,
        bucket: &Bucket,
        asked: &Event,
        without: Option<HoldId>,
    ) -> bool {
        let mut events = self.events(account, bucket);
        events.retain(|event| others(event, without));
        let count = |events: &[&Event]| {
            let start = self.start(account, bucket, None);
            fold(events.iter().copied(), bucket, Aggregate::Unique, start)
        };
        let before = count(&events);
        events.push(asked);
        asked.member.is_some() && count(&events) == before
    }

    /// Returns the count with which the fold of `bucket` starts, of which `counted` is kept.
    pub(super) fn start(
        &self,
        account: &Account,
        bucket: &Bucket,
        counted: Option<Count>,
    ) -> Count {
        match bucket.shape {
            Shape::Stretch if bucket.start == Timestamp::MIN => {
                self.balances.get(account).copied().unwrap_or_default()
            }
            // Lines are gone that might tell when it began.
            Shape::FirstUse { .. } if self.pruned.contains_key(&account.resource) => {
                let since = counted.and_then(|counted| counted.since);
                Count { since, ..Count::default() }
            }
            _ => Count::default(),
        }
    }
}

/// Returns true if `event` does not belong to the reservation `without`.
fn others(event: &Event, without: Option<HoldId>) -> bool {
    without.is_none() || event.hold != without
}
