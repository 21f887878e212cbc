//! `cargo xtask fuzz`: fuzzes the parsers of input from outside.
//!
//! The crate `fuzz` has one program for each parser. Its seeds are in the repository; inputs that a
//! run adds are stored in the target folder, and the next run continues from there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::setup;
use crate::steps::Steps;

/// The programs, each in `fuzz/targets` under its name.
const TARGETS: [&str; 24] = [
    "answer",
    "component",
    "config",
    "delegate",
    "duration",
    "exposition",
    "manifest",
    "name",
    "nsx_alb",
    "nsx_alb_login",
    "nsx_alb_page",
    "path",
    "public_key",
    "pull_secret",
    "quantity",
    "recording",
    "reference",
    "registry",
    "rules",
    "schema",
    "selector",
    "series",
    "template",
    "trigger",
];

/// Flags that instrument the code for coverage. They work with stable compilers.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// An input that needs more time or memory counts as a failure.
const LIMITS: [&str; 2] = ["-timeout=5", "-rss_limit_mb=2048"];

/// How many lines of a failed program's output are shown.
const MAX_LINES: usize = 60;

/// The targets, and the time for each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fuzz {
    seconds: u32,
    targets: Vec<&'static str>,
}

impl Default for Fuzz {
    fn default() -> Self {
        Self { seconds: 60, targets: Vec::new() }
    }
}

impl Fuzz {
    /// Parses `[--seconds N] [TARGET...]`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut fuzz = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                // For libFuzzer 0 means no limit.
                let seconds = seconds.filter(|&seconds| seconds > 0);
                fuzz.seconds = seconds.ok_or_else(|| {
                    Failure::Usage("--seconds takes a whole number above 0".to_owned())
                })?;
            } else {
                let known = TARGETS.into_iter().find(|target| target == argument);
                fuzz.targets.push(known.ok_or_else(|| {
                    Failure::Usage(format!("there is no fuzz target `{argument}`"))
                })?);
            }
        }
        Ok(fuzz)
    }

    /// Builds the targets and runs each until its time is over or it finds a failure.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        setup::plugins()?;
        let targets = if self.targets.is_empty() { &TARGETS[..] } else { &self.targets };
        let folder = cargo::target()?.join("fuzz");
        let mut steps = Steps::default();
        let mut programs = None;
        steps.run("build", || {
            programs = Some(build(&folder, targets)?);
            Ok(String::new())
        });
        if let Some(programs) = programs {
            for &target in targets {
                steps.run(target, || {
                    fuzz(target, &programs.join(target), &folder, self.seconds)
                        .map(|figures| figures.to_string())
                });
            }
        }
        steps.finish()
    }
}

/// Builds the programs and returns their folder.
fn build(folder: &Path, targets: &[&str]) -> Result<PathBuf, Failure> {
    let host = programs::quietly(Command::new("rustc").args(["--print", "host-tuple"]))
        .map_err(|reason| Failure::Message(format!("rustc --print host-tuple: {reason}")))?;
    let host = host.trim();
    // With an explicit target, build scripts and macros are not instrumented: they have no
    // libFuzzer.
    let mut line = vec!["build", "--release", "--target", host];
    for target in targets {
        line.extend(["--bin", target]);
    }
    let mut command = cargo::cargo(&line);
    command.current_dir(source()).arg("--target-dir").arg(folder).env("RUSTFLAGS", FLAGS.join(" "));
    programs::run(&mut command, &cargo::shown(&line))?;
    Ok(folder.join(host).join("release"))
}

fn source() -> PathBuf {
    cargo::root().join("fuzz")
}

fn fuzz(target: &str, program: &Path, folder: &Path, seconds: u32) -> Result<Figures, Failure> {
    let made = |kind: &str| {
        let path = folder.join(kind).join(target);
        match std::fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(Failure::File { path, source }),
        }
    };
    let (corpus, found) = (made("corpus")?, made("found")?);
    let mut command = Command::new(program);
    command
        .env("RUST_BACKTRACE", "1")
        .args(LIMITS)
        .arg("-print_final_stats=1")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()));
    let dictionary = source().join("dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    // New inputs are written to the first folder.
    command.arg(corpus).arg(source().join("seeds").join(target));
    let output = command.output().map_err(|source| programs::cannot_start(&command, source))?;
    let written = String::from_utf8_lossy(&output.stderr);
    let figures = Figures::of(&written);
    if output.status.success() {
        return Ok(figures);
    }
    let lines = written.lines().skip_while(|line| !is_complaint(line));
    lines.take(MAX_LINES).for_each(|line| println!("{line}"));
    Err(Failure::Message(match input(&written) {
        Some(path) => format!("FOUND after {} runs: {path}", figures.runs),
        None => format!("ended with {} after {} runs", output.status, figures.runs),
    }))
}

/// Whether a failure begins at this line: earlier lines are new inputs.
fn is_complaint(line: &str) -> bool {
    line.contains(" panicked at ") || line.contains("ERROR: libFuzzer")
}

/// The path of the failing input.
fn input(written: &str) -> Option<&str> {
    written.lines().rev().find_map(|line| line.split_once("Test unit written to ")).map(|it| it.1)
}

/// The result of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    runs: u64,
    runs_per_second: u64,
    coverage: u64,
}

impl Figures {
    fn of(written: &str) -> Self {
        let mut figures = Self::default();
        for line in written.lines() {
            let mut words = line.split_whitespace();
            let Some(first) = words.next() else { continue };
            let number = |word: Option<&str>| word.and_then(|word| word.parse().ok()).unwrap_or(0);
            match first {
                "stat::number_of_executed_units:" => figures.runs = number(words.next()),
                "stat::average_exec_per_sec:" => figures.runs_per_second = number(words.next()),
                _ if first.starts_with('#') => {
                    // One that fails may end without its statistics.
                    figures.runs = figures.runs.max(number(first.strip_prefix('#')));
                    let mut coverage = words.skip_while(|&word| word != "cov:").skip(1);
                    figures.coverage = figures.coverage.max(number(coverage.next()));
                }
                _ => {}
            }
        }
        figures
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, runs_per_second, coverage } = self;
        write!(
            f,
            "{runs} runs, {runs_per_second} a second, {coverage} edges covered, nothing found"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_writes_is_read() {
        let written = "INFO: Seed: 1\n\
            #2\tINITED cov: 61 ft: 62 corp: 1/1b exec/s: 0 rss: 26Mb\n\
            #4096\tNEW    cov: 120 ft: 140 corp: 3/9b lim: 4 exec/s: 0 rss: 27Mb L: 4/4 MS: 1 Copy-\n\
            #9000\tDONE   cov: 120 ft: 141 corp: 3/9b lim: 4 exec/s: 4500 rss: 27Mb\n\
            stat::number_of_executed_units: 9000\n\
            stat::average_exec_per_sec:     4500\n";
        let figures = Figures { runs: 9000, runs_per_second: 4500, coverage: 120 };
        assert_eq!(Figures::of(written), figures);
        assert_eq!(
            figures.to_string(),
            "9000 runs, 4500 a second, 120 edges covered, nothing found"
        );
        assert_eq!(input(written), None);
        let failed =
            "artifact_prefix='found/'; Test unit written to found/crash-12\nBase64: RlU=\n";
        assert_eq!(input(failed), Some("found/crash-12"));
        let without = written.lines().take(3).collect::<Vec<_>>().join("\n");
        assert_eq!(Figures::of(&without).runs, 4096);
    }

    #[test]
    fn each_target_is_there() {
        let folder = std::fs::read_dir(source().join("targets")).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let names: Vec<_> = files.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
        assert_eq!(names, TARGETS);
    }

    #[test]
    fn each_target_is_a_program_with_inputs_to_begin_with() {
        let manifest = std::fs::read_to_string(source().join("Cargo.toml")).unwrap();
        for target in TARGETS {
            let path = format!("path = \"targets/{target}.rs\"");
            assert!(manifest.contains(&path), "{target} is no program");
            let seeds = std::fs::read_dir(source().join("seeds").join(target));
            let seeds = seeds.unwrap_or_else(|error| panic!("seeds of {target}: {error}")).count();
            assert!(seeds > 0, "{target} has no seeds");
        }
    }

    #[test]
    fn each_dictionary_is_of_a_target() {
        for entry in std::fs::read_dir(source().join("dictionaries")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            assert!(TARGETS.contains(&name), "{name} is no target");
        }
    }

    #[test]
    fn the_command_line_is_understood() {
        let parsed = |line: &str| {
            let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            Fuzz::parse(&arguments).map_err(|failure| failure.to_string())
        };
        assert_eq!(parsed(""), Ok(Fuzz::default()));
        let two = Fuzz { seconds: 5, targets: vec!["selector", "answer"] };
        assert_eq!(parsed("selector --seconds 5 answer"), Ok(two));
        assert_eq!(parsed("selectors"), Err("there is no fuzz target `selectors`".to_owned()));
        for wrong in ["--seconds", "--seconds 0", "--seconds soon"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
