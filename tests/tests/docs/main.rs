//! Examples and references in the documentation are valid, and what the pages for migration claim is
//! shown by tests.

mod autoscalers;
mod claims;
mod coming_from_keda;
mod coming_from_prometheus_adapter;

use std::path::{Path, PathBuf};

use leadsman_tests::Leadsman;

/// The rest of a configuration for mappings or rules that a page shows alone.
const AROUND: &str = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources: {prometheus: {prometheus: {url: "http://127.0.0.1:9"}}}
"#;

/// The configurations among the YAML blocks of a page: complete ones, and mappings or rules alone.
fn configurations(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("a page");
    let blocks = text.split("\n```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap_or_default());
    let configuration = |block: &str| {
        if block.starts_with("apiVersion: leadsman.dev/") {
            Some(block.to_owned())
        } else {
            let alone = ["mappings:", "rules:", "externalRules:", "resourceRules:", "delegates:"];
            let is_part = alone.iter().any(|section| block.starts_with(section));
            is_part.then(|| format!("{AROUND}{block}"))
        }
    };
    blocks.filter_map(configuration).collect()
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).expect("the documentation");
    let docs = docs.map(|entry| entry.expect("a file").path());
    let markdown = |page: &PathBuf| page.extension().is_some_and(|extension| extension == "md");
    std::iter::once(root.join("README.md")).chain(docs.filter(markdown)).collect()
}

#[tokio::test]
async fn every_configuration_that_is_shown_has_no_faults() {
    let mut checked = 0;
    for page in pages() {
        for configuration in configurations(&page) {
            let check = Leadsman::check(&configuration).await;
            let page = page.display();
            assert_eq!(check.code, Some(0), "{page}:\n{configuration}\n{}", check.output);
            checked += 1;
        }
    }
    assert!(checked >= 10, "only {checked} found");
}

/// The command lines of `leadsman` in the blocks of a page.
fn command_lines(page: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(page).expect("a page").replace("\\\n", " ");
    let blocks = text.split("\n```").skip(1).step_by(2).collect::<Vec<_>>().join("\n");
    let lines = blocks.lines().map(|line| line.trim().trim_start_matches("$ "));
    let lines = lines.filter(|line| line.starts_with("leadsman "));
    let words = |line: &str| {
        let words = line.split_whitespace().skip(1);
        let words = words.take_while(|word| !["#", ">", "|", "&"].contains(word));
        let words = words.filter(|word| *word != "[flags]");
        words.map(|word| word.trim_matches(['[', ']']).to_owned()).collect()
    };
    lines.map(words).collect()
}

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folders = std::fs::read_dir(root).expect("the examples");
    let pages = folders.map(|entry| entry.expect("a folder").path().join("README.md"));
    pages.filter(|page| page.is_file()).collect()
}

/// Where the files of a command line are there, it succeeds. Where they are not, it says that, and not
/// that the command line is wrong, whose exit code is 2.
#[tokio::test]
async fn every_command_line_that_is_shown_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let empty = tempfile::tempdir().expect("a folder");
    let (mut succeeded, mut understood) = (0, 0);
    for page in pages().into_iter().chain(examples()) {
        for line in command_lines(&page) {
            let arguments: Vec<_> = line.iter().map(String::as_str).collect();
            let shown = format!("{}: leadsman {}", page.display(), line.join(" "));
            let is_there = |name: &&str| name.starts_with("examples/") && root.join(name).is_file();
            if line == ["schema"] || arguments.iter().any(is_there) {
                let ended = Leadsman::command(&arguments, &root).await;
                assert_eq!(ended.code, Some(0), "{shown}\n{}", ended.output);
                succeeded += 1;
            } else if arguments.starts_with(&["plugin", "new"]) {
                let folder = tempfile::tempdir().expect("a folder");
                let ended = Leadsman::command(&arguments, folder.path()).await;
                assert_eq!(ended.code, Some(0), "{shown}\n{}", ended.output);
                succeeded += 1;
            } else if line[0] != "demo" && !arguments.starts_with(&["plugin", "dev"]) {
                let ended = Leadsman::command(&arguments, empty.path()).await;
                assert!(matches!(ended.code, Some(1 | 3)), "{shown}\n{ended:#?}");
                understood += 1;
            }
        }
    }
    assert!(succeeded >= 5, "only {succeeded} ran");
    assert!(understood >= 10, "only {understood} were understood");
}

/// Of a cluster that is not there, and with nothing but a kubeconfig.
#[tokio::test]
async fn doctor_needs_no_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = Leadsman::command(&["doctor", "--kubeconfig", "nowhere"], folder.path()).await;
    assert_eq!(ended.code, Some(3), "{}", ended.output);
    ended.assert_contains(&["nowhere"]);
    assert!(!ended.output.contains("--config"), "{}", ended.output);
}

/// The chart of prometheus-adapter starts its image by this name.
#[test]
fn the_image_has_the_command_of_prometheus_adapter() {
    let recipe = std::fs::read_to_string(root().join("deploy/Dockerfile")).expect("the Dockerfile");
    assert!(recipe.contains("ln -s leadsman /image/adapter"), "{recipe}");
}

/// Of the flags of API servers those that change nothing are taken, and no others.
#[tokio::test]
async fn a_flag_for_what_is_not_supported_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for flag in ["--tls-min-version=VersionTLS13", "--nonsense=1"] {
        let arguments = ["serve", "--config", "nowhere.yaml", flag];
        let ended = Leadsman::command(&arguments, folder.path()).await;
        assert_eq!(ended.code, Some(2), "{flag}: {}", ended.output);
        ended.assert_contains(&[flag.split('=').next().unwrap_or_default()]);
    }
}

#[test]
fn every_claim_of_the_pages_for_migration_is_shown_by_a_test() {
    let tests = claims::Tests::all();
    for (page, entries) in [
        ("coming-from-prometheus-adapter.md", coming_from_prometheus_adapter::CLAIMS),
        ("coming-from-keda.md", coming_from_keda::CLAIMS),
    ] {
        let text = std::fs::read_to_string(root().join("docs").join(page)).expect("the page");
        let wrong = claims::wrong(&text, entries, &tests);
        assert!(wrong.is_empty(), "{page}:\n{}", wrong.join("\n"));
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of tests among the code spans of a page: lower-case words joined by underscores.
fn named_tests(page: &str) -> Vec<&str> {
    let code = page.split('`').skip(1).step_by(2);
    let is_name = |code: &&str| {
        code.contains('_')
            && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    code.filter(is_name).collect()
}

fn rust_sources(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_sources(&path, sources);
        } else if name.ends_with(".rs") {
            sources.push_str(&std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/threat-model.md")).expect("the page");
    let mut sources = String::new();
    rust_sources(&root, &mut sources);
    let tests = named_tests(&page);
    assert!(tests.len() >= 50, "only {} found", tests.len());
    let is_fuzz_target = |name: &str| root.join(format!("fuzz/targets/{name}.rs")).is_file();
    for test in tests.into_iter().filter(|name| !is_fuzz_target(name)) {
        assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
