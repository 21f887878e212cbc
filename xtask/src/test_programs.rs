//! The test programs of the workspace: which there are, and running them two at a time.
//!
//! Most of their tests wait for other processes rather than use a core, and cargo runs one program
//! after the other. Each writes into a file of its own, which is printed as a whole. Those that need a
//! server that is not built yet run later.

use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::servers::{Server, Servers, needed_by};
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
const MAX_CONCURRENT: usize = 2;

/// These measure memory and latency, so nothing runs beside them.
const ALONE: [&str; 3] = ["bounds", "hostile_neighbours", "reader_bounds"];

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
    needs: Vec<Server>,
}

/// How a program ended.
struct Ended {
    status: Result<ExitStatus, io::Error>,
    took: Duration,
}

/// Runs the tests of all programs whose name contains `filter`, and `beside` once the servers are there,
/// with what the programs leave of the cores.
pub(crate) fn run(
    filter: Option<&str>,
    servers: &Servers,
    beside: impl FnOnce() + Send,
    all: &mut Tally,
) -> Result<String, Failure> {
    let output = programs::output(&mut cargo::cargo(LIST), &cargo::shown(LIST))?;
    let mut found: Vec<_> = output.lines().filter_map(Program::listed).collect();
    // The long ones first, so that none is left for the end alone: those that need the most.
    found.sort_by_key(|program| {
        let is_from_outside = program.source.starts_with(FROM_OUTSIDE);
        (!is_from_outside, Reverse(program.needs.len()), program.source.clone())
    });
    let (alone, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
    let logs = cargo::target()?.join("tests");
    std::fs::create_dir_all(&logs)
        .map_err(|source| Failure::File { path: logs.clone(), source })?;
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    let mut all_of = |programs: Vec<Program>, at_once| {
        let waiting = Mutex::new(programs);
        let next = || servers.take_ready(&waiting, |program| program.needs.as_slice());
        let start = |program: &Program| program.run(filter, &logs);
        side_by_side(at_once, next, start, |program, ended| {
            let own = program.print(&ended, &logs);
            if own.failed > 0 {
                failed.push(program.source.display().to_string());
            }
            tally = tally.and(own);
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            servers.wait();
            beside();
        });
        all_of(others, MAX_CONCURRENT);
    });
    all_of(alone, 1);
    *all = all.and(tally);
    if failed.is_empty() {
        return Ok(tally.to_string());
    }
    failed.sort();
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
        let needs = needed_by(&source);
        Some(Self { name: text(target, "name")?, source, package, executable, needs })
    }

    /// What it writes.
    fn log(&self, logs: &Path) -> PathBuf {
        let name = self.executable.file_name().unwrap_or(self.executable.as_os_str());
        logs.join(name).with_extension("log")
    }

    /// Runs it as cargo does: in the folder of its package. Servers that it leaves behind keep its
    /// file open, and nobody waiting.
    fn run(&self, filter: Option<&str>, logs: &Path) -> Ended {
        let begun = Instant::now();
        let run = || {
            let log = File::create(self.log(logs))?;
            let mut command = Command::new(&self.executable);
            cargo::without_own_variables(&mut command);
            command
                .args(filter)
                .current_dir(&self.package)
                .env("CARGO_MANIFEST_DIR", &self.package)
                .envs(self.needs.iter().filter_map(|server| server.variable()))
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

/// Does `work` for what `next` gives, `at_once` at a time, and hands over the results as they come.
fn side_by_side<T: Send, R: Send>(
    at_once: usize,
    next: impl Fn() -> Option<T> + Sync,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R),
) {
    let (sender, receiver) = mpsc::sync_channel(at_once);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (next, work, sender) = (&next, &work, sender.clone());
            scope.spawn(move || {
                while let Some(item) = next() {
                    let result = work(&item);
                    if sender.send((item, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (item, result) in receiver {
            done(&item, result);
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
    use std::sync::atomic::{AtomicUsize, Ordering};

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
            needs: Vec::new(),
        };
        let executable = "\"/target/a \\\"b\\\"/bounds-1\"";
        assert_eq!(Program::listed(&line(source, true, executable)), Some(listed));
        assert_eq!(Program::listed(&line(source, false, executable)), None);
        assert_eq!(Program::listed(&line(source, true, "null")), None);
        assert_eq!(Program::listed("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }

    #[test]
    fn so_many_run_at_once_and_each_result_comes() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let barrier = std::sync::Barrier::new(2);
        let waiting = Mutex::new(vec![1, 2, 3, 4]);
        let next = || waiting.lock().expect("the items").pop();
        let mut done = Vec::new();
        let work = |item: &u32| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Each waits for the one beside it.
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
            item * 10
        };
        side_by_side(2, next, work, |item, result| done.push((*item, result)));
        done.sort_unstable();
        assert_eq!(done, [(1, 10), (2, 20), (3, 30), (4, 40)]);
        assert_eq!(most.into_inner(), 2);
    }

    #[test]
    fn what_runs_alone_exists() {
        let tests = cargo::root().join(FROM_OUTSIDE);
        for name in ALONE {
            let file = tests.join(name).with_extension("rs");
            assert!(file.is_file() || tests.join(name).join("main.rs").is_file(), "{name}");
        }
    }
}
