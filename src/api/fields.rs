//! Fields: named values become what a call wants; whatever is wrong says in which field.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::quota::nearest;

/// What is wrong, in words for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(String);

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("missing field `{field}`: write it, too"))
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self(format!("write {wanted}, not {found}"))
    }
}

/// Reads a `T` from values by name.
///
/// # Errors
/// For a name that `T` does not have, a value that it does not take, and one that is missing.
pub(super) fn read<T, V>(values: Vec<(String, V)>) -> Result<T, Wrong>
where
    T: DeserializeOwned,
    V: for<'de> Deserializer<'de>,
{
    T::deserialize(Fields(values))
}

struct Fields<V>(Vec<(String, V)>);

impl<'de, T: Deserializer<'de>> Deserializer<'de> for Fields<T> {
    type Error = Wrong;

    fn deserialize_any<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        reader.visit_map(Entries { left: self.0.into_iter(), value: None })
    }

    fn deserialize_struct<R: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        reader: R,
    ) -> Result<R::Value, Wrong> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            let hint = nearest(name, known.iter().copied());
            let all = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            return Err(Wrong(format!("unknown field `{name}`{hint}: it takes {all}")));
        }
        self.deserialize_any(reader)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Entries<V> {
    left: std::vec::IntoIter<(String, V)>,
    value: Option<(String, V)>,
}

impl<'de, V: Deserializer<'de>> MapAccess<'de> for Entries<V> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        self.value = self.left.next();
        let Some((name, _)) = &self.value else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let (name, value) = self.value.take().ok_or_else(|| Wrong("no value".to_owned()))?;
        seed.deserialize(value).map_err(|error| Wrong(format!("`{name}`: {error}")))
    }
}

/// A value of a query, which is text whatever it means.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl Text {
    fn number<T: std::str::FromStr>(&self) -> Result<T, Wrong> {
        self.0.parse().map_err(|_| Wrong(format!("\"{}\" is not a number that fits here", self.0)))
    }
}

impl<'de> Deserializer<'de> for Text {
    type Error = Wrong;

    fn deserialize_any<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        reader.visit_string(self.0)
    }

    fn deserialize_option<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        reader.visit_some(self)
    }

    fn deserialize_newtype_struct<R: Visitor<'de>>(
        self,
        _name: &'static str,
        reader: R,
    ) -> Result<R::Value, Wrong> {
        reader.visit_newtype_struct(self)
    }

    fn deserialize_enum<R: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        reader: R,
    ) -> Result<R::Value, Wrong> {
        if !known.contains(&self.0.as_str()) {
            return Err(Wrong(format!("write {}, not \"{}\"", known.join(" or "), self.0)));
        }
        reader.visit_enum(self.0.into_deserializer())
    }

    fn deserialize_bool<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        match self.0.as_str() {
            "true" | "1" | "" => reader.visit_bool(true),
            "false" | "0" => reader.visit_bool(false),
            other => Err(Wrong(format!("write true or false, not \"{other}\""))),
        }
    }

    fn deserialize_u64<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        reader.visit_u64(self.number()?)
    }

    fn deserialize_u16<R: Visitor<'de>>(self, reader: R) -> Result<R::Value, Wrong> {
        reader.visit_u16(self.number()?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wanted {
        subject: crate::quota::Subject,
        amount: Option<crate::quota::Said>,
        limit: Option<u16>,
        all: Option<bool>,
    }

    fn body(value: Value) -> Result<Wanted, String> {
        let Value::Object(values) = value else { unreachable!() };
        read(values.into_iter().collect()).map_err(|wrong| wrong.to_string())
    }

    fn query(pairs: &[(&str, &str)]) -> Result<Wanted, String> {
        let pairs =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Text((*value).to_owned())));
        read(pairs.collect()).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn what_is_wrong_says_where_and_what_would_be_right() {
        let told = body(json!({"subject": 7})).unwrap_err();
        assert_eq!(told, "`subject`: invalid type: integer `7`, expected a string");
        let told = body(json!({"subject": "@a", "amount": [1]})).unwrap_err();
        assert!(told.starts_with("`amount`: ") && told.contains("500MB"), "{told}");
        let told = body(json!({"subjct": "@a"})).unwrap_err();
        assert!(told.contains("did you mean \"subject\"?"), "{told}");
        assert!(body(json!({})).unwrap_err().contains("missing field `subject`"));
        let told = query(&[("subject", "@a"), ("limit", "many")]).unwrap_err();
        assert_eq!(told, "`limit`: \"many\" is not a number that fits here");
        let told = query(&[("subject", "@a"), ("all", "maybe")]).unwrap_err();
        assert_eq!(told, "`all`: write true or false, not \"maybe\"");
    }

    #[test]
    fn texts_of_a_query_become_what_is_wanted() {
        let read = query(&[("subject", "@a"), ("limit", "9"), ("all", ""), ("amount", "5MB")]);
        let read = read.unwrap();
        assert_eq!((read.limit, read.all), (Some(9), Some(true)));
        assert_eq!(read.amount, Some(crate::quota::Said::Text("5MB".to_owned())));
    }
}
