//! JSON objects whose names are unique, and their values by type.
//!
//! Two parsers that read `{"sub":"alice","sub":"bob"}` differently are how one token becomes two users (RFC 8725,
//! section 2.4 and RFC 7519, section 4), so a repeated name is no object at all.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object; at its top no name is there twice.
pub(crate) struct Object(BTreeMap<String, Value>);

/// A value of another type than the one that was asked for.
#[derive(Debug)]
pub(crate) struct WrongType;

impl Object {
    /// `None`: no JSON, no object, or a name twice. Bounded by the caller, who knows how many bytes it gave.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// An object inside another; of a name that is there twice the last counts.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let pairs = value.as_object()?.iter();
        Some(Self(pairs.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }

    /// A value that is there; null counts as absent, and nothing is called "".
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && !name.is_empty())
    }

    /// Whether the name is there, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, WrongType> {
        self.get(name).map(|value| value.as_str().ok_or(WrongType)).transpose()
    }

    /// A whole number that is not negative; `1.0` and `1e3` are none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, WrongType> {
        self.get(name).map(|value| value.as_u64().ok_or(WrongType)).transpose()
    }

    pub(crate) fn small_number(&self, name: &str) -> Result<Option<u32>, WrongType> {
        let number = self.number(name)?;
        number.map(|number| u32::try_from(number).map_err(|_| WrongType)).transpose()
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, WrongType> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let list = value.as_array().ok_or(WrongType)?;
        list.iter().map(|element| element.as_str().ok_or(WrongType)).collect::<Result<_, _>>().map(Some)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without repeated names")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut object = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if object.insert(name, value).is_some() {
                        return Err(M::Error::custom("a repeated name"));
                    }
                }
                Ok(Object(object))
            }
        }
        from.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_no_object() {
        assert!(Object::parse(br#"{"sub":"alice","x":{"a":1,"a":2}}"#).is_some());
        for text in [
            &br#"{"sub":"alice","sub":"bob"}"#[..],
            br#"{"sub":"alice","s\u0075b":"bob"}"#,
            br#"{"sub":"alice","sub":"alice"}"#,
            b"[]",
            b"\"x\"",
            b"",
            b"{}{}",
            b"{\"exp\":1e400}",
            b"{\"a\":\xff}",
            "\u{feff}{}".as_bytes(),
        ] {
            assert!(Object::parse(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
        assert!(Object::parse(&b"[".repeat(4096)).is_none(), "nesting is bounded by the parser");
    }

    #[test]
    fn values_have_their_type_or_none() {
        let object =
            Object::parse(br#"{"t":"x","n":7,"f":7.0,"e":1e3,"m":-1,"l":["a"],"w":["a",1],"z":null}"#)
                .unwrap();
        assert_eq!(object.text("t").unwrap(), Some("x"));
        assert_eq!(object.number("n").unwrap(), Some(7));
        assert_eq!(object.texts("l").unwrap(), Some(vec!["a"]));
        assert!(object.number("z").unwrap().is_none() && object.has("z"));
        assert!(["f", "e", "m", "t"].iter().all(|name| object.number(name).is_err()));
        assert!(object.text("n").is_err() && object.texts("w").is_err() && object.texts("t").is_err());
    }
}
