//! Which compiler on this machine can build for WebAssembly.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TARGET;

/// Debian's packages, and where they put things.
const DEBIAN_PACKAGES: &str = "cargo-web rustc-web rust-web-src";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";

/// A compiler for WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The active toolchain has the target's standard library.
    Installed,
    /// Another compiler has the source of its standard library, which is built along.
    BuildStd {
        /// The compiler.
        rustc: PathBuf,
        /// A linker for WebAssembly.
        linker: PathBuf,
    },
}

/// No compiler for WebAssembly was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no compiler on this machine can build plugins for {TARGET}.\n\
             Run `cargo xtask setup`, which installs one, or install one of these by hand:\n  \
             rustup target add {TARGET}\n  \
             apt-get install {DEBIAN_PACKAGES}    (Debian, where rustup cannot download)"
        )
    }
}

impl std::error::Error for Missing {}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => write!(f, "the active toolchain's {TARGET} target"),
            Self::BuildStd { rustc, .. } => {
                write!(f, "{} with a standard library built from source", rustc.display())
            }
        }
    }
}

impl Toolchain {
    /// Finds a compiler, the active toolchain first.
    pub fn find() -> Result<Self, Missing> {
        if has_target() {
            return Ok(Self::Installed);
        }
        let rustc = PathBuf::from(DEBIAN_RUSTC);
        match linker(&rustc) {
            Some(linker) if rustc.exists() && Path::new(DEBIAN_SOURCE).exists() => {
                Ok(Self::BuildStd { rustc, linker })
            }
            _ => Err(Missing),
        }
    }

    /// The Debian packages that make a toolchain.
    pub fn debian_packages() -> impl Iterator<Item = &'static str> {
        DEBIAN_PACKAGES.split(' ')
    }

    /// Makes a `cargo` command build with this toolchain.
    #[cfg(feature = "build")]
    pub(crate) fn apply(&self, cargo: &mut Command) {
        if let Self::BuildStd { rustc, linker } = self {
            cargo
                // A released compiler builds its own standard library only when told so.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", rustc)
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .arg("-Zbuild-std=std,panic_abort");
        }
    }
}

fn has_target() -> bool {
    output(&rustc(), ["--print", "target-libdir", "--target", TARGET]).is_some_and(|folder| {
        std::fs::read_dir(folder).is_ok_and(|entries| {
            entries.filter_map(Result::ok).any(|entry| {
                entry.file_name().to_str().is_some_and(|name| name.starts_with("libstd-"))
            })
        })
    })
}

/// `rust-lld` comes with rustup's toolchains and not with Debian's, `wasm-ld` with Debian's `lld`.
fn linker(debian: &Path) -> Option<PathBuf> {
    let bundled = [rustc(), debian.to_owned()].into_iter().filter_map(|rustc| {
        let sysroot = output(&rustc, ["--print", "sysroot"])?;
        let host = output(&rustc, ["--print", "host-tuple"])?;
        Some(PathBuf::from(sysroot).join("lib/rustlib").join(host).join("bin/rust-lld"))
    });
    bundled.chain([PathBuf::from("/usr/bin/wasm-ld")]).find(|path| path.exists())
}

fn rustc() -> PathBuf {
    std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

fn output<const N: usize>(program: &Path, arguments: [impl AsRef<OsStr>; N]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
