//! The Go toolchain, which builds the tests' control plane, prometheus-adapter and KEDA.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::apt::Apt;
use crate::programs;

/// A Go toolchain that is new enough.
#[derive(Debug)]
pub(crate) struct Go {
    program: PathBuf,
    version: String,
}

/// Debian's package.
const PACKAGE: &str = "golang-go";

/// The oldest version that builds the modules in `tests/`.
const OLDEST: (u32, u32) = (1, 24);

impl Go {
    /// The one on `PATH`, in the folder of Go's installer, or of the distribution.
    pub(crate) fn find_or_install() -> Result<Self, String> {
        match Self::find() {
            Ok(go) => Ok(go),
            Err(missing) => {
                println!("  ... {missing}");
                let apt = Apt::find()?;
                distributed().map_err(|reason| format!("{missing}, and {reason}"))?;
                apt.install(&[PACKAGE]).map_err(|failure| failure.to_string())?;
                Self::find()
            }
        }
    }

    /// A go command that may fetch modules, independent of other settings of this machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        independent(&mut command);
        command
    }

    /// The same for what is left of the cores by whoever else wants them.
    pub(crate) fn gently(&self, arguments: &[&str]) -> Command {
        let mut command = programs::gently(self.program.as_os_str());
        command.args(arguments);
        independent(&mut command);
        command
    }

    fn find() -> Result<Self, String> {
        let installed = PathBuf::from("/usr/local/go/bin/go");
        let places = [programs::find("go"), installed.is_file().then_some(installed)];
        let mut reason = "there is no go on PATH".to_owned();
        for program in places.into_iter().flatten() {
            // Its own version, not one that it would download for a go.mod.
            let mut ask = Command::new(&program);
            ask.args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local");
            let version = programs::quietly(&mut ask)?.trim().to_owned();
            if number(&version).is_some_and(|number| number >= OLDEST) {
                return Ok(Self { program, version });
            }
            reason = format!("{} is {version}, which is too old", program.display());
        }
        Err(reason)
    }
}

fn independent(command: &mut Command) {
    command.env("GOFLAGS", "-mod=readonly").env("GOWORK", "off").env("CGO_ENABLED", "0");
}

impl fmt::Display for Go {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.program.display())
    }
}

/// Whether the distribution's version is new enough to be worth installing.
fn distributed() -> Result<(), String> {
    let policy = programs::quietly(Command::new("apt-cache").args(["policy", PACKAGE]))?;
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"));
    // `2:1.19~1`: the epoch before the colon is not part of Go's version.
    let version =
        version.map_or("", |version| version.rsplit(':').next().unwrap_or(version).trim());
    if number(&format!("go{version}")).is_some_and(|number| number >= OLDEST) {
        return Ok(());
    }
    Err(format!("the distribution's {PACKAGE} is {version:?}"))
}

/// The first two numbers of `go1.26.8`.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix("go")?.split(['.', ' ', '-']);
    let minor = parts.clone().nth(1)?;
    // A release candidate is `go1.26rc1`.
    let minor = minor.split(|next: char| !next.is_ascii_digit()).next()?;
    Some((parts.next()?.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, number};

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in ["go1.24", "go1.24.0", "go1.26rc1", "go1.100.1", "go1.25.3 X:nodwarf5", "go2.0"]
        {
            assert!(number(new).is_some_and(|number| number >= OLDEST), "{new}");
        }
        for old in ["go1.9.7", "go1.19.8", "go1.23.12"] {
            assert!(number(old).is_some_and(|number| number < OLDEST), "{old}");
        }
        assert_eq!(number("devel"), None);
    }
}
