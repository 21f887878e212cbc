//! The `drift` step: generated files are up to date.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::setup;
use crate::test;

/// A generated file, and the arguments with which `leadsman` prints it.
struct Generated {
    file: &'static str,
    arguments: &'static [&'static str],
    /// The line from which on it is generated, if it begins with something else. What is printed has one
    /// line before that one.
    from: Option<&'static str>,
}

const GENERATED: &[Generated] = &[
    Generated { file: "docs/config.schema.json", arguments: &["schema"], from: None },
    Generated {
        file: "deploy/chart/leadsman/values.schema.json",
        arguments: &["schema", "--chart"],
        from: Some("  \"definitions\": {"),
    },
];

/// Compares the generated files, or writes them with `BLESS=1`.
pub(crate) fn run() -> Result<String, Failure> {
    setup::plugins()?;
    // The binary that the tests run: after them nothing needs to be built.
    test::build()?;
    let program = cargo::built()?.join(format!("leadsman{}", std::env::consts::EXE_SUFFIX));
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut faults = Vec::new();
    for Generated { file, arguments, from } in GENERATED {
        let path = cargo::root().join(file);
        let printed =
            programs::quietly(Command::new(&program).args(*arguments)).map_err(|why| {
                Failure::Message(format!("`leadsman {}`: {why}", arguments.join(" ")))
            })?;
        if printed.trim().is_empty() {
            return Err(Failure::Message(format!(
                "`leadsman {}` printed nothing",
                arguments.join(" ")
            )));
        }
        let before = read(&path)?;
        let whole = match from {
            Some(from) => spliced(&before, from, &printed),
            None => printed,
        };
        if bless {
            write(&path, &whole)?;
        } else if let Some(difference) = difference(&before, &whole) {
            println!("{file}: {difference}");
            faults.push(*file);
        }
    }
    if faults.is_empty() {
        return Ok(String::new());
    }
    Err(Failure::Message(format!(
        "out of date: {}; `BLESS=1 cargo xtask ci drift` writes them",
        faults.join(", ")
    )))
}

/// What a file holds before a line, and what was printed from that line on.
fn spliced(file: &str, from: &str, printed: &str) -> String {
    let kept = file.lines().take_while(|line| *line != from);
    kept.chain(printed.lines().skip(1)).map(|line| format!("{line}\n")).collect()
}

/// A missing file is treated as empty.
fn read(path: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(Failure::File { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, printed: &str) -> Result<(), Failure> {
    println!("writing {}", path.display());
    std::fs::write(path, format!("{}\n", printed.trim_end()))
        .map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// The first line that differs.
fn difference(file: &str, printed: &str) -> Option<String> {
    let (mut old, mut new) = (file.trim_end().lines(), printed.trim_end().lines());
    for number in 1_u64.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                let [old, new] = [old, new].map(|line| line.unwrap_or("(end of file)"));
                return Some(format!("line {number}\n  is:        {old}\n  should be: {new}"));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{difference, spliced};

    #[test]
    fn what_stands_before_the_generated_part_stays() {
        let file = "{\n  \"a\": 1,\n  \"b\": {\n    \"old\": 1\n  }\n}\n";
        let printed = "{\n  \"b\": {\n    \"new\": 2\n  }\n}";
        let whole = "{\n  \"a\": 1,\n  \"b\": {\n    \"new\": 2\n  }\n}\n";
        assert_eq!(spliced(file, "  \"b\": {", printed), whole);
        assert_eq!(spliced(whole, "  \"b\": {", printed), whole);
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb"), None);
        assert_eq!(
            difference("a\nb\n", "a\nc\n").as_deref(),
            Some("line 2\n  is:        b\n  should be: c")
        );
        assert_eq!(
            difference("", "a\n").as_deref(),
            Some("line 1\n  is:        (end of file)\n  should be: a")
        );
    }
}
