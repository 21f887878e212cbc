//! `cargo xtask crates`: the crates of the adapter and which of them each may use, as their
//! manifests say it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::cargo;
use crate::failure::Failure;

/// Crates by name, each with those that it depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Graph(BTreeMap<String, Vec<String>>);

/// Prints the graph.
pub(crate) fn run() -> Result<(), Failure> {
    print!("{}", Graph::read()?);
    Ok(())
}

impl Graph {
    /// Reads the manifests of `host` and of the crates below it.
    pub(crate) fn read() -> Result<Self, Failure> {
        let host = cargo::root().join("host");
        let mut crates = BTreeMap::new();
        for folder in std::iter::once(host.clone()).chain(folders(&host)?) {
            let manifest = folder.join("Cargo.toml");
            if manifest.is_file() {
                let text =
                    fs::read_to_string(&manifest).map_err(|source| file(&manifest, source))?;
                let (name, dependencies) = crate_of(&text);
                crates.insert(name, dependencies);
            }
        }
        Ok(Self(crates))
    }

    /// The crates with every crate before those that use it.
    fn in_order(&self) -> Vec<&str> {
        let mut order: Vec<&str> = Vec::new();
        while order.len() < self.0.len() {
            let next = self.0.iter().find(|(name, dependencies)| {
                !order.contains(&name.as_str())
                    && dependencies.iter().all(|needed| order.contains(&needed.as_str()))
            });
            // Cargo refuses a circle before this program runs.
            let Some((name, _)) = next else { break };
            order.push(name);
        }
        order
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in self.in_order().into_iter().rev() {
            let dependencies = &self.0[name];
            let dependencies =
                if dependencies.is_empty() { "(none)".to_owned() } else { dependencies.join(" ") };
            writeln!(f, "{name}: {dependencies}")?;
        }
        Ok(())
    }
}

fn folders(host: &Path) -> Result<Vec<std::path::PathBuf>, Failure> {
    let entries = fs::read_dir(host).map_err(|source| file(host, source))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

/// The name of a manifest's package, and its dependencies among the adapter's own crates. Those
/// of its tests do not count: they are not in the program.
fn crate_of(manifest: &str) -> (String, Vec<String>) {
    let (mut section, mut name, mut dependencies) = ("", String::new(), Vec::new());
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().trim_end_matches(".workspace");
            match section {
                "[package]" if key == "name" => {
                    value.trim().trim_matches('"').clone_into(&mut name)
                }
                "[dependencies]" if key.starts_with("leadsman-") => {
                    dependencies.push(key.to_owned());
                }
                _ => {}
            }
        }
    }
    // Plugins that ship are data; what builds plugins of authors knows nothing of the adapter.
    let is_beside = ["leadsman-plugin-build", "leadsman-shipped-plugins"];
    dependencies.retain(|dependency| !is_beside.contains(&dependency.as_str()));
    (name, dependencies)
}

fn file(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Graph;

    /// Who may use whom. A new arrow is a decision: it is written here, and ARCHITECTURE.md says
    /// why.
    const ALLOWED: &str = "\
leadsman: leadsman-activator leadsman-api leadsman-autoscaler leadsman-cluster leadsman-config leadsman-control leadsman-convert leadsman-delegate leadsman-document leadsman-evaluation leadsman-hpa leadsman-model leadsman-oci leadsman-provider leadsman-rules leadsman-runtime leadsman-sandbox leadsman-scaler leadsman-server leadsman-source leadsman-trace
leadsman-scaler: leadsman-api leadsman-evaluation leadsman-model leadsman-provider leadsman-runtime leadsman-server
leadsman-control: leadsman-cluster leadsman-config leadsman-delegate leadsman-document leadsman-evaluation leadsman-model leadsman-oci leadsman-provider leadsman-rules leadsman-runtime leadsman-sandbox leadsman-source leadsman-trace
leadsman-api: leadsman-autoscaler leadsman-delegate leadsman-evaluation leadsman-model leadsman-provider leadsman-runtime leadsman-server leadsman-trace
leadsman-activator: leadsman-cluster leadsman-evaluation leadsman-model leadsman-provider leadsman-runtime
leadsman-provider: leadsman-delegate leadsman-evaluation leadsman-model leadsman-rules leadsman-runtime
leadsman-config: leadsman-delegate leadsman-document leadsman-evaluation leadsman-model leadsman-rules leadsman-runtime leadsman-sandbox leadsman-source
leadsman-evaluation: leadsman-model leadsman-runtime leadsman-sandbox leadsman-source leadsman-trace
leadsman-source: leadsman-document leadsman-model leadsman-rules leadsman-runtime leadsman-trace
leadsman-trace: leadsman-runtime
leadsman-server: leadsman-cluster leadsman-runtime
leadsman-sandbox: leadsman-model leadsman-runtime
leadsman-oci: leadsman-model leadsman-runtime
leadsman-delegate: leadsman-model leadsman-runtime
leadsman-cluster: leadsman-autoscaler leadsman-model leadsman-runtime
leadsman-runtime: (none)
leadsman-convert: leadsman-document leadsman-model leadsman-rules
leadsman-rules: leadsman-model
leadsman-document: leadsman-model
leadsman-autoscaler: leadsman-hpa leadsman-model
leadsman-model: (none)
leadsman-hpa: (none)
";

    #[test]
    fn every_arrow_between_crates_is_a_decision() {
        let graph = Graph::read().unwrap();
        assert_eq!(graph.to_string(), ALLOWED);
    }

    #[test]
    fn the_architecture_shows_the_graph() {
        let architecture =
            std::fs::read_to_string(crate::cargo::root().join("ARCHITECTURE.md")).unwrap();
        let graph = Graph::read().unwrap().to_string();
        assert!(architecture.contains(&graph), "ARCHITECTURE.md lacks this graph:\n{graph}");
    }

    /// The sources of the adapter, by path.
    fn sources(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                into.push((path, text));
            }
        }
    }

    /// What stands between backticks.
    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1).step_by(2)
    }

    #[test]
    fn the_types_of_the_glossary_and_the_files_of_the_walks_exist() {
        let root = crate::cargo::root();
        let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
        let mut all = Vec::new();
        sources(&root.join("host"), &mut all);
        let defines = |name: &str| {
            ["struct", "enum", "trait"].iter().any(|keyword| {
                let definition = format!("{keyword} {name}");
                all.iter().any(|(_, text)| {
                    text.match_indices(&definition).any(|(at, _)| {
                        let next = text[at + definition.len()..].chars().next();
                        next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
                    })
                })
            })
        };
        let (_, glossary) = architecture.split_once("## Glossary").unwrap();
        let types =
            glossary.lines().filter_map(|line| line.strip_prefix("| **")?.split('|').nth(1));
        let named: Vec<_> = types.flat_map(quoted).flat_map(|path| path.split("::")).collect();
        let is_type = |name: &&str| {
            name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric)
        };
        let types: Vec<_> = named.into_iter().filter(is_type).collect();
        assert!(types.len() > 20, "{types:?}");
        for name in types {
            assert!(defines(name), "the glossary names {name}, which is no type of host/");
        }

        let (_, walks) = architecture.split_once("## One read, file by file").unwrap();
        let (walks, _) = walks.split_once("## Crates of host/").unwrap();
        let files: Vec<_> = quoted(walks).filter(|name| name.ends_with(".rs")).collect();
        assert!(files.len() > 30, "{files:?}");
        for name in files {
            let found = all.iter().any(|(path, _)| path.ends_with(name));
            assert!(found, "the walks name {name}, which is no file of host/");
        }
    }
}
