//! The tools of authors of plugins in Python and JavaScript: packages of PyPI and npm in exact versions,
//! fetched once for all checkouts on this machine, so that the tests install them without a network.
//!
//! The folder has `wheels` and a virtual environment `venv` for Python, `npm`, a cache of npm's, and
//! copies of the lists of packages in `tests/author-tools`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::apt::Apt;
use crate::built::{Hash, copy_file, file, in_cache};
use crate::cargo;
use crate::failure::Failure;
use crate::programs;

/// The environment variable with the folder for the tests.
const VARIABLE: &str = "LEADSMAN_AUTHOR_TOOLS";
/// The folder in `tests/`, and the prefix of the one in the cache.
const NAME: &str = "author-tools";
/// The lists of packages.
const SOURCES: [&str; 2] = [NPM_LIST, PYTHON_LIST];
const NPM_LIST: &str = "package.json";
const PYTHON_LIST: &str = "requirements.txt";
/// Of Python's packages, those that build and test; the others check types and style.
const INSTALLED: [&str; 3] = ["componentize-py", "hatchling", "pytest"];

/// An interpreter, with the oldest version that the SDK for it runs on.
struct Interpreter {
    program: &'static str,
    /// Prints its version.
    version: &'static [&'static str],
    oldest: (u32, u32),
    /// Debian's packages.
    packages: &'static [&'static str],
    advice: &'static str,
}

const PYTHON: Interpreter = Interpreter {
    program: "python3",
    version: &["--version"],
    oldest: (3, 11),
    packages: &["python3", "python3-venv"],
    advice: "Python 3.11 or later with venv (https://www.python.org/downloads, or the distribution's \
             python3 and python3-venv)",
};

const NODE: Interpreter = Interpreter {
    program: "node",
    version: &["--version"],
    oldest: (20, 6),
    packages: &["nodejs", "npm"],
    advice: "Node.js 20.6 or later with npm (https://nodejs.org, or the distribution's nodejs and npm)",
};

/// Fetches them unless they are there.
pub(crate) fn setup() -> Result<(), Failure> {
    let versions = versions()?;
    let folder = folder(&versions)?;
    if !is_complete(&folder) {
        println!("tests: no tools of authors in Python and JavaScript yet");
        fetch(&folder)?;
    }
    println!("tests: {}, and what authors install in {}", versions.join(", "), folder.display());
    Ok(())
}

/// The environment variable with their folder for the tests, if they are there.
pub(crate) fn built() -> Option<(&'static str, PathBuf)> {
    let versions = [PYTHON, NODE].map(|one| one.version());
    let versions = versions.into_iter().collect::<Result<Vec<_>, _>>().ok()?;
    let folder = folder(&versions).ok().filter(|folder| is_complete(folder))?;
    Some((VARIABLE, folder))
}

/// Installs the interpreters, if they are missing and that needs no password.
pub(crate) fn interpreters() -> Result<(), Failure> {
    versions().map(drop)
}

/// The versions of the interpreters, which are installed if that needs no password.
fn versions() -> Result<Vec<String>, Failure> {
    [PYTHON, NODE].iter().map(Interpreter::find_or_install).collect()
}

impl Interpreter {
    fn find_or_install(&self) -> Result<String, Failure> {
        self.version()
            .or_else(|missing| {
                println!("  ... {missing}");
                let apt = Apt::find()?;
                apt.install(self.packages).map_err(|failure| failure.to_string())?;
                self.version()
            })
            .map_err(|reason| {
                let advice = self.advice;
                Failure::Message(format!(
                    "the tests write plugins as their authors do: {reason}\n\
                     Install {advice}, then run this again"
                ))
            })
    }

    fn version(&self) -> Result<String, String> {
        let program = self.program;
        if programs::find(program).is_none() {
            return Err(format!("there is no {program} on PATH"));
        }
        let version = programs::quietly(Command::new(program).args(self.version))?;
        let version = version.trim().to_owned();
        if number(&version).is_some_and(|number| number >= self.oldest) {
            return Ok(if version.starts_with('v') {
                format!("{program} {version}")
            } else {
                version
            });
        }
        Err(format!("{program} is {version}, which is too old"))
    }
}

/// The first two numbers of `v20.6.1` or `Python 3.11.7`.
fn number(version: &str) -> Option<(u32, u32)> {
    let (_, numbers) = version.split_at(version.find(|next: char| next.is_ascii_digit())?);
    let mut parts = numbers.split(|next: char| !next.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn source() -> PathBuf {
    cargo::root().join("tests").join(NAME)
}

/// Wheels and environments are for one version of the interpreter.
fn folder(versions: &[String]) -> Result<PathBuf, Failure> {
    let mut hash = Hash::default();
    versions.iter().for_each(|version| hash.add(version.as_bytes()));
    for name in SOURCES {
        let path = source().join(name);
        hash.add(&std::fs::read(&path).map_err(|source| file(&path, source))?);
    }
    in_cache(NAME, &hash)
}

fn is_complete(folder: &Path) -> bool {
    // Copied last.
    SOURCES.iter().all(|name| folder.join(name).is_file())
}

/// Fetches into a temporary folder that is renamed when it is complete, as programs are built.
fn fetch(folder: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    println!("  pip and npm fetch 115 MB, once only");
    let beside = folder.with_extension(std::process::id().to_string());
    let fetched = create(&beside)
        .and_then(|()| python(&beside))
        .and_then(|()| javascript(&beside))
        .and_then(|()| {
            SOURCES.iter().try_for_each(|name| copy_file(&source(), &beside, name.as_ref()))
        })
        .and_then(|()| match std::fs::rename(&beside, folder) {
            // Another checkout was faster.
            Err(_) if is_complete(folder) => Ok(()),
            outcome => outcome.map_err(|source| file(folder, source)),
        });
    // The temporary folder is not needed any more.
    let _ = std::fs::remove_dir_all(&beside);
    fetched?;
    println!("  ... fetched in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn create(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|source| file(folder, source))
}

/// Wheels, and an environment with those that build and test.
fn python(folder: &Path) -> Result<(), Failure> {
    let (environment, wheels) = (folder.join("venv"), folder.join("wheels"));
    run(Command::new(PYTHON.program).args(["-m", "venv"]).arg(&environment), "python3 -m venv")?;
    let pip = |arguments: &[&str]| {
        let mut pip = Command::new(environment.join("bin/python"));
        pip.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]).args(arguments);
        pip
    };
    let mut download = pip(&["download", "--dest"]);
    download.arg(&wheels).arg("--requirement").arg(source().join(PYTHON_LIST));
    run(&mut download, "pip download")?;
    let mut install = pip(&["install", "--no-index", "--find-links"]);
    install.arg(&wheels).args(INSTALLED);
    run(&mut install, "pip install")
}

/// A cache from which npm installs without a network.
fn javascript(folder: &Path) -> Result<(), Failure> {
    let project = folder.join("project");
    create(&project)?;
    copy_file(&source(), &project, NPM_LIST.as_ref())?;
    let mut install = Command::new("npm");
    install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--cache"]);
    install.arg(folder.join("npm")).current_dir(&project);
    run(&mut install, "npm install")?;
    // Only the cache is needed.
    std::fs::remove_dir_all(&project).map_err(|source| file(&project, source))
}

fn run(command: &mut Command, shown: &str) -> Result<(), Failure> {
    programs::quietly(command).map(drop).map_err(|reason| {
        Failure::Message(format!(
            "the tests install what authors of plugins do: {shown}: {reason}\n\
             Check that the registries of PyPI and npm can be reached, then run this again"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(number("Python 3.11.7"), Some((3, 11)));
        assert_eq!(number("v20.6.1"), Some((20, 6)));
        assert_eq!(number("node"), None);
        assert!(number("v9.11.2") < number("v20.6.0"));
    }
}
