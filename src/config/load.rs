//! load: file, environment and flags become settings, or every complaint at once.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{Complaint, ConfigError, Place};
use super::notes::Notes;
use super::resolve::resolve;
use super::settings::Loaded;
use super::sources::{LIMIT_GROUP, Sources};
use super::tree::{Entry, Table, Value, cover};
use super::{environment, file};
use crate::quota::Layer;

/// Reads all sources. A flag counts before the environment, that before the file.
///
/// Blocks while it reads the file, and the token's file.
///
/// # Errors
/// Everything that is wrong, each with its place and what would be right.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut complaints = Vec::new();
    let file = sources.file.as_deref().map_or_else(|| Ok(Table::new()), file::read);
    let environment = environment::read(&sources.environment, &mut complaints);
    let flags = sources.flags.read(&mut complaints);
    let mut tree = match file {
        Ok(table) => table,
        Err(unreadable) => {
            complaints.extend(unreadable);
            // Without the file, what it says would be missed by everything else.
            return Err(ConfigError::of(complaints));
        }
    };
    cover(&mut tree, environment);
    if !sources.flags.limit.is_empty() {
        complaints.extend(one_default(&tree));
    }
    cover(&mut tree, flags);
    let notes = Notes::default();
    let state = environment::state_directory(&sources.environment);
    let mut settings = resolve(&tree, sources.flags.port, state, &notes);
    if settings.policy != Layer::default() {
        settings.policy.origin = sources.file.as_deref().map(whole);
    }
    environment::near_misses(&sources.environment, &notes);
    let (found, warnings) = notes.into_parts();
    complaints.extend(found);
    if complaints.is_empty() {
        Ok(Loaded { settings, warnings })
    } else {
        Err(ConfigError::of(complaints))
    }
}

/// Returns where `file` is, whoever reads it from whatever folder.
fn whole(file: &Path) -> String {
    let whole = std::path::absolute(file);
    whole.as_deref().unwrap_or(file).display().to_string()
}

/// Complains if there is a default group already, or a group of the name that `--limit` takes.
fn one_default(tree: &Table) -> Option<Complaint> {
    let policy = below(tree, "policy")?;
    let group = below(policy, "groups").and_then(|groups| groups.get(LIMIT_GROUP));
    let entry = policy.get("default_group").or(group)?;
    let place = &entry.place;
    Some(Complaint {
        place: Place::Flag("--limit"),
        text: format!("makes the default group, and {place} has one already: keep one of the two"),
    })
}

fn below<'a>(tree: &'a Table, name: &str) -> Option<&'a Table> {
    let Entry { node, .. } = tree.get(name)?;
    match &node.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// Returns every key that the file may have, as `limits.head_timeout`; a name of your own is `*`.
#[must_use]
pub fn keys() -> BTreeSet<String> {
    /// One of each thing that has a name.
    const NAMES: [(&str, &str); 5] = [
        ("METERGATE_POLICY__GROUPS__FREE__MEDIA_BYTES__LIMIT", "0"),
        ("METERGATE_POLICY__CAPABILITIES__UPLOAD__RESOURCES", "bytes"),
        ("METERGATE_POLICY__RULES__MATCH", "*"),
        ("METERGATE_POLICY__RESOURCES__SEATS__AGGREGATE", "max"),
        ("METERGATE_NOTIFY__URL", "http://localhost"),
    ];
    let names = NAMES.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let tree = environment::read(&names, &mut Vec::new());
    let notes = Notes::default();
    resolve(&tree, None, None, &notes);
    notes.keys()
}
