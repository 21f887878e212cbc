//! The packages that authors install: what the tests have fetched is what the SDKs name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::repository;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect("a file")
}

/// The packages of a list in a package.json, with their versions.
fn packages(path: &str, list: &str) -> BTreeMap<String, String> {
    let manifest: Value = serde_json::from_str(&read(path)).expect("JSON");
    let packages = manifest[list].as_object().cloned().unwrap_or_default();
    let packages = packages
        .into_iter()
        .map(|(name, version)| (name, version.as_str().expect("a version").to_owned()));
    packages.filter(|(_, version)| !version.starts_with("file:")).collect()
}

#[test]
fn npm_has_the_versions_that_the_sdk_and_its_templates_name() {
    let mut fetched = packages("tests/author-tools/package.json", "dependencies");
    // For the example of the contract, which has no SDK.
    let compiler = fetched.remove("assemblyscript").expect("its version");
    let page = read("wit/examples/README.md");
    assert!(page.contains(&format!("assemblyscript@{compiler} ")), "{compiler}");
    let sdk = "plugin-sdk/javascript/package.json";
    let mut named = packages(sdk, "dependencies");
    named.extend(packages(sdk, "devDependencies"));
    assert_eq!(fetched, named);
    for language in ["javascript", "typescript"] {
        let template = format!("plugin-sdk/javascript/template/{language}/package.json");
        for (name, version) in packages(&template, "devDependencies") {
            assert_eq!(fetched.get(&name), Some(&version), "{language}: {name}");
        }
    }
}

#[test]
fn pip_has_what_a_new_project_names() {
    let fetched = read("tests/author-tools/requirements.txt");
    let template = read("plugin-sdk/python/template/requirements-dev.txt");
    for line in template.lines() {
        let name = line.split(['=', '>']).next().unwrap_or_default();
        let has = |fetched: &str| {
            if line.contains("==") {
                fetched == line
            } else {
                fetched.starts_with(&format!("{name}=="))
            }
        };
        assert!(fetched.lines().any(has), "{line}");
    }
}
