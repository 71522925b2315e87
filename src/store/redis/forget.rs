//! Forget: all that one subject did, given to a name that says nothing.

use super::codec::read_count;
use super::fault::corrupt;
use super::fold::{self, Refolded};
use super::keys::Keys;
use super::script::script;
use super::view::{Parts, Tries, View};
use super::walk::{Told, Walk};
use super::{Redis, opened, outbox};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::{Amount, Per, Resource, Subject};
use crate::store::StoreError;
use crate::store::redis::place::Place;

script!(LOOK, WORDS, "verbs/forget_look.lua");
script!(FORGET, BOOKS, "verbs/forget.lua");
script!(COUNTS_OF, WORDS, "verbs/counts_of.lua");

/// How many notices are looked at once.
const AT_ONCE: usize = 1000;

pub(super) async fn forget(
    store: &Redis,
    subject: &Subject,
    pseudonym: &Subject,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let moment = now.millis().to_string();
    let (notices, seen) = notices_of(store, subject).await?;
    let notices = json(&notices)?;
    let mut tries = Tries::default();
    loop {
        let view = View::now(store).await?;
        let names = [subject.as_str(), pseudonym.as_str()];
        let mut parts = Parts::of(store.connection.run(&LOOK, &names).await?);
        let epoch = parts.text()?;
        let (is_known, newest) = (parts.text()? == "1", parts.text()?);
        let (is_shared, other) = (parts.text()? == "1", parts.text()?);
        if !is_known {
            return Ok(false);
        }
        let folds = if is_shared && epoch == view.epoch {
            folds(store, &view, subject, pseudonym).await?
        } else {
            Some(Vec::new())
        };
        if let Some(folds) = folds {
            let folds = json(&folds)?;
            let [subject, pseudonym] = names;
            let arguments = [
                subject,
                pseudonym,
                &moment,
                &view.epoch,
                &newest,
                &other,
                &notices,
                &seen,
                &folds,
            ];
            let answer: Vec<String> = store.connection.run(&FORGET, &arguments).await?;
            match answer.as_slice() {
                [word] if word == "done" => return Ok(true),
                [word, text] if word == "conflict" => {
                    return Err(StoreError::Conflict(text.clone()));
                }
                _ => {}
            }
        }
        tries.again().await?;
    }
}

/// Returns the ids of the notices about `subject`, and up to which notice was looked.
async fn notices_of(store: &Redis, subject: &Subject) -> Result<(Vec<String>, String), StoreError> {
    let (mut found, mut seen) = (Vec::new(), 0);
    loop {
        let some = outbox::notices(store, seen, AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok((found, Keys::id(seen))) };
        seen = last.id;
        let own = some.iter().filter(|notice| notice.subject == *subject);
        found.extend(own.map(|notice| Keys::id(notice.id)));
    }
}

/// Returns what is counted of both together in each opened bucket of subjects: its id, the count
/// and the members. None if the books were changed meanwhile.
async fn folds(
    store: &Redis,
    view: &View,
    subject: &Subject,
    pseudonym: &Subject,
) -> Result<Option<Vec<Vec<String>>>, StoreError> {
    let mut all = Vec::new();
    for (per, resource, place) in opened::all(store).await? {
        if per != Per::Subject || !place.is_counted() {
            continue;
        }
        let both = [subject, pseudonym];
        let Some(told) = together(store, view, &resource, &place, both).await? else {
            return Ok(None);
        };
        let since = since(store, &resource, &place, both).await?;
        let count = told.count(&place.bucket, place.aggregate, since);
        let events: Vec<_> = told.lines.into_iter().map(|line| line.event).collect();
        let members = fold::members(&events, &place.bucket, place.aggregate);
        let count = Refolded::of(count, &place.bucket, Vec::new());
        all.push([place.id, count.text()].into_iter().chain(members).collect());
    }
    Ok(Some(all))
}

/// Returns the lines and the balance that both have.
async fn together(
    store: &Redis,
    view: &View,
    resource: &Resource,
    place: &Place,
    both: [&Subject; 2],
) -> Result<Option<Told>, StoreError> {
    let mut all = Told::default();
    for account in both {
        let account = Some(account.as_str());
        let walk = Walk { resource, per: Per::Subject, account, bucket: &place.bucket };
        let done = walk.each(store, view, |told| {
            all.lines.extend(told.lines);
            all.balance = match (all.balance, told.balance) {
                (Some(one), Some(other)) => Some(Count {
                    used: one.used.plus(other.used).unwrap_or(Amount::MAX),
                    newest: one.newest.max(other.newest),
                    since: None,
                }),
                (one, other) => one.or(other),
            };
        });
        if done.await?.is_none() {
            return Ok(None);
        }
    }
    all.lines.sort_unstable_by_key(|line| line.id);
    Ok(Some(all))
}

/// Returns when the stretch of a first use began that is counted of the first that has one, where
/// lines may be gone that tell it.
async fn since(
    store: &Redis,
    resource: &Resource,
    place: &Place,
    both: [&Subject; 2],
) -> Result<Option<Timestamp>, StoreError> {
    if !matches!(place.bucket.shape, Shape::FirstUse { .. }) {
        return Ok(None);
    }
    let arguments = [place.id.as_str(), resource.as_str(), both[0].as_str(), both[1].as_str()];
    let answer: Vec<String> = store.connection.run(&COUNTS_OF, &arguments).await?;
    let mut parts = Parts::of(answer);
    if parts.text()?.is_empty() {
        return Ok(None);
    }
    for _ in both {
        let count = parts.text()?;
        if !count.is_empty() {
            return Ok(read_count(&count)?.since);
        }
    }
    Ok(None)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(error.to_string()))
}
