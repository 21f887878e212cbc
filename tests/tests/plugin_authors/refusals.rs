//! What an author is told when something is missing or wrong.

use std::os::unix::fs::PermissionsExt as _;

use leadsman_tests::version;
use serde_json::json;

use super::{Author, row};

#[tokio::test]
async fn a_folder_of_no_language_and_of_two() {
    let author = Author::new();
    author.write("none/README.md", "");
    let told = author.refused(&["build", "none"], None).await;
    assert!(told.contains("none has no project file") && told.contains("go.mod (Go)"), "{told}");
    author.write("two/go.mod", "module two\n");
    author.write("two/package.json", "{}");
    let told = author.refused(&["build", "two"], None).await;
    assert!(told.contains("several languages, go.mod and package.json"), "{told}");
}

impl Author {
    /// Puts a tool into the folder `bin` that only says its version.
    fn tool_that_says(&self, name: &str, says: &str) {
        self.program(&format!("bin/{name}"), &format!("echo {says}\n"));
    }

    /// Writes a program of a shell.
    fn program(&self, path: &str, script: &str) {
        self.write(path, format!("#!/bin/sh\n{script}"));
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(path), executable).expect("an executable");
    }
}

#[tokio::test]
async fn no_compiler_and_one_that_is_too_old() {
    let author = Author::new();
    author.write("bin/README.md", "no compiler here");
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    let bin = author.path("bin");
    let told = author.refused(&["build", "error-ratio"], Some(&bin)).await;
    assert!(told.contains("there is no go on this machine: install Go 1.26"), "{told}");
    author.tool_that_says("go", "go1.21.13");
    let told = author.refused(&["build", "error-ratio"], Some(&bin)).await;
    assert!(told.contains("go is go1.21.13, and plugins need go1.26 or newer"), "{told}");
    author.plugin_ok(&["new", "in-rust", "--language", "rust"]).await;
    let told = author.refused(&["build", "in-rust"], Some(&bin)).await;
    assert!(told.contains("there is no cargo on this machine: install Rust from"), "{told}");
    author.tool_that_says("cargo", "'cargo 1.84.1 (66221abde 2024-11-19)'");
    let told = author.refused(&["build", "in-rust"], Some(&bin)).await;
    assert!(told.contains("cargo is 1.84.1, and plugins need Rust 1.95 or newer"), "{told}");
}

#[tokio::test]
async fn what_projects_in_javascript_and_python_lack() {
    let author = Author::new();
    let bin = author.path("bin");
    author.write("js/package.json", "{}");
    author.write("py/pyproject.toml", "");
    author.write("bin/README.md", "no interpreter here");
    for (project, tool, steps) in [
        (
            "js",
            "node",
            &[
                ("v18.19.1", "node is v18.19.1, and plugins need Node.js 20.6 or later: install"),
                ("v20.6.0", "its packages are not installed; run `npm install` in its folder"),
            ][..],
        ),
        (
            "py",
            "python3",
            &[
                ("3.9", "python3 is 3.9, and plugins need Python 3.11 or later: install"),
                ("3.12 leadsman_plugin", "there is no module leadsman_plugin: put the SDK into"),
                (
                    "3.12 componentize_py",
                    "python3 has no componentize-py; run `python3 -m venv .venv",
                ),
            ][..],
        ),
    ] {
        let told = author.refused(&["build", project], Some(&bin)).await;
        assert!(told.contains(&format!("there is no {tool} on this machine: install")), "{told}");
        for (said, says) in steps {
            author.tool_that_says(tool, said);
            let told = author.refused(&["build", project], Some(&bin)).await;
            assert!(told.contains(says), "{told}");
        }
    }
}

#[tokio::test]
async fn without_pytest_the_component_is_tested_and_what_is_missing_is_named() {
    let author = Author::new();
    let environment = author.path("environment");
    let author = author.set("VIRTUAL_ENV", environment);
    let made = author.path("made.wasm");
    author.write("made.wasm", version(1));
    // Instead of an interpreter: it lacks pytest, and what it builds is there already.
    let interpreter = format!(
        "for last; do :; done\n\
         case \"$1 $last\" in\n\
         '-c pytest') echo 3.12 pytest ;;\n\
         -c*) echo 3.12 ;;\n\
         *) while [ \"$1\" != -o ]; do shift; done; cp '{}' \"$2\" ;;\n\
         esac\n",
        made.display()
    );
    author.program("environment/bin/python", &interpreter);
    author.write("mine/pyproject.toml", "");
    author.write("mine/requirements-dev.txt", "pytest\n");
    let fixture = json!({
        "namespace": "shop",
        "queries": {"q": {"resultType": "vector", "result": [
            {"metric": {"pod": "web-0"}, "value": [1, "1"]}]}},
        "expect": {"measures": [{"object": "web-0", "value": 1000}]},
    });
    author.write("mine/fixtures/one.json", fixture.to_string());
    let tested = author.plugin_ok(&["test", "mine"]).await;
    assert_eq!(row(&tested.output, "one")[1], "passed");
    tested.assert_contains(&[
        "has no pytest; run `python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt`",
        "1 fixture, 0 failed; the project's own tests were not run",
    ]);
}

#[tokio::test]
async fn what_the_compiler_says_is_shown() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    author.write("error-ratio/broken.go", "package main\n\nvar broken = nothing\n");
    let told = author.refused(&["build", "error-ratio"], None).await;
    assert!(told.contains("broken.go:3:14: undefined: nothing"), "{told}");
    assert!(told.contains("go build -buildmode=c-shared"), "{told}");
}

#[tokio::test]
async fn core_modules_that_cannot_become_plugins() {
    let author = Author::new();
    let module = wat::parse_str(r#"(module (import "env" "socket" (func)))"#).expect("a module");
    author.write("core.wasm", module);
    let told = author.refused(&["build", "core.wasm"], None).await;
    assert!(told.contains("core.wasm cannot become a plugin: it imports env.socket"), "{told}");
    author.write("program.wasm", wat::parse_str("(module)").expect("a module"));
    let told = author.refused(&["build", "program.wasm"], None).await;
    assert!(told.contains("does not export describe, configure, evaluate"), "{told}");
    author.write("text.wasm", "no module");
    let told = author.refused(&["build", "text.wasm"], None).await;
    assert!(told.contains("it is not a core WebAssembly module"), "{told}");
    let told = author.refused(&["build", "none.wasm"], None).await;
    assert!(told.contains("cannot read none.wasm"), "{told}");
}

#[tokio::test]
async fn fixtures_that_are_no_json_or_contradict_each_other() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    author.write("error-ratio/fixtures/broken.json", "{]");
    let told = author.refused(&["build", "error-ratio"], None).await;
    assert!(told.contains("broken.json is not JSON") && told.contains("line 1"), "{told}");
    let good = std::fs::read_to_string(author.path("error-ratio/fixtures/ratio.json"));
    let other = good.expect("the fixture").replace("0.75", "0.5");
    author.write("error-ratio/fixtures/broken.json", other);
    let told = author.refused(&["build", "error-ratio"], None).await;
    assert!(told.contains("the fixtures broken and ratio put the same in"), "{told}");
}

#[tokio::test]
async fn names_and_folders_that_will_not_do() {
    let author = Author::new();
    author.plugin_ok(&["new", "mine", "--language", "go"]).await;
    let told = author.refused(&["new", "mine", "--language", "rust"], None).await;
    assert!(told.contains("mine is there already, and not empty"), "{told}");
    let told = author.refused(&["new", "ratio", "--language", "go"], None).await;
    assert!(told.contains("\"ratio\" ships with Leadsman; choose another name"), "{told}");
    let wrong = author.plugin(&["new", "../mine", "--language", "go"]).await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.output);
    wrong.assert_contains(&["a name has 1 to 40 of a-z, 0-9 and -"]);
}
