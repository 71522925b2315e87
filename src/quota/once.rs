//! Once: a document in which each name stands once; of two the reader would lose one.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads a map; a name that comes twice is an error.
pub(super) fn once<'de, D, K, V>(input: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    input.deserialize_map(Once(PhantomData))
}

struct Once<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for Once<K, V>
where
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<K, V>()? {
            if read.contains_key(&name) {
                return Err(A::Error::custom(format!("{name} is named twice: keep one")));
            }
            read.insert(name, value);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use crate::quota::{Grants, Group};

    #[test]
    fn a_resource_has_one_limit() {
        let twice = r#"{"limits":{"uploads":"1","media_bytes":"5","uploads":"2"}}"#;
        let error = serde_json::from_str::<Group>(twice).unwrap_err().to_string();
        assert!(error.contains("uploads is named twice"), "{error}");
        let twice = r#"{"overrides":{"uploads":{"what":"1"},"uploads":{"what":"2"}}}"#;
        assert!(serde_json::from_str::<Grants>(twice).is_err());
        let one = r#"{"limits":{"uploads":"1"}}"#;
        assert_eq!(serde_json::from_str::<Group>(one).unwrap().limits.len(), 1);
        assert!(serde_json::from_str::<Group>("{}").unwrap().limits.is_empty());
    }
}
