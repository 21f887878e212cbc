//! What a page claims: each row of its tables, each item of its lists and each paragraph, with the
//! tests that show it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A claim, by how it begins, and what shows it.
pub(crate) type Entry = (&'static str, Shown);

/// What shows a claim.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    /// All of these tests. What follows a name after `: ` must stand in the sources of that test: the
    /// request or the row that it is about.
    By(&'static [&'static str]),
    /// It claims nothing that could be otherwise, for this reason.
    Nothing(&'static str),
}

/// The tests that there are.
pub(crate) struct Tests(Vec<Program>);

/// A program of tests, or a file with tests of its own.
#[derive(Default)]
struct Program {
    names: Vec<String>,
    source: String,
}

impl Tests {
    /// Those of the whole project.
    pub(crate) fn all() -> Self {
        let root = super::root();
        let mut files = Vec::new();
        for folder in ["tests/tests", "host", "plugins", "plugin-sdk"] {
            sources(&root.join(folder), &mut files);
        }
        let programs = root.join("tests/tests");
        let mut all: BTreeMap<PathBuf, Program> = BTreeMap::new();
        for (path, text) in files {
            let of_several =
                path.parent().filter(|folder| folder.parent() == Some(programs.as_path()));
            let of = all.entry(of_several.unwrap_or(&path).to_owned()).or_default();
            of.names.extend(named(&text));
            of.source.push_str(&text);
        }
        Self(all.into_values().collect())
    }

    /// What is wrong with the name of a test, and what is to stand in it.
    fn wrong(&self, written: &str) -> Option<String> {
        let (name, part) = match written.split_once(": ") {
            Some((name, part)) => (name, part),
            None => (written, ""),
        };
        let mut programs =
            self.0.iter().filter(|of| of.names.iter().any(|known| known == name)).peekable();
        if programs.peek().is_none() {
            return Some(format!("there is no test {name}"));
        }
        let shown = programs.any(|of| of.source.contains(part));
        (!shown).then(|| format!("the test {name} has nothing of {part:?}"))
    }
}

/// What is wrong between a page and what is known of its claims.
pub(crate) fn wrong(page: &str, entries: &[Entry], tests: &Tests) -> Vec<String> {
    let claims = cut(page);
    let mut wrong = Vec::new();
    for claim in &claims {
        let known: Vec<_> =
            entries.iter().filter(|(begins, _)| claim.starts_with(begins)).collect();
        match known.as_slice() {
            [_] => {}
            [] => wrong.push(format!("no test is named for: {claim}")),
            several => wrong.push(format!("{} entries are for: {claim}", several.len())),
        }
    }
    for (begins, shown) in entries {
        if claims.iter().filter(|claim| claim.starts_with(begins)).count() != 1 {
            wrong.push(format!("not exactly one claim begins with: {begins}"));
        }
        match shown {
            Shown::By([]) => wrong.push(format!("nothing is named for: {begins}")),
            Shown::By(names) => {
                let found = names.iter().filter_map(|name| tests.wrong(name));
                wrong.extend(found.map(|what| format!("{begins}: {what}")));
            }
            Shown::Nothing("") => {
                wrong.push(format!("no reason is given for: {begins}"));
            }
            Shown::Nothing(_) => {}
        }
    }
    wrong
}

/// The claims of a page: rows without the heads of their tables, items of lists, and paragraphs, each
/// in one line; neither headings nor blocks of code.
fn cut(page: &str) -> Vec<String> {
    let lines: Vec<_> = page.lines().collect();
    let is_rule = |line: Option<&&str>| line.is_some_and(|line| line.starts_with("|---"));
    let (mut claims, mut current, mut in_code) = (Vec::new(), String::new(), false);
    let mut end = |current: &mut String| {
        if !current.is_empty() {
            claims.push(std::mem::take(current));
        }
    };
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
            end(&mut current);
        } else if in_code {
            continue;
        } else if line.trim().is_empty() || line.starts_with('#') {
            end(&mut current);
        } else if let Some(row) = line.strip_prefix('|') {
            end(&mut current);
            if !is_rule(Some(line)) && !is_rule(lines.get(at + 1)) {
                current.push_str(row.trim().trim_end_matches('|').trim_end());
                end(&mut current);
            }
        } else {
            let item = line.strip_prefix("- ");
            if item.is_some() {
                end(&mut current);
            } else if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(item.unwrap_or(line).trim());
        }
    }
    end(&mut current);
    claims
}

/// The names of the tests of a source file.
fn named(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if is_test && let Some((_, rest)) = line.split_once("fn ") {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            names.push(rest[..end].to_owned());
            is_test = false;
        }
    }
    names
}

/// All files of Rust below a folder, with their text.
fn sources(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, files);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            files.push((path, text));
        }
    }
}

#[test]
fn a_page_is_cut_into_its_claims() {
    let page = "# Title\n\nOne\ntwo.\n\n- a\n  b\n- c\n\n```yaml\n- no claim\n```\n\n\
                | | x |\n|---|---|\n| row | `a \\| b` |\n| other | y |\nAfter.\n";
    assert_eq!(cut(page), ["One two.", "a b", "c", "row | `a \\| b`", "other | y", "After."]);
}

/// The check itself finds what is missing, wrong or too much.
#[test]
fn what_is_not_shown_is_found() {
    let program = Program { names: vec!["there".to_owned()], source: "a request".to_owned() };
    let tests = Tests(vec![program]);
    let of = |entries: &[Entry]| wrong("One.\n\nTwo.\n", entries, &tests).join("\n");
    let one: Entry = ("One", Shown::By(&["there"]));
    assert_eq!(of(&[one, ("Two", Shown::Nothing("a sentence"))]), "");
    assert_eq!(of(&[one]), "no test is named for: Two.");
    for (entry, found) in [
        (("Two", Shown::By(&["gone"])), "Two: there is no test gone"),
        (("Two", Shown::By(&["there: a row"])), "Two: the test there has nothing of \"a row\""),
        (("Two", Shown::By(&[])), "nothing is named for: Two"),
        (("Two", Shown::Nothing("")), "no reason is given for: Two"),
    ] {
        assert_eq!(of(&[one, entry]), found);
    }
    let two: Entry = ("Two", Shown::By(&["there: a request"]));
    assert_eq!(of(&[one, two]), "");
    let stale: Entry = ("Three", Shown::By(&["there"]));
    assert_eq!(of(&[one, two, stale]), "not exactly one claim begins with: Three");
}
