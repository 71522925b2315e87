//! Opening: makes the counts of a bucket complete: what the ledger holds is folded here, page by
//! page, and put in while nobody sees it; what was written since is added as it is made known.
//!
//! One at a time: whoever has the claim. It runs out by the server's clock if its owner is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::corrupt;
use super::fold::{self, Refolded};
use super::place::Place;
use super::plan::Days;
use super::script::script;
use super::{Redis, codec, past_parts};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{self, Count, can_be_kept};
use crate::quota::event::Event;
use crate::quota::plan::{Bound, Item, Plan};
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource};
use crate::store::StoreError;

script!(CLAIM, BOOKS, "verbs/claim.lua");
script!(STAGE, BOOKS, "verbs/stage.lua");
script!(OPEN, BOOKS, "verbs/open.lua");

/// Accounts put in at once.
const AT_ONCE: usize = 200;

/// Lines read, or counts and parts put in, at once.
const LINES: usize = 2000;

/// How long to wait for another who opens a bucket.
const PAUSE: Duration = Duration::from_millis(10);

/// How far a line may be dated from when it is written: so many days before and after are told.
const DAYS: (u64, u64) = (40, 2);

/// What is to be opened, and under which claim.
struct Opening<'a> {
    store: &'a Redis,
    version: String,
    resource: &'a Resource,
    aggregate: Aggregate,
    per: Per,
    bucket: &'a Bucket,
    token: String,
    place: String,
    /// Of a rolling window: of which moments parts are to be made; none if they are there.
    parts: Option<(i64, Option<i64>)>,
    /// The last line that was folded.
    last: String,
    events: BTreeMap<String, Vec<Event>>,
}

/// Opens the bucket of one window of a plan; waits while another is opened.
pub(super) async fn open(
    store: &Redis,
    plan: &Plan,
    item: &Item,
    bound: &Bound,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (resource, per, bucket) = (&item.resource, bound.per, &bound.bucket);
    let token = uuid::Uuid::now_v7().simple().to_string();
    let field = Place::field(per, resource, &bucket.key);
    let day = bucket.start.millis().div_euclid(DAY) * DAY;
    let in_parts =
        matches!(bucket.shape, Shape::Rolling { .. }) && item.aggregate == Aggregate::Sum;
    let from = if in_parts { day.to_string() } else { "-".to_owned() };
    let arguments = [&token, &field, item.aggregate.name(), from.as_str()];
    let claimed: Vec<String> = store.connection.run(&CLAIM, &arguments).await?;
    let [word, place, epoch, last, since] = claimed.as_slice() else {
        match claimed.first().map(String::as_str) {
            Some("taken") => tokio::time::sleep(PAUSE).await,
            Some("left") => past_parts::finish(store).await?,
            _ => {}
        }
        // It is open by now, or will be; the call that wants it looks again.
        return Ok(());
    };
    if word != "claimed" {
        return Err(corrupt("a bucket cannot be claimed"));
    }
    let since = codec::maybe(since)?.map(Timestamp::millis);
    let mut opening = Opening {
        store,
        version: plan.version.0.to_string(),
        resource,
        aggregate: item.aggregate,
        per,
        bucket,
        token,
        place: place.clone(),
        parts: in_parts.then_some((day, since)).filter(|_| since.is_none_or(|since| day < since)),
        last: last.clone(),
        events: BTreeMap::new(),
    };
    opening.finish(epoch, now).await
}

const DAY: i64 = 86_400_000;

impl Opening<'_> {
    async fn finish(&mut self, epoch: &str, now: Timestamp) -> Result<(), StoreError> {
        let range = self.range();
        let whole = Bucket { end: range.1.map(Timestamp::from_millis), ..Bucket::all() };
        let whole = Bucket { start: Timestamp::from_millis(range.0), ..whole };
        if self.parts.is_some() || can_be_kept(self.bucket, self.aggregate) {
            self.fold_all(&whole).await?;
        }
        let begun = serde_json::to_string(&self.days(now)).unwrap_or_default();
        loop {
            let text = Place::write(self.bucket, self.aggregate);
            let from = self.parts.map(|(from, _)| from.to_string()).unwrap_or_default();
            let end = self.bucket.end.filter(|_| self.bucket.shape == Shape::Stretch);
            let end = end.map(|end| end.millis().to_string()).unwrap_or_default();
            let arguments = [
                self.token.as_str(),
                &self.version,
                epoch,
                &self.last,
                self.per.name(),
                self.resource.as_str(),
                &self.bucket.key,
                &end,
                &self.place,
                &text,
                &from,
                &begun,
            ];
            let answer: Vec<String> = self.store.connection.run(&OPEN, &arguments).await?;
            match answer.first().map(String::as_str) {
                Some("behind") => self.catch_up(&whole).await?,
                // It is open, or something has changed: the call that wants it looks again.
                _ => return Ok(()),
            }
        }
    }

    /// Returns the moments of which lines are folded.
    fn range(&self) -> (i64, Option<i64>) {
        match (self.parts, &self.bucket.shape) {
            (Some(parts), _) => parts,
            (None, Shape::FirstUse { .. }) => (Timestamp::MIN.millis(), None),
            (None, _) => (self.bucket.start.millis(), self.bucket.end.map(Timestamp::millis)),
        }
    }

    /// Returns the days by which a bucket by first use is begun by what is written now.
    fn days(&self, now: Timestamp) -> Days {
        let mut days = Days::new();
        if !matches!(self.bucket.shape, Shape::FirstUse { .. }) {
            return days;
        }
        let mut at = now.before(Duration::from_hours(24 * DAYS.0));
        let last = now.after(Duration::from_hours(24 * DAYS.1));
        let mut known = Vec::new();
        while at < last {
            let begun = self.bucket.begun(at);
            // A civil day has at least 20 hours; the next one is where another begins.
            let mut next = begun.start.after(Duration::from_hours(20));
            while self.bucket.begun(next).start == begun.start {
                next = next.after(Duration::from_mins(15));
            }
            let next = self.bucket.begun(next).start;
            known.push((begun.start.millis(), next.millis(), begun.end.map(Timestamp::millis)));
            at = next;
        }
        days.insert(self.bucket.key.clone(), known);
        days
    }

    async fn fold_all(&mut self, whole: &Bucket) -> Result<(), StoreError> {
        let mut ids = self.ids(whole).await?;
        ids.sort_unstable();
        for some in ids.chunks(LINES) {
            self.take(some, whole).await?;
            self.renew().await?;
        }
        self.start_with_balances().await?;
        let accounts: Vec<_> = self.events.keys().cloned().collect();
        self.stage(&accounts).await
    }

    /// Returns the ids of the lines up to the last, by their moments.
    async fn ids(&self, whole: &Bucket) -> Result<Vec<String>, StoreError> {
        // The server has the lines of all accounts.
        let moments = self.store.keys().moments(Per::Server, self.resource, "");
        let (mut from, to) = fold::scores(whole);
        let (mut ids, mut told) = (Vec::new(), 0_usize);
        loop {
            let mut ask = redis::cmd("ZRANGEBYSCORE");
            ask.arg(&moments).arg(&from).arg(&to).arg("WITHSCORES");
            ask.arg("LIMIT").arg(told).arg(LINES);
            let found: Vec<(String, String)> = self.store.connection.ask(&ask).await?;
            let is_last = found.len() < LINES;
            for (entry, at) in found {
                // So many lines of the moment at which to go on were told already; others come
                // behind them.
                told = if at == from { told + 1 } else { 1 };
                from = at;
                let id = entry.split(' ').next().unwrap_or_default();
                // What was written since comes with the rest of it.
                if id <= self.last.as_str() {
                    ids.push(id.to_owned());
                }
            }
            if is_last {
                return Ok(ids);
            }
            self.renew().await?;
        }
    }

    /// Adds the lines with these ids, as far as they belong here; returns whose they are.
    async fn take(&mut self, ids: &[String], whole: &Bucket) -> Result<Vec<String>, StoreError> {
        let mut accounts = Vec::new();
        for line in fold::by_id(self.store, ids).await? {
            let event = line.event;
            if event.resource != *self.resource || !whole.contains(event.at) {
                continue;
            }
            if let Some(account) = event.account(self.per).map(str::to_owned) {
                accounts.push(account.clone());
                self.events.entry(account).or_default().push(event);
            }
        }
        accounts.sort_unstable();
        accounts.dedup();
        Ok(accounts)
    }

    /// Makes known who has a balance: of all time that counts, too.
    async fn start_with_balances(&mut self) -> Result<(), StoreError> {
        if self.is_of_all_time() {
            let balances = self.store.keys().balances(self.per, self.resource);
            let known: Vec<String> =
                self.store.connection.ask(redis::cmd("HKEYS").arg(balances)).await?;
            for account in known {
                self.events.entry(account).or_default();
            }
        }
        Ok(())
    }

    fn is_of_all_time(&self) -> bool {
        self.bucket.shape == Shape::Stretch && self.bucket.start == Timestamp::MIN
    }

    /// Folds what was written since.
    async fn catch_up(&mut self, whole: &Bucket) -> Result<(), StoreError> {
        let ledger = self.store.keys().ledger();
        loop {
            let mut ask = redis::cmd("ZRANGEBYLEX");
            ask.arg(&ledger).arg(format!("({}", self.last)).arg("+");
            ask.arg("LIMIT").arg(0).arg(1000);
            let ids: Vec<String> = self.store.connection.ask(&ask).await?;
            let Some(last) = ids.last().cloned() else { return Ok(()) };
            let accounts = self.take(&ids, whole).await?;
            self.stage(&accounts).await?;
            self.last = last;
        }
    }

    /// Puts in what these accounts come to.
    async fn stage(&self, accounts: &[String]) -> Result<(), StoreError> {
        for accounts in accounts.chunks(AT_ONCE) {
            let mut rows: Vec<Vec<String>> = Vec::new();
            for account in accounts {
                let events = self.events.get(account).map(Vec::as_slice).unwrap_or_default();
                if self.parts.is_some() {
                    rows.extend(parts_of(account, events));
                } else {
                    rows.extend(self.count_of(account, events).await?);
                }
            }
            // There may be many parts of one account.
            for some in rows.chunks(LINES) {
                self.put(&serde_json::to_string(some).unwrap_or_default()).await?;
            }
        }
        Ok(())
    }

    /// Keeps the claim for longer.
    async fn renew(&self) -> Result<(), StoreError> {
        self.put("[]").await
    }

    async fn put(&self, rows: &str) -> Result<(), StoreError> {
        let what = if self.parts.is_some() { "parts" } else { "counts" };
        let arguments =
            [&self.token, what, &self.place, self.per.name(), self.resource.as_str(), rows];
        let answer: Vec<String> = self.store.connection.run(&STAGE, &arguments).await?;
        if answer.first().is_some_and(|word| word == "staged") {
            return Ok(());
        }
        Err(StoreError::unavailable(
            "a bucket could not be opened in time",
            "another took over: try again",
        ))
    }

    /// Returns the account, its count, and its members.
    async fn count_of(
        &self,
        account: &str,
        events: &[Event],
    ) -> Result<Option<Vec<String>>, StoreError> {
        let mut start = Count::default();
        if self.is_of_all_time() {
            let balances = self.store.keys().balances(self.per, self.resource);
            let found: Option<String> =
                self.store.connection.ask(redis::cmd("HGET").arg(balances).arg(account)).await?;
            start = found.map(|text| fold::read_balance(&text)).transpose()?.unwrap_or_default();
        }
        let count = count::fold(events.iter(), self.bucket, self.aggregate, start);
        if count == Count::default() {
            return Ok(None);
        }
        let members = fold::members(events, self.bucket, self.aggregate);
        let folded = Refolded::of(count, self.bucket, members);
        let mut row = vec![account.to_owned(), folded.text()];
        row.extend(folded.into_members());
        Ok(Some(row))
    }
}

/// Returns the account, and a part of time with what it comes to, each.
fn parts_of(account: &str, events: &[Event]) -> Vec<Vec<String>> {
    let mut parts: BTreeMap<String, i64> = BTreeMap::new();
    let charges = |event: &&Event| event.kind.charges() && event.amount != Amount::ZERO;
    for event in events.iter().filter(charges) {
        for (letter, size) in [("d", DAY), ("h", DAY / 24), ("m", 60_000)] {
            let field = format!("{letter}{}", event.at.millis().div_euclid(size));
            let sum = parts.entry(field).or_default();
            *sum = sum.saturating_add(event.amount.get());
        }
    }
    let row = |(field, sum): (String, i64)| vec![account.to_owned(), field, sum.to_string()];
    parts.into_iter().map(row).collect()
}
