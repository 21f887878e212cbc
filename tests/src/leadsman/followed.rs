//! A command that goes on, whose output a test follows.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::commands::BUILD_TIMEOUT;
use super::{Leadsman, binary};

/// A command under way. It ends with this value.
pub struct Followed {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: String,
}

impl Leadsman {
    /// Starts a command in a folder.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn follow(arguments: &[&str], folder: &Path) -> Followed {
        let mut child = Command::new(binary())
            .args(arguments)
            .current_dir(folder)
            // What is built needs nothing from a registry: a project has its SDK with it.
            .env("GOPROXY", "off")
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("leadsman can be run");
        let output = child.stdout.take().expect("a pipe");
        Followed { _child: child, lines: BufReader::new(output).lines(), seen: String::new() }
    }
}

impl Followed {
    /// Waits for a line with a text. Gives the line, and when it came.
    ///
    /// # Panics
    /// If the command ends before, or no such line comes in time.
    pub async fn line(&mut self, text: &str) -> (String, Instant) {
        loop {
            let line = timeout(BUILD_TIMEOUT, self.lines.next_line()).await;
            match line {
                Ok(Ok(Some(line))) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                    if line.contains(text) {
                        return (line, Instant::now());
                    }
                }
                Ok(_) => panic!("it ended without {text:?}:\n{}", self.seen),
                Err(_) => panic!("nothing more came, and nothing with {text:?}:\n{}", self.seen),
            }
        }
    }

    /// What it has printed so far.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}
