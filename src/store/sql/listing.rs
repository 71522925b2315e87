//! Listing: who ever used a resource, who used most of a bucket, and whom the books know.

use super::columns::{Count as Number, End};
use super::db::Db;
use super::step::View;
use super::value::values;
use super::window::Window;
use super::{buckets, counters, fold, sums};
use crate::clock::Timestamp;
use crate::quota::bucket::Shape;
use crate::quota::count::Count;
use crate::quota::{Aggregate, Amount, Bucket, Per, Resource, Subject};
use crate::store::{Charged, Known, Page, StoreError, Usage};

/// Returns the window of everyone for themselves.
const fn alone<'a>(resource: &'a Resource, aggregate: Aggregate, bucket: &'a Bucket) -> Window<'a> {
    Window { resource, aggregate, per: Per::Subject, bucket, account: "" }
}

pub(super) fn users(
    view: View<'_>,
    resource: &Resource,
    at: Timestamp,
    page: &Page,
) -> Result<Vec<Usage>, StoreError> {
    // No subject is the empty text, so all are behind it.
    let after = page.after.as_ref().map_or("", Subject::as_str);
    let subjects = charged(view.db, resource, after, page.most)?;
    let (Some(first), Some(last)) = (subjects.first(), subjects.last()) else {
        return Ok(Vec::new());
    };
    let mut counters = vec![Vec::new(); subjects.len()];
    for place in buckets::holding(view.db, resource, at)? {
        let bucket = buckets::at(place.bucket.clone(), at)?;
        let window = Window { per: place.per, ..alone(resource, place.aggregate, &bucket) };
        let each = subjects.iter().zip(&mut counters);
        if counters::is_of_subjects(&place) {
            let all = counters::between(view.db, place.id, first, last)?;
            for (subject, counters) in each {
                let count = all.get(subject.as_str()).copied().unwrap_or_default();
                counters.push((bucket.key.clone(), at_moment(&count, &bucket, at)));
            }
        } else if window.per == Per::Subject && window.is_in_parts() {
            let all = sums::used(view.db, &window, &subjects)?;
            for (subject, counters) in each {
                let used = all.get(subject.as_str()).copied().unwrap_or_default();
                counters.push((bucket.key.clone(), used));
            }
        }
    }
    let usage = |(subject, counters)| Usage { subject, resource: resource.clone(), counters };
    Ok(subjects.into_iter().zip(counters).map(usage).collect())
}

/// Returns what is used of the stretch that `moment` is in.
fn at_moment(count: &Count, bucket: &Bucket, moment: Timestamp) -> Amount {
    let is_other = matches!(bucket.shape, Shape::FirstUse { .. })
        && count.since.is_none_or(|since| !bucket.begun(since).contains(moment));
    if is_other { Amount::ZERO } else { count.used }
}

/// Returns to whom `resource` was ever charged, by name.
fn charged(
    db: &dyn Db,
    resource: &Resource,
    after: &str,
    most: usize,
) -> Result<Vec<Subject>, StoreError> {
    let all: Option<i64> = db.one(
        "SELECT id FROM bucket WHERE resource = ?1 AND per = 'subject' AND key = 'all'",
        values![resource],
        |row| row.get(0),
    )?;
    if let Some(id) = all {
        return db.all(
            "SELECT account FROM counter WHERE bucket = ?1 AND account > ?2
             ORDER BY account LIMIT ?3",
            values![id, after, Number(most)],
            |row| row.get(0),
        );
    }
    let mut found = Vec::new();
    let mut next = next_subject(db, after, after)?;
    while let Some(subject) = next.filter(|_| found.len() < most) {
        let is_charged: bool = db.sure(
            "SELECT EXISTS (SELECT 1 FROM event WHERE subject = ?2 AND resource = ?1
                                AND kind NOT IN ('lapse', 'reset'))
                     OR EXISTS (SELECT 1 FROM balance WHERE resource = ?1 AND per = 'subject'
                                AND account = ?2)",
            values![resource, subject],
            |row| row.get(0),
        )?;
        next = next_subject(db, subject.as_str(), subject.as_str())?;
        if is_charged {
            found.push(subject);
        }
    }
    Ok(found)
}

pub(super) fn top(
    view: View<'_>,
    resource: &Resource,
    aggregate: Aggregate,
    bucket: &Bucket,
    behind: Option<&Charged>,
    most: usize,
) -> Result<Vec<Charged>, StoreError> {
    let window = alone(resource, aggregate, bucket);
    let id = buckets::find(view.db, &window)?.filter(|_| bucket.shape == Shape::Stretch);
    let Some(id) = id else {
        let mut all = all_charged(view.db, &window)?;
        all.retain(|charged| {
            charged.used > Amount::ZERO && behind.is_none_or(|last| order(last) < order(charged))
        });
        all.sort_by(|one, other| order(one).cmp(&order(other)));
        all.truncate(most);
        return Ok(all);
    };
    let (used, subject) =
        behind.map_or((Amount::MAX, ""), |last| (last.used, last.subject.as_str()));
    view.db.all(
        "SELECT account, used FROM counter
         WHERE bucket = ?1 AND used > 0 AND used <= ?3 AND (used < ?3 OR account > ?4)
         ORDER BY used DESC, account LIMIT ?2",
        values![id, Number(most), used, subject],
        |row| Ok(Charged { subject: row.get(0)?, used: row.get(1)? }),
    )
}

/// The largest first, ties by name.
const fn order(charged: &Charged) -> (std::cmp::Reverse<Amount>, &Subject) {
    (std::cmp::Reverse(charged.used), &charged.subject)
}

/// Returns who was charged how much in a bucket of which there is no list by amount.
fn all_charged(db: &dyn Db, window: &Window<'_>) -> Result<Vec<Charged>, StoreError> {
    let Window { resource, aggregate, bucket, .. } = *window;
    let charged = |account: &str, count: &Count| {
        let subject = account.parse::<Subject>();
        let subject = subject.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Charged { subject, used: at_moment(count, bucket, bucket.start) })
    };
    if window.is_in_parts() {
        let subjects = self::charged(db, resource, "", usize::MAX)?;
        let used = sums::used(db, window, &subjects)?;
        let one = |(account, used): (&&str, &Amount)| {
            charged(account, &Count { used: *used, ..Count::default() })
        };
        return used.iter().map(one).collect();
    }
    if window.is_counted() {
        if let Some(id) = buckets::find(db, window)? {
            let all = counters::all(db, id)?;
            return all.iter().map(|(account, count)| charged(account, count)).collect();
        }
        let all = fold::everyone(db, resource, aggregate, Per::Subject, bucket)?;
        return all.iter().map(|(account, tally)| charged(account, &tally.count)).collect();
    }
    let (start, end) = fold::range(bucket);
    let subjects = db.all(
        "SELECT DISTINCT subject FROM event
         WHERE resource = ?1 AND at_ms >= ?2 AND at_ms < ?3 AND kind NOT IN ('lapse', 'reset')",
        values![resource, start, End(end)],
        |row| row.get(0),
    )?;
    let subjects: Vec<String> = subjects;
    let one = |account: &String| {
        let tally = fold::one(db, &Window { account, ..*window }, None)?;
        charged(account, &tally.count)
    };
    subjects.iter().map(one).collect()
}

pub(super) fn subjects(
    view: View<'_>,
    prefix: &str,
    page: &Page,
) -> Result<Vec<Known>, StoreError> {
    let after = page.after.as_ref().map_or("", Subject::as_str);
    let mut found = Vec::new();
    let mut next = next_subject(view.db, after, prefix)?;
    while let Some(subject) = next
        && found.len() < page.most
        && subject.as_str().starts_with(prefix)
    {
        let last = last(view.db, &subject)?;
        next = next_subject(view.db, subject.as_str(), prefix)?;
        found.push(Known { subject, last });
    }
    Ok(found)
}

/// Returns the first subject behind `after` that is not before `first`.
fn next_subject(db: &dyn Db, after: &str, first: &str) -> Result<Option<Subject>, StoreError> {
    let next = |table: &str, column: &str| {
        format!("SELECT min({column}) AS name FROM {table} WHERE {column} > ?1 AND {column} >= ?2")
    };
    let all = [
        next("event", "subject"),
        next("grants", "subject"),
        next("(SELECT account FROM balance WHERE per = 'subject') AS own", "account"),
    ];
    db.sure(
        &format!("SELECT min(name) FROM ({}) AS names", all.join(" UNION ALL ")),
        values![after, first],
        |row| row.get(0),
    )
}

/// Returns the latest moment of the lines of `subject`.
fn last(db: &dyn Db, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
    let mut last = None;
    let mut after = String::new();
    // From resource to resource, so that none of their lines is looked at but the latest.
    while let Some(resource) = db.sure(
        "SELECT min(resource) FROM event WHERE subject = ?1 AND resource > ?2",
        values![subject, after],
        |row| row.get::<Option<String>>(0),
    )? {
        let latest = db.sure(
            "SELECT max(at_ms) FROM event WHERE subject = ?1 AND resource = ?2",
            values![subject, resource],
            |row| row.get::<Option<Timestamp>>(0),
        )?;
        last = last.max(latest);
        after = resource;
    }
    Ok(last)
}
