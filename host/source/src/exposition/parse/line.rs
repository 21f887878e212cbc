//! The grammar of one line, in both formats.
//!
//! They differ in little: the text format has blanks and tabs wherever it likes, comments, and times
//! in milliseconds; OpenMetrics has single blanks, nothing but its own comments, exemplars, and times
//! in seconds.

use std::borrow::Cow;

use super::Sample;
use super::number;

/// The types of families.
const TEXT_TYPES: [&str; 5] = ["counter", "gauge", "histogram", "summary", "untyped"];
const OPEN_METRICS_TYPES: [&str; 8] =
    ["counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"];

/// Why a line cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineError {
    /// It ends within quotes.
    OpenQuote,
    /// It has more labels than it may.
    TooManyLabels,
    /// It is wrong.
    Wrong(&'static str),
}

use LineError::Wrong;

type Read<T> = Result<T, LineError>;

/// A label, or the metric's name: names and values without their escapes.
type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Reads a line from its start to its end.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    most_labels: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8], most_labels: usize) -> Self {
        Self { text, at: 0, most_labels }
    }

    /// A line of the text format; `None` if it has no sample.
    pub(super) fn text_line(&mut self) -> Read<Option<Sample<'a>>> {
        self.skip_blanks();
        match self.peek() {
            None => return Ok(None),
            Some(b'#') => return self.text_comment().map(|()| None),
            Some(_) => {}
        }
        let (name, labels) = self.series(true)?;
        self.skip_blanks();
        let value = self.value()?;
        self.skip_blanks();
        let time = match self.peek() {
            None => None,
            Some(_) => {
                let digits = self.take_while(|byte| byte.is_ascii_digit());
                let time = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
                let time = time.ok_or(Wrong("after the value there is no time in milliseconds"))?;
                Some(time)
            }
        };
        self.skip_blanks();
        match self.peek() {
            None => Ok(Some(Sample { name, labels, value, time })),
            Some(_) => Err(Wrong("there is more after value and time")),
        }
    }

    fn text_comment(&mut self) -> Read<()> {
        self.at += 1;
        if !matches!(self.peek(), Some(b' ' | b'\t')) {
            return Ok(());
        }
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let keyword = rest.get(..4).filter(|_| matches!(rest.get(4), Some(b' ' | b'\t')));
        let is_type = match keyword {
            Some(b"HELP") => false,
            Some(b"TYPE") => true,
            _ => return Ok(()),
        };
        self.at += 4;
        self.skip_blanks();
        self.family()?;
        // What separates it from the name is one byte.
        let text = self.text.get(self.at + 1..).unwrap_or_default();
        match is_type {
            true => known_type(text, &TEXT_TYPES),
            false => is_utf8(text),
        }
    }

    /// A line of OpenMetrics; `None` if it has no sample.
    pub(super) fn open_metrics_line(&mut self) -> Read<Option<Sample<'a>>> {
        match self.peek() {
            None => return Err(Wrong("OpenMetrics has no empty lines")),
            Some(b'#') => return self.open_metrics_comment().map(|()| None),
            Some(_) => {}
        }
        let (name, labels) = self.series(false)?;
        self.blank("after the series a blank and its value are missing")?;
        let value = self.value()?;
        let mut time = None;
        if self.peek().is_some() && !self.text[self.at..].starts_with(b" # ") {
            self.blank("after the value there is neither a blank nor the end of the line")?;
            time = Some(self.seconds()?);
        }
        if self.peek().is_some() {
            self.exemplar()?;
        }
        Ok(Some(Sample { name, labels, value, time }))
    }

    fn open_metrics_comment(&mut self) -> Read<()> {
        let rest = self.text;
        let (keyword, after) = match rest.split_at_checked(7) {
            Some((b"# HELP ", after)) => ("HELP", after),
            Some((b"# TYPE ", after)) => ("TYPE", after),
            Some((b"# UNIT ", after)) => ("UNIT", after),
            _ => {
                return Err(Wrong(
                    "OpenMetrics has no comments but # HELP, # TYPE, # UNIT and # EOF",
                ));
            }
        };
        self.at = rest.len() - after.len();
        let family = self.family()?;
        self.blank("after the name of a family there is no blank")?;
        let text = &self.text[self.at..];
        match keyword {
            "HELP" => is_utf8(text),
            "TYPE" => known_type(text, &OPEN_METRICS_TYPES),
            _ => {
                let unit = std::str::from_utf8(text).map_err(|_| Wrong("the unit is not UTF-8"))?;
                let stem = family.strip_suffix(unit);
                match unit.is_empty() || stem.is_some_and(|stem| stem.ends_with('_')) {
                    true => Ok(()),
                    false => Err(Wrong("the unit is not the end of the family's name")),
                }
            }
        }
    }

    /// ` # {labels} value [time]`.
    fn exemplar(&mut self) -> Read<()> {
        if !self.text[self.at..].starts_with(b" # {") {
            return Err(Wrong("after value and time there is no exemplar"));
        }
        self.at += 4;
        self.labels(false, None)?;
        self.blank("after the labels of an exemplar a blank and its value are missing")?;
        self.value()?;
        if self.peek().is_some() {
            self.blank("after the value of an exemplar there is no blank")?;
            self.seconds()?;
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Wrong("there is more after the exemplar")),
        }
    }

    /// The name and the labels of a sample.
    fn series(&mut self, blanks: bool) -> Read<(Cow<'a, str>, Labels<'a>)> {
        let name = match self.peek() {
            Some(b'{') => None,
            _ => Some(self.name(true).ok_or(Wrong("a line begins with neither a name nor \"#\""))?),
        };
        if blanks {
            self.skip_blanks();
        }
        if self.peek() != Some(b'{') {
            let name = name.ok_or(Wrong("there is no name"))?;
            return Ok((Cow::Borrowed(name), Vec::new()));
        }
        self.at += 1;
        let mut quoted = None;
        let labels = self.labels(blanks, Some((&mut quoted, name.is_some())))?;
        let name = name.map(Cow::Borrowed).or(quoted);
        let name = name.filter(|name| !name.is_empty());
        Ok((name.ok_or(Wrong("there is no name"))?, labels))
    }

    /// The labels after the opening brace, with the brace that closes them. A quoted text alone is
    /// the name of the metric, where it may stand there and has no name yet.
    fn labels(
        &mut self,
        blanks: bool,
        mut metric: Option<(&mut Option<Cow<'a, str>>, bool)>,
    ) -> Read<Labels<'a>> {
        let mut labels: Labels<'a> = Vec::new();
        loop {
            self.skip_if(blanks);
            let name = match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(labels);
                }
                Some(b'"') => {
                    let name = self.quoted(blanks)?;
                    self.skip_if(blanks);
                    if matches!(self.peek(), Some(b',' | b'}')) {
                        let Some((found, false)) = &mut metric else {
                            return Err(Wrong("a quoted name has no value"));
                        };
                        if found.is_some() {
                            return Err(Wrong("the metric is named twice"));
                        }
                        **found = Some(name);
                        if self.peek() == Some(b',') {
                            self.at += 1;
                        }
                        continue;
                    }
                    name
                }
                _ => {
                    Cow::Borrowed(self.name(false).ok_or(Wrong("the name of a label is missing"))?)
                }
            };
            self.skip_if(blanks);
            if self.peek() != Some(b'=') {
                return Err(Wrong("after the name of a label \"=\" is missing"));
            }
            self.at += 1;
            self.skip_if(blanks);
            if self.peek() != Some(b'"') {
                return Err(match self.peek() {
                    // Whatever separates words may separate these, and a line may end there.
                    None => Wrong("the value of a label is missing"),
                    Some(_) => Wrong("the value of a label is not quoted"),
                });
            }
            let value = self.quoted(blanks)?;
            if name.is_empty() {
                return Err(Wrong("a label has an empty name"));
            }
            if name == "__name__" || labels.iter().any(|(known, _)| *known == name) {
                return Err(Wrong("a label is there twice"));
            }
            // Each is compared with those before it, so there must not be any number of them.
            if labels.len() >= self.most_labels {
                return Err(LineError::TooManyLabels);
            }
            labels.push((name, value));
            self.skip_if(blanks);
            match self.peek() {
                Some(b',') => self.at += 1,
                // As Prometheus, the text format does without the comma.
                Some(b'}') => {}
                Some(_) if blanks => {}
                None | Some(_) => {
                    return Err(Wrong("after a label there is neither \",\" nor \"}\""));
                }
            }
        }
    }

    /// The name of a family in a comment.
    fn family(&mut self) -> Read<Cow<'a, str>> {
        const MISSING: LineError = Wrong("the name of a family is missing");
        match self.peek() {
            Some(b'"') => self.quoted(false),
            _ => self.name(true).map(Cow::Borrowed).ok_or(MISSING),
        }
    }

    /// A name without quotes.
    fn name(&mut self, with_colon: bool) -> Option<&'a str> {
        let begins =
            |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (with_colon && byte == b':');
        if !self.peek().is_some_and(begins) {
            return None;
        }
        let name = self.take_while(|byte| begins(byte) || byte.is_ascii_digit());
        std::str::from_utf8(name).ok()
    }

    /// A text between quotes, without its escapes.
    fn quoted(&mut self, lines: bool) -> Read<Cow<'a, str>> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            match self.text.get(at) {
                None => return Err(LineError::OpenQuote),
                Some(b'"') => break,
                Some(b'\n') if !lines => return Err(LineError::OpenQuote),
                Some(b'\\') => {
                    escaped = true;
                    match self.text.get(at + 1) {
                        None => return Err(LineError::OpenQuote),
                        Some(b'\n') => return Err(Wrong("a line ends after \"\\\"")),
                        Some(_) => at += 2,
                    }
                }
                Some(0) => return Err(Wrong("there is a NUL byte in a quoted text")),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let text = std::str::from_utf8(&self.text[start..at])
            .map_err(|_| Wrong("a quoted text is not UTF-8"))?;
        Ok(if escaped { Cow::Owned(unescaped(text)) } else { Cow::Borrowed(text) })
    }

    fn value(&mut self) -> Read<f64> {
        let text = self.take_while(|byte| !matches!(byte, b' ' | b'\t' | b'{'));
        let text = std::str::from_utf8(text).unwrap_or_default();
        number::float(text).ok_or(Wrong(match text {
            "" => "there is no value",
            _ => "the value is not a number",
        }))
    }

    /// The time of OpenMetrics.
    fn seconds(&mut self) -> Read<i64> {
        let text = self.take_while(|byte| byte != b' ');
        let text = std::str::from_utf8(text).unwrap_or_default();
        let time = number::float(text).and_then(number::milliseconds);
        time.ok_or(Wrong("the time is not a number of seconds"))
    }

    fn blank(&mut self, missing: &'static str) -> Read<()> {
        if self.peek() != Some(b' ') {
            return Err(Wrong(missing));
        }
        self.at += 1;
        Ok(())
    }

    fn skip_if(&mut self, blanks: bool) {
        if blanks {
            // Between labels the text format takes the end of a line for a fault, and so does this.
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

fn known_type(text: &[u8], known: &[&str]) -> Read<()> {
    match known.iter().any(|known| known.as_bytes() == text) {
        true => Ok(()),
        false => Err(Wrong("there is no such type of metric")),
    }
}

fn is_utf8(text: &[u8]) -> Read<()> {
    std::str::from_utf8(text).map(drop).map_err(|_| Wrong("the help is not UTF-8"))
}

/// What follows a backslash is a quote, a backslash or the end of a line; others stay as they are.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some(literal @ ('"' | '\\')) => plain.push(literal),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
        rest = characters.as_str();
    }
    plain.push_str(rest);
    plain
}
