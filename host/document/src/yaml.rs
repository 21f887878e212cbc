//! Parses YAML to a value with the line of each place, a fault for every duplicate key, and bounds on
//! what a small text can expand to.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use super::fault::Fault;
use super::syntax;
use leadsman_model::pointer::segment;

/// The maximum nesting of a document, and the maximum length of a key in bytes.
const MAX_DEPTH: usize = 64;
const MAX_KEY: usize = 1 << 10;

/// The maximum size of a document.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The text, in bytes.
    text: usize,
    /// The nodes, after the expansion of aliases.
    nodes: usize,
    /// The scalars and pointers after the expansion, in bytes.
    bytes: usize,
}

impl Bounds {
    /// For the operator's documents, and files that the process was started with.
    pub const OPERATOR: Self = Self { text: 8 << 20, nodes: 1_000_000, bytes: 128 << 20 };
    /// For manifests of a cluster's objects, which a command reads once: a list of ten thousand.
    pub const MANIFESTS: Self = Self { text: 64 << 20, nodes: 4_000_000, bytes: 1 << 30 };
    /// For teams' documents: a ConfigMap has at most 1 MiB, and a small text can expand to a large
    /// document.
    pub const TEAM: Self = Self { text: 1 << 20, nodes: 50_000, bytes: 8 << 20 };
}

/// Parses the first document of a text. Adds the line of each place by its JSON pointer.
pub(super) fn parse(
    text: &str,
    bounds: Bounds,
    lines: &mut HashMap<String, usize>,
) -> (Value, Vec<Fault>) {
    if text.len() > bounds.text {
        let message =
            format!("it has {} bytes; a configuration has at most {}", text.len(), bounds.text);
        return (Value::Null, vec![Fault::on_line(1, message)]);
    }
    let mut builder = Builder {
        text,
        lines,
        bounds,
        faults: vec![],
        anchors: HashMap::new(),
        nodes: 0,
        bytes: 0,
        open: vec![],
        read: Marker::default(),
    };
    let mut events = Parser::new_from_str(text);
    let value = loop {
        match events.next() {
            None => break Value::Null,
            Some(Err(error)) => {
                builder.syntax_error(&error);
                break Value::Null;
            }
            Some(Ok((Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _))) => {}
            Some(Ok((Event::StreamEnd | Event::DocumentEnd, _))) => break Value::Null,
            Some(Ok((event, span))) => match builder.node(event, span, "", 0, &mut events) {
                Ok(value) => break value,
                Err(Aborted) => break Value::Null,
            },
        }
    };
    if builder.faults.is_empty() {
        builder.faults.extend(events.find_map(|event| match event {
            Ok((Event::DocumentStart(_), span)) => {
                let line = span.start.line();
                Some(Fault::on_line(line, "a second document begins here; only one is read"))
            }
            Ok(_) => None,
            Err(error) => Some(syntax::fault(text, &error, &[], Marker::default())),
        }));
    }
    (value, builder.faults)
}

/// Parsing cannot continue; the fault is recorded.
struct Aborted;

struct Builder<'l> {
    text: &'l str,
    lines: &'l mut HashMap<String, usize>,
    bounds: Bounds,
    faults: Vec<Fault>,
    /// The values of anchors, with their numbers of nodes and bytes.
    anchors: HashMap<usize, (Value, usize, usize)>,
    nodes: usize,
    bytes: usize,
    /// The beginnings of the collections that are being parsed.
    open: Vec<Marker>,
    /// The end of the last event.
    read: Marker,
}

impl Builder<'_> {
    fn node<'t>(
        &mut self,
        event: Event<'t>,
        span: Span,
        pointer: &str,
        depth: usize,
        events: &mut Parser<'t, saphyr_parser::StrInput<'t>>,
    ) -> Result<Value, Aborted> {
        let line = span.start.line();
        if !self.lines.contains_key(pointer) {
            self.lines.insert(pointer.to_owned(), line);
        }
        if depth > MAX_DEPTH {
            return self.abort(line, "the document nests too deeply");
        }
        self.count(1, pointer.len(), line)?;
        let (nodes, bytes) = (self.nodes, self.bytes);
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(0, text.len(), line)?;
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (if plain { plain_scalar(&text) } else { Value::String(text.into_owned()) }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(span.start);
                let mut list = Vec::new();
                loop {
                    match self.next(events)? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => {
                            let place = format!("{pointer}/{}", list.len());
                            list.push(self.node(event, span, &place, depth + 1, events)?);
                        }
                    }
                }
                self.open.pop();
                (Value::Array(list), anchor)
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(span.start);
                let map = self.mapping(pointer, depth, events)?;
                self.open.pop();
                (map, anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(|a| (a.1, a.2)) {
                Some((nodes, bytes)) => {
                    // Counted before it is copied.
                    self.count(nodes, bytes, line)?;
                    let value = self.anchors.get(&anchor).map(|anchor| anchor.0.clone());
                    (value.unwrap_or_default(), 0)
                }
                None => return self.abort(line, "an alias refers to an anchor that is not there"),
            },
            _ => return self.abort(line, "expected a value here"),
        };
        if anchor != 0 {
            let (nodes, bytes) = (self.nodes - nodes + 1, self.bytes - bytes);
            // The anchor's copy counts as well.
            self.count(nodes, bytes, line)?;
            self.anchors.insert(anchor, (value.clone(), nodes, bytes));
        }
        Ok(value)
    }

    fn mapping<'t>(
        &mut self,
        pointer: &str,
        depth: usize,
        events: &mut Parser<'t, saphyr_parser::StrInput<'t>>,
    ) -> Result<Value, Aborted> {
        let mut map = Map::new();
        loop {
            let (key, line) = match self.next(events)? {
                (Event::MappingEnd, _) => return Ok(Value::Object(map)),
                (Event::Scalar(key, ..), span) => (key.into_owned(), span.start.line()),
                (_, span) => return self.abort(span.start.line(), "a key must be a text"),
            };
            if key.len() > MAX_KEY {
                return self.abort(line, "a key is longer than any that is known");
            }
            self.count(0, key.len(), line)?;
            let place = format!("{pointer}/{}", segment(&key));
            let known = map.contains_key(&key);
            if known {
                let first = self.lines.get(&place).copied().unwrap_or(line);
                self.faults.push(Fault::on_line(
                    line,
                    format!(
                        "the key \"{key}\" stands here a second time; the first is on line {first}"
                    ),
                ));
            } else {
                // A value may begin on a later line; users look for the key.
                self.lines.insert(place.clone(), line);
            }
            let (event, span) = self.next(events)?;
            let value = self.node(event, span, &place, depth + 1, events)?;
            if !known {
                map.insert(key, value);
            }
        }
    }

    fn next<'t>(
        &mut self,
        events: &mut Parser<'t, saphyr_parser::StrInput<'t>>,
    ) -> Result<(Event<'t>, Span), Aborted> {
        match events.next() {
            Some(Ok((event, span))) => {
                self.read = span.end;
                Ok((event, span))
            }
            Some(Err(error)) => {
                self.syntax_error(&error);
                Err(Aborted)
            }
            None => {
                self.faults.push(Fault::on_line(1, "the document ends too early"));
                Err(Aborted)
            }
        }
    }

    fn count(&mut self, nodes: usize, bytes: usize, line: usize) -> Result<(), Aborted> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes > self.bounds.nodes || self.bytes > self.bounds.bytes {
            return self.abort(line, "the document expands to too many values");
        }
        Ok(())
    }

    fn syntax_error(&mut self, error: &saphyr_parser::ScanError) {
        let fault = syntax::fault(self.text, error, &self.open, self.read);
        self.faults.push(fault);
    }

    fn abort<T>(&mut self, line: usize, message: &str) -> Result<T, Aborted> {
        self.faults.push(Fault::on_line(line, message));
        Err(Aborted)
    }
}

/// The core schema of YAML 1.2: null, booleans, integers, floats; everything else is a string.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if numeric {
        if let Ok(number) = text.parse::<i64>() {
            return Value::Number(number.into());
        }
        if let Ok(number) = text.parse::<u64>() {
            return Value::Number(number.into());
        }
        if let Some(number) = text.parse::<f64>().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}
