//! Python.

use std::time::Instant;

use leadsman_tests::AuthorTools;
use serde_json::{Value, json};

use super::{Author, assert_passed, assert_served_with, repository};

/// What components with an interpreter need where they are loaded.
const MAX_BYTES: &str = ", maxBytes: 33554432";

#[tokio::test]
async fn from_an_empty_folder_to_a_served_metric() {
    let begun = Instant::now();
    let author = Author::with_tools().set("VIRTUAL_ENV", "");
    let told = author.plugin_ok(&["new", "error-ratio", "--language", "python"]).await;
    // What it says is what is typed.
    let install = told.output.lines().find(|line| line.starts_with("python3 -m venv "));
    let project = author.path("error-ratio");
    author.tool("sh", &["-c", install.expect("how its tools are installed")], &project).await;
    let tested = author.plugin_ok(&["test", "error-ratio"]).await;
    assert_passed(&tested.output, "ratio");
    tested.assert_contains(&["passed  natively", "-m pytest -q", "4 fixtures, 0 failed"]);
    let built = author.plugin_ok(&["build", "error-ratio"]).await;
    built.assert_contains(&["digest   sha256:", "fixtures 4", "`maxBytes: 33554432`"]);
    let component = project.join("error-ratio.wasm");
    let size = std::fs::metadata(&component).expect("the component").len();
    assert!(size < 32 << 20, "{size} bytes are never loaded");
    assert_served_with(&component, MAX_BYTES).await;
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("Python: 4 commands and a mapping, {seconds:.1} s, {size} bytes");
    for (program, arguments) in [("ruff", &["check"][..]), ("mypy", &[][..])] {
        author.tool(project.join(".venv/bin").join(program), arguments, &project).await;
    }
}

#[tokio::test]
async fn the_same_sources_give_the_same_digest_in_any_folder() {
    let author = in_environment();
    // It reads a table when it is imported, and imports more of Python than others.
    let hostile = "plugin-sdk/python/tests/hostile";
    author.copy(hostile, "mine");
    author.assert_reproducible("mine").await;
}

#[tokio::test]
async fn ports_of_shipped_plugins_pass_the_same_fixtures_natively_and_as_components() {
    for (example, shipped, passed) in [
        ("ratio", "ratio", "12 fixtures, 0 failed"),
        ("per_object", "per-object", "26 fixtures, 0 failed"),
        // Objects with their addresses, and a query of its own.
        ("alb_pool", "alb-pool", "36 fixtures, 0 failed"),
    ] {
        let author = in_environment();
        author.python_example(example, shipped);
        let tested = author.plugin_ok(&["test", "."]).await;
        tested.assert_contains(&["passed  natively", passed]);
    }
}

#[tokio::test]
async fn the_wheel_is_all_that_a_project_needs() {
    let author = Author::with_tools().set("VIRTUAL_ENV", "").set("PYTHONPATH", "");
    let python = AuthorTools::find().python_environment().join("bin/python");
    let sdk = repository().join("plugin-sdk/python");
    let sdk = sdk.to_str().expect("a path in UTF-8");
    let folder = author.folder.path();
    let wheel =
        ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", ".", sdk];
    author.tool(python, &wheel, folder).await;
    author.tool("python3", &["-m", "venv", ".venv"], folder).await;
    let packages = ["leadsman_plugin-0.1.0-py3-none-any.whl", "componentize-py", "pytest"];
    let install = [&["-m", "pip", "install"][..], &packages].concat();
    author.tool(author.path(".venv/bin/python"), &install, folder).await;
    author.python_example("external", "external");
    let tested = author.plugin_ok(&["test", "."]).await;
    tested.assert_contains(&["passed  natively", "8 fixtures, 0 failed"]);
}

#[tokio::test]
async fn each_hostile_deed_is_a_readable_failure_or_has_a_stated_result() {
    let author = in_environment();
    let hostile = "plugin-sdk/python/tests/hostile";
    for file in ["hostile.py", "pyproject.toml", "table.json"] {
        let content = std::fs::read(repository().join(hostile).join(file)).expect("a file");
        author.write(file, content);
    }
    author.copy(&format!("{hostile}/told"), "fixtures");
    let stopped = std::fs::read(repository().join(hostile).join("stopped.json")).expect("a file");
    let stopped: Value = serde_json::from_slice(&stopped).expect("JSON");
    let stopped = stopped.as_object().expect("an object");
    for deed in stopped.keys() {
        let fixture = json!({"config": {"do": deed}, "namespace": "d", "expect": {"measures": []}});
        author.write(&format!("fixtures/{deed}.json"), fixture.to_string());
    }
    let count = std::fs::read_dir(author.path("fixtures")).expect("the fixtures").count();
    let told = author.refused(&["test", "."], None).await;
    for (deed, says) in stopped {
        let line = told.lines().find(|line| line.starts_with(&format!("FAILED  {deed} ")));
        let says = says.as_str().expect("a text");
        // On a busy machine the limit of time may end a recursion before the stack does.
        let ends = [says, "the plugin was stopped after its limit of 100ms"];
        let told_well = line.is_some_and(|line| ends.iter().any(|end| line.contains(end)));
        assert!(told_well, "{deed}: {told}");
    }
    assert!(told.contains(&format!("{count} fixtures, {} failed", stopped.len())), "{told}");
    assert!(count > 40, "{count} deeds");
}

#[tokio::test]
async fn what_stops_a_build_is_told_with_its_line() {
    let author = in_environment();
    author.write("pyproject.toml", "[project]\nname = \"mine\"\n");
    author.write("mine.py", "x = 1\ny = x / 0\n");
    let told = author.refused(&["build", "."], None).await;
    assert!(told.contains("mine.py") && told.contains("ZeroDivisionError"), "{told}");
    assert!(told.contains("-m leadsman_plugin build") && told.contains("failed"), "{told}");
    // A module in C, as a package has it.
    author.write("mine.py", "import quick\n");
    author.write("quick.cpython-311-x86_64-linux-gnu.so", b"\x7fELF");
    let told = author.refused(&["build", "."], None).await;
    assert!(told.contains("quick is compiled for this machine"), "{told}");
    assert!(told.contains("use a package that is Python alone"), "{told}");
    author.write("pyproject.toml", "[project]\nname = \"other\"\n");
    let told = author.refused(&["build", "."], None).await;
    assert!(told.contains("there is no module other in"), "{told}");
}

#[tokio::test]
async fn the_sdk_passes_its_own_tests_natively() {
    let author = in_environment();
    let python = AuthorTools::find().python_environment().join("bin/python");
    let sdk = repository().join("plugin-sdk/python");
    author.tool(python, &["-m", "pytest", "-q", "-p", "no:cacheprovider"], &sdk).await;
}

impl Author {
    /// Makes the folder a project of an example, with the fixtures of the plugin that it is a port of.
    fn python_example(&self, example: &str, shipped: &str) {
        self.copy(&format!("plugin-sdk/python/examples/{example}"), ".");
        let fixtures = format!("plugins/{shipped}/fixtures");
        self.copy(&fixtures, "fixtures");
        // The tests of the example, on the copies.
        let tests = format!("test_{example}.py");
        let text = std::fs::read_to_string(self.path(&tests)).expect("the tests");
        self.write(&tests, text.replace(&format!("../../../../{fixtures}"), "fixtures"));
    }
}

/// An author with an active environment, and the SDK of this repository.
fn in_environment() -> Author {
    let environment = AuthorTools::find().python_environment();
    let sdk = repository().join("plugin-sdk/python/src");
    Author::with_tools().set("VIRTUAL_ENV", environment).set("PYTHONPATH", sdk)
}
