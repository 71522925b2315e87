//! Who used something, and who used most.

use std::ops::Bound as End;

use super::{Books, behind, folded};
use crate::clock::Timestamp;
use crate::quota::{Amount, Bucket, Resource, Subject};
use crate::store::{Charged, Page, Usage};
impl Books {
    pub(in crate::store::memory) fn users(
        &self,
        resource: &Resource,
        at: Timestamp,
        page: Page,
    ) -> Vec<Usage> {
        let Some(all) = self.opened.get(&(resource.clone(), Bucket::all().key)) else {
            return Vec::new();
        };
        let current = self
            .opened
            .iter()
            .filter(|((name, _), counters)| name == resource && counters.bucket.contains(at));
        let current: Vec<_> = current.collect();
        let behind = all.used.range((behind(page.after), End::Unbounded)).take(page.most);
        let usage = |subject: &Subject| Usage {
            subject: subject.clone(),
            resource: resource.clone(),
            counters: current
                .iter()
                .map(|((_, key), counters)| {
                    (key.clone(), counters.used.get(subject).copied().unwrap_or_default())
                })
                .collect(),
        };
        behind.map(|(subject, _)| usage(subject)).collect()
    }

    pub(in crate::store::memory) fn top(
        &self,
        resource: &Resource,
        bucket: &Bucket,
        most: usize,
    ) -> Vec<Charged> {
        let opened = self.opened.get(&(resource.clone(), bucket.key.clone()));
        let folded = opened.is_none().then(|| folded(&self.events, resource, bucket));
        let Some(counters) = opened.or(folded.as_ref()) else {
            return Vec::new();
        };
        let used = counters.used.iter().filter(|(_, used)| **used > Amount::ZERO);
        let mut all: Vec<_> =
            used.map(|(subject, used)| Charged { subject: subject.clone(), used: *used }).collect();
        all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.subject.cmp(&b.subject)));
        all.truncate(most);
        all
    }
}
