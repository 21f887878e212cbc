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
}

const GENERATED: &[Generated] =
    &[Generated { file: "docs/config.schema.json", arguments: &["schema"] }];

/// Compares the generated files, or writes them with `BLESS=1`.
pub(crate) fn run() -> Result<String, Failure> {
    setup::plugins()?;
    // The binary that the tests run: after them nothing needs to be built.
    test::build()?;
    let program = cargo::built()?.join(format!("leadsman{}", std::env::consts::EXE_SUFFIX));
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut faults = Vec::new();
    for Generated { file, arguments } in GENERATED {
        let path = cargo::root().join(file);
        let printed = programs::quietly(Command::new(&program).args(*arguments))
            .map_err(|why| Failure::Told(format!("`leadsman {}`: {why}", arguments.join(" "))))?;
        if printed.trim().is_empty() {
            return Err(Failure::Told(format!(
                "`leadsman {}` printed nothing",
                arguments.join(" ")
            )));
        }
        if bless {
            write(&path, &printed)?;
        } else if let Some(difference) = difference(&read(&path)?, &printed) {
            println!("{file}: {difference}");
            faults.push(*file);
        }
    }
    if faults.is_empty() {
        return Ok(String::new());
    }
    Err(Failure::Told(format!(
        "out of date: {}; `BLESS=1 cargo xtask ci drift` writes them",
        faults.join(", ")
    )))
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
    use super::difference;

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
