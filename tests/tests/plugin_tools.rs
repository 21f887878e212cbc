//! What authors do with a component on their own machine: look at it, run it, measure it, compare two
//! versions, and see it served while they edit it.

use std::path::Path;
use std::time::{Duration, Instant};

use leadsman_tests::{
    AuthorTools, CheckReport, Config, Followed, HOSTILE, Leadsman, Stack, broken_version, version,
    version_with_fixtures,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

/// A fixture of two pods for the plugin of versions.
fn two_pods(values: [f64; 2]) -> Value {
    let row = |pod: &str| json!({"metric": {"pod": pod}, "value": [1_695_018_199, "1"]});
    json!({
        "namespace": "shop",
        "queries": {"q": {"resultType": "vector", "result": [row("web-0"), row("web-1")]}},
        "expect": {"measures": [
            {"object": "web-0", "value": values[0]},
            {"object": "web-1", "value": values[1]},
        ]},
    })
}

fn with_fixture(number: u32) -> Vec<u8> {
    let value = f64::from(number * 1000);
    let fixture = two_pods([value, value]);
    version_with_fixtures(number, &json!([{"name": "two-pods", "fixture": fixture}]))
}

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(folder.path().join(name), content).expect("a file");
}

async fn plugin(folder: &TempDir, arguments: &[&str]) -> CheckReport {
    Leadsman::command(&[&["plugin"], arguments].concat(), folder.path()).await
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

#[tokio::test]
async fn inspect_says_what_a_plugin_needs() {
    let folder = folder();
    put(&folder, "one.wasm", with_fixture(1));
    let report = plugin(&folder, &["inspect", "one.wasm"]).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    report.assert_contains(&[
        "name     versioned",
        "of processor time, and up to",
        "MiB of memory",
        "runs     with up to",
        "(of 64.0 MiB)",
        "(of 100.00 ms)",
        "fixtures 1 passed",
    ]);
    let shipped = plugin(&folder, &["inspect", "ratio"]).await;
    assert_eq!(shipped.code, Some(0), "{}", shipped.output);
    shipped.assert_contains(&["name     ratio"]);
}

#[tokio::test]
async fn bench_measures_sizes_against_limits() {
    let folder = folder();
    put(&folder, "one.wasm", with_fixture(1));
    let report = plugin(&folder, &["bench", "one.wasm", "--time", "10s"]).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    println!("{}", report.output);
    for size in ["10 ", "100 ", "1000 ", "10000 "] {
        let mut lines = report.output.lines();
        let line = lines.find(|line| line.starts_with(size)).expect("the size");
        let values = line.split_whitespace().nth(1).expect("the number of values");
        assert_eq!(values, size.trim(), "each series is one of another pod");
    }
    report.assert_contains(&["limits: 10.00 s, 64.0 MiB"]);

    // A limit that is exceeded is an error, and named.
    put(&folder, "hoard.json", {
        let mut fixture = two_pods([1.0, 1.0]);
        fixture["config"] = json!({"do": "allocate"});
        fixture.to_string()
    });
    let hoarding = ["bench", HOSTILE, "--fixture", "hoard.json", "--memory", "4194304"];
    let report = plugin(&folder, &hoarding).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&["at 10 series: ", "4194304 bytes of memory"]);

    put(&folder, "plain.wasm", version(1));
    let report = plugin(&folder, &["bench", "plain.wasm"]).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&["it brings no fixture", "--fixture"]);
}

#[tokio::test]
async fn two_versions_are_compared_on_the_same_inputs() {
    let folder = folder();
    put(&folder, "one.wasm", with_fixture(1));
    put(&folder, "two.wasm", with_fixture(2));
    let same = plugin(&folder, &["diff", "one.wasm", "one.wasm"]).await;
    assert_eq!(same.code, Some(0), "{}", same.output);
    same.assert_contains(&["two-pods: same"]);
    let report = plugin(&folder, &["diff", "one.wasm", "two.wasm"]).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&["two-pods: different"]);
    let row = report.output.lines().find(|line| line.contains("shop/web-0")).expect("a row");
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells, ["shop/web-0", "1k", "2k"]);

    // On an input that was recorded, and for a version that fails.
    put(&folder, "recorded.json", two_pods([1.0, 1.0]).to_string());
    put(&folder, "plain.wasm", version(1));
    put(&folder, "broken.wasm", broken_version());
    let recorded = ["diff", "plain.wasm", "broken.wasm", "--fixture", "recorded.json"];
    let report = plugin(&folder, &recorded).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&["recorded.json: different", "2 values", "this build is broken"]);
    let nothing = plugin(&folder, &["diff", "plain.wasm", "broken.wasm"]).await;
    assert_eq!(nothing.code, Some(1), "{}", nothing.output);
    nothing.assert_contains(&["neither of them brings fixtures"]);
}

/// A component with a custom section behind it, of a little more than 8 MiB.
fn padded(mut component: Vec<u8>) -> Vec<u8> {
    // The section's number, its size of 8 MiB and 4 bytes in LEB128, and its name.
    component.extend([0, 0x84, 0x80, 0x80, 0x04]);
    component.extend(*b"\x03pad");
    component.resize(component.len() + (8 << 20), 0);
    component
}

#[tokio::test]
async fn a_plugin_is_run_once_on_a_real_source_and_recorded() {
    let exposition =
        "load{namespace=\"shop\",pod=\"web-0\"} 3\nload{namespace=\"shop\",pod=\"web-1\"} 4\n";
    let config = Config::new().pods("shop", &["web-0", "web-1"]);
    let Stack { prometheus, .. } = &Stack::start(exposition, "load", config.clone()).await;
    let folder = folder();
    put(&folder, "one.wasm", version(1));
    put(&folder, "config.yaml", config.prometheus("prometheus", &prometheus.url()).to_string());
    put(
        &folder,
        "mapping.yaml",
        "metric: load\n\
         serve: {custom: {resource: pods}}\n\
         queries:\n  q: {source: prometheus, promql: 'sum by (pod) (load{namespace=\"${namespace}\"})'}\n\
         plugin: of-somebody-else\n\
         config: {edition: 7}\n",
    );
    let on = ["--mapping", "mapping.yaml", "--against", "config.yaml", "--namespace", "shop"];
    let run = [&["run", "one.wasm", "--record", "run.json"], &on[..]].concat();
    let report = plugin(&folder, &run).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    report.assert_contains(&[
        "sum by (pod) (load{namespace=\"shop\"})",
        "{pod=\"web-0\"} 3",
        "/web-0 1007",
        "mapping   pods/load of operator, mapping.yaml:1, generation",
        "plugin    one.wasm ",
    ]);
    // What cannot be loaded is told of the author's file.
    put(&folder, "text.wasm", "no component");
    let text = plugin(&folder, &[&["run", "text.wasm"], &on[..]].concat()).await;
    assert_eq!(text.code, Some(1), "{}", text.output);
    text.assert_contains(&[": text.wasm: "]);
    assert!(!text.output.contains(".leadsman-try-"), "{}", text.output);
    for (wrong, says) in [
        ("missing.wasm", "missing.wasm: there is no such file, and no plugin of that name ships"),
        (".", ".: it is a folder; name the component that `leadsman plugin build` makes of it"),
    ] {
        plugin(&folder, &[&["run", wrong], &on[..]].concat()).await.assert_contains(&[says]);
    }
    plugin(&folder, &["inspect", "."]).await.assert_contains(&[".: it is a folder"]);
    // One is run that is larger than what a configuration allows by default, as one with an interpreter is.
    put(&folder, "large.wasm", padded(version(1)));
    let report = plugin(&folder, &[&["run", "large.wasm"], &on[..]].concat()).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    report.assert_contains(&["/web-0 1007"]);
    // The recorded run is a fixture, of this version and not of another one.
    let again = plugin(&folder, &["run", "one.wasm", "--fixture", "run.json"]).await;
    assert_eq!(again.code, Some(0), "{}", again.output);
    put(&folder, "two.wasm", version(2));
    let other = plugin(&folder, &["run", "two.wasm", "--fixture", "run.json"]).await;
    assert_eq!(other.code, Some(1), "{}", other.output);
    let compared = ["diff", "one.wasm", "two.wasm", "--fixture", "run.json"];
    let compared = plugin(&folder, &compared).await;
    compared.assert_contains(&["run.json: different"]);
}

/// A project whose component something else builds.
fn prebuilt_project(folder: &TempDir) {
    std::fs::create_dir(folder.path().join("fixtures")).expect("a folder");
    put(folder, "fixtures/two-pods.json", two_pods([1000.0, 1000.0]).to_string());
    put(
        folder,
        "mapping.yaml",
        "mappings:\n\
         - metric: load\n  \
           serve: {custom: {resource: pods}}\n  \
           queries:\n    q: {source: prometheus, promql: 'load{namespace=\"${namespace}\"}'}\n  \
           plugin: versioned\n",
    );
}

/// Replaces a component as a linker does: another file under the same name.
fn replace(folder: &TempDir, content: &[u8]) -> Instant {
    put(folder, "next", content);
    let begun = Instant::now();
    std::fs::rename(folder.path().join("next"), folder.path().join("built.wasm")).expect("a file");
    begun
}

async fn value(dev: &mut Followed, value: &str) -> Instant {
    dev.line(&format!("/web-0 {value}")).await;
    dev.line("after the change").await.1
}

#[tokio::test]
async fn an_edit_is_served_at_once_and_an_error_is_shown_where_it_was_made() {
    let folder = folder();
    prebuilt_project(&folder);
    put(&folder, "built.wasm", version(1));
    let mut dev = Leadsman::follow(&["plugin", "dev", "--component", "built.wasm"], folder.path());
    dev.line("serving   https://127.0.0.1:").await;
    dev.line("/web-0 1000").await;
    // The mapping is the one of the author.
    dev.line("/mapping.yaml:2").await;
    dev.line("after the change").await;

    let begun = replace(&folder, &version(2));
    let took = value(&mut dev, "2000").await - begun;
    println!("from the edit to the value: {took:?}");

    // What does not load, or fails its fixtures, is told, and the next edit goes on from there.
    replace(&folder, b"no component");
    dev.line("what was built is not a plugin").await;
    let failing = json!([{"name": "seven", "fixture": two_pods([7.0, 7.0])}]);
    replace(&folder, &version_with_fixtures(3, &failing));
    let (line, _) = dev.line("its fixture \"seven\"").await;
    assert!(line.starts_with("error"), "{line}");
    replace(&folder, &version(4));
    value(&mut dev, "4000").await;

    // The mapping is an edit, too: with its faults.
    let mapping = std::fs::read_to_string(folder.path().join("mapping.yaml")).expect("a file");
    put(&folder, "mapping.yaml", format!("{mapping}  config: {{edition: 5}}\n"));
    dev.line("/web-0 4005").await;
}

/// An edit of a new project's source, and of the fixture that holds the plugin to what it was.
struct Edit {
    source: &'static str,
    from: &'static str,
    to: &'static str,
    fixture: &'static str,
    /// The value of the fixture before and after the edit.
    values: [&'static str; 2],
}

/// Makes a project in the folder `busy`.
async fn project(language: &str) -> TempDir {
    let folder = folder();
    let new = plugin(&folder, &["new", "busy", "--language", language]).await;
    assert_eq!(new.code, Some(0), "{}", new.output);
    folder
}

/// Serves a project, edits it, and says how long the value took.
async fn edited(folder: &TempDir, of: Edit) -> (Followed, Duration) {
    let Edit { source, from, to, fixture, values } = of;
    let project = folder.path().join("busy");
    // It holds the plugin to what it was, too.
    std::fs::remove_file(project.join("fixtures/few-requests.json")).expect("a fixture");
    let mut dev = Leadsman::follow(&["plugin", "dev", "busy"], folder.path());
    dev.line(&format!("/cart-0 {}", values[0])).await;
    dev.line("after the change").await;
    edit(&project.join(source), from, to);
    let (line, _) = dev.line("error     ").await;
    assert!(line.contains("fixture"), "{line}");
    let fixture = project.join(fixture);
    let begun =
        edit(&fixture, &format!("\"value\": {}", values[0]), &format!("\"value\": {}", values[1]));
    dev.line(&format!("/cart-0 {}", values[1])).await;
    let (_, shown) = dev.line("after the change").await;
    (dev, shown - begun)
}

fn edit(file: &Path, from: &str, to: &str) -> Instant {
    let text = std::fs::read_to_string(file).expect("a file");
    assert!(text.contains(from), "{}: {text}", file.display());
    let begun = Instant::now();
    std::fs::write(file, text.replace(from, to)).expect("a file");
    begun
}

#[tokio::test]
async fn an_edit_in_go_is_served() {
    let edit = Edit {
        source: "main.go",
        from: "ratio := errors.Value /",
        to: "ratio := 2 * errors.Value /",
        fixture: "fixtures/ratio.json",
        values: ["0.75", "1.5"],
    };
    let (_, took) = edited(&project("go").await, edit).await;
    println!("Go, from the edit to the value: {took:?}");
}

#[tokio::test]
async fn an_edit_in_rust_is_served() {
    let edit = Edit {
        source: "src/lib.rs",
        from: "errors.value / divisor",
        to: "2.0 * errors.value / divisor",
        fixture: "fixtures/ratio.json",
        values: ["0.75", "1.5"],
    };
    let (_, took) = edited(&project("rust").await, edit).await;
    println!("Rust, from the edit to the value: {took:?}");
}

#[tokio::test]
async fn an_edit_in_javascript_is_served() {
    let folder = project("javascript").await;
    let project = folder.path().join("busy");
    let mut install = Command::new("npm");
    install.arg("install").current_dir(&project).envs(AuthorTools::find().variables());
    let installed = install.output().await.expect("npm");
    assert!(installed.status.success(), "{installed:?}");
    let edit = Edit {
        source: "src/plugin.js",
        from: "failed.value / Math.max",
        to: "2 * failed.value / Math.max",
        fixture: "fixtures/ratio.json",
        values: ["0.75", "1.5"],
    };
    let (_, took) = edited(&folder, edit).await;
    println!("JavaScript, from the edit to the value: {took:?}");
}

#[tokio::test]
async fn an_edit_in_python_is_served() {
    let folder = project("python").await;
    let environment = AuthorTools::find().python_environment();
    std::os::unix::fs::symlink(environment, folder.path().join("busy/.venv")).expect("a link");
    let doubled = Edit {
        source: "plugin.py",
        from: "failed.value / total",
        to: "2 * failed.value / total",
        fixture: "fixtures/ratio.json",
        values: ["0.75", "1.5"],
    };
    let (mut dev, took) = edited(&folder, doubled).await;
    println!("Python, from the edit to the value: {took:?}");

    // What the snapshot of the first build does not have is in another one.
    let plugin = folder.path().join("busy/plugin.py");
    edit(
        &plugin,
        "from dataclasses",
        "import fractions\n\nHALF = fractions.Fraction(1, 2)\nfrom dataclasses",
    );
    dev.line("snapshot  ").await;
    dev.line("/cart-0 1.5").await;
    dev.line("after the change").await;
    // And the next edit uses that one.
    edit(&plugin, "2 * failed.value / total", "float(HALF) * failed.value / total");
    let (line, _) = dev.line("error     ").await;
    assert!(line.contains("fixture"), "{line}");
}
