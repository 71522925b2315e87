//! Opened: which buckets are kept.

use super::Redis;
use super::place::Place;
use super::script::script;
use super::view::Parts;
use crate::quota::{Per, Resource};
use crate::store::{Opened, StoreError};

script!(OPENED, WORDS, "verbs/opened.lua");

/// Returns all opened buckets.
pub(super) async fn all(store: &Redis) -> Result<Vec<(Per, Resource, Place)>, StoreError> {
    let answer: Vec<String> = store.connection.run(&OPENED, &[]).await?;
    read(&mut Parts::of(answer))
}

/// Reads opened buckets: the field and the text of each.
pub(super) fn read(parts: &mut Parts) -> Result<Vec<(Per, Resource, Place)>, StoreError> {
    let mut found = Vec::new();
    while !parts.is_empty() {
        let (per, resource) = Place::whose(&parts.text()?)?;
        found.push((per, resource, Place::read(&parts.text()?)?));
    }
    Ok(found)
}

pub(super) async fn opened(store: &Redis) -> Result<Vec<Opened>, StoreError> {
    let mut found = Vec::new();
    for (per, resource, place) in all(store).await? {
        if place.is_counted() || place.is_in_parts() {
            let Place { aggregate, bucket, .. } = place;
            found.push(Opened { resource, aggregate, per, bucket });
        }
    }
    Ok(found)
}
