//! One series of a list. Most have the labels of others, so that first only a hash of them is computed.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::decode::Text;

const NAME: &str = "__name__";

/// What a series is told by: its name, and a hash of the names of its labels.
pub(super) struct Shape<'t> {
    pub(super) name: Option<Cow<'t, str>>,
    pub(super) labels: u64,
}

/// Parses the shape of the series that a text begins with, and says how long the series is.
pub(super) fn shape<'t>(
    text: &'t [u8],
    hasher: &RandomState,
) -> serde_json::Result<(Shape<'t>, usize)> {
    parsed(text, ShapeOf(hasher))
}

/// Parses the names of the labels of the series that a text begins with.
pub(super) fn labels(text: &[u8]) -> serde_json::Result<Vec<Cow<'_, str>>> {
    parsed(text, LabelsOf).map(|(labels, _)| labels)
}

fn parsed<'t, S: DeserializeSeed<'t>>(
    text: &'t [u8],
    seed: S,
) -> serde_json::Result<(S::Value, usize)> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = seed.deserialize(&mut json)?;
    Ok((value, json.into_iter::<IgnoredAny>().byte_offset()))
}

struct ShapeOf<'h>(&'h RandomState);

impl<'de> DeserializeSeed<'de> for ShapeOf<'_> {
    type Value = Shape<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ShapeOf<'_> {
    type Value = Shape<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut hash) = (None, self.0.build_hasher());
        while let Some(label) = map.next_key_seed(Raw)? {
            if *label == *NAME.as_bytes() {
                name = Some(map.next_value::<Text<'de>>()?.0);
            } else {
                map.next_value_seed(Raw)?;
                hash.write(&label);
                hash.write_u8(0xff);
            }
        }
        Ok(Shape { name, labels: hash.finish() })
    }
}

struct LabelsOf;

impl<'de> DeserializeSeed<'de> for LabelsOf {
    type Value = Vec<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelsOf {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut labels = Vec::new();
        while let Some(Text(label)) = map.next_key::<Text<'de>>()? {
            map.next_value_seed(Raw)?;
            if label != NAME {
                labels.push(label);
            }
        }
        Ok(labels)
    }
}

/// A string whose bytes are not checked: of most nobody reads more than a hash. Anything else is no value
/// of a label.
struct Raw;

impl<'de> DeserializeSeed<'de> for Raw {
    type Value = Cow<'de, [u8]>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Raw {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(bytes))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(bytes.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_with_the_same_labels_have_the_same_hash() {
        let hasher = RandomState::default();
        let of = |text: &'static str| shape(text.as_bytes(), &hasher).unwrap().0;
        let first = of(r#"{"__name__":"up","a":"1","b":"é\n"}"#);
        assert_eq!(first.name.as_deref(), Some("up"));
        assert_eq!(of(r#"{"a":"2","__name__":"m","b":""}"#).labels, first.labels);
        assert_eq!(of(r#"{"\u0061":"2","b":""}"#).labels, first.labels, "escapes are read");
        assert_ne!(of(r#"{"__name__":"up","ab":"1"}"#).labels, first.labels);
        assert_ne!(of(r#"{"__name__":"up","a":"1"}"#).labels, first.labels);
    }

    #[test]
    fn a_series_ends_where_the_next_one_begins() {
        let text = br#"{"__name__":"up","a":"}\"{"},{"__name__":"down"}"#;
        let (first, length) = shape(text, &RandomState::default()).unwrap();
        assert_eq!((first.name.as_deref(), &text[length..length + 1]), (Some("up"), &b","[..]));
        assert_eq!(labels(text).unwrap(), ["a"]);
    }

    #[test]
    fn a_label_is_checked_when_it_is_kept() {
        let text = b"{\"__name__\":\"up\",\"a\xff\":\"1\"}";
        assert!(shape(text, &RandomState::default()).is_ok());
        assert!(labels(text).unwrap_err().to_string().contains("unicode"));
    }

    #[test]
    fn values_are_strings() {
        for (text, found) in [
            (r#"{"a":7}"#, "integer `7`"),
            (r#"{"a":["b"]}"#, "sequence"),
            (r#"{"a":{"b":"c"}}"#, "map"),
            (r#"{"a":null}"#, "null"),
            (r#"{"__name__":7}"#, "integer `7`"),
            (r#"["a"]"#, "the labels of a series"),
        ] {
            let error = shape(text.as_bytes(), &RandomState::default()).map(drop).unwrap_err();
            assert!(error.to_string().contains(found), "{text}: {error}");
        }
    }
}
