//! Where the values of a document stand in its text.

use std::collections::HashMap;

use super::{Fault, Faults};

/// The line of each value of a document, by its JSON pointer. It takes a fraction of the memory of the
/// document, so that faults that are found later have their lines without it.
#[derive(Debug, Clone)]
pub struct SourceMap {
    /// The name of the document in messages.
    pub name: String,
    /// All pointers in order, one after another.
    pointers: Box<str>,
    places: Box<[Place]>,
}

/// Where a pointer is among all of them, and its line.
#[derive(Debug, Clone, Copy)]
struct Place {
    begin: usize,
    end: usize,
    line: usize,
}

impl SourceMap {
    pub(super) fn new(name: &str, lines: HashMap<String, usize>) -> Self {
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_unstable();
        let mut pointers = String::with_capacity(lines.iter().map(|(at, _)| at.len()).sum());
        let places = lines.iter().map(|(pointer, line)| {
            let begin = pointers.len();
            pointers.push_str(pointer);
            Place { begin, end: pointers.len(), line: *line }
        });
        let places = places.collect();
        Self { name: name.to_owned(), pointers: pointers.into_boxed_str(), places }
    }

    /// Sets the line of each fault and sorts them by it.
    pub fn locate(&self, mut faults: Vec<Fault>) -> Faults {
        for fault in &mut faults {
            fault.line.get_or_insert_with(|| self.line(&fault.path));
        }
        faults.sort_by_key(|fault| fault.line);
        faults.dedup();
        Faults { document: self.name.clone(), list: faults }
    }

    /// The line of a place, or of its closest ancestor that has one.
    pub fn line(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.line_of(pointer) {
                return line;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 1,
            }
        }
    }

    fn line_of(&self, pointer: &str) -> Option<usize> {
        let of = |place: &Place| self.pointers[place.begin..place.end].cmp(pointer);
        let found = self.places.binary_search_by(of).ok()?;
        Some(self.places[found].line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_line_or_that_of_its_closest_ancestor() {
        let lines = [("", 1), ("/b", 7), ("/a/0", 3), ("/a", 2), ("/a/1/ü", 5), ("/a/10", 6)];
        let lines = lines.map(|(pointer, line)| (pointer.to_owned(), line));
        let map = SourceMap::new("x.yaml", lines.into());
        for (pointer, line) in [
            ("", 1),
            ("/a", 2),
            ("/a/0", 3),
            ("/a/0/none", 3),
            ("/a/1", 2),
            ("/a/1/ü", 5),
            ("/a/10", 6),
            ("/b", 7),
            ("/c/d", 1),
        ] {
            assert_eq!(map.line(pointer), line, "{pointer}");
        }
        let empty = SourceMap::new("x.yaml", HashMap::new());
        assert_eq!(empty.line("/a"), 1);
    }
}
