//! One series of a list. Most have the labels of others, so that first only a hash of them is computed.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::decode::Text;

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
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut hash = hasher.build_hasher();
    let for_each = EachLabel(|label: Cow<'t, [u8]>| {
        hash.write(&label);
        hash.write_u8(0xff);
    });
    let name = for_each.deserialize(&mut json)?;
    let shape = Shape { name, labels: hash.finish() };
    Ok((shape, json.into_iter::<IgnoredAny>().byte_offset()))
}

/// Parses the names of the labels of the series that a text begins with.
pub(super) fn labels(text: &[u8]) -> Result<Vec<String>, String> {
    let mut labels = Vec::new();
    let for_each = EachLabel(|label: Cow<'_, [u8]>| labels.push(String::from_utf8(label.into())));
    let mut json = serde_json::Deserializer::from_slice(text);
    for_each.deserialize(&mut json).map_err(|error| error.to_string())?;
    let labels = labels.into_iter().collect::<Result<_, _>>();
    labels.map_err(|error| format!("the name of a label is no unicode: {error}"))
}

/// Parses the labels of a series: its name is the result, the names of all others go to the function.
struct EachLabel<F>(F);

impl<'de, F: FnMut(Cow<'de, [u8]>)> DeserializeSeed<'de> for EachLabel<F> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Cow<'de, [u8]>)> Visitor<'de> for EachLabel<F> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of a series")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut name = None;
        while let Some(label) = map.next_key_seed(Raw)? {
            if *label == *b"__name__" {
                name = Some(map.next_value::<Text<'de>>()?.0);
            } else {
                map.next_value_seed(Raw)?;
                (self.0)(label);
            }
        }
        Ok(name)
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
        assert!(labels(text).unwrap_err().contains("unicode"));
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
