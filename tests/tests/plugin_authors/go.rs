//! Go.

use std::path::Path;
use std::time::Instant;

use super::{Author, assert_passed, assert_served, repository, tool};

#[tokio::test]
async fn from_an_empty_folder_to_a_served_metric() {
    let begun = Instant::now();
    let author = Author::new();
    let told = author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    told.assert_contains(&["cd error-ratio", "leadsman plugin test", "leadsman plugin build"]);
    let project = author.path("error-ratio");
    tool("go", &["vet", "./..."], &project).await;
    let tested = author.plugin_ok(&["test", "error-ratio"]).await;
    assert_passed(&tested.output, "ratio");
    tested.assert_contains(&["passed  natively", "go test ./...", "4 fixtures, 0 failed"]);
    let built = author.plugin_ok(&["build", "error-ratio"]).await;
    built.assert_contains(&["size", "digest   sha256:", "fixtures 4"]);
    let component = project.join("error-ratio.wasm");
    let size = std::fs::metadata(&component).expect("the component").len();
    assert!(size < 8 << 20, "{size} bytes do not load without `maxBytes`");
    assert_served(&component).await;
    eprintln!("Go: 3 commands and a mapping, {:.1} s, {size} bytes", begun.elapsed().as_secs_f64());
}

#[tokio::test]
async fn the_same_sources_give_the_same_digest_in_any_folder() {
    let digest = async || {
        let author = Author::new();
        author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
        let built = author.plugin_ok(&["build", "error-ratio", "--output", "out.wasm"]).await;
        let bytes = std::fs::read(author.path("out.wasm")).expect("the component");
        let line = built.output.lines().find(|line| line.starts_with("digest")).map(str::to_owned);
        (line.expect("a digest"), bytes)
    };
    let (one, other) = (digest().await, digest().await);
    assert_eq!(one.0, other.0);
    assert!(one.1 == other.1, "the digest is that of other bytes");
}

/// The name is that of a package of Go's own, and a package of the author's own is told from those.
#[tokio::test]
async fn a_panic_in_a_package_of_ones_own_is_told_with_its_line() {
    let author = Author::new();
    author.plugin_ok(&["new", "time", "--language", "go"]).await;
    let share = "package calc\n\nfunc Share(float64) float64 { panic(\"not yet\") }\n";
    author.write("time/calc/calc.go", share);
    let file = author.path("time/main.go");
    let source = std::fs::read_to_string(&file).expect("the source");
    let ratio = "errors.Value / max(all.Value, c.Floor)";
    assert!(source.contains(ratio), "{source}");
    let changed = source.replace(ratio, "calc.Share(errors.Value)");
    let changed = changed.replace("import (\n", "import (\n\t\"example.com/time/calc\"\n\n");
    std::fs::write(&file, changed).expect("a changed source");
    let told = author.refused(&["test", "time"], None).await;
    let reason = "panic: not yet (calc/calc.go:3)";
    let component = format!("FAILED  ratio on the component: {reason}");
    let natively = format!("fixtures/ratio.json: failed: {reason}");
    assert!(told.contains(&component) && told.contains(&natively), "{told}");
}

#[tokio::test]
async fn the_sdk_passes_its_own_tests_natively() {
    let sdk = repository().join("plugin-sdk/go");
    tool("go", &["vet", "./..."], &sdk).await;
    tool("go", &["test", "./..."], &sdk).await;
}

#[tokio::test]
async fn ports_of_shipped_plugins_pass_the_same_fixtures_as_components() {
    for (example, fixtures, passed) in [
        ("ratio", "plugins/ratio/fixtures", "12 fixtures, 0 failed"),
        ("per-object", "plugins/per-object/fixtures", "26 fixtures, 0 failed"),
        ("external", "plugins/external/fixtures", "8 fixtures, 0 failed"),
        ("by-address", "plugin-sdk/go/examples/by-address/fixtures", "2 fixtures, 0 failed"),
        ("trend", "plugin-sdk/go/examples/trend/fixtures", "2 fixtures, 0 failed"),
    ] {
        let author = Author::new();
        author.go_project(&format!("plugin-sdk/go/examples/{example}/main.go"));
        author.copy(fixtures, "fixtures");
        author.plugin_ok(&["test", "."]).await.assert_contains(&[passed]);
    }
}

impl Author {
    /// Makes the folder a project of one file, with the SDK of this repository.
    pub(crate) fn go_project(&self, main: &str) {
        let sdk = repository().join("plugin-sdk/go");
        let source = repository().join(main);
        // Failures name the folder of the source.
        let module = source.parent().and_then(Path::file_name).expect("a folder").display();
        let manifest = format!(
            "module {module}\n\ngo 1.26\n\nrequire leadsman.dev/plugin-sdk/go v0.1.0\n\n\
             replace leadsman.dev/plugin-sdk/go => {}\n",
            sdk.display()
        );
        self.write("go.mod", manifest);
        self.write("main.go", std::fs::read(&source).expect("a source"));
    }
}
