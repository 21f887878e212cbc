//! A YAML writer whose keys keep their order.

use std::fmt::Write as _;

use serde_json::Value;

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A text, which is quoted where it would read as something else.
    Text(String),
    /// What stands without quotes: a number, a boolean, or a text that reads as nothing else.
    Plain(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// The entries of a map, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Entries(Vec<(String, Node)>);

/// What reads as something else than a text in some version of YAML.
const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];

/// The spaces by which what is inside stands further to the right.
const STEP: usize = 2;

impl Entries {
    pub(crate) fn with(mut self, key: &str, value: impl Into<Node>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    /// Nothing for a value that is not there.
    pub(crate) fn maybe(self, key: &str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Nothing for a map without entries.
    pub(crate) fn unless_empty(self, key: &str, value: Self) -> Self {
        if value.0.is_empty() { self } else { self.with(key, value) }
    }

    pub(crate) fn extended(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }
}

impl<K: Into<String>, V: Into<Node>> FromIterator<(K, V)> for Entries {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl From<Entries> for Node {
    fn from(entries: Entries) -> Self {
        Self::Map(entries.0)
    }
}

impl From<Vec<Node>> for Node {
    fn from(list: Vec<Node>) -> Self {
        Self::List(list)
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Node {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Plain(value.to_string())
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<f64> for Node {
    /// NaN and infinities, which no caller has, are written as null.
    fn from(number: f64) -> Self {
        let text = Value::from(number).to_string();
        Self::Plain(text.strip_suffix(".0").unwrap_or(&text).to_owned())
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Plain(value.to_string()),
        }
    }
}

impl Node {
    /// A duration. Its unit makes it a text for every reader, so it stands without quotes, as people write it.
    pub(crate) fn duration(written: String) -> Self {
        Self::Plain(written)
    }

    /// The document, or the part of one that stands so many spaces to the right.
    pub(crate) fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    indented(out, indent);
                    out.push_str(&scalar(key));
                    out.push(':');
                    value.write_after(out, indent, STEP);
                }
            }
            Self::List(items) if !items.is_empty() => {
                for item in items {
                    write_item(item, out, indent);
                }
            }
            Self::Text(_) | Self::Plain(_) | Self::List(_) | Self::Map(_) => {
                indented(out, indent);
                out.push_str(&self.inline());
                out.push('\n');
            }
        }
    }

    /// What stands behind a key or a dash that begins at this indentation.
    fn write_after(&self, out: &mut String, indent: usize, step: usize) {
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                self.write(out, indent + step);
            }
            Self::List(items) if !items.is_empty() => {
                out.push('\n');
                self.write(out, indent + step);
            }
            Self::Text(text) => match block(text) {
                Some(head) => {
                    out.push(' ');
                    out.push_str(head);
                    out.push('\n');
                    for line in text.lines() {
                        if !line.is_empty() {
                            indented(out, indent + step);
                            out.push_str(line);
                        }
                        out.push('\n');
                    }
                }
                None => self.end_of_line(out),
            },
            Self::Plain(_) | Self::List(_) | Self::Map(_) => self.end_of_line(out),
        }
    }

    fn end_of_line(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, " {}", self.inline());
    }

    /// A scalar, or an empty collection.
    fn inline(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Plain(text) => text.clone(),
            Self::List(_) => "[]".to_owned(),
            Self::Map(_) => "{}".to_owned(),
        }
    }
}

/// An item of a list. The first entry of a map stands behind the dash.
pub(crate) fn write_item(item: &Node, out: &mut String, indent: usize) {
    match item {
        Node::Map(entries) if !entries.is_empty() => {
            let start = out.len();
            item.write(out, indent + STEP);
            let dash = start + indent;
            out.replace_range(dash..=dash, "-");
        }
        Node::Text(_) | Node::Plain(_) | Node::List(_) | Node::Map(_) => {
            indented(out, indent);
            out.push('-');
            item.write_after(out, indent, STEP);
        }
    }
}

fn indented(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// The head of a block of lines, where a text can be written as one.
fn block(text: &str) -> Option<&'static str> {
    let is_plain = |c: char| !c.is_control() || c == '\n';
    let begins = text.starts_with(|c: char| c != ' ' && c != '\n');
    if !text.contains('\n') || !begins || !text.chars().all(is_plain) {
        return None;
    }
    match text.strip_suffix('\n') {
        None => Some("|-"),
        Some(rest) if !rest.ends_with('\n') => Some("|"),
        Some(_) => None,
    }
}

/// A text on one line.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        // A string as JSON is YAML. Some control characters are as they are in JSON.
        let mut quoted = String::new();
        for c in Value::from(text).to_string().chars() {
            if c.is_control() {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            } else {
                quoted.push(c);
            }
        }
        quoted
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Whether a text needs no quotes: a name, a path, an address.
fn is_plain(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ':');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(known)
        && !text.ends_with(':')
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use leadsman_document::Document;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        let mut text = String::new();
        Node::from(value).write(&mut text, 0);
        text
    }

    #[test]
    fn documents_are_as_people_write_them() {
        let value = json!({
            "a": "http://prometheus.monitoring:9090",
            "b": [{"c": "100", "d": [1, 2]}, "on", []],
            "e": {},
            "f": "sum(\n  x\n)",
            "g": "it's: #1",
            "h": {"i": true, "j": null},
            "k": "a\n\nb\n",
        });
        let expected = "a: http://prometheus.monitoring:9090\nb:\n  - c: '100'\n    d:\n      - 1\n      - 2\n  \
                        - 'on'\n  - []\ne: {}\nf: |-\n  sum(\n    x\n  )\ng: 'it''s: #1'\nh:\n  i: true\n  \
                        j: null\nk: |\n  a\n\n  b\n";
        assert_eq!(written(&value), expected);
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            "",
            " ",
            "1",
            "1e6",
            "0x10",
            "-",
            "- a",
            "? b",
            "true",
            "NO",
            "~",
            "a: b",
            "a #b",
            "a:",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "a\tb",
            "\n",
            "\na",
            " a\nb",
            "a\nb\n\n",
            "a\n \nb",
            "a\r\nb",
            "\u{85}",
            "é",
            "%",
            "@a",
            "`a`",
            "{{ .Values.a }}",
            "*a",
            "&a",
            "!a",
            "a\n\tb",
            "---",
            "...",
            "a\n---\nb",
        ] {
            let value = json!({"key": text, "list": [text, {"inner": text}]});
            let text = written(&value);
            let (read, faults) = Document::parse("written", &text);
            assert!(faults.is_empty(), "{faults:?}\n{text}");
            assert_eq!(read.value, value, "{text}");
        }
    }

    #[test]
    fn durations_are_texts_without_quotes() {
        for duration in ["2m", "45s", "1500ms", "1h"] {
            let mut text = String::new();
            let node = Node::duration(duration.to_owned());
            Node::from(Entries::default().with("lastGood", node)).write(&mut text, 0);
            assert_eq!(text, format!("lastGood: {duration}\n"));
            let (read, faults) = Document::parse("written", &text);
            assert!(faults.is_empty(), "{faults:?}\n{text}");
            assert_eq!(read.value, json!({"lastGood": duration}));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was(text in "[ -~\n\t\u{80}-\u{a0}é]{0,40}") {
            let value = json!({"key": {"inner": [text.clone(), {"a": text}]}});
            let written = written(&value);
            let (read, faults) = Document::parse("written", &written);
            prop_assert!(faults.is_empty(), "{:?}\n{}", faults, written);
            prop_assert_eq!(read.value, value);
        }
    }
}
