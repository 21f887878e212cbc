//! New projects, from templates and SDKs that travel within this crate: nothing is downloaded. What
//! the projects of a language have in common is there once, and so is what a template has in common in
//! all languages: its fixtures and its mapping.

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
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Rust, Self::Go, Self::Python, Self::JavaScript, Self::TypeScript];

    /// What the projects of all templates have.
    fn project(self) -> Files {
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

    /// The source of the plugin, as a template has it, and where a project has it.
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Rust => ("plugin.rs", "src/lib.rs"),
            Self::Go => ("plugin.go", "main.go"),
            Self::Python => ("plugin.py", "plugin.py"),
            Self::JavaScript => ("plugin.js", "src/plugin.js"),
            // Its types follow from those of the SDK, so that there is nothing to add to the source.
            Self::TypeScript => ("plugin.js", "src/plugin.ts"),
        }
    }

    /// What a configuration has under the plugin's name.
    fn component(self) -> &'static str {
        match self {
            Self::Python => {
                "{file: {{name}}.wasm, maxBytes: 33554432} # 8 MiB do not hold its interpreter"
            }
            Self::Rust | Self::Go | Self::JavaScript | Self::TypeScript => "{file: {{name}}.wasm}",
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

/// What the plugin of a new project does. Each is there in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Two queries.
    Ratio,
    /// One query.
    PerObject,
    /// A range query.
    History,
    /// A query, and the objects that exist.
    Objects,
    /// An external metric.
    External,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Ratio, Self::PerObject, Self::History, Self::Objects, Self::External];

    /// Its folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::PerObject => "per-object",
            Self::History => "history",
            Self::Objects => "objects",
            Self::External => "external",
        }
    }

    /// What the plugin gives, in a few words that begin a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::Ratio => "Errors per request of each pod",
            Self::PerObject => "The share of its capacity that each pod uses",
            Self::History => "A mean of each pod's history in which newer samples count more",
            Self::Objects => "The share of its app's backlog that each pod has",
            Self::External => "The backlog of each queue in seconds of work",
        }
    }

    /// Its files for a language, by where a project has them.
    fn files(
        self,
        language: TemplateLanguage,
    ) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        let (of_template, of_project) = language.source();
        embedded::TEMPLATES.iter().filter_map(move |&(path, content)| {
            let path = path.strip_prefix(self.folder())?.strip_prefix('/')?;
            match path {
                path if path == of_template => Some((of_project, content)),
                // The source in another language.
                path if path.starts_with("plugin.") => None,
                path => Some((path, content)),
            }
        })
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
    template: Template,
) -> Result<PathBuf, TemplateError> {
    let folder = below.join(&name.0);
    let is_empty = fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
    if folder.exists() && !(folder.is_dir() && is_empty) {
        return Err(TemplateError::NotEmpty(folder));
    }
    for (path, content) in language.project().iter().copied().chain(template.files(language)) {
        // What would be taken for a project of this repository has another ending there.
        let path = path.strip_suffix(".in").unwrap_or(path);
        let text = filled(&String::from_utf8_lossy(content), name, language, template);
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

/// A file of a project, with what it says of this one.
fn filled(
    text: &str,
    name: &ProjectName,
    language: TemplateLanguage,
    template: Template,
) -> String {
    let sentence = template.about();
    let mut words = sentence.chars();
    let within: String = words.next().into_iter().flat_map(char::to_lowercase).collect();
    text.replace("{{component}}", language.component())
        .replace("{{About}}", sentence)
        .replace("{{about}}", &format!("{within}{}", words.as_str()))
        .replace("{{name}}", &name.0)
}

fn write(path: &Path, content: &[u8]) -> Result<(), TemplateError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| fs::write(path, content))
        .map_err(|source| TemplateError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

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

    /// A name in double braces, if one was left: Go's literals have double braces, too.
    fn placeholder(text: &str) -> Option<&str> {
        let ends = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
        ends.map(|(name, _)| name).find(|name| name.chars().all(char::is_alphabetic))
    }

    /// The texts of a project but its SDK, by their paths.
    fn texts(folder: &Path, language: TemplateLanguage) -> BTreeMap<String, String> {
        let sdk = folder.join(language.sdk_folder());
        let (mut folders, mut texts) = (vec![folder.to_owned()], BTreeMap::new());
        while let Some(below) = folders.pop() {
            for entry in fs::read_dir(below).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((path != sdk).then_some(path));
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    texts.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
        texts
    }

    #[test]
    fn a_project_of_each_template_is_whole_in_each_language_and_has_no_placeholder() {
        for (language, files) in [
            (TemplateLanguage::Go, ["go.mod", "main.go", "main_test.go", "sdk/abi_wasip1.go"]),
            (
                TemplateLanguage::Rust,
                ["Cargo.toml", "src/lib.rs", "sdk/Cargo.toml", "sdk/wit/plugin.wit"],
            ),
            (
                TemplateLanguage::Python,
                [
                    "pyproject.toml",
                    "plugin.py",
                    "test_plugin.py",
                    "vendor/leadsman-plugin/src/leadsman_plugin/__main__.py",
                ],
            ),
            (
                TemplateLanguage::JavaScript,
                ["package.json", "src/plugin.js", "test/plugin.test.js", "sdk/wit/plugin.wit"],
            ),
            (
                TemplateLanguage::TypeScript,
                ["package.json", "src/plugin.ts", "tsconfig.json", "sdk/bin/leadsman-plugin.js"],
            ),
        ] {
            for template in Template::ALL {
                let below = tempfile::tempdir().unwrap();
                let name = "error-ratio".parse().unwrap();
                let folder = create_project(below.path(), &name, language, template).unwrap();
                for file in files.into_iter().chain(["README.md", ".github/workflows/ci.yml"]) {
                    assert!(folder.join(file).is_file(), "{language:?} {template:?} {file}");
                }
                let texts = texts(&folder, language);
                for (path, text) in &texts {
                    assert_eq!(placeholder(text), None, "{language:?} {template:?} {path}");
                }
                let fixtures = crate::read_fixtures(&folder.join("fixtures")).unwrap();
                assert!(fixtures.len() >= 3, "{template:?}: {fixtures:?}");
                let is_source = |path: &&String| {
                    let name = path.rsplit('/').next().unwrap_or_default();
                    name.starts_with("plugin.") && !name.contains(".test.")
                };
                let sources = texts.keys().filter(is_source).count();
                assert!(sources <= 1, "{language:?} {template:?}: {:?}", texts.keys());
                let mapping = &texts["mapping.yaml"];
                assert!(mapping.contains("error-ratio: {file: error-ratio.wasm"), "{mapping}");
                assert!(mapping.contains("plugin: error-ratio"), "{mapping}");
                let again = create_project(below.path(), &name, language, template).unwrap_err();
                assert!(matches!(again, TemplateError::NotEmpty(_)), "{again}");
            }
        }
    }

    /// A folder that no template names would be in the binary, and never in a project.
    #[test]
    fn every_folder_of_templates_is_one() {
        let folders: BTreeSet<_> =
            embedded::TEMPLATES.iter().map(|(path, _)| path.split('/').next().unwrap()).collect();
        assert_eq!(folders, Template::ALL.into_iter().map(Template::folder).collect());
    }

    /// What the binary carries: sources, and neither interpreters nor what their tools have installed.
    #[test]
    fn what_is_embedded_is_small() {
        for language in TemplateLanguage::ALL {
            let files = || language.project().iter().chain(language.sdk());
            let size: usize = files().map(|(_, content)| content.len()).sum();
            assert!(size < 400 << 10, "{language:?}: {size} bytes");
            for of_tools in ["node_modules/", "__pycache__/", ".wasm"] {
                assert!(!files().any(|(path, _)| path.contains(of_tools)), "{language:?}");
            }
        }
        let size: usize = embedded::TEMPLATES.iter().map(|(_, content)| content.len()).sum();
        assert!(size < 100 << 10, "{size} bytes");
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
