//! JSON objects in which a name may stand only once, at every depth.
//!
//! A token whose claims say `exp` twice means different things to different parsers; one of the two readings is the
//! attacker's. serde_json keeps the last without a word, so objects are read here by a visitor that refuses the second.
//! Depth is bounded by serde_json (128). Linear in the input.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is not a strict object. Carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StrictError {
    /// Not JSON, or not an object.
    NotAnObject,
    /// A name stands twice in one object.
    Duplicate,
}

const DUPLICATE: &str = "duplicate name";

/// Reads one object and nothing after it but white space.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, StrictError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = StrictValue.deserialize(&mut reader).map_err(|error| {
        // A custom error is the only one that says so; serde_json appends the position after the message.
        if error.to_string().starts_with(DUPLICATE) { StrictError::Duplicate } else { StrictError::NotAnObject }
    })?;
    reader.end().map_err(|_| StrictError::NotAnObject)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(StrictError::NotAnObject),
    }
}

#[derive(Clone, Copy)]
struct StrictValue;

impl<'de> DeserializeSeed<'de> for StrictValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_name_that_stands_twice_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":{"a":1,"a":2}}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#] {
            assert_eq!(object(text.as_bytes()), Err(StrictError::Duplicate), "{text}");
        }
    }

    #[test]
    fn reads_what_serde_json_reads_otherwise() {
        let text = br#" {"a":[1,-2,3.5,true,null,"x"],"b":{"a":18446744073709551615}} "#;
        assert_eq!(object(text).ok().map(Value::Object), serde_json::from_slice(text).ok());
    }

    #[test]
    fn refuses_what_is_not_one_object() {
        for text in ["", "[]", "1", "{} {}", "{", "{\"a\":1e999}", "\"duplicate name\""] {
            assert_eq!(object(text.as_bytes()), Err(StrictError::NotAnObject), "{text}");
        }
    }
}
