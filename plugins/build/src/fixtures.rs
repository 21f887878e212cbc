//! The fixtures of a plugin, packed into its component: whoever loads it can test it.

use std::path::Path;

use serde_json::{Value, json};
use wasm_encoder::{ComponentSection as _, CustomSection};

/// The custom section that the adapter looks for.
const SECTION: &str = "leadsman:fixtures";

/// Packs every `*.json` of a folder into a component, in the order of their names. Without such a
/// folder the component stays as it is.
pub fn embed(component: &mut Vec<u8>, folder: &Path) -> std::io::Result<()> {
    let mut paths = Vec::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                paths.push(entry?.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut fixtures = Vec::new();
    for path in paths {
        let fixture: Value = serde_json::from_slice(&std::fs::read(&path)?)
            .map_err(|error| std::io::Error::other(format!("{}: {error}", path.display())))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        fixtures.push(json!({"name": name, "fixture": fixture}));
    }
    if fixtures.is_empty() {
        return Ok(());
    }
    let text = Value::Array(fixtures).to_string();
    let section = CustomSection { name: SECTION.into(), data: text.as_bytes().into() };
    section.append_to_component(component);
    Ok(())
}
