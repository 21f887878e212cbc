//! Syntax errors of YAML, on the line that has to be corrected. The parser detects them later: a key
//! without its colon at the next key, an unclosed bracket anywhere below it.

use saphyr_parser::{Marker, ScanError};

use super::fault::Fault;

/// The fault for an error of the parser. `open` are the beginnings of the collections that it was
/// parsing, `read` is the end of the last event.
pub(super) fn fault(text: &str, error: &ScanError, open: &[Marker], read: Marker) -> Fault {
    let lines = Lines(text.lines().collect());
    let detected = Position { line: error.marker().line(), column: error.marker().col() };
    if let Some(opened) = lines.open_bracket(open, read, detected)
        && let Some(line) = lines.line_to_close(opened, detected)
    {
        let bracket = lines.at(opened).unwrap_or('{');
        let message = format!("this is not YAML: \"{bracket}\" is not closed");
        let before =
            if opened.line == line { String::new() } else { format!(" (of line {})", opened.line) };
        return Fault::on_line(line, message + &before);
    }
    let (line, info) = match error.info() {
        "simple key expect ':'" => (lines.last_before(detected.line), "a key without \":\""),
        info if info.starts_with("mapping values are not allowed") => {
            let line = lines.line_without_colon(detected);
            let info = if line < detected.line { "a key without \":\"" } else { info };
            (line, info)
        }
        // The error is at the end of the text.
        info if detected.line > lines.0.len() => (lines.last_before(detected.line), info),
        info => (detected.line, info),
    };
    Fault::on_line(line, format!("this is not YAML: {info}"))
}

/// A position in a text: a line from 1, and a column from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    line: usize,
    column: usize,
}

struct Lines<'t>(Vec<&'t str>);

impl<'t> Lines<'t> {
    fn line(&self, number: usize) -> &'t str {
        number.checked_sub(1).and_then(|at| self.0.get(at)).copied().unwrap_or_default()
    }

    fn at(&self, position: Position) -> Option<char> {
        self.line(position.line).chars().nth(position.column)
    }

    /// All characters from one position to another, with their positions.
    fn between(&self, from: Position, to: Position) -> impl Iterator<Item = (Position, char)> {
        let end = to.line.min(self.0.len());
        let all = (from.line.max(1)..=end).flat_map(move |line| {
            let characters = self.line(line).chars().chain(['\n']).enumerate();
            characters.map(move |(column, c)| (Position { line, column }, c))
        });
        all.skip_while(move |(at, _)| *at < from).take_while(move |(at, _)| *at < to)
    }

    /// The number of the last line before this one that has content.
    fn last_before(&self, number: usize) -> usize {
        let has_content = |line: &usize| !is_empty(self.line(*line));
        (1..number).rev().find(has_content).unwrap_or(number)
    }

    /// The beginning of the outermost bracketed collection that is open where an error was detected.
    fn open_bracket(&self, open: &[Marker], read: Marker, detected: Position) -> Option<Position> {
        let bracket = |position: &Position| matches!(self.at(*position), Some('{' | '['));
        let position = |mark: &Marker| Position { line: mark.line(), column: mark.col() };
        if let Some(opened) = open.iter().map(position).find(bracket) {
            return self.is_open(opened, detected).then_some(opened);
        }
        // The parser reads ahead before it emits the beginning of a collection.
        let mut in_comment = false;
        let begins = |(_, c): &(Position, char)| {
            in_comment = (in_comment || *c == '#') && *c != '\n';
            !in_comment && !c.is_whitespace() && !matches!(c, '-' | ':' | '?' | ',')
        };
        let (opened, _) = self.between(position(&read), detected).find(begins)?;
        (bracket(&opened) && self.is_open(opened, detected)).then_some(opened)
    }

    /// Whether a bracket at one position is still open at another.
    fn is_open(&self, from: Position, to: Position) -> bool {
        let (mut depth, mut quote, mut before) = (0_usize, None, ' ');
        for (_, c) in self.between(from, to) {
            match (quote, c) {
                // Within a comment.
                (Some('#'), '\n') => quote = None,
                (Some('#'), _) => {}
                (Some('"'), _) if before == '\\' => {
                    before = ' ';
                    continue;
                }
                (Some(open), _) if open == c => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') if before.is_whitespace() || "{[,:".contains(before) => {
                    quote = Some(c);
                }
                (None, '#') if before.is_whitespace() => quote = Some('#'),
                (None, '{' | '[') => depth += 1,
                (None, '}' | ']') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return false;
                    }
                }
                (None, _) => {}
            }
            before = c;
        }
        depth > 0
    }

    /// The line on which a bracket should have been closed: the last one before a line whose indentation
    /// is outside of it. `None` if there is no such line.
    fn line_to_close(&self, opened: Position, detected: Position) -> Option<usize> {
        let outer = indentation(self.line(opened.line));
        let outside = (opened.line + 1..=detected.line).find(|number| {
            let line = self.line(*number);
            !is_empty(line)
                && indentation(line) <= outer
                && !line.trim_start().starts_with(['}', ']'])
        });
        // The text ends before the bracket is closed.
        let at_end = detected.line > self.0.len();
        match outside {
            Some(number) => Some(self.last_before(number)),
            None => at_end.then(|| self.last_before(self.0.len() + 1)),
        }
    }

    /// The line of a key without its colon, which the parser joins with the line of the next key.
    fn line_without_colon(&self, key: Position) -> usize {
        let in_line = self.line(key.line).chars().take(key.column).any(|c| c == ':');
        let before = self.last_before(key.line);
        if in_line || self.line(before).contains(':') { key.line } else { before }
    }
}

/// Whether a line has no content.
fn is_empty(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use crate::Document;

    #[test]
    fn the_line_of_a_fault_is_the_one_to_correct() {
        for (line, text) in [
            (2, "kind: Config\nsources\nmappings: []\n"),
            (3, "kind: Config\nsources: {}\nplugins\n\n# a comment\nmappings: []\n"),
            (2, "kind: Config\nsources\n  prometheus: {}\n"),
            (1, "apiVersion leadsman.dev/v1alpha1\nkind: Config\n"),
            (2, "kind: Config\nsources: a: b\n"),
            (
                3,
                "kind: Config\nsources:\n  prometheus: {prometheus: {url: \"http://a\"}\nmappings: []\n",
            ),
            (
                2,
                "mappings:\n  - {metric: a, plugin: external\n  - {metric: b, plugin: external}\nobjects: []\n",
            ),
            (
                4,
                "mappings:\n  - {metric: a, plugin: external}\n\n  - {metric: b, config: {a: 'b, }'}\n  - {metric: c}\nobjects: []\n",
            ),
            (
                3,
                "mappings:\n  - metric: a\n    serve: {custom: {resource: pods}\n    plugin: external\n  - metric: b\n",
            ),
            (2, "kind: Config\nobjects: [a, b\n"),
            (2, "kind: Config\nsources: {a: \"b}\nobjects: []\n"),
            (3, "a: {\n  b: c\n}}\n"),
            (2, "a: {b: c}\n@d\n"),
            (2, "a: b\nc: {d: e, f: @g}\n"),
            (3, "mappings:\n  - metric: a\n   plugin: external\n"),
        ] {
            let (_, faults) = Document::parse("a", text);
            let [fault] = faults.as_slice() else { panic!("{faults:?} of\n{text}") };
            assert_eq!(fault.line, Some(line), "{} in\n{text}", fault.message);
        }
    }
}
