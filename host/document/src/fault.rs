//! Faults of a document, with their places and lines.

use std::borrow::Cow;
use std::path::Path;
use std::{fmt, io};

use leadsman_model::{pointer, text};

/// The maximum number of faults that are reported for one document.
pub const MAX_FAULTS: usize = 200;

/// How much a fault prevents from being served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing: what is written is valid, and probably not what is intended.
    Warning,
    /// At most the item at its place; the rest of the document is served.
    Part,
    /// The whole document.
    #[default]
    Document,
}

/// A fault at a place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place as a JSON pointer; empty for the whole document.
    pub path: String,
    /// What is wrong, and what would be valid.
    pub message: String,
    /// The line, if it is known before [`Document::locate`](crate::Document::locate) sets it.
    pub line: Option<usize>,
    /// Whether the key at the place is unknown.
    pub unknown_key: bool,
    /// Whether the place names a file that cannot be read here.
    pub unreadable_file: bool,
    /// How much it prevents from being served.
    pub severity: Severity,
}

impl Fault {
    /// A fault at a place.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            line: None,
            unknown_key: false,
            unreadable_file: false,
            severity: Severity::default(),
        }
    }

    /// The same fault with another severity.
    #[must_use]
    pub fn with(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Whether it is a warning.
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// An unknown key, with a suggestion among the known ones.
    pub fn unknown_key<'a>(
        path: impl Into<String>,
        key: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let message = format!("unknown key \"{}\"{}", excerpt(key), suggestion(key, known));
        Self { unknown_key: true, ..Self::at(path, message) }
    }

    /// A file that cannot be read here, and why.
    pub fn unreadable_file(path: impl Into<String>, file: &Path, error: &io::Error) -> Self {
        let message = format!("cannot read {}: {error}", file.display());
        Self { unreadable_file: true, ..Self::at(path, message) }
    }

    /// A fault at a line.
    pub fn on_line(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::at("", message) }
    }
}

/// All faults of a document, with their lines, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The name of the document.
    pub document: String,
    /// The faults, each with its line.
    pub list: Vec<Fault>,
}

impl Faults {
    /// The number of faults as text, without warnings.
    pub fn count(&self) -> String {
        match self.numbers().0 {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        }
    }

    /// The number of faults, and the number of warnings.
    pub fn numbers(&self) -> (usize, usize) {
        let warnings = self.list.iter().filter(|fault| fault.is_warning()).count();
        (self.list.len() - warnings, warnings)
    }

    /// The highest severity; `None` without faults.
    pub fn severity(&self) -> Option<Severity> {
        self.list.iter().map(|fault| fault.severity).max()
    }

    /// The warnings only, or all others; `None` if there are none.
    pub fn only(&self, warnings: bool) -> Option<Self> {
        let list = self.list.iter().filter(|fault| fault.is_warning() == warnings);
        let list: Vec<_> = list.cloned().collect();
        (!list.is_empty()).then(|| Self { document: self.document.clone(), list })
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.list.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}: ", self.document, fault.line.unwrap_or(1))?;
            if fault.is_warning() {
                f.write_str("warning: ")?;
            }
            let place = pointer::written(&fault.path);
            if !place.is_empty() {
                write!(f, "{place}: ")?;
            }
            f.write_str(&fault.message)?;
        }
        if self.list.len() >= MAX_FAULTS {
            write!(f, "\nThere may be more: no more than {MAX_FAULTS} are looked for at once.")?;
        }
        Ok(())
    }
}

/// The maximum length of words that are compared: longer ones are no typing errors.
const MAX_WORD: usize = 100;

/// The maximum number of words that a word is compared with.
const MAX_COMPARED: usize = 500;

/// The maximum number of words in a list of alternatives.
const MAX_LISTED: usize = 30;

/// A text, truncated for messages.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    text::excerpt(text, MAX_WORD)
}

/// `; did you mean "x"?` if a known word is similar, otherwise the list of known words.
pub fn suggestion<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.into_iter().collect();
    if let Some(word) = nearest(found, known.iter().copied()) {
        return format!("; did you mean \"{word}\"?");
    }
    known.sort_unstable();
    match known.as_slice() {
        [] => "; there are none".to_owned(),
        [only] => format!("; there is only \"{only}\""),
        few if few.len() <= MAX_LISTED => format!("; there are {}", few.join(", ")),
        many => format!(
            "; there are {} and {} more",
            many[..MAX_LISTED].join(", "),
            many.len() - MAX_LISTED
        ),
    }
}

/// The known word that is most similar, if any is similar enough for a typing error.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known
        .into_iter()
        // A comparison takes memory in proportion to the product of both lengths.
        .filter(|word| found.len() <= MAX_WORD && word.len() <= MAX_WORD)
        .filter(|word| found.len().abs_diff(word.len()) <= max_distance(found, word))
        .take(MAX_COMPARED)
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .filter(|(distance, word)| *distance <= max_distance(found, word))
        .min_by_key(|(distance, _)| *distance);
    near.map(|(_, word)| word)
}

/// The maximum edit distance between a word and its suggestion.
fn max_distance(one: &str, other: &str) -> usize {
    1 + one.len().min(other.len()) / 4
}
