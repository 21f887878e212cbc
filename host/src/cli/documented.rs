//! Tests that every command line and every flag in the documentation exists.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::foreign::IGNORED;
use super::{Cli, translate};

/// A command line in the documentation.
struct Example {
    page: PathBuf,
    words: Vec<String>,
}

impl Example {
    fn new(page: &Path, line: &str) -> Option<Self> {
        let line = line.trim().trim_start_matches("$ ");
        // Comments, and redirections of a shell.
        let ends = [" # ", " > ", " | ", " &"];
        let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
        let words = line[..end].split_whitespace().filter(|word| *word != "[flags]");
        let words = words.map(|word| word.trim_matches(['[', ']']).to_owned());
        let words: Vec<_> = words.collect();
        let is_leadsman = words.len() > 1 && words[0] == "leadsman";
        is_leadsman.then(|| Self { page: page.to_owned(), words: words[1..].to_vec() })
    }

    fn parsed(&self) -> Result<(), clap::Error> {
        let arguments = translate("leadsman", self.words.clone()).arguments;
        let line = std::iter::once("leadsman".to_owned()).chain(arguments);
        Cli::try_parse_from(line).map(drop)
    }
}

/// The pages of the repository, without the changelog, which names removed commands.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            pages(&path, found);
        } else if name.ends_with(".md") && name != "CHANGELOG.md" {
            found.push(path);
        }
    }
}

/// The command lines in the code blocks of a page, and those in its text.
fn examples(page: &Path) -> (Vec<Example>, Vec<Example>) {
    let text = fs::read_to_string(page).expect("a page");
    let (mut blocks, mut prose, mut in_block) = (String::new(), String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            match line.strip_suffix('\\') {
                Some(continued) => blocks.push_str(continued),
                None => {
                    blocks.push_str(line);
                    blocks.push('\n');
                }
            }
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    let lines = blocks.lines().filter_map(|line| Example::new(page, line)).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    (lines, spans.filter_map(|span| Example::new(page, span)).collect())
}

#[test]
fn every_documented_command_line_can_be_parsed() {
    let mut all = Vec::new();
    pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut all);
    let (mut lines, mut spans) = (Vec::new(), Vec::new());
    for page in &all {
        let (of_blocks, of_prose) = examples(page);
        lines.extend(of_blocks);
        spans.extend(of_prose);
    }
    assert!(lines.len() >= 15, "only {} found", lines.len());
    assert!(spans.len() >= 10, "only {} found", spans.len());
    for line in lines {
        if let Err(error) = line.parsed() {
            panic!("{}: leadsman {}\n{error}", line.page.display(), line.words.join(" "));
        }
    }
    for span in spans {
        let Err(error) = span.parsed() else { continue };
        // Text may mention a command or a flag without its required arguments.
        let is_part = match error.kind() {
            ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand => true,
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => true,
            ErrorKind::InvalidValue => span.words.last().is_some_and(|w| w.starts_with("--")),
            _ => false,
        };
        let words = span.words.join(" ");
        assert!(is_part, "{}: leadsman {words}\n{error}", span.page.display());
    }
}

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    fs::read_to_string(docs.join(name)).expect("a page")
}

/// The flags among the code spans of a text, without dashes and values.
fn flags(text: &str) -> Vec<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    let flags = spans.filter_map(|span| span.strip_prefix("--"));
    flags.map(|flag| flag.split([' ', '=']).next().unwrap_or_default()).collect()
}

/// Whether a command has a flag. One that ends with an ellipsis stands for all flags with that prefix.
fn has(command: &str, flag: &str) -> bool {
    let mut all = Cli::command();
    all.build();
    let command = all.find_subcommand(command).unwrap_or_else(|| panic!("no command {command}"));
    // Those of `explain hpa` are documented with `explain`.
    let parts = std::iter::once(command).chain(command.get_subcommands());
    let mut known = parts.flat_map(|part| part.get_arguments().filter_map(clap::Arg::get_long));
    match flag.strip_suffix('…') {
        Some(start) => known.any(|known| known.starts_with(start)),
        None => known.any(|known| known == flag),
    }
}

#[test]
fn every_flag_of_the_operating_page_is_one_of_its_commands() {
    let page = page("operating.md").replace("\\|", "/");
    let mut checked = 0;
    for row in page.lines().filter(|line| line.starts_with("| `--")) {
        let cells: Vec<_> = row.split('|').collect();
        for flag in flags(cells[1]) {
            let commands = cells[2].split(|c: char| !c.is_alphanumeric());
            for command in commands.filter(|command| !command.is_empty()) {
                let command = if command == "all" { "serve" } else { command };
                assert!(has(command, flag), "{command} has no --{flag}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 20, "only {checked} found");
}

#[test]
fn every_flag_of_prometheus_adapter_that_is_promised_is_taken() {
    let page = page("coming-from-prometheus-adapter.md");
    let (_, section) = page.split_once("\n## Flags\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let flags = flags(section);
    assert!(flags.len() >= 40, "only {} found", flags.len());
    for flag in flags {
        let is_taken = match flag.split_once('*') {
            Some((start, _)) => IGNORED.iter().any(|(known, ..)| known.starts_with(start)),
            None => {
                let written = format!("--{flag}=1");
                let translated = translate("leadsman", vec!["serve".to_owned(), written.clone()]);
                has("serve", flag) || !translated.arguments.contains(&written)
            }
        };
        assert!(is_taken, "--{flag}");
    }
}
