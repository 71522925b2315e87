//! The environment: `METERGATE_LIMITS__HEAD_TIMEOUT` is `head_timeout` in `[limits]`.

use std::path::Path;

use super::error::{Complaint, Place};
use super::notes::Notes;
use super::tree::{Entry, Node, Table, Value};

/// What every variable of ours begins with.
const PREFIX: &str = "METERGATE_";
/// What stands between section and key.
const BETWEEN: &str = "__";
/// Where systemd tells which folders it keeps for a service, with colons between them.
const STATE: &str = "STATE_DIRECTORY";

/// Returns the variables of this process that begin with `METERGATE_`, and `STATE_DIRECTORY`.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok()?;
        // What is not UTF-8 is no valid setting: it is refused where it is read, not overlooked.
        let value = value.to_string_lossy().into_owned();
        (name.starts_with(PREFIX) || name == STATE).then_some((name, value))
    };
    std::env::vars_os().filter_map(ours).collect()
}

/// Returns the variable `name` of this process; set to nothing, it is not set.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    (!value.is_empty()).then_some(value)
}

/// Returns the folder that the service manager keeps for this service: the first, if there are
/// several.
pub(super) fn state_directory(variables: &[(String, String)]) -> Option<&Path> {
    let (_, folders) = variables.iter().find(|(name, _)| name == STATE)?;
    let first = folders.split(':').next()?;
    (!first.is_empty()).then_some(Path::new(first))
}

/// Makes a tree of `variables`.
///
/// Without a double underscore only `METERGATE_STORAGE` is a setting; the others belong to the
/// command line, or to whoever set them (Kubernetes makes a `METERGATE_PORT` for a service so called).
pub(super) fn read(variables: &[(String, String)], complaints: &mut Vec<Complaint>) -> Table {
    let mut tree = Table::new();
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let path = match key {
            "STORAGE" => "storage__url".to_owned(),
            _ if key.contains(BETWEEN) => key.to_lowercase(),
            _ => continue,
        };
        let path: Vec<&str> = path.split(BETWEEN).collect();
        let place = Place::Variable(name.clone());
        if path.contains(&"") {
            let text = format!("is not a setting: write {PREFIX}SECTION{BETWEEN}KEY");
            complaints.push(Complaint { place, text });
        } else if !plant(&mut tree, &path, &place, value) {
            let text = "says something that another variable says too: keep one".to_owned();
            complaints.push(Complaint { place, text });
        }
    }
    tree
}

/// Warns of variables that would be settings with one underscore more.
pub(super) fn near_misses(variables: &[(String, String)], notes: &Notes) {
    for path in notes.keys().iter().filter(|path| path.contains('.')) {
        let name = |between: &str| format!("{PREFIX}{}", path.replace('.', between).to_uppercase());
        let (near, right) = (name("_"), name(BETWEEN));
        if variables.iter().any(|(name, _)| *name == near) {
            notes.warn(&Place::Variable(near), format!("is not read: write {right}"));
        }
    }
}

/// Puts `value` at `path`; false if something is there already.
fn plant(tree: &mut Table, path: &[&str], place: &Place, value: &str) -> bool {
    let entry = |value| Entry { place: place.clone(), node: Node { place: place.clone(), value } };
    match path {
        [] => false,
        [key] if tree.contains_key(*key) => false,
        [key] => {
            tree.insert((*key).to_owned(), entry(Value::Word(value.to_owned())));
            true
        }
        [section, rest @ ..] => {
            let below = tree
                .entry((*section).to_owned())
                .or_insert_with(|| entry(Value::Table(Table::new())));
            match &mut below.node.value {
                Value::Table(below) => plant(below, rest, place, value),
                _ => false,
            }
        }
    }
}
