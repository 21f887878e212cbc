//! Go programs for the tests, built once for all checkouts on this machine.
//!
//! The folder's name is a hash of its sources, so that another version is another folder. It
//! contains copies of the sources, by which the tests find it if xtask does not run them.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cargo;
use crate::failure::Failure;
use crate::go::Go;
use crate::programs;

/// A Go module in `tests/` and its programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Module {
    /// The environment variable with the programs' folder for the tests.
    pub(crate) variable: &'static str,
    /// The folder in `tests/`, and the prefix of the one in the cache.
    pub(crate) name: &'static str,
    /// The files in the folder that determine the result.
    pub(crate) sources: &'static [&'static str],
    /// Arguments of `go build` for the compiler.
    pub(crate) compiler: &'static [&'static str],
    /// The arguments of `go build`.
    pub(crate) packages: &'static [&'static str],
    /// The resulting programs.
    pub(crate) programs: &'static [&'static str],
    /// Files that are copied beside the programs.
    pub(crate) copied: Option<Copied>,
    /// How long the build takes on two cores.
    pub(crate) takes: &'static str,
}

/// Files of a required module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Copied {
    /// The module.
    pub(crate) module: &'static str,
    /// The folder in it.
    pub(crate) from: &'static str,
    /// The folder beside the programs.
    pub(crate) to: &'static str,
}

/// How a build treats what runs beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It is what is waited for, and its output is shown.
    Usual,
    /// It gives way to what runs beside it, and is silent.
    GivesWay,
}

impl Module {
    /// Builds it unless it exists, and returns the folder.
    pub(crate) fn setup(&self, flags: &str, manners: Manners) -> Result<PathBuf, String> {
        let reported = |failure: Failure| failure.to_string();
        let folder = self.folder(flags).map_err(reported)?;
        if !self.is_built(&folder) {
            println!("tests: no {} yet", self.name);
            let go = Go::find_or_install()?;
            self.build(&go, flags, &folder, manners).map_err(reported)?;
        }
        Ok(folder)
    }

    /// Its folder, if it was built.
    pub(crate) fn built(&self, flags: &str) -> Option<PathBuf> {
        self.folder(flags).ok().filter(|folder| self.is_built(folder))
    }

    /// One of its sources.
    pub(crate) fn read(&self, name: &str) -> Result<String, Failure> {
        let path = self.source().join(name);
        std::fs::read_to_string(&path).map_err(|source| file(&path, source))
    }

    /// Builds into a temporary folder that is renamed when it is complete, so that concurrent or
    /// interrupted builds leave no partial result.
    fn build(&self, go: &Go, flags: &str, folder: &Path, manners: Manners) -> Result<(), Failure> {
        let began = Instant::now();
        println!("  {go}: building, which takes about {}, and once only", self.takes);
        let beside = folder.with_extension(format!("{}", std::process::id()));
        std::fs::create_dir_all(&beside).map_err(|source| file(&beside, source))?;
        let source = self.source();
        let output = format!("{}/", beside.display());
        let line = ["build", "-trimpath", "-ldflags", flags, "-o", &output];
        let line = [&line, self.compiler, self.packages].concat();
        let built = match manners {
            Manners::Usual => programs::run(go.command(&line).current_dir(&source), "go build"),
            Manners::GivesWay => programs::quietly(go.gently(&line).current_dir(&source))
                .map(drop)
                .map_err(|reason| Failure::Message(format!("go build of {}: {reason}", self.name))),
        };
        let built = built.and_then(|()| self.copy(go, &beside)).and_then(|()| {
            self.sources.iter().try_for_each(|name| copy_file(&source, &beside, name.as_ref()))
        });
        let outcome = built.and_then(|()| match std::fs::rename(&beside, folder) {
            // Another checkout was faster.
            Err(_) if self.is_built(folder) => Ok(()),
            outcome => outcome.map_err(|source| file(folder, source)),
        });
        // The temporary folder is not needed any more.
        let _ = std::fs::remove_dir_all(&beside);
        outcome?;
        println!("  ... {} built in {:.0} s", self.name, began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Copies files of a required module.
    fn copy(&self, go: &Go, beside: &Path) -> Result<(), Failure> {
        let Some(Copied { module, from, to }) = self.copied else { return Ok(()) };
        let mut list = go.command(&["list", "-m", "-f", "{{.Dir}}", module]);
        let found = programs::output(list.current_dir(self.source()), "go list")?;
        let (from, to) = (Path::new(found.trim()).join(from), beside.join(to));
        std::fs::create_dir_all(&to).map_err(|source| file(&to, source))?;
        let entries = std::fs::read_dir(&from).map_err(|source| file(&from, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| file(&from, source))?;
            copy_file(&from, &to, &entry.file_name())?;
        }
        Ok(())
    }

    fn is_built(&self, folder: &Path) -> bool {
        self.programs.iter().all(|name| folder.join(name).is_file())
    }

    fn source(&self) -> PathBuf {
        cargo::root().join("tests").join(self.name)
    }

    fn folder(&self, flags: &str) -> Result<PathBuf, Failure> {
        let mut hash = Hash::default();
        hash.add(flags.as_bytes());
        self.compiler.iter().for_each(|argument| hash.add(argument.as_bytes()));
        for name in self.sources {
            hash.add(self.read(name)?.as_bytes());
        }
        in_cache(self.name, &hash)
    }
}

/// A folder of the cache for what was made of these sources.
pub(crate) fn in_cache(name: &str, sources: &Hash) -> Result<PathBuf, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let cache = cache
        .ok_or_else(|| Failure::Message("neither XDG_CACHE_HOME nor HOME is set".to_owned()))?;
    Ok(cache.join("leadsman").join(format!("{name}-{:016x}", sources.0)))
}

/// Copies a file into another folder. Those of modules are read-only, and a copy need not be.
pub(crate) fn copy_file(from: &Path, to: &Path, name: &OsStr) -> Result<(), Failure> {
    let (from, to) = (from.join(name), to.join(name));
    let content = std::fs::read(&from).map_err(|source| file(&from, source))?;
    std::fs::write(&to, content).map_err(|source| file(&to, source))
}

/// A file that cannot be used.
pub(crate) fn file(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}

/// FNV-1a: the standard library's hash may change with the compiler.
pub(crate) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    /// Adds what makes another folder.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hash;

    #[test]
    fn the_name_depends_on_every_byte() {
        let hash = |text: &str| {
            let mut hash = Hash::default();
            hash.add(text.as_bytes());
            hash.0
        };
        // The published FNV-1a hash of this text.
        assert_eq!(hash("foobar"), 0x85944171f73967e8);
        assert_ne!(hash("a b"), hash("ab "));
    }
}
