//! What tests ask beside Leadsman, and is no package of the distribution: it is built from Go modules, or
//! fetched, once for all checkouts on this machine. Most tests need none of it, and run meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use crate::author_tools;
use crate::built::Manners;
use crate::cargo;
use crate::control_plane;
use crate::failure::Failure;
use crate::keda;
use crate::prometheus_adapter;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    ControlPlane,
    PrometheusAdapter,
    Keda,
    AuthorTools,
}

/// Those that use the cores, one after the other, and the one that uses the network.
const GROUPS: [&[Server]; 2] =
    [&[Server::ControlPlane, Server::PrometheusAdapter, Server::Keda], &[Server::AuthorTools]];

/// The folder of the programs that need one.
const TESTS: &str = "tests/tests";

impl Server {
    const ALL: [Self; 4] =
        [Self::ControlPlane, Self::PrometheusAdapter, Self::Keda, Self::AuthorTools];

    /// The words by which a test names it.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::ControlPlane => &["ControlPlane", "cluster::"],
            Self::PrometheusAdapter => &["PrometheusAdapter"],
            Self::Keda => &["Keda"],
            Self::AuthorTools => &["AuthorTools"],
        }
    }

    /// Builds or fetches it unless it is there, with what other work leaves.
    fn setup(self) -> Result<(), Failure> {
        match self {
            Self::ControlPlane => control_plane::setup(Manners::GivesWay),
            Self::PrometheusAdapter => prometheus_adapter::setup(Manners::GivesWay),
            Self::Keda => keda::setup(Manners::GivesWay),
            Self::AuthorTools => author_tools::setup(),
        }
    }

    /// The environment variable with its path for the tests, if it is there.
    pub(crate) fn variable(self) -> Option<(&'static str, PathBuf)> {
        match self {
            Self::ControlPlane => control_plane::built(),
            Self::PrometheusAdapter => prometheus_adapter::built(),
            Self::Keda => keda::built(),
            Self::AuthorTools => author_tools::built(),
        }
    }
}

/// The environment variables with the paths of all that are there.
pub(crate) fn variables() -> Vec<(&'static str, PathBuf)> {
    Server::ALL.into_iter().filter_map(Server::variable).collect()
}

/// What the test program with this source, below the workspace, needs: what its files name.
pub(crate) fn needed_by(source: &Path) -> Vec<Server> {
    let Ok(within) = source.strip_prefix(TESTS) else { return Vec::new() };
    // A program of several files has a folder.
    let whole =
        if within.ends_with("main.rs") { source.parent().unwrap_or(source) } else { source };
    let mut text = String::new();
    if read(&cargo::root().join(whole), &mut text).is_err() {
        return Server::ALL.to_vec();
    }
    let is_named = |server: &Server| server.words().iter().any(|word| text.contains(word));
    Server::ALL.into_iter().filter(is_named).collect()
}

/// Adds a file, or all files of a folder.
fn read(path: &Path, text: &mut String) -> io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            read(&entry?.path(), text)?;
        }
    } else {
        text.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
    }
    Ok(())
}

/// Which of them are there, or will never be.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    ended: Mutex<Vec<Server>>,
    changed: Condvar,
}

/// Marks the end of building or fetching one, also by a panic: nobody waits for ever.
struct Ends<'s> {
    servers: &'s Servers,
    server: Server,
}

impl Servers {
    /// Begins to build and to fetch what is missing.
    pub(crate) fn start<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        for group in GROUPS {
            scope.spawn(move || self.set_up(group));
        }
    }

    fn set_up(&self, group: &[Server]) {
        let all: Vec<_> = group.iter().map(|server| self.ends(*server)).collect();
        for ends in all {
            if let Err(failure) = ends.server.setup() {
                // The tests that need it say so, too.
                println!("warning: {failure}");
            }
        }
    }

    fn ends(&self, server: Server) -> Ends<'_> {
        Ends { servers: self, server }
    }

    /// Takes the first item whose servers are there; if there is none, waits for it. `None` once nothing
    /// is left.
    pub(crate) fn take_ready<T>(
        &self,
        waiting: &Mutex<Vec<T>>,
        needs: impl Fn(&T) -> &[Server],
    ) -> Option<T> {
        let mut ended = self.ended();
        loop {
            let mut left = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if left.is_empty() {
                return None;
            }
            let first = left
                .iter()
                .position(|item| needs(item).iter().all(|server| ended.contains(server)));
            if let Some(at) = first {
                return Some(left.remove(at));
            }
            drop(left);
            ended = self.changed.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for all of them.
    pub(crate) fn wait(&self) {
        let mut ended = self.ended();
        while !Server::ALL.iter().all(|server| ended.contains(server)) {
            ended = self.changed.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ended(&self) -> MutexGuard<'_, Vec<Server>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.servers.ended().push(self.server);
        self.servers.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_needs_is_in_its_sources() {
        let of = |source: &str| needed_by(&Path::new(TESTS).join(source));
        assert!(of("check.rs").is_empty());
        assert_eq!(of("control_plane.rs"), [Server::ControlPlane]);
        let three = [Server::ControlPlane, Server::PrometheusAdapter, Server::Keda];
        assert_eq!(of("cluster_keda/main.rs"), three);
        assert_eq!(of("plugin_authors/main.rs"), [Server::AuthorTools]);
        assert_eq!(of("no_such_program.rs"), Server::ALL);
        assert!(needed_by(Path::new("host/src/lib.rs")).is_empty());
        for group in GROUPS {
            assert!(group.iter().all(|server| Server::ALL.contains(server)));
        }
        assert_eq!(GROUPS.concat().len(), Server::ALL.len());
    }

    #[test]
    fn what_needs_a_server_waits_for_it_and_nothing_else_does() {
        let servers = Servers::default();
        let waiting = Mutex::new(vec![("needs it", vec![Server::Keda]), ("does not", Vec::new())]);
        let next = || servers.take_ready(&waiting, |item| item.1.as_slice()).map(|item| item.0);
        assert_eq!(next(), Some("does not"));
        std::thread::scope(|scope| {
            let waits = scope.spawn(next);
            drop(servers.ends(Server::AuthorTools));
            drop(servers.ends(Server::Keda));
            assert_eq!(waits.join().expect("an item"), Some("needs it"));
        });
        assert_eq!(next(), None);
        GROUPS[0].iter().for_each(|server| drop(servers.ends(*server)));
        servers.wait();
    }
}
