//! New projects, from templates and SDKs that travel within this crate: nothing is downloaded.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs, io};

/// Files by their path in the project.
type Files = &'static [(&'static str, &'static [u8])];

mod embedded {
    //! Written by the build script.

    use super::Files;

    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A language for which there is a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateLanguage {
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
}

impl TemplateLanguage {
    fn template(self) -> Files {
        match self {
            Self::Rust => embedded::RUST_TEMPLATE,
            Self::Go => embedded::GO_TEMPLATE,
            Self::Python => embedded::PYTHON_TEMPLATE,
            Self::JavaScript => embedded::JAVASCRIPT_TEMPLATE,
            Self::TypeScript => embedded::TYPESCRIPT_TEMPLATE,
        }
    }

    fn sdk(self) -> Files {
        match self {
            Self::Rust => embedded::RUST_SDK,
            Self::Go => embedded::GO_SDK,
            Self::Python => embedded::PYTHON_SDK,
            Self::JavaScript | Self::TypeScript => embedded::JAVASCRIPT_SDK,
        }
    }

    /// The folder of a project that the SDK is unpacked to.
    fn sdk_folder(self) -> &'static str {
        match self {
            // Not `vendor`, whose content Go manages itself.
            Self::Rust | Self::Go | Self::JavaScript | Self::TypeScript => "sdk",
            // Where tests and checks of types expect the packages of others.
            Self::Python => "vendor/leadsman-plugin",
        }
    }
}

/// The name of a project: of its folder, its package and its plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName(String);

/// A name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 40 of a-z, 0-9 and -, and begins with a letter: error-ratio")]
pub struct InvalidName;

impl FromStr for ProjectName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        let is_name = begins && text.len() <= 40 && text.chars().all(is_allowed);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a project cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder has something in it.
    #[error("{} is there already, and not empty; choose another name", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a project into a folder of its name, below another one, and returns the folder.
pub fn create_project(
    below: &Path,
    name: &ProjectName,
    language: TemplateLanguage,
) -> Result<PathBuf, TemplateError> {
    let folder = below.join(&name.0);
    let is_empty = fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    if folder.exists() && !(folder.is_dir() && is_empty) {
        return Err(TemplateError::NotEmpty(folder));
    }
    for (path, content) in language.template() {
        // What would be taken for a project of this repository has another ending there.
        let path = path.strip_suffix(".in").unwrap_or(path);
        let text = String::from_utf8_lossy(content).replace("{{name}}", &name.0);
        write(&folder.join(path), text.as_bytes())?;
    }
    for (path, content) in language.sdk() {
        let path = match *path {
            "Cargo.standalone.toml" => "Cargo.toml",
            path => path,
        };
        write(&folder.join(language.sdk_folder()).join(path), content)?;
    }
    Ok(folder)
}

fn write(path: &Path, content: &[u8]) -> Result<(), TemplateError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| fs::write(path, content))
        .map_err(|source| TemplateError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "error-ratio", "p99"] {
            assert_eq!(good.parse::<ProjectName>().unwrap().to_string(), good);
        }
        for bad in ["", "-a", "9a", "A", "a_b", "../a", "a b", "ä", &"a".repeat(41)] {
            assert_eq!(bad.parse::<ProjectName>(), Err(InvalidName), "{bad}");
        }
    }

    #[test]
    fn a_project_has_its_sdk_and_no_placeholder() {
        for (language, files) in [
            (TemplateLanguage::Go, ["go.mod", "main.go", "sdk/go.mod", "sdk/abi_wasip1.go"]),
            (
                TemplateLanguage::Rust,
                ["Cargo.toml", "src/lib.rs", "sdk/Cargo.toml", "sdk/wit/plugin.wit"],
            ),
            (
                TemplateLanguage::Python,
                [
                    "pyproject.toml",
                    "plugin.py",
                    ".github/workflows/ci.yml",
                    "vendor/leadsman-plugin/src/leadsman_plugin/__main__.py",
                ],
            ),
            (
                TemplateLanguage::JavaScript,
                ["package.json", "src/plugin.js", "sdk/package.json", "sdk/wit/plugin.wit"],
            ),
            (
                TemplateLanguage::TypeScript,
                ["package.json", "src/plugin.ts", "tsconfig.json", "sdk/bin/leadsman-plugin.js"],
            ),
        ] {
            let below = tempfile::tempdir().unwrap();
            let name = "error-ratio".parse().unwrap();
            let folder = create_project(below.path(), &name, language).unwrap();
            for file in files {
                assert!(folder.join(file).is_file(), "{language:?} {file}");
            }
            for file in files.into_iter().chain(["README.md", "mapping.yaml"]) {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                assert!(!text.contains("{{name}}"), "{language:?} {file}");
            }
            let again = create_project(below.path(), &name, language).unwrap_err();
            assert!(matches!(again, TemplateError::NotEmpty(_)), "{again}");
        }
    }

    /// What the binary carries: sources, and neither interpreters nor what their tools have installed.
    #[test]
    fn what_is_embedded_is_small() {
        for language in [
            TemplateLanguage::Rust,
            TemplateLanguage::Go,
            TemplateLanguage::Python,
            TemplateLanguage::JavaScript,
            TemplateLanguage::TypeScript,
        ] {
            let files = || language.template().iter().chain(language.sdk());
            let size: usize = files().map(|(_, content)| content.len()).sum();
            assert!(size < 400 << 10, "{language:?}: {size} bytes");
            for of_tools in ["node_modules/", "__pycache__/", ".wasm"] {
                assert!(!files().any(|(path, _)| path.contains(of_tools)), "{language:?}");
            }
        }
    }

    /// A project's copy of the SDK has a manifest of its own, as the one here takes all from the
    /// workspace.
    #[test]
    fn the_sdks_manifest_for_projects_names_the_versions_of_the_workspace() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let (workspace, sdk) = (read("Cargo.toml"), read("plugin-sdk/Cargo.toml"));
        let standalone = read("plugin-sdk/Cargo.standalone.toml");
        for key in ["version", "edition", "rust-version"] {
            let line =
                workspace.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
            assert!(standalone.contains(line), "{line}");
        }
        let (_, dependencies) = sdk.split_once("[dependencies]\n").unwrap();
        let mut count = 0;
        for line in dependencies.lines().take_while(|line| !line.is_empty()) {
            let line = match line.strip_suffix(".workspace = true") {
                None => line,
                Some(name) => {
                    workspace.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap()
                }
            };
            assert!(standalone.lines().any(|own| own == line), "{line}");
            count += 1;
        }
        let (_, own) = standalone.split_once("[dependencies]\n").unwrap();
        assert_eq!(own.lines().take_while(|line| !line.is_empty()).count(), count);
    }
}
