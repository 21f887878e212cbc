//! The fixtures of a plugin, packed into its component: whoever loads it can test it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wasm_encoder::{ComponentSection as _, CustomSection};

/// The custom section that the adapter looks for.
const SECTION: &str = "leadsman:fixtures";

/// What a fixture expects: the rest of it is what goes into the plugin.
const EXPECT: &str = "expect";

/// A fixture of a folder.
#[derive(Debug, Clone)]
pub struct NamedFixture {
    /// The name of its file, without the ending.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub fixture: Value,
}

/// Why fixtures cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum FixturesError {
    /// A file or the folder cannot be read.
    #[error("cannot read the fixtures in {}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not JSON.
    #[error("the fixture {} is not JSON", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong there.
        source: serde_json::Error,
    },
    /// Two fixtures put the same in and expect different things.
    #[error(
        "the fixtures {one} and {other} put the same in and expect different results, so one of them \
         must fail"
    )]
    Contradiction {
        /// The name of one.
        one: String,
        /// The name of the other.
        other: String,
    },
}

/// Reads every `*.json` of a folder, in the order of their names. Without such a folder there are none.
pub fn read(folder: &Path) -> Result<Vec<NamedFixture>, FixturesError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        |source| FixturesError::Read { path, source }
    };
    let mut paths = Vec::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                paths.push(entry.map_err(unreadable(folder))?.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(FixturesError::Read { path: folder.to_owned(), source }),
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut fixtures: Vec<NamedFixture> = Vec::new();
    for path in paths {
        let text = std::fs::read(&path).map_err(unreadable(&path))?;
        let fixture: Value = serde_json::from_slice(&text)
            .map_err(|source| FixturesError::Json { path: path.clone(), source })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(known) = fixtures.iter().find(|known| contradict(&known.fixture, &fixture)) {
            return Err(FixturesError::Contradiction { one: known.name.clone(), other: name });
        }
        fixtures.push(NamedFixture { name, path, fixture });
    }
    Ok(fixtures)
}

/// Whether two fixtures put the same in and expect different things.
fn contradict(one: &Value, other: &Value) -> bool {
    let (Some(a), Some(b)) = (one.as_object(), other.as_object()) else { return false };
    let input = |(key, _): &(&String, &Value)| key.as_str() != EXPECT;
    a.get(EXPECT) != b.get(EXPECT) && a.iter().filter(input).eq(b.iter().filter(input))
}

/// Packs the fixtures of a folder into a component and returns how many there are. Without a folder
/// the component stays as it is.
pub fn embed(component: &mut Vec<u8>, folder: &Path) -> Result<usize, FixturesError> {
    let fixtures = read(folder)?;
    if fixtures.is_empty() {
        return Ok(0);
    }
    let packed: Vec<_> = fixtures
        .iter()
        .map(|NamedFixture { name, fixture, .. }| json!({"name": name, "fixture": fixture}))
        .collect();
    let text = Value::Array(packed).to_string();
    let section = CustomSection { name: SECTION.into(), data: text.as_bytes().into() };
    section.append_to_component(component);
    Ok(fixtures.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn fixtures_are_in_the_order_of_their_names() {
        let folder = folder(&[("b.json", "{\"now\": 1}"), ("a.json", "{}"), ("README.md", "no")]);
        let names: Vec<_> = read(folder.path()).unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["a", "b"]);
        let mut component = Vec::new();
        assert_eq!(embed(&mut component, folder.path()).unwrap(), 2);
        assert_eq!(embed(&mut Vec::new(), &folder.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn what_is_no_json_and_what_contradicts_is_told_with_its_file() {
        let broken = folder(&[("broken.json", "{]")]);
        let told = read(broken.path()).unwrap_err().to_string();
        assert!(told.contains("broken.json is not JSON"), "{told}");
        let two = [
            ("one.json", r#"{"config": {}, "expect": {"measures": []}}"#),
            ("two.json", r#"{"expect": {"failure": "x"}, "config": {}}"#),
        ];
        let told = read(folder(&two).path()).unwrap_err().to_string();
        assert!(told.starts_with("the fixtures one and two put the same in"), "{told}");
        let same = [("one.json", two[0].1), ("two.json", two[0].1)];
        assert_eq!(read(folder(&same).path()).unwrap().len(), 2);
    }
}
