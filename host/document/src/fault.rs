//! Faults of a document, with their places.

use std::borrow::Cow;
use std::fmt;

use leadsman_model::pointer;

/// The maximum number of faults that are reported for one document.
pub const MAX_FAULTS: usize = 200;

/// How much a fault keeps from being served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing: what is written may mean something else than it seems to.
    Warning,
    /// At most what stands at its place; the rest of the document is served.
    Part,
    /// The whole document.
    #[default]
    Document,
}

/// A fault at a place, which is a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place; empty for the whole document.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The line, if it is known before the place is located.
    pub line: Option<usize>,
    /// Whether the key at the place is unknown.
    pub unknown_key: bool,
    /// How much it keeps from being served.
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
            severity: Severity::default(),
        }
    }

    /// The same fault with another severity.
    #[must_use]
    pub fn with(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Whether it is no more than a warning.
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// An unknown key, with a suggestion from the known ones.
    pub fn unknown_key<'a>(
        path: impl Into<String>,
        key: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let message = format!("unknown key \"{}\"{}", excerpt(key), suggestion(key, known));
        Self { unknown_key: true, ..Self::at(path, message) }
    }

    /// A fault at a line.
    pub fn on_line(line: usize, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::at("", message) }
    }
}

/// All faults of a document, with their lines, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// What the document is called.
    pub document: String,
    /// The faults; each has its line.
    pub list: Vec<Fault>,
}

impl Faults {
    /// Their number as text, without warnings.
    pub fn count(&self) -> String {
        match self.numbers().0 {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        }
    }

    /// How many faults there are, and how many warnings.
    pub fn numbers(&self) -> (usize, usize) {
        let warnings = self.list.iter().filter(|fault| fault.is_warning()).count();
        (self.list.len() - warnings, warnings)
    }

    /// The greatest severity of all; `None` without any.
    pub fn severity(&self) -> Option<Severity> {
        self.list.iter().map(|fault| fault.severity).max()
    }

    /// Those that are no warnings, or those that are; `None` if there are none of them.
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

/// Longer words are not compared: they are not typos.
const MAX_WORD: usize = 100;

/// The maximum number of words that one is compared with.
const MAX_COMPARED: usize = 500;

/// The maximum number of words that are listed.
const MAX_LISTED: usize = 30;

/// A text, shortened for messages.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_WORD) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// `; did you mean "x"?` if a known word is near, else the list of what there is.
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

/// The known word that one is most likely a typing error of.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known
        .into_iter()
        // Comparing takes as much memory as both lengths multiplied.
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
