//! The test programs of the workspace: which there are, and running them two at a time.
//!
//! Most of their tests wait for other processes rather than use a core, and cargo runs one program
//! after the other. Each writes into a file of its own, which is printed as a whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::cargo;
use crate::failure::Failure;
use crate::keda::Background;
use crate::programs;
use crate::tally::Tally;

/// Builds the programs and lists them.
const LIST: &[&str] = &[
    "test",
    "--workspace",
    "--lib",
    "--bins",
    "--tests",
    "--no-run",
    "--message-format",
    "json-render-diagnostics",
];

/// The programs that run at once.
const AT_ONCE: usize = 2;

/// These measure memory and latency, so nothing runs beside them.
const ALONE: [&str; 3] = ["bounds", "hostile_neighbours", "reader_bounds"];

/// These need KEDA, which is built while the others run.
const WITH_KEDA: [&str; 1] = ["cluster_keda"];

/// The folder of the tests from outside, which take the most time.
const FROM_OUTSIDE: &str = "tests/tests";

/// A test program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    /// The name of its target.
    name: String,
    /// Its source, below the workspace.
    source: PathBuf,
    /// The folder of its package, in which it runs.
    package: PathBuf,
    executable: PathBuf,
}

/// How a program ended.
struct Ended {
    status: Result<ExitStatus, io::Error>,
    took: Duration,
}

/// Runs the tests of all programs whose name contains `filter`, with these variables, and those that
/// need KEDA once it is built.
pub(crate) fn run(
    filter: Option<&str>,
    mut variables: Vec<(&'static str, PathBuf)>,
    keda: Background,
    all: &mut Tally,
) -> Result<String, Failure> {
    let output = programs::output(&mut cargo::cargo(LIST), &cargo::shown(LIST))?;
    let mut found: Vec<_> = output.lines().filter_map(Program::listed).collect();
    // The long ones first, so that none is left for the end alone.
    found
        .sort_by_key(|program| (!program.source.starts_with(FROM_OUTSIDE), program.source.clone()));
    let (alone, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
    let (with_keda, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|program| WITH_KEDA.contains(&program.name.as_str()));
    let logs = cargo::target()?.join("tests");
    std::fs::create_dir_all(&logs)
        .map_err(|source| Failure::File { path: logs.clone(), source })?;
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    let mut all_of = |programs: &[Program], at_once, variables: &[(&'static str, PathBuf)]| {
        let start = |program: &Program| program.run(filter, variables, &logs);
        in_order(programs, at_once, start, |program, ended| {
            let own = program.print(&ended, &logs);
            if own.failed > 0 {
                failed.push(program.source.display().to_string());
            }
            tally = tally.and(own);
        });
    };
    all_of(&others, AT_ONCE, &variables);
    match keda.wait() {
        Ok(built) => variables.push(built),
        // The tests that need it say so, too.
        Err(failure) => println!("warning: {failure}"),
    }
    all_of(&with_keda, AT_ONCE, &variables);
    all_of(&alone, 1, &variables);
    *all = all.and(tally);
    if failed.is_empty() {
        return Ok(tally.to_string());
    }
    Err(Failure::Message(format!("{tally}: {}", failed.join(", "))))
}

impl Program {
    /// The test program in a line of cargo's messages, if it is about one.
    fn listed(line: &str) -> Option<Self> {
        let (_, profile) = line.split_once("\"profile\":{")?;
        // The adapter's own binary is no test.
        if !profile.split_once('}')?.0.contains("\"test\":true") {
            return None;
        }
        let executable = PathBuf::from(text(line, "executable")?);
        let source = PathBuf::from(text(line, "src_path")?);
        let source = source.strip_prefix(cargo::root()).map(Path::to_owned).unwrap_or(source);
        let (_, target) = line.split_once("\"target\":{")?;
        let package = Path::new(&text(line, "manifest_path")?).parent()?.to_owned();
        Some(Self { name: text(target, "name")?, source, package, executable })
    }

    /// What it writes.
    fn log(&self, logs: &Path) -> PathBuf {
        let name = self.executable.file_name().unwrap_or(self.executable.as_os_str());
        logs.join(name).with_extension("log")
    }

    /// Runs it as cargo does: in the folder of its package. Servers that it leaves behind keep its
    /// file open, and nobody waiting.
    fn run(
        &self,
        filter: Option<&str>,
        variables: &[(&'static str, PathBuf)],
        logs: &Path,
    ) -> Ended {
        let begun = Instant::now();
        let run = || {
            let log = File::create(self.log(logs))?;
            let mut command = Command::new(&self.executable);
            cargo::without_own_variables(&mut command);
            command
                .args(filter)
                .current_dir(&self.package)
                .env("CARGO_MANIFEST_DIR", &self.package)
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .stdout(log.try_clone()?)
                .stderr(log)
                .status()
        };
        let status = run();
        Ended { status, took: begun.elapsed() }
    }

    /// Prints what it wrote, and counts. One that ends without a result is a failed test.
    fn print(&self, ended: &Ended, logs: &Path) -> Tally {
        let written = std::fs::read(self.log(logs)).unwrap_or_default();
        let written = String::from_utf8_lossy(&written);
        println!("\n--- {}, {:.1} s", self.source.display(), ended.took.as_secs_f64());
        println!("{}", written.trim_matches('\n'));
        let mut tally = Tally::default();
        written.lines().for_each(|line| tally.line(line));
        match &ended.status {
            Ok(status) if status.success() => return tally,
            Ok(status) => println!("--- {}: {status}", self.source.display()),
            Err(error) => println!("--- {}: it cannot be run: {error}", self.source.display()),
        }
        tally.failed = tally.failed.max(1);
        tally
    }
}

/// Does `work` for all items, `at_once` at a time, and hands over the results in their order.
fn in_order<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R),
) {
    let (next, (sender, receiver)) = (AtomicUsize::new(0), mpsc::sync_channel(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (next, work, sender) = (&next, &work, sender.clone());
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    if sender.send((at, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<R>> = items.iter().map(|_| None).collect();
        let mut printed = 0;
        for (at, result) in receiver {
            waiting[at] = Some(result);
            while let Some(result) = waiting.get_mut(printed).and_then(Option::take) {
                done(&items[printed], result);
                printed += 1;
            }
        }
    });
}

/// The text of a key in a line of JSON. Cargo writes no space between the two.
fn text(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{key}\":\""))?;
    let mut found = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(found),
            '\\' => found.push(characters.next()?),
            other => found.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, test: bool, executable: &str) -> String {
        let root = cargo::root().display();
        format!(
            "{{\"reason\":\"compiler-artifact\",\"package_id\":\"path+file://{root}/tests#0.1.0\",\
             \"manifest_path\":\"{root}/tests/Cargo.toml\",\"target\":{{\"kind\":[\"test\"],\
             \"crate_types\":[\"bin\"],\"name\":\"bounds\",\"src_path\":\"{root}/{source}\",\
             \"edition\":\"2024\",\"doc\":false,\"doctest\":false,\"test\":true}},\
             \"profile\":{{\"opt_level\":\"1\",\"debuginfo\":1,\"debug_assertions\":true,\
             \"overflow_checks\":true,\"test\":{test}}},\"features\":[],\"filenames\":[],\
             \"executable\":{executable},\"fresh\":true}}"
        )
    }

    #[test]
    fn test_programs_are_found_in_the_messages_of_cargo() {
        let source = "tests/tests/bounds/main.rs";
        let listed = Program {
            name: "bounds".to_owned(),
            source: source.into(),
            package: cargo::root().join("tests"),
            executable: "/target/a \"b\"/bounds-1".into(),
        };
        let executable = "\"/target/a \\\"b\\\"/bounds-1\"";
        assert_eq!(Program::listed(&line(source, true, executable)), Some(listed));
        assert_eq!(Program::listed(&line(source, false, executable)), None);
        assert_eq!(Program::listed(&line(source, true, "null")), None);
        assert_eq!(Program::listed("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }

    #[test]
    fn results_come_in_order_and_so_many_run_at_once() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let barrier = std::sync::Barrier::new(2);
        let mut done = Vec::new();
        let work = |item: &u32| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Each waits for the one beside it.
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
            item * 10
        };
        in_order(&[1, 2, 3, 4], 2, work, |item, result| done.push((*item, result)));
        assert_eq!(done, [(1, 10), (2, 20), (3, 30), (4, 40)]);
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn what_runs_alone_exists() {
        let tests = cargo::root().join(FROM_OUTSIDE);
        for name in ALONE.into_iter().chain(WITH_KEDA) {
            let file = tests.join(name).with_extension("rs");
            assert!(file.is_file() || tests.join(name).join("main.rs").is_file(), "{name}");
        }
    }
}
