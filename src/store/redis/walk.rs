//! Walk: the lines of one account, or of all, page by page, and what they come to.

use super::Redis;
use super::codec::{read_balance, read_line};
use super::script::script;
use super::view::{Parts, View};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, fold};
use crate::quota::event::Line;
use crate::quota::{Aggregate, Bucket, Per, Resource};
use crate::store::StoreError;

script!(WALK, WORDS, "verbs/walk.lua");

/// Which lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    pub(super) resource: &'a Resource,
    pub(super) per: Per,
    /// None means all.
    pub(super) account: Option<&'a str>,
    pub(super) bucket: &'a Bucket,
}

/// One account, with its lines in their order.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) account: String,
    /// What it had used before the first line.
    pub(super) balance: Option<Count>,
    pub(super) lines: Vec<Line>,
}

impl Told {
    /// Returns what the lines come to; `since` is when the stretch of a first use began of which
    /// lines may be gone.
    pub(super) fn count(
        &self,
        bucket: &Bucket,
        aggregate: Aggregate,
        since: Option<Timestamp>,
    ) -> Count {
        let start = match bucket.shape {
            Shape::Stretch if bucket.start == Timestamp::MIN => self.balance.unwrap_or_default(),
            Shape::FirstUse { .. } => Count { since, ..Count::default() },
            Shape::Stretch | Shape::Rolling { .. } => Count::default(),
        };
        fold(self.lines.iter().map(|line| &line.event), bucket, aggregate, start)
    }
}

impl Walk<'_> {
    /// Gives `take` each account; returns none if the books were changed meanwhile.
    pub(super) async fn each(
        &self,
        store: &Redis,
        view: &View,
        mut take: impl FnMut(Told) + Send,
    ) -> Result<Option<()>, StoreError> {
        let (start, end) = self.bounds();
        let (per, resource) = (self.per.name(), self.resource.as_str());
        let is_all = if self.account.is_none() { "1" } else { "0" };
        let mut next = (self.account.unwrap_or_default().to_owned(), start.clone(), "0".to_owned());
        let mut present: Option<Told> = None;
        loop {
            let (account, moment, told) = (&next.0, &next.1, &next.2);
            let arguments = [
                &view.epoch,
                &view.last,
                per,
                resource,
                &start,
                &end,
                is_all,
                account,
                moment,
                told,
            ];
            let answer: Option<Vec<String>> = store.connection.run(&WALK, &arguments).await?;
            let Some(answer) = answer else { return Ok(None) };
            let mut parts = Parts::of(answer);
            next = (parts.text()?, parts.text()?, parts.text()?);
            while !parts.is_empty() {
                let account = parts.text()?;
                let balance = read_balance(&parts.text()?)?;
                if present.as_ref().is_none_or(|told| told.account != account) {
                    if let Some(told) = present.take() {
                        take(in_order(told));
                    }
                    present = Some(Told { account, balance, lines: Vec::new() });
                }
                for _ in 0..parts.number()? {
                    let line = read_line(parts.number()?, &parts.text()?)?;
                    if let Some(told) = &mut present
                        && line.event.account(self.per) == Some(told.account.as_str())
                    {
                        told.lines.push(line);
                    }
                }
            }
            if next.1.is_empty() {
                if let Some(told) = present.take() {
                    take(in_order(told));
                }
                return Ok(Some(()));
            }
        }
    }

    /// Returns the first moment and the bound behind the last, as Redis has them. One that opens by
    /// its first use is opened by lines that are not in it.
    fn bounds(&self) -> (String, String) {
        let Bucket { start, end, shape, .. } = self.bucket;
        let is_series = matches!(shape, Shape::FirstUse { .. });
        let start = Some(*start).filter(|it| !is_series && *it > Timestamp::MIN);
        let start = start.map_or_else(|| "-inf".to_owned(), |start| start.millis().to_string());
        let end = end.filter(|_| !is_series);
        let end = end.map_or_else(|| "+inf".to_owned(), |end| format!("({}", end.millis()));
        (start, end)
    }
}

fn in_order(mut told: Told) -> Told {
    told.lines.sort_unstable_by_key(|line| line.id);
    told
}
