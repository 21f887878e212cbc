//! Lists of series, parsed as a stream: of each series only its name and the names of its labels are
//! kept, so that memory grows with the number of names, not of series.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::decode::{self, Text};
use leadsman_rules::ListedSeries;

/// The largest series with its labels, and the largest text outside the list, in bytes.
const MAX_ELEMENT: usize = 1 << 20;

/// The most names of series that a list may have.
const MAX_NAMES: usize = 200_000;

/// The most labels that the series of one name may have together.
const MAX_LABELS: usize = 1000;

/// Parses a list that arrives in pieces.
pub(crate) fn series<'b>(
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<ListedSeries, String> {
    let mut list = SeriesList::default();
    pieces.into_iter().try_for_each(|piece| list.feed(piece))?;
    list.end()
}

/// The list so far.
#[derive(Default)]
pub(super) struct SeriesList {
    /// Input that is not parsed yet.
    rest: Vec<u8>,
    at: StreamPosition,
    /// How many series there were.
    pub(super) count: usize,
    names: HashMap<Arc<str>, Labels, RandomState>,
    texts: HashSet<Arc<str>, RandomState>,
    hasher: RandomState,
}

/// The position in the answer.
#[derive(Default, PartialEq, Eq)]
enum StreamPosition {
    #[default]
    Before,
    Within,
    Behind,
}

/// The labels of the series of one name.
#[derive(Default)]
struct Labels {
    names: HashSet<Arc<str>, RandomState>,
    /// Hashes of the sets of labels that were seen: most series share theirs.
    sets: HashSet<u64, RandomState>,
}

/// The number of bytes that were parsed; `None` if more input is needed.
type Step = Result<Option<usize>, String>;

impl SeriesList {
    /// Parses the next piece.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> Result<(), String> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(chunk);
        let mut read = 0;
        while let Some(length) = self.step(&rest[read..])? {
            read += length;
        }
        rest.drain(..read);
        if rest.len() > MAX_ELEMENT {
            return Err(format!("a series is longer than {MAX_ELEMENT} bytes"));
        }
        self.rest = rest;
        Ok(())
    }

    /// The result, at the end of the input.
    pub(super) fn end(self) -> Result<ListedSeries, String> {
        match self.at {
            StreamPosition::Behind => {
                let names = self.names.into_iter();
                Ok(names.map(|(name, labels)| (name, labels.names.into_iter().collect())).collect())
            }
            StreamPosition::Within => Err("the list of series broke off".to_owned()),
            StreamPosition::Before => Err(match decode::refusal(&self.rest) {
                Some((_, message)) => message,
                None => "it has no list of series".to_owned(),
            }),
        }
    }

    fn step(&mut self, rest: &[u8]) -> Step {
        match self.at {
            StreamPosition::Before => {
                let found = list_in(rest)?;
                if found.is_some() {
                    self.at = StreamPosition::Within;
                }
                Ok(found)
            }
            StreamPosition::Within => self.series(rest),
            // Warnings and other fields.
            StreamPosition::Behind => Ok((!rest.is_empty()).then_some(rest.len())),
        }
    }

    fn series(&mut self, rest: &[u8]) -> Step {
        let Some(start) = rest.iter().position(|byte| !b" \t\r\n,".contains(byte)) else {
            return Ok(None);
        };
        if rest[start] == b']' {
            self.at = StreamPosition::Behind;
            return Ok(Some(start + 1));
        }
        let mut json = serde_json::Deserializer::from_slice(&rest[start..]);
        match OneSeries.deserialize(&mut json) {
            Ok(series) => {
                self.take(&series)?;
                Ok(Some(start + json.into_iter::<IgnoredAny>().byte_offset()))
            }
            Err(error) if error.is_eof() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn take(&mut self, series: &Series<'_>) -> Result<(), String> {
        self.count += 1;
        // A series without a name gives no metric.
        let Some(name) = &series.name else { return Ok(()) };
        let mut set = self.hasher.build_hasher();
        for label in &series.labels {
            set.write(label.as_bytes());
            set.write_u8(0xff);
        }
        let set = set.finish();
        if !self.names.contains_key(&**name) {
            if self.names.len() >= MAX_NAMES {
                return Err(format!("it has more than {MAX_NAMES} names of series"));
            }
            self.names.insert((&**name).into(), Labels::default());
        }
        let Some(known) = self.names.get_mut(&**name) else { return Ok(()) };
        if !known.sets.insert(set) {
            return Ok(());
        }
        for label in &series.labels {
            let text = match self.texts.get(&**label) {
                Some(text) => text.clone(),
                None => {
                    let text: Arc<str> = (&**label).into();
                    self.texts.insert(text.clone());
                    text
                }
            };
            known.names.insert(text);
        }
        if known.names.len() > MAX_LABELS {
            return Err(format!("the series {name} have more than {MAX_LABELS} labels"));
        }
        Ok(())
    }
}

/// The position where the list begins, in `{"status":"success","data":[`: the keys may come in any order.
fn list_in(text: &[u8]) -> Step {
    let mut at = 0;
    let skip = |at: &mut usize| {
        while text.get(*at).is_some_and(u8::is_ascii_whitespace) {
            *at += 1;
        }
        text.get(*at).copied()
    };
    let wrong = || Err("it is no answer of Prometheus' HTTP API".to_owned());
    match skip(&mut at) {
        None => return Ok(None),
        Some(b'{') => at += 1,
        Some(_) => return wrong(),
    }
    loop {
        match skip(&mut at) {
            None => return Ok(None),
            // The end without a list: an error, which is parsed as a whole later.
            Some(b'}') => return Ok(None),
            Some(b',') => {
                at += 1;
                continue;
            }
            Some(b'"') => {}
            Some(_) => return wrong(),
        }
        let Some(key) = whole::<String>(text, &mut at)? else { return Ok(None) };
        match skip(&mut at) {
            None => return Ok(None),
            Some(b':') => at += 1,
            Some(_) => return wrong(),
        }
        match (key.as_str(), skip(&mut at)) {
            (_, None) => return Ok(None),
            ("data", Some(b'[')) => return Ok(Some(at + 1)),
            ("data", Some(_)) => return Err("its data is no list of series".to_owned()),
            _ => {
                if whole::<Value>(text, &mut at)?.is_none() {
                    return Ok(None);
                }
            }
        }
    }
}

/// The value at a position, if it is complete.
fn whole<T: serde::de::DeserializeOwned>(text: &[u8], at: &mut usize) -> Result<Option<T>, String> {
    let rest = &text[*at..];
    // A number that is cut off looks like another one, or like none.
    if rest.iter().all(|byte| b"+-.0123456789eE".contains(byte)) {
        return Ok(None);
    }
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => {
            *at += values.byte_offset();
            Ok(Some(value))
        }
        Some(Err(error)) if !error.is_eof() => Err(error.to_string()),
        _ => Ok(None),
    }
}

/// The name of a series and those of its labels.
struct Series<'t> {
    name: Option<Cow<'t, str>>,
    labels: Vec<Cow<'t, str>>,
}

struct OneSeries;

impl<'de> DeserializeSeed<'de> for OneSeries {
    type Value = Series<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneSeries {
    type Value = Series<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the labels of a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut series = Series { name: None, labels: Vec::with_capacity(12) };
        while let Some(Text(label)) = map.next_key::<Text<'de>>()? {
            if label == "__name__" {
                series.name = Some(map.next_value::<Text<'de>>()?.0);
            } else {
                // Anything but a text is no label's value.
                map.next_value::<Text<'de>>()?;
                series.labels.push(label);
            }
        }
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"status":"success","took":-1.25e+2,"data":[
        {"__name__":"up","namespace":"a","pod":"x}]\"{"},
        {"__name__":"up","namespace":"b","node":"n\\"},
        {"namespace":"a","__name__":"down"}, {"job":"nameless"}],"warnings":["some"]}"#;

    fn reported(seen: &ListedSeries) -> Vec<String> {
        seen.iter()
            .map(|(name, labels)| {
                let labels: Vec<_> = labels.iter().map(|label| &**label).collect();
                format!("{name}: {}", labels.join(" "))
            })
            .collect()
    }

    #[test]
    fn names_and_labels_are_kept_wherever_the_answer_is_cut() {
        for size in 1..=ANSWER.len() {
            let mut list = SeriesList::default();
            for chunk in ANSWER.as_bytes().chunks(size) {
                list.feed(chunk).unwrap();
            }
            assert_eq!(list.count, 4, "{size}");
            assert_eq!(
                reported(&list.end().unwrap()),
                ["down: namespace", "up: namespace node pod"]
            );
        }
    }

    #[test]
    fn what_is_no_list_says_why() {
        for (text, part) in [
            (r#"{"status":"error","errorType":"bad_data","error":"no such thing"}"#, "no such"),
            (r#"{"status":"success","data":[{"__name__":"up"}"#, "broke off"),
            (r#"{"status":"success","data":{"resultType":"vector"}}"#, "no list"),
            ("<html>", "no answer"),
            (r#"{"data":[3]}"#, "labels of a series"),
            (r#"{"data":[{"pod":0e7}]}"#, "string"),
            ("", "no list"),
        ] {
            let mut list = SeriesList::default();
            let error = list.feed(text.as_bytes()).and_then(|()| list.end().map(drop));
            let error = error.unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_of_any_length_takes_the_memory_of_its_names() {
        let mut list = SeriesList::default();
        list.feed(br#"{"status":"success","data":["#).unwrap();
        for at in 0..100_000 {
            let name = at % 10;
            let series = format!(r#"{{"__name__":"m{name}","pod":"p{at}"}},"#);
            list.feed(series.as_bytes()).unwrap();
        }
        list.feed(b"]}").unwrap();
        assert!(list.rest.capacity() < 10_000);
        assert_eq!((list.count, list.names.len(), list.texts.len()), (100_000, 10, 1));
        let endless = br#"{"status":"success","data":[{"__name__":""#;
        let mut list = SeriesList::default();
        list.feed(endless).unwrap();
        let error = (0..3).find_map(|_| list.feed(&[b'x'; MAX_ELEMENT]).err());
        assert!(error.unwrap().contains("longer than"));
    }
}
