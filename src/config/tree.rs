//! The tree: what file, environment and flags say, each value with its place; later layers cover earlier ones.
//!
//! Nothing here prints a value: some are secrets, so these types have no `Debug`.

use std::collections::BTreeMap;

use super::error::Place;

/// Settings and sections by name.
pub(super) type Table = BTreeMap<String, Entry>;

/// A setting with its name.
pub(super) struct Entry {
    /// Where the name stands.
    pub(super) place: Place,
    pub(super) node: Node,
}

/// A value, and where it stands.
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What is said.
pub(super) enum Value {
    /// Text in quotes.
    Text(String),
    /// Text of a variable or a flag: whatever its setting takes, commas between several.
    Word(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no setting takes, by name.
    Other(&'static str),
}

impl Value {
    /// Returns what it is, for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Word(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
            Self::Other(kind) => kind,
        }
    }
}

/// Lays `upper` over `lower`: sections are merged, everything else is replaced.
///
/// A token and a file with a token are two names for one thing: whichever the upper layer says,
/// of the lower one neither counts.
pub(super) fn cover(lower: &mut Table, upper: Table) {
    const TOKENS: [&str; 2] = ["token", "token_file"];
    if let (Some(below), Some(above)) = (section(lower, "admin"), upper.get("admin")) {
        let said = |name| matches!(&above.node.value, Value::Table(it) if it.contains_key(name));
        if TOKENS.into_iter().any(said) {
            below.retain(|name, _| !TOKENS.contains(&name.as_str()));
        }
    }
    merge(lower, upper);
}

fn merge(lower: &mut Table, upper: Table) {
    for (name, entry) in upper {
        match entry.node.value {
            Value::Table(above) if section(lower, &name).is_some() => {
                if let Some(below) = section(lower, &name) {
                    merge(below, above);
                }
            }
            value => {
                let node = Node { value, ..entry.node };
                lower.insert(name, Entry { node, ..entry });
            }
        }
    }
}

fn section<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Table> {
    match &mut table.get_mut(name)?.node.value {
        Value::Table(section) => Some(section),
        _ => None,
    }
}
