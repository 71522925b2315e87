//! Policy: both layers, and what each subject has of its own; every change raises the version.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::buckets;
use super::columns::Count;
use super::db::Db;
use super::step::{Step, View};
use super::value::values;
use crate::quota::{Grants, Layer, Policy, PolicyVersion, Subject};
use crate::store::{LayerKind, Page, StoreError};

pub(super) fn version(db: &dyn Db) -> Result<PolicyVersion, StoreError> {
    db.sure("SELECT version FROM policy", values![], |row| row.get(0))
}

pub(super) fn load(view: View<'_>) -> Result<Policy, StoreError> {
    let (version, file, store): (_, String, String) =
        view.db.sure("SELECT version, file, store FROM policy", values![], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
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
    step.db.write(&format!("UPDATE policy SET {column} = ?1"), values![document])?;
    buckets::close_changed(step, &load(step.view())?)?;
    step.known.version = Some(next);
    Ok(next)
}

pub(super) fn grants(
    view: View<'_>,
    subject: &Subject,
) -> Result<(PolicyVersion, Grants), StoreError> {
    let document: Option<String> =
        view.db.one("SELECT document FROM grants WHERE subject = ?1", values![subject], |row| {
            row.get(0)
        })?;
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
    put_grants(step.db, subject, new)?;
    Ok(next)
}

/// Writes the layer changed by command line and API, whatever was there.
pub(super) fn put_store_layer(db: &dyn Db, layer: &Layer) -> Result<(), StoreError> {
    db.write("UPDATE policy SET store = ?1", values![written(layer)?])?;
    Ok(())
}

/// Writes what `subject` has of its own; nothing takes no room.
pub(super) fn put_grants(db: &dyn Db, subject: &Subject, new: &Grants) -> Result<(), StoreError> {
    if new.is_empty() {
        db.write("DELETE FROM grants WHERE subject = ?1", values![subject])?;
        return Ok(());
    }
    db.write(
        "INSERT INTO grants (subject, document) VALUES (?1, ?2)
         ON CONFLICT (subject) DO UPDATE SET document = excluded.document",
        values![subject, written(new)?],
    )?;
    Ok(())
}

pub(super) fn all_grants(
    view: View<'_>,
    page: &Page,
) -> Result<Vec<(Subject, Grants)>, StoreError> {
    // No subject is the empty text, so all are behind it.
    let after = page.after.as_ref().map_or("", Subject::as_str);
    view.db.all(
        "SELECT subject, document FROM grants WHERE subject > ?1 ORDER BY subject LIMIT ?2",
        values![after, Count(page.most)],
        |row| Ok((row.get(0)?, parsed(&row.get::<String>(1)?, "grants")?)),
    )
}

/// Raises the version, if it is still the one that was `seen`.
pub(super) fn raise(step: &mut Step<'_>, seen: PolicyVersion) -> Result<PolicyVersion, StoreError> {
    if version(step.db)? != seen {
        let text = "the policy was changed by someone else: try again";
        return Err(StoreError::Conflict(text.to_owned()));
    }
    let next = PolicyVersion(seen.0.saturating_add(1));
    step.db.write("UPDATE policy SET version = ?1", values![next])?;
    step.known.version = Some(next);
    Ok(next)
}

pub(super) fn parsed<T: DeserializeOwned>(document: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(document).map_err(|error| {
        StoreError::Corrupt(format!("the database holds {what} that cannot be read: {error}"))
    })
}

pub(super) fn written<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::unavailable("what was given cannot be written", error))
}
