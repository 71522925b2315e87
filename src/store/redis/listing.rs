//! Listing: who ever used a resource, who used most of a bucket, and whom the books know.

use std::cmp::Reverse;

use super::Redis;
use super::codec::{maybe, read_count};
use super::counts::Kept;
use super::fault::corrupt;
use super::place::Place;
use super::script::script;
use super::view::{Parts, Tries, View};
use super::walk::Walk;
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::{Count, can_be_kept};
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource, Subject};
use crate::store::{Charged, Known, Page, StoreError, Usage};

script!(USERS, BOOKS, "verbs/users.lua");
script!(SUBJECTS, WORDS, "verbs/subjects.lua");
script!(PLACE, WORDS, "verbs/place.lua");

pub(super) async fn users(
    store: &Redis,
    resource: &Resource,
    at: Timestamp,
    page: &Page,
) -> Result<Vec<Usage>, StoreError> {
    let (mut found, mut bound) = (Vec::new(), behind(page));
    let moment = at.millis().to_string();
    while found.len() < page.most {
        let most = (page.most - found.len()).to_string();
        let arguments = [resource.as_str(), &moment, &bound, &most];
        let answer: Vec<String> = store.connection.run(&USERS, &arguments).await?;
        let mut parts = Parts::of(answer);
        let last = parts.text()?;
        let mut buckets = Vec::new();
        for _ in 0..parts.number()? {
            buckets.push(Place::read(&parts.text()?)?.at(at)?);
        }
        while !parts.is_empty() {
            let (subject, mut counters) = (subject(&parts.text()?)?, Vec::new());
            for bucket in &buckets {
                let count = Some(parts.text()?).filter(|count| !count.is_empty());
                let count = count.map(|count| read_count(&count)).transpose()?.unwrap_or_default();
                counters.push((bucket.key.clone(), at_moment(&count, bucket, at)));
            }
            found.push(Usage { subject, resource: resource.clone(), counters });
        }
        if last.is_empty() {
            break;
        }
        bound = format!("({last}");
    }
    Ok(found)
}

/// Returns what is used of the stretch that `moment` is in.
fn at_moment(count: &Count, bucket: &Bucket, moment: Timestamp) -> Amount {
    let is_other = matches!(bucket.shape, Shape::FirstUse { .. })
        && count.since.is_none_or(|since| !bucket.begun(since).contains(moment));
    if is_other { Amount::ZERO } else { count.used }
}

pub(super) async fn top(
    store: &Redis,
    resource: &Resource,
    aggregate: Aggregate,
    bucket: &Bucket,
    behind: Option<&Charged>,
    most: usize,
) -> Result<Vec<Charged>, StoreError> {
    let mut tries = Tries::default();
    let mut all = loop {
        let mut view = View::now(store).await?;
        let found = match kept(store, resource, aggregate, bucket).await? {
            Some(place) => counted(store, &mut view, resource, bucket, &place).await?,
            None => folded(store, &view, resource, aggregate, bucket).await?,
        };
        match found {
            Some(all) => break all,
            None => tries.again().await?,
        }
    };
    all.retain(|one| one.used > Amount::ZERO && behind.is_none_or(|last| order(last) < order(one)));
    all.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    all.truncate(most);
    Ok(all)
}

/// The largest first, ties by name.
const fn order(charged: &Charged) -> (Reverse<Amount>, &Subject) {
    (Reverse(charged.used), &charged.subject)
}

/// Returns the id of the bucket if its counts are kept.
async fn kept(
    store: &Redis,
    resource: &Resource,
    aggregate: Aggregate,
    bucket: &Bucket,
) -> Result<Option<String>, StoreError> {
    let place = find(store, Per::Subject, resource, bucket).await?;
    let place = place.filter(|it| it.aggregate == aggregate && can_be_kept(bucket, aggregate));
    Ok(place.map(|place| place.id))
}

/// Returns the opened bucket.
pub(super) async fn find(
    store: &Redis,
    per: Per,
    resource: &Resource,
    bucket: &Bucket,
) -> Result<Option<Place>, StoreError> {
    let field = Place::field(per, resource, &bucket.key);
    let text: Option<String> = store.connection.run(&PLACE, &[&field]).await?;
    text.map(|text| Place::read(&text)).transpose()
}

async fn counted(
    store: &Redis,
    view: &mut View,
    resource: &Resource,
    bucket: &Bucket,
    place: &str,
) -> Result<Option<Vec<Charged>>, StoreError> {
    let kept = Kept { place, per: Per::Subject, resource };
    let Some(counts) = kept.all(store, view).await? else {
        return Ok(None);
    };
    let charged = |(account, count): (&String, &Count)| {
        let used = at_moment(count, bucket, bucket.start);
        Ok(Charged { subject: subject(account)?, used })
    };
    counts.iter().map(charged).collect::<Result<_, _>>().map(Some)
}

async fn folded(
    store: &Redis,
    view: &View,
    resource: &Resource,
    aggregate: Aggregate,
    bucket: &Bucket,
) -> Result<Option<Vec<Charged>>, StoreError> {
    let walk = Walk { resource, per: Per::Subject, account: None, bucket };
    let mut all = Vec::new();
    let done = walk.each(store, view, |told| {
        let used = at_moment(&told.count(bucket, aggregate, None), bucket, bucket.start);
        all.push((told.account, used));
    });
    let Some(()) = done.await? else {
        return Ok(None);
    };
    let charged =
        |(account, used): (String, Amount)| Ok(Charged { subject: subject(&account)?, used });
    all.into_iter().map(charged).collect::<Result<_, _>>().map(Some)
}

pub(super) async fn subjects(
    store: &Redis,
    prefix: &str,
    page: &Page,
) -> Result<Vec<Known>, StoreError> {
    let after = page.after.as_ref().filter(|after| after.as_str() >= prefix);
    let mut bound = after.map_or_else(|| format!("[{prefix}"), |after| format!("({after}"));
    let mut found = Vec::new();
    while found.len() < page.most {
        let most = (page.most - found.len()).to_string();
        let answer: Vec<String> = store.connection.run(&SUBJECTS, &[prefix, &bound, &most]).await?;
        let mut parts = Parts::of(answer);
        let last = parts.text()?;
        while !parts.is_empty() {
            let (subject, last) = (subject(&parts.text()?)?, maybe(&parts.text()?)?);
            found.push(Known { subject, last });
        }
        if last.is_empty() {
            break;
        }
        bound = format!("({last}");
    }
    Ok(found)
}

/// Returns the bound of the names of a page, as Redis has it.
pub(super) fn behind(page: &Page) -> String {
    page.after.as_ref().map_or_else(|| "-".to_owned(), |after| format!("({after}"))
}

/// Reads the name of a subject.
pub(super) fn subject(name: &str) -> Result<Subject, StoreError> {
    name.parse().map_err(|error| corrupt(format!("a subject cannot be: {error}")))
}
