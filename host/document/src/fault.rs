//! What is wrong with a configuration, and where.

use std::borrow::Cow;
use std::fmt;

use leadsman_model::pointer;

/// The most faults that are told of one document at once.
pub const MOST_FAULTS: usize = 200;

/// Something wrong, at a place given as a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place; empty for the whole document.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The line, where it is known before the place is looked up.
    pub line: Option<usize>,
    /// Whether the place itself should not be there.
    pub unknown_key: bool,
}

impl Fault {
    /// A fault at a place.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), line: None, unknown_key: false }
    }

    /// A key that is not known among those that are.
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
    /// How many there are, in words.
    pub fn count(&self) -> String {
        match self.list.len() {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        }
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
            let place = pointer::written(&fault.path);
            if !place.is_empty() {
                write!(f, "{place}: ")?;
            }
            f.write_str(&fault.message)?;
        }
        if self.list.len() >= MOST_FAULTS {
            write!(f, "\nThere may be more: no more than {MOST_FAULTS} are looked for at once.")?;
        }
        Ok(())
    }
}

/// Longer words are no slips of the pen.
const LONGEST_WORD: usize = 100;

/// The most words that one is compared with.
const MOST_COMPARED: usize = 500;

/// The most words that are listed.
const MOST_LISTED: usize = 30;

/// A text as a message can hold it.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_WORD) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// `; did you mean "x"?` if a known word is near, else the list of what there is.
pub fn suggestion<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.into_iter().collect();
    let near = known
        .iter()
        // Comparing takes as much memory as both lengths multiplied.
        .filter(|word| found.len() <= LONGEST_WORD && word.len() <= LONGEST_WORD)
        .filter(|word| found.len().abs_diff(word.len()) <= most_distance(found, word))
        .take(MOST_COMPARED)
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .filter(|(distance, word)| *distance <= most_distance(found, word))
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, word)) = near {
        return format!("; did you mean \"{word}\"?");
    }
    known.sort_unstable();
    match known.as_slice() {
        [] => "; there are none".to_owned(),
        [only] => format!("; there is only \"{only}\""),
        few if few.len() <= MOST_LISTED => format!("; there are {}", few.join(", ")),
        many => format!(
            "; there are {} and {} more",
            many[..MOST_LISTED].join(", "),
            many.len() - MOST_LISTED
        ),
    }
}

/// How far two words may be apart to be taken for the same.
fn most_distance(one: &str, other: &str) -> usize {
    1 + one.len().min(other.len()) / 4
}
