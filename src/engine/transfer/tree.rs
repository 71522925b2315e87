//! Tree: what a document says, nothing of it understood yet; no name stands twice.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Numbers that nothing takes.
const LARGE: &str = "a number past 64 bits";
const FRACTION: &str = "a fraction";

/// A value of JSON or YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Nothing.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Tree>),
    /// Values by name, in the order of the document.
    Table(Vec<(String, Tree)>),
    /// What nothing here takes, by name.
    Other(&'static str),
}

impl Tree {
    /// Returns what it is, for people.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    /// Returns what stands under `name`.
    #[must_use]
    pub fn at(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(entries) => entries.iter().find(|(other, _)| other == name),
            _ => None,
        }
        .map(|(_, value)| value)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Returns the pointer (RFC 6901) to `name` within what `pointer` points to.
pub(super) fn within(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => out.serialize_unit(),
            Self::Boolean(yes) => out.serialize_bool(*yes),
            Self::Number(number) => out.serialize_i64(*number),
            Self::Text(text) => out.serialize_str(text),
            Self::List(items) => out.collect_seq(items),
            Self::Table(entries) => out.collect_map(entries.iter().map(|(name, it)| (name, it))),
            // Whoever reads it has to refuse it, too.
            Self::Other(FRACTION) => out.serialize_f64(0.5),
            Self::Other(_) => out.serialize_u64(u64::MAX),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Planted(String::new()).deserialize(input)
    }
}

/// Reads a tree that stands at this pointer.
pub(super) struct Planted(pub(super) String);

impl<'de> DeserializeSeed<'de> for Planted {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Tree, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Planted {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Tree, D::Error> {
        input.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Tree, E> {
        Ok(Tree::Boolean(yes))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        let number = i64::try_from(number).map(Tree::Number);
        Ok(number.unwrap_or(Tree::Other(LARGE)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        // A whole number that comes as a float is one that did not fit.
        let is_large = number.abs() >= 9.0e18;
        Ok(Tree::Other(if is_large { LARGE } else { FRACTION }))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) =
            items.next_element_seed(Planted(within(&self.0, &list.len().to_string())))?
        {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let (mut names, mut table) = (std::collections::HashSet::new(), Vec::new());
        while let Some(name) = entries.next_key::<String>()? {
            let pointer = within(&self.0, &name);
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("{pointer} is named twice: keep one")));
            }
            table.push((name, entries.next_value_seed(Planted(pointer))?));
        }
        Ok(Tree::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_is_told_with_its_place() {
        let twice = r#"{"groups":{"a/b":[{},{"x":1,"x":2}]}}"#;
        let error = serde_json::from_str::<Tree>(twice).unwrap_err().to_string();
        assert!(error.starts_with("/groups/a~1b/1/x is named twice"), "{error}");
    }

    #[test]
    fn a_tree_survives_being_written_and_read() {
        let text = r#"{"b":[1,null,true,"x",0.5],"a":{"c":18446744073709551615}}"#;
        let tree: Tree = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), text);
        assert_eq!(serde_json::from_str::<Tree>(text).unwrap(), tree);
    }

    #[test]
    fn what_nothing_takes_is_kept_as_what_it_is() {
        let read = |json| serde_json::from_str::<Tree>(json).unwrap().kind();
        assert_eq!(read("1.5"), "a fraction");
        assert_eq!(read("18446744073709551615"), "a number past 64 bits");
        assert_eq!(read("99999999999999999999"), "a number past 64 bits");
        assert_eq!(read("null"), "null");
        assert_eq!(read("-5"), "a number");
    }
}
