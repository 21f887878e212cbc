//! The control plane of the tests: etcd, kube-apiserver, kube-controller-manager and kubectl in one
//! program, and Helm, built once from Go modules and kept for all checkouts of this machine.
//!
//! The folder's name tells what it was built from, so that another version is another folder.
//! Copies of the sources lie in it: by them the tests find it when it is not xtask that runs them.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cargo;
use crate::failure::Failure;
use crate::go::Go;
use crate::programs;

/// The environment variable that tells the tests where the folder is.
pub(crate) const VARIABLE: &str = "LEADSMAN_CONTROL_PLANE";

/// The environment variable of a folder with such programs, as others that test with a control
/// plane have it.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

const PROGRAMS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm"];
const SOURCES: [&str; 3] = ["main.go", "go.mod", "go.sum"];
const BUILT: [&str; 2] = ["control-plane", "helm"];

/// Builds it, unless it is there.
pub(crate) fn setup() -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        println!("tests: the control plane of {ASSETS}");
        return Ok(());
    }
    let folder = folder()?;
    if !is_built(&folder) {
        println!("tests: no {} yet", missing.join(", "));
        let go = Go::find_or_install().map_err(|reason| advice(&reason))?;
        build(&go, &folder)?;
    }
    println!("tests: the control plane in {}", folder.display());
    Ok(())
}

/// Where it is, if it was built.
pub(crate) fn built() -> Option<PathBuf> {
    folder().ok().filter(|folder| is_built(folder))
}

/// The programs that the machine does not bring.
fn missing() -> Vec<&'static str> {
    let assets = env::var_os(ASSETS).map(PathBuf::from);
    let brought = |name: &str| assets.as_ref().is_some_and(|folder| folder.join(name).is_file());
    PROGRAMS.into_iter().filter(|name| !brought(name)).collect()
}

fn advice(reason: &str) -> Failure {
    Failure::Told(format!(
        "the tests need a control plane, which Go builds: {reason}\n\
         Do one of these, then run this again:\n  \
         install Go 1.24 or later: https://go.dev/dl, or the distribution's package\n  \
         set {ASSETS} to a folder with {}",
        PROGRAMS.join(", ")
    ))
}

/// Builds into a folder beside, which becomes the folder when it is complete: another build, or an
/// end in the middle of this one, leaves nothing half.
fn build(go: &Go, folder: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    println!("  {go}: building, which takes about eight minutes on two cores, and once only");
    let beside = folder.with_extension(format!("{}", std::process::id()));
    std::fs::create_dir_all(&beside).map_err(|source| file(&beside, source))?;
    let source = source();
    let flags = flags()?;
    let output = format!("{}/", beside.display());
    let line = ["build", "-trimpath", "-ldflags", &flags, "-o", &output, "."];
    let mut command = go.command(&[&line[..], &["helm.sh/helm/v3/cmd/helm"]].concat());
    let built = programs::run(command.current_dir(&source), "go build").and_then(|()| {
        SOURCES.iter().try_for_each(|name| {
            let copy = beside.join(name);
            std::fs::copy(source.join(name), &copy).map_err(|error| file(&copy, error))?;
            Ok(())
        })
    });
    let outcome = built.and_then(|()| match std::fs::rename(&beside, folder) {
        // Another checkout was faster.
        Err(_) if is_built(folder) => Ok(()),
        outcome => outcome.map_err(|source| file(folder, source)),
    });
    // What is left there is of no use to anybody.
    let _ = std::fs::remove_dir_all(&beside);
    outcome?;
    println!("  ... built in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn flags() -> Result<String, Failure> {
    link_flags(&read(&source().join("go.mod"))?)
}

/// What makes the programs say the version that they are, and leaves out what debuggers need.
fn link_flags(go_mod: &str) -> Result<String, Failure> {
    let version = |module: &str| {
        let found = go_mod.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|&word| word == "require");
            (words.next() == Some(module)).then(|| words.next()).flatten()
        });
        found.ok_or_else(|| Failure::Told(format!("go.mod names no version of {module}")))
    };
    let (kubernetes, helm) = (version("k8s.io/kubernetes")?, version("helm.sh/helm/v3")?);
    let mut numbers = kubernetes.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let mut flags = format!(
        "-s -w -X k8s.io/component-base/version.gitVersion={kubernetes} \
         -X k8s.io/component-base/version.gitMajor={major} \
         -X k8s.io/component-base/version.gitMinor={minor} \
         -X helm.sh/helm/v3/internal/version.version={helm}"
    );
    // The cluster that Helm takes charts to be for when it asks none.
    for package in ["pkg/chartutil", "pkg/lint/rules"] {
        let package = format!("helm.sh/helm/v3/{package}");
        flags.push_str(&format!(
            " -X {package}.k8sVersionMajor={major} -X {package}.k8sVersionMinor={minor}"
        ));
    }
    Ok(flags)
}

fn is_built(folder: &Path) -> bool {
    BUILT.iter().all(|name| folder.join(name).is_file())
}

fn source() -> PathBuf {
    cargo::root().join("tests").join("control-plane")
}

fn folder() -> Result<PathBuf, Failure> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let cache =
        cache.ok_or_else(|| Failure::Told("neither XDG_CACHE_HOME nor HOME is set".to_owned()))?;
    let mut hash = Hash::default();
    hash.add(flags()?.as_bytes());
    for name in SOURCES {
        hash.add(read(&source().join(name))?.as_bytes());
    }
    Ok(cache.join("leadsman").join(format!("control-plane-{:016x}", hash.0)))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| file(path, source))
}

fn file(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}

/// FNV-1a: the standard library's hash may change with the compiler.
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, link_flags};

    #[test]
    fn the_versions_are_those_that_go_mod_names() {
        let go_mod = "require k8s.io/kubernetes v1.34.1\nrequire (\n\thelm.sh/helm/v3 v3.19.5 // indirect\n)\n\
                      replace k8s.io/kubernetes => k8s.io/other v0.1.0\n";
        let flags = link_flags(go_mod).expect("two versions");
        for flag in ["gitVersion=v1.34.1 ", "gitMajor=1 ", "k8sVersionMinor=34", "version=v3.19.5 "]
        {
            assert!(flags.contains(flag), "{flag} in {flags}");
        }
        let missing = link_flags("require k8s.io/kubernetes v1.34.1").map_err(|f| f.to_string());
        assert_eq!(missing, Err("go.mod names no version of helm.sh/helm/v3".to_owned()));
    }

    #[test]
    fn the_name_depends_on_every_byte() {
        let hash = |text: &str| {
            let mut hash = Hash::default();
            hash.add(text.as_bytes());
            hash.0
        };
        // The published value of FNV-1a for this text.
        assert_eq!(hash("foobar"), 0x85944171f73967e8);
        assert_ne!(hash("a b"), hash("ab "));
    }
}
