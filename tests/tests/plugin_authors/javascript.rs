//! JavaScript and TypeScript.

use std::path::{Path, PathBuf};
use std::time::Instant;

use leadsman_tests::Leadsman;
use serde_json::{Value, json};

use super::{Author, assert_passed, assert_served, repository, row};

#[tokio::test]
async fn from_an_empty_folder_to_a_served_metric_in_javascript() {
    served("javascript").await;
}

#[tokio::test]
async fn from_an_empty_folder_to_a_served_metric_in_typescript() {
    served("typescript").await;
}

async fn served(language: &str) {
    let begun = Instant::now();
    let author = Author::with_tools();
    let told = author.plugin_ok(&["new", "error-ratio", "--language", language]).await;
    told.assert_contains(&["cd error-ratio\nnpm install\nleadsman plugin test"]);
    let project = author.path("error-ratio");
    author.tool("npm", &["install"], &project).await;
    let tested = author.plugin_ok(&["test", "error-ratio"]).await;
    assert_passed(&tested.output, "ratio");
    tested.assert_contains(&["passed  natively", "npm test", "4 fixtures, 0 failed"]);
    let built = author.plugin_ok(&["build", "error-ratio"]).await;
    built.assert_contains(&["digest   sha256:", "fixtures 4"]);
    let component = project.join("error-ratio.wasm");
    let size = std::fs::metadata(&component).expect("the component").len();
    assert!(size < 8 << 20, "{size} bytes do not load without `maxBytes`");
    assert_served(&component).await;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{language}: 4 commands and a mapping, {seconds:.1} s, {size} bytes");
    author.tool("npm", &["run", "check"], &project).await;
}

#[tokio::test]
async fn ports_of_shipped_plugins_pass_the_same_fixtures_natively_and_as_components() {
    let author = Author::with_tools();
    let project = author.typescript_project().await;
    for (example, file, fixtures, passed) in [
        ("ratio", "plugin.js", "plugins/ratio/fixtures", "12 fixtures, 0 failed"),
        ("per-object", "plugin.ts", "plugins/per-object/fixtures", "26 fixtures, 0 failed"),
        ("external", "plugin.ts", "plugins/external/fixtures", "8 fixtures, 0 failed"),
        ("by-address", "plugin.ts", OWN_OF_BY_ADDRESS, "3 fixtures, 0 failed"),
        ("trend", "plugin.ts", OWN_OF_TREND, "3 fixtures, 0 failed"),
    ] {
        let source = format!("plugin-sdk/javascript/examples/{example}/{file}");
        let source = std::fs::read(repository().join(source)).expect("a source");
        author.write("mine/src/plugin.ts", source);
        std::fs::remove_dir_all(project.join("fixtures")).expect("the fixtures before");
        author.copy(fixtures, "mine/fixtures");
        let tested = author.plugin_ok(&["test", "mine"]).await;
        tested.assert_contains(&["passed  natively", passed]);
    }
}

const OWN_OF_BY_ADDRESS: &str = "plugin-sdk/javascript/examples/by-address/fixtures";
const OWN_OF_TREND: &str = "plugin-sdk/javascript/examples/trend/fixtures";

#[tokio::test]
async fn the_same_sources_give_the_same_digest_in_any_folder() {
    let author = Author::with_tools();
    author.typescript_project().await;
    author.assert_reproducible("mine").await;

    let author = Author::with_tools();
    author.plugin_ok(&["new", "plain", "--language", "javascript"]).await;
    author.tool("npm", &["install"], &author.path("plain")).await;
    author.assert_reproducible("plain").await;
}

#[tokio::test]
async fn each_hostile_deed_is_a_readable_failure_or_has_a_stated_result() {
    let author = Author::with_tools();
    let project = author.typescript_project().await;
    // Failures name the file as the SDK's fixtures expect it.
    let manifest = json!({"name": "hostile", "version": "0.1.0", "type": "module",
        "main": "tests/hostile/plugin.ts"});
    author.write("mine/package.json", manifest.to_string());
    let hostile = "plugin-sdk/javascript/tests/hostile";
    let source = std::fs::read(repository().join(hostile).join("plugin.ts")).expect("the plugin");
    author.write("mine/tests/hostile/plugin.ts", source);
    std::fs::remove_dir_all(project.join("fixtures")).expect("the template's fixtures");
    author.copy(&format!("{hostile}/fixtures"), "mine/fixtures");
    author.copy(&format!("{hostile}/ends"), "mine/fixtures");
    let count = std::fs::read_dir(project.join("fixtures")).expect("the fixtures").count();
    let ends = std::fs::read(repository().join(hostile).join("ends.json")).expect("the ends");
    let ends: Value = serde_json::from_slice(&ends).expect("JSON");
    let ends = ends.as_object().expect("an object");
    let told = author.refused(&["test", "mine"], None).await;
    for (deed, says) in ends {
        let line = told.lines().find(|line| line.starts_with(&format!("FAILED  {deed} ")));
        let says = says.as_str().expect("a text");
        assert!(line.is_some_and(|line| line.contains(says)), "{deed}: {told}");
    }
    assert!(told.contains(&format!("{count} fixtures, {} failed", ends.len())), "{told}");
    assert!(count > 20, "{count} deeds");
}

#[tokio::test]
async fn without_npm_the_component_is_tested_and_what_is_missing_is_named() {
    let author = Author::with_tools();
    author.typescript_project().await;
    let bin = author.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(on_path("node"), bin.join("node")).expect("a link");
    let (arguments, folder) = (["plugin", "test", "mine"], author.folder.path());
    let tested = Leadsman::author(&arguments, folder, Some(&bin), &author.variables).await;
    // The component's part is whole.
    assert_eq!(tested.code, Some(0), "{}", tested.output);
    assert_eq!(row(&tested.output, "ratio")[1], "passed");
    tested.assert_contains(&[
        "not run natively: there is no npm on this machine: install Node.js 20.6",
        "4 fixtures, 0 failed; the project's own tests were not run",
    ]);
}

fn on_path(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| place.is_file()).unwrap_or_else(|| panic!("no {program} on PATH"))
}

#[tokio::test]
async fn what_stops_a_build_is_told_with_its_line() {
    let author = Author::with_tools();
    author.typescript_project().await;
    author.write(
        "mine/src/plugin.ts",
        "import { Measures } from 'leadsman-plugin';\n\nexport default {\n",
    );
    let told = author.refused(&["build", "mine"], None).await;
    assert!(told.contains("src/plugin.ts"), "{told}");
    assert!(told.contains("leadsman-plugin.js build") && told.contains("failed"), "{told}");
    author.write("mine/src/plugin.ts", "import fs from 'node:fs';\nexport default fs;\n");
    let told = author.refused(&["build", "mine"], None).await;
    assert!(told.contains("node:fs"), "{told}");
    // The tools in other versions than those that were tried.
    let package = author.path("mine/node_modules/rolldown/package.json");
    let text = std::fs::read_to_string(&package).expect("the package");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["version"] = json!("0.9.0");
    author.write("mine/node_modules/rolldown/package.json", manifest.to_string());
    let told = author.refused(&["build", "mine"], None).await;
    assert!(told.contains("rolldown is of version 0.9.0"), "{told}");
    assert!(told.contains("npm install --save-dev --save-exact rolldown@"), "{told}");
}

/// What the package's own tests read, in its own folder and beside it.
const BESIDE: [&str; 7] = [
    "docs/plugins-javascript.md",
    "wit/plugin.wit",
    "LICENSE",
    "plugins/ratio/fixtures",
    "plugins/per-object/fixtures",
    "plugins/external/fixtures",
    "plugin-sdk/templates",
];

#[tokio::test]
async fn the_sdk_passes_its_own_tests_and_its_package_is_all_that_a_project_needs() {
    let author = Author::with_tools();
    for path in BESIDE.into_iter().chain(["plugin-sdk/javascript"]) {
        copy_all(&repository().join(path), &author.path(path));
    }
    let package = author.path("plugin-sdk/javascript");
    author.tool("npm", &["install"], &package).await;
    author.tool("npm", &["run", "check"], &package).await;
    author.tool("npm", &["test"], &package).await;
    author.tool("npm", &["pack"], &package).await;
    author.plugin_ok(&["new", "mine", "--language", "typescript"]).await;
    let project = author.path("mine");
    // As the page says it: from the folder, in a package of one's own, and from the packed file.
    author.write("own/package.json", r#"{"name": "own", "version": "0.1.0", "type": "module"}"#);
    let own = author.path("own");
    std::fs::rename(project.join("sdk"), own.join("sdk")).expect("the folder of the SDK");
    author.tool("sh", &["-c", &install("./sdk")], &own).await;
    assert!(own.join("node_modules/.bin/leadsman-plugin").exists());
    let packed = "leadsman-plugin-0.1.0.tgz";
    std::fs::rename(package.join(packed), author.path(packed)).expect("the packed SDK");
    author.tool("sh", &["-c", &install(&format!("../{packed}"))], &project).await;
    let tested = author.plugin_ok(&["test", "mine"]).await;
    tested.assert_contains(&["passed  natively", "4 fixtures, 0 failed"]);
}

/// The command of the page that installs the SDK from a place.
fn install(place: &str) -> String {
    let command = format!("npm install --save-dev {place}");
    let page = std::fs::read_to_string(repository().join("docs/plugins-javascript.md"));
    let page = page.expect("the page");
    assert!(page.lines().any(|line| line == command), "{command} is not on the page");
    command
}

/// Copies a file, or a folder without what npm has installed in it, and without its list of exact versions:
/// with it npm asks for more than its cache has.
fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in std::fs::read_dir(from).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            if name != "node_modules" && name != "package-lock.json" {
                copy_all(&from.join(&name), &to.join(&name));
            }
        }
        return;
    }
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    std::fs::copy(from, to).expect("a copy");
}

impl Author {
    /// A new project in TypeScript in the folder `mine`, with its packages.
    async fn typescript_project(&self) -> PathBuf {
        self.plugin_ok(&["new", "mine", "--language", "typescript"]).await;
        let project = self.path("mine");
        self.tool("npm", &["install"], &project).await;
        project
    }
}
