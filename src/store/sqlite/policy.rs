//! Policy: both layers, and what each subject has of its own; every change raises the version.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::Count;
use super::step::{Step, View};
use crate::quota::{Grants, Layer, Policy, PolicyVersion, Subject};
use crate::store::{LayerKind, Page, StoreError};

pub(super) fn version(db: &Connection) -> rusqlite::Result<PolicyVersion> {
    db.prepare_cached("SELECT version FROM policy")?.query_row([], |row| row.get(0))
}

pub(super) fn load(view: View<'_>) -> Result<Policy, StoreError> {
    let (version, file, store): (_, String, String) = view
        .db
        .prepare_cached("SELECT version, file, store FROM policy")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Policy { version, file: parsed(&file, "policy")?, store: parsed(&store, "policy")? })
}

pub(super) fn write_layer(
    step: &mut Step<'_>,
    kind: LayerKind,
    layer: &Layer,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let policy = load(step.view())?;
    let (present, column) = match kind {
        LayerKind::File => (&policy.file, "file"),
        LayerKind::Store => (&policy.store, "store"),
    };
    if present == layer {
        return Ok(policy.version);
    }
    let next = raise(step, seen)?;
    let document = written(layer)?;
    step.db.execute(&format!("UPDATE policy SET {column} = ?1"), params![document])?;
    Ok(next)
}

pub(super) fn grants(
    view: View<'_>,
    subject: &Subject,
) -> Result<(PolicyVersion, Grants), StoreError> {
    let document: Option<String> = view
        .db
        .prepare_cached("SELECT document FROM grants WHERE subject = ?1")?
        .query_row(params![subject], |row| row.get(0))
        .optional()?;
    let grants = document.map(|text| parsed(&text, "grants")).transpose()?;
    Ok((version(view.db)?, grants.unwrap_or_default()))
}

pub(super) fn write_grants(
    step: &mut Step<'_>,
    subject: &Subject,
    new: &Grants,
    seen: PolicyVersion,
) -> Result<PolicyVersion, StoreError> {
    let (present, old) = grants(step.view(), subject)?;
    if old == *new {
        return Ok(present);
    }
    let next = raise(step, seen)?;
    if new.is_empty() {
        step.db.execute("DELETE FROM grants WHERE subject = ?1", params![subject])?;
    } else {
        step.db.execute(
            "INSERT INTO grants (subject, document) VALUES (?1, ?2)
             ON CONFLICT (subject) DO UPDATE SET document = excluded.document",
            params![subject, written(new)?],
        )?;
    }
    Ok(next)
}

pub(super) fn all_grants(
    view: View<'_>,
    page: &Page,
) -> Result<Vec<(Subject, Grants)>, StoreError> {
    let mut query = view.db.prepare_cached(
        "SELECT subject, document FROM grants WHERE subject > ?1 ORDER BY subject LIMIT ?2",
    )?;
    // No subject is the empty text, so all are behind it.
    let after = page.after.as_ref().map_or("", Subject::as_str);
    let rows = query.query_map(params![after, Count(page.most)], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (subject, document) = row?;
        Ok((subject, parsed(&document, "grants")?))
    })
    .collect()
}

/// Raises the version, if it is still the one that was `seen`.
fn raise(step: &mut Step<'_>, seen: PolicyVersion) -> Result<PolicyVersion, StoreError> {
    if version(step.db)? != seen {
        let text = "the policy was changed by someone else: try again";
        return Err(StoreError::Conflict(text.to_owned()));
    }
    let next = PolicyVersion(seen.0.saturating_add(1));
    step.db.execute("UPDATE policy SET version = ?1", params![next])?;
    step.known.version = Some(next);
    Ok(next)
}

fn parsed<T: DeserializeOwned>(document: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(document).map_err(|error| {
        StoreError::Corrupt(format!("the database holds {what} that cannot be read: {error}"))
    })
}

fn written<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::unavailable("the policy cannot be written", error))
}
