//! Listing: who ever used a resource, and who used most of a bucket.

use rusqlite::params;

use super::columns::Count;
use super::step::View;
use super::{counters, ledger};
use crate::clock::Timestamp;
use crate::quota::{Amount, Bucket, Resource, Subject};
use crate::store::{Charged, Page, StoreError, Usage};

pub(super) fn users(
    view: View<'_>,
    resource: &Resource,
    at: Timestamp,
    page: &Page,
) -> Result<Vec<Usage>, StoreError> {
    let Some(all) = counters::find(view.db, resource, &Bucket::all())? else {
        return Ok(Vec::new());
    };
    let mut query = view.db.prepare_cached(
        "SELECT subject FROM counter WHERE bucket = ?1 AND subject > ?2 ORDER BY subject LIMIT ?3",
    )?;
    // No subject is the empty text, so all are behind it.
    let after = page.after.as_ref().map_or("", Subject::as_str);
    let rows = query.query_map(params![all, after, Count(page.most)], |row| row.get(0))?;
    let buckets = counters::holding(view.db, resource, at)?;
    rows.map(|subject| {
        let subject = subject?;
        let counter = |(id, bucket): &(i64, Bucket)| {
            Ok((bucket.key.clone(), counters::used(view.db, *id, &subject)?))
        };
        let counters = buckets.iter().map(counter).collect::<Result<_, StoreError>>()?;
        Ok(Usage { subject, resource: resource.clone(), counters })
    })
    .collect()
}

pub(super) fn top(
    view: View<'_>,
    resource: &Resource,
    bucket: &Bucket,
    most: usize,
) -> Result<Vec<Charged>, StoreError> {
    let Some(id) = counters::find(view.db, resource, bucket)? else {
        let mut all: Vec<_> = ledger::fold(view.db, resource, bucket)?
            .into_iter()
            .filter(|(_, used)| *used > Amount::ZERO)
            .map(|(subject, used)| Charged { subject, used })
            .collect();
        // They come by name, and the sort keeps that order among equals.
        all.sort_by_key(|charged| std::cmp::Reverse(charged.used));
        all.truncate(most);
        return Ok(all);
    };
    let mut query = view.db.prepare_cached(
        "SELECT subject, used FROM counter WHERE bucket = ?1 AND used > 0
         ORDER BY used DESC, subject LIMIT ?2",
    )?;
    let found = query.query_map(params![id, Count(most)], |row| {
        Ok(Charged { subject: row.get(0)?, used: row.get(1)? })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
