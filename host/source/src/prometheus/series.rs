//! Lists of series, parsed as a stream: of each series only its name and the names of its labels are
//! kept, so that memory grows with the number of names, not of series.

mod element;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::Value;

use self::element::Shape;
use super::decode;
use leadsman_rules::ListedSeries;

/// The largest series with its labels, and the largest text outside the list, in bytes.
const MAX_ELEMENT: usize = 1 << 20;

/// The most names of series that a list may have.
const MAX_NAMES: usize = 200_000;

/// The most labels that the series of one name may have together.
const MAX_LABELS: usize = 1000;

/// The most bytes that all names of series and labels may have together.
const MAX_TEXT: usize = 64 << 20;

/// The most sets of labels that are remembered. The labels of others are read at each series.
const MAX_SETS: usize = 1 << 20;

/// Parses a list that arrives in pieces.
pub(crate) fn series<'b>(
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<ListedSeries, String> {
    let mut list = SeriesList::default();
    for piece in pieces {
        list.push(piece);
        list.parse()?;
    }
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
    /// The bytes of `names` and `texts`.
    text_bytes: usize,
    /// The sets of all `names`.
    sets: usize,
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
    /// Takes the next piece of the input, to be parsed later.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
    }

    /// The input that is not parsed yet; after an error, it begins where the fault is.
    pub(super) fn unparsed(&self) -> &[u8] {
        &self.rest
    }

    /// Parses the input so far. A series that is not complete waits for more.
    pub(super) fn parse(&mut self) -> Result<(), String> {
        let mut rest = std::mem::take(&mut self.rest);
        let mut read = 0;
        let parsed = loop {
            match self.step(&rest[read..]) {
                Ok(Some(length)) => read += length,
                Ok(None) => break Ok(()),
                Err(reason) => break Err(reason),
            }
        };
        rest.drain(..read);
        self.rest = rest;
        if parsed.is_ok() && self.rest.len() > MAX_ELEMENT {
            return Err(format!("a series is longer than {MAX_ELEMENT} bytes"));
        }
        parsed
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
        let text = &rest[start..];
        match element::shape(text, &self.hasher) {
            Ok((shape, length)) => {
                self.take(&shape, text)?;
                Ok(Some(start + length))
            }
            Err(error) if error.is_eof() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes the series of this shape that a text begins with.
    fn take(&mut self, shape: &Shape<'_>, text: &[u8]) -> Result<(), String> {
        self.count += 1;
        // A series without a name gives no metric.
        let Some(name) = &shape.name else { return Ok(()) };
        if !self.names.contains_key(&**name) {
            if self.names.len() >= MAX_NAMES {
                return Err(format!("it has more than {MAX_NAMES} names of series"));
            }
            self.text_bytes += name.len();
            self.names.insert((&**name).into(), Labels::default());
        }
        let Some(known) = self.names.get_mut(&**name) else { return Ok(()) };
        if known.sets.contains(&shape.labels) {
            return Ok(());
        }
        if self.sets < MAX_SETS {
            self.sets += 1;
            known.sets.insert(shape.labels);
        }
        for label in element::labels(text)? {
            let text = match self.texts.get(label.as_str()) {
                Some(text) => text.clone(),
                None => {
                    self.text_bytes += label.len();
                    let text: Arc<str> = label.into();
                    self.texts.insert(text.clone());
                    text
                }
            };
            known.names.insert(text);
        }
        if known.names.len() > MAX_LABELS {
            return Err(format!("the series {name} have more than {MAX_LABELS} labels"));
        }
        if self.text_bytes > MAX_TEXT {
            return Err(format!("its names and labels have more than {MAX_TEXT} bytes"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(list: &mut SeriesList, piece: &[u8]) -> Result<(), String> {
        list.push(piece);
        list.parse()
    }

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
                feed(&mut list, chunk).unwrap();
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
            let error = feed(&mut list, text.as_bytes()).and_then(|()| list.end().map(drop));
            let error = error.unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn names_and_labels_have_a_length_together() {
        let mut list = SeriesList::default();
        feed(&mut list, br#"{"data":["#).unwrap();
        let long = "x".repeat(MAX_ELEMENT / 2);
        let of = |at: usize| format!(r#"{{"__name__":"m{at}{long}"}},"#);
        let error = (0..200).find_map(|at| feed(&mut list, of(at).as_bytes()).err()).unwrap();
        assert!(error.contains("more than 67108864 bytes"), "{error}");
        assert!(list.text_bytes < MAX_TEXT + MAX_ELEMENT);
    }

    #[test]
    fn labels_in_ever_other_orders_take_no_memory() {
        let mut list = SeriesList { sets: MAX_SETS - 1, ..SeriesList::default() };
        feed(&mut list, br#"{"data":["#).unwrap();
        for labels in [r#""a":"1","b":"1""#, r#""b":"1","a":"1""#, r#""c":"1""#] {
            feed(&mut list, format!(r#"{{"__name__":"up",{labels}}},"#).as_bytes()).unwrap();
        }
        feed(&mut list, b"]}").unwrap();
        assert_eq!((list.sets, list.names["up"].sets.len()), (MAX_SETS, 1));
        assert_eq!(reported(&list.end().unwrap()), ["up: a b c"]);
    }

    #[test]
    fn a_list_of_any_length_takes_the_memory_of_its_names() {
        let mut list = SeriesList::default();
        feed(&mut list, br#"{"status":"success","data":["#).unwrap();
        for at in 0..100_000 {
            let name = at % 10;
            let series = format!(r#"{{"__name__":"m{name}","pod":"p{at}"}},"#);
            feed(&mut list, series.as_bytes()).unwrap();
        }
        feed(&mut list, b"]}").unwrap();
        assert!(list.rest.capacity() < 10_000);
        assert_eq!((list.count, list.names.len(), list.texts.len()), (100_000, 10, 1));
        let endless = br#"{"status":"success","data":[{"__name__":""#;
        let mut list = SeriesList::default();
        feed(&mut list, endless).unwrap();
        let error = (0..3).find_map(|_| feed(&mut list, &[b'x'; MAX_ELEMENT]).err());
        assert!(error.unwrap().contains("longer than"));
    }
}
