//! Policy: its layers, and what single subjects have of their own; every change raises the version.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Redis;
use super::fault::corrupt;
use super::place::Place;
use super::script::script;
use crate::quota::{Grants, Layer, Policy, PolicyVersion, Subject};
use crate::store::{LayerKind, StoreError};

script!(WRITE_LAYER, BOOKS, "verbs/write_layer.lua");
script!(WRITE_GRANTS, WORDS, "verbs/write_grants.lua");

/// How often a change of policy is worked out anew because buckets were opened in between.
const TRIES: usize = 100;

pub(super) async fn load(store: &Redis) -> Result<Policy, StoreError> {
    let mut ask = redis::cmd("HMGET");
    ask.arg(store.keys().policy()).arg(&["version", "file", "store"]);
    let (version, file, layer): (Option<i64>, Option<String>, Option<String>) =
        store.connection.ask(&ask).await?;
    Ok(Policy {
        version: PolicyVersion(version.unwrap_or_default()),
        file: parsed(file.as_deref().unwrap_or("{}"), "policy")?,
        store: parsed(layer.as_deref().unwrap_or("{}"), "policy")?,
    })
}

pub(super) async fn write_layer(
    store: &Redis,
    kind: LayerKind,
    layer: &Layer,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let mut policy = load(store).await?;
    let (present, field) = match kind {
        LayerKind::File => (&mut policy.file, "file"),
        LayerKind::Store => (&mut policy.store, "store"),
    };
    if present == layer {
        return Ok(policy.version);
    }
    present.clone_from(layer);
    let document = written(layer)?;
    for _ in 0..TRIES {
        let present = aggregates(store, &policy).await?;
        let arguments = [field, &document, &seen.0.to_string(), &present];
        let answer: Vec<String> = store.connection.run(&WRITE_LAYER, &arguments).await?;
        if answer.first().is_none_or(|word| word != "again") {
            return version_in(&answer);
        }
    }
    Err(StoreError::unavailable("the policy cannot be changed", "buckets are opened all the time"))
}

/// Returns, as JSON, how each resource of which buckets are opened adds up by `policy`.
pub(super) async fn aggregates(store: &Redis, policy: &Policy) -> Result<String, StoreError> {
    let places = store.keys().places();
    let fields: Vec<String> = store.connection.ask(redis::cmd("HKEYS").arg(places)).await?;
    let mut all = BTreeMap::new();
    for field in fields {
        let (_, resource) = Place::whose(&field)?;
        let aggregate = policy.measure(&resource).aggregate;
        all.insert(resource.to_string(), aggregate.name());
    }
    written(&all)
}

pub(super) async fn grants(
    store: &Redis,
    subject: &Subject,
) -> Result<(PolicyVersion, Grants), StoreError> {
    let keys = store.keys();
    // One after the other on one connection; what changes in between makes the version too old,
    // and that is found out when it matters.
    let mut version = redis::cmd("HGET");
    version.arg(keys.policy()).arg("version");
    let version: Option<i64> = store.connection.ask(&version).await?;
    let mut document = redis::cmd("HGET");
    document.arg(keys.grants()).arg(subject.as_str());
    let document: Option<String> = store.connection.ask(&document).await?;
    let grants = document.map(|text| parsed(&text, "grants")).transpose()?;
    Ok((PolicyVersion(version.unwrap_or_default()), grants.unwrap_or_default()))
}

pub(super) async fn write_grants(
    store: &Redis,
    subject: &Subject,
    new: &Grants,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let (present, old) = grants(store, subject).await?;
    if old == *new {
        return Ok(present);
    }
    let document = if new.is_empty() { String::new() } else { written(new)? };
    let arguments = [subject.as_str(), &document, &seen.0.to_string()];
    let answer: Vec<String> = store.connection.run(&WRITE_GRANTS, &arguments).await?;
    version_in(&answer)
}

/// Reads the answer of a script that changes the policy: its new version, or a conflict.
pub(super) fn version_in(answer: &[String]) -> Result<PolicyVersion, StoreError> {
    match answer {
        [word, text] if word == "conflict" => Err(StoreError::Conflict(text.clone())),
        [word, version] if word == "written" => {
            version.parse().map(PolicyVersion).map_err(|_| corrupt("the policy has no version"))
        }
        _ => Err(corrupt("the policy has no version")),
    }
}

pub(super) fn written<T: Serialize>(document: &T) -> Result<String, StoreError> {
    serde_json::to_string(document).map_err(|error| corrupt(error.to_string()))
}

pub(super) fn parsed<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(format!("{what}: {error}")))
}
