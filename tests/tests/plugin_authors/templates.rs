//! The templates of `leadsman plugin new`: the default one is shown in each language from an empty folder
//! to a served metric, and the others here.

use std::os::unix::fs::symlink;
use std::path::Path;

use leadsman_tests::{Exporter, Leadsman, Prometheus, paths};

use super::{Author, assert_passed, repository};

/// Those beside the default one.
const OTHERS: [&str; 4] = ["per-object", "history", "objects", "external"];

/// The one that becomes a component in every language.
const BUILT: &str = "history";

/// The project of a template: another name than that of a plugin that ships with Leadsman.
fn project_of(template: &str) -> String {
    format!("my-{template}")
}

/// Makes a project of each, and runs its fixtures natively with its language's own tool.
async fn each_passes_natively(
    author: &Author,
    language: &str,
    prepare: impl Fn(&Path),
    (program, arguments): (&Path, &[&str]),
) {
    for template in OTHERS {
        let name = project_of(template);
        let new = ["new", &name, "--language", language, "--template", template];
        author.plugin_ok(&new).await;
        let project = author.path(&name);
        prepare(&project);
        author.tool(program, arguments, &project).await;
    }
}

/// One passes in the sandbox, too, and its mapping has no faults.
async fn one_passes_as_a_component(author: &Author) {
    let name = project_of(BUILT);
    author.plugin_ok(&["build", &name]).await.assert_contains(&["fixtures 4"]);
    let tested = author.plugin_ok(&["test", &format!("{name}/{name}.wasm")]).await;
    tested.assert_contains(&["newer-counts-more", "4 fixtures, 0 failed"]);
    let checked = Leadsman::check_file(&author.path(&format!("{name}/mapping.yaml"))).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
}

#[tokio::test]
async fn each_passes_in_rust() {
    let author = Author::new();
    let target = author.path("target");
    // What they depend on is built once.
    let author = author.set("CARGO_TARGET_DIR", target);
    let tests = ["test", "--quiet"];
    each_passes_natively(&author, "rust", |_| (), (Path::new("cargo"), &tests[..])).await;
    one_passes_as_a_component(&author).await;
    // The example of the page needs the same.
    author.example_in_rust();
    let tested = author.plugin_ok(&["test", "busy"]).await;
    assert_passed(&tested.output, "share");
    // As their CI does it.
    let lints = ["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"];
    for template in OTHERS {
        author.tool("cargo", &lints, &author.path(&project_of(template))).await;
    }
}

#[tokio::test]
async fn each_passes_in_python() {
    let author = Author::with_tools();
    // One environment for all, with what a new project names for its CI.
    let environment = author.path("environment");
    let requirements = repository().join("plugin-sdk/python/template/requirements-dev.txt");
    let requirements = requirements.to_str().expect("a path in UTF-8");
    author.tool("python3", &["-m", "venv", "environment"], author.folder.path()).await;
    let python = environment.join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "-r", requirements];
    author.tool(&python, &install, author.folder.path()).await;
    let author = author.set("VIRTUAL_ENV", &environment);
    let tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider"];
    each_passes_natively(&author, "python", |_| (), (python.as_path(), &tests[..])).await;
    one_passes_as_a_component(&author).await;
    for template in OTHERS {
        let project = author.path(&project_of(template));
        author.tool(environment.join("bin/ruff"), &["check"], &project).await;
        author.tool(environment.join("bin/ruff"), &["format", "--check"], &project).await;
    }
    author.tool(environment.join("bin/mypy"), &[], &author.path(&project_of(BUILT))).await;
}

#[tokio::test]
async fn each_passes_in_javascript_and_typescript() {
    for language in ["javascript", "typescript"] {
        let author = Author::with_tools();
        author.plugin_ok(&["new", "first", "--language", language]).await;
        let first = author.path("first");
        author.tool("npm", &["install"], &first).await;
        // The same packages for all, as they have the same manifest.
        let packages = first.join("node_modules");
        let prepare = |project: &Path| {
            symlink(&packages, project.join("node_modules")).expect("a link to the packages");
        };
        let tests = ["test", "--silent"];
        each_passes_natively(&author, language, prepare, (Path::new("npm"), &tests[..])).await;
        one_passes_as_a_component(&author).await;
        for template in OTHERS {
            author.tool("npm", &["run", "check"], &author.path(&project_of(template))).await;
        }
    }
}

/// What the queries of all mappings ask for.
const EXPOSITION: &str = r#"
http_requests_total{namespace="shop",pod="cart-0",code="200"} 4
http_requests_total{namespace="shop",pod="cart-0",code="500"} 3
workers_busy{namespace="shop",pod="cart-0",worker="a"} 2
workers_busy{namespace="shop",pod="cart-0",worker="b"} 4
jobs_waiting{namespace="shop",app="cart"} 30
queue_messages{namespace="shop",queue="mail"} 30
"#;

const PODS: &str = "objects:
  - {resource: pods, namespace: shop, name: cart-0, labels: {app: cart}}
  - {resource: pods, namespace: shop, name: mail-0, labels: {app: mail}}
";

#[tokio::test]
async fn each_passes_in_go_and_is_served_as_its_mapping_says() {
    let exporter = Exporter::start(EXPOSITION).await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("rate(http_requests_total[2m])").await;
    let author = Author::new();
    for (template, fixture, metric, expected) in [
        ("ratio", "few-requests", "error_ratio", "0"),
        ("per-object", "shares", "busy_share", "750m"),
        ("history", "newer-counts-more", "requests_smoothed", "0"),
        ("objects", "shares", "backlog_share", "30"),
        ("external", "seconds", "queue_seconds", "1500m"),
    ] {
        let name = project_of(template);
        let new = ["new", &name, "--language", "go", "--template", template];
        author.plugin_ok(&new).await;
        let tested = author.plugin_ok(&["test", &name]).await;
        assert_passed(&tested.output, fixture);
        author.plugin_ok(&["build", &name]).await;
        let file = author.path(&format!("{name}/mapping.yaml"));
        let mapping = std::fs::read_to_string(&file).expect("the mapping");
        let url = "http://prometheus.monitoring.svc:9090";
        assert!(mapping.contains(url), "{mapping}");
        let mut config = mapping.replace(url, &prometheus.url());
        let path = if template == "external" {
            paths::external("shop", metric)
        } else {
            config.push_str(PODS);
            paths::pods("shop", metric)
        };
        std::fs::write(&file, &config).expect("the mapping with another source");
        let checked = Leadsman::check_file(&file).await;
        assert_eq!(checked.code, Some(0), "{template}: {}", checked.output);
        let leadsman = Leadsman::start_file(&file, &[]).await;
        assert_eq!(leadsman.get(&path).await.value(), expected, "{template}");
    }
}

#[tokio::test]
async fn one_that_is_not_there_is_refused_with_those_that_are() {
    let author = Author::new();
    let arguments = ["new", "mine", "--language", "go", "--template", "histogram"];
    let refused = author.plugin(&arguments).await;
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    refused.assert_contains(&["histogram", "ratio, per-object, history, objects, external"]);
    assert!(!author.path("mine").exists());
}
