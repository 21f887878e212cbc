//! What is wrong with a configuration, and where.

use std::fmt;

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
    pub(super) unknown_key: bool,
}

impl Fault {
    /// A fault at a place.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), line: None, unknown_key: false }
    }

    /// A key that is not known among those that are.
    pub(super) fn unknown_key<'a>(
        path: impl Into<String>,
        key: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let message = format!("unknown key \"{key}\"{}", suggestion(key, known));
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
            let place = place(&fault.path);
            if !place.is_empty() {
                write!(f, "{place}: ")?;
            }
            f.write_str(&fault.message)?;
        }
        Ok(())
    }
}

/// A pointer as people write it: `mappings[3].queries.rate`.
fn place(pointer: &str) -> String {
    let mut place = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            place.push_str(&format!("[{segment}]"));
        } else {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(&segment);
        }
    }
    place
}

/// A key as a segment of a pointer.
pub fn segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Longer words are no slips of the pen.
const LONGEST_WORD: usize = 100;

/// `; did you mean "x"?` if a known word is near, else the list of what there is.
pub fn suggestion<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.into_iter().collect();
    let near = known
        .iter()
        // Comparing takes as much memory as both lengths multiplied.
        .filter(|word| found.len() <= LONGEST_WORD && word.len() <= LONGEST_WORD)
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .filter(|(distance, word)| *distance <= 1 + found.len().min(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, word)) = near {
        return format!("; did you mean \"{word}\"?");
    }
    known.sort_unstable();
    match known.as_slice() {
        [] => "; there are none".to_owned(),
        [only] => format!("; there is only \"{only}\""),
        many => format!("; there are {}", many.join(", ")),
    }
}
