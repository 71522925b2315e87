//! Who used what, and the ledger itself.

use std::collections::BTreeMap;
use std::ops::Bound as End;

use super::account::Account;
use super::counters::Place;
use super::readings::standing;
use super::{Books, behind};
use crate::clock::Timestamp;
use crate::quota::event::{EVERYONE, Line};
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource, Subject};
use crate::store::{Balance, Charged, Known, Lines, Page, Usage};

impl Books {
    pub(in crate::store::memory) fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: &Page,
    ) -> Vec<Usage> {
        let charged = self.ledger.accounts_of(resource, Per::Subject).into_iter();
        let charged = charged.filter(|account| self.was_charged(account));
        let subjects = charged.filter_map(|account| Some((account.name.parse().ok()?, account)));
        let behind = subjects.filter(|(name, _): &(Subject, _)| Some(name) > page.after.as_ref());
        let usage = |(subject, account)| {
            let counters = self.counters_of(account, at);
            Usage { subject, resource: resource.clone(), counters }
        };
        behind.take(page.most).map(usage).collect()
    }

    fn was_charged(&self, account: &Account) -> bool {
        self.ledger.balances.contains_key(account)
            || self.ledger.oldest(account, &Bucket::all(), None).is_some()
    }

    /// Returns what is kept of `account` for the moment `at`.
    fn counters_of(&self, account: &Account, at: Timestamp) -> Vec<(String, Amount)> {
        let current = self.opened.range(Place::open_at(account, at)).map(|(_, counters)| counters);
        let kept = current.filter(|counters| counters.are_kept());
        let found = kept.map(|counters| (counters, counters.bucket.begun(at)));
        let found = found.filter(|(_, bucket)| bucket.contains(at));
        found
            .map(|(counters, bucket)| {
                let used = standing(counters.count(&account.name), &bucket).used;
                (bucket.key, used)
            })
            .collect()
    }

    pub(in crate::store::memory) fn top(
        &self,
        resource: &Resource,
        aggregate: Aggregate,
        bucket: &Bucket,
        behind: Option<&Charged>,
        most: usize,
    ) -> Vec<Charged> {
        let all = self.ledger.accounts_of(resource, Per::Subject).into_iter();
        let used = all.filter_map(|account| {
            let count = self.count(account, bucket, aggregate, None);
            let used = standing(count, bucket).used;
            Some(Charged { subject: account.name.parse().ok()?, used })
        });
        let rank = |it: &Charged| (std::cmp::Reverse(it.used), it.subject.clone());
        let last = behind.map(rank);
        let used = used.filter(|it| it.used > Amount::ZERO && Some(rank(it)) > last);
        let mut used: Vec<_> = used.collect();
        used.sort_by_key(rank);
        used.truncate(most);
        used
    }

    pub(in crate::store::memory) fn subjects(&self, prefix: &str, page: Page) -> Vec<Known> {
        let mut known: BTreeMap<Subject, Option<Timestamp>> = BTreeMap::new();
        let lines = self.ledger.accounts().map(|(account, moments)| {
            let last = moments.last().map(|(at, _)| *at);
            (account, last)
        });
        let balances = self.ledger.balances.keys().map(|account| (account, None));
        for (account, last) in lines.chain(balances).filter(|(it, _)| it.per == Per::Subject) {
            if let Ok(subject) = account.name.parse() {
                let latest = known.entry(subject).or_default();
                *latest = last.max(*latest);
            }
        }
        for subject in self.grants.keys() {
            known.entry(subject.clone()).or_default();
        }
        let behind = known.range((behind(page.after), End::Unbounded));
        let named = behind.filter(|(subject, _)| subject.as_str().starts_with(prefix));
        let known = named.map(|(subject, last)| Known { subject: subject.clone(), last: *last });
        known.take(page.most).collect()
    }

    pub(in crate::store::memory) fn lines(&self, which: &Lines) -> Vec<Line> {
        let asked = |line: &&Line| {
            which.subject.as_ref().is_none_or(|subject| *subject == line.event.subject)
                && which.resource.as_ref().is_none_or(|resource| *resource == line.event.resource)
        };
        let lines = &self.ledger.lines;
        if which.newest_first {
            let end = which.behind.map_or(End::Unbounded, End::Excluded);
            let all = lines.range((End::Unbounded, end)).rev().map(|(_, line)| line);
            all.filter(asked).take(which.most).cloned().collect()
        } else {
            let all = lines.range((behind(which.behind), End::Unbounded)).map(|(_, line)| line);
            all.filter(asked).take(which.most).cloned().collect()
        }
    }

    pub(in crate::store::memory) fn history(
        &self,
        subject: Option<&Subject>,
        resource: &Resource,
        aggregate: Aggregate,
        cuts: &[Timestamp],
    ) -> Vec<Amount> {
        let account = match subject {
            Some(subject) => Account::new(resource, Per::Subject, subject.as_str()),
            None => Account::new(resource, Per::Server, EVERYONE),
        };
        let pairs = cuts.iter().zip(cuts.iter().skip(1));
        let used = |(start, end): (&Timestamp, &Timestamp)| {
            let stretch = Bucket::range(*start, *end);
            self.ledger.count(&account, &stretch, aggregate, None, None).used
        };
        pairs.map(used).collect()
    }

    pub(in crate::store::memory) fn balances(&self) -> Vec<Balance> {
        let balances = self.ledger.balances.iter().map(|(account, count)| Balance {
            resource: account.resource.clone(),
            per: account.per,
            account: account.name.to_string(),
            used: count.used,
            newest: count.newest,
        });
        balances.collect()
    }
}
