//! What the documentation shows must work.

use std::path::{Path, PathBuf};

use leadsman_tests::Leadsman;

/// What stands around the mappings or rules that a page shows alone.
const AROUND: &str = r#"apiVersion: leadsman.dev/v1alpha1
kind: Config
sources: {prometheus: {prometheus: {url: "http://127.0.0.1:9"}}}
"#;

/// The configurations among the YAML of a page: complete ones, and mappings or rules alone.
fn configurations(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("a page");
    let blocks = text.split("\n```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap_or_default());
    let configuration = |block: &str| {
        if block.starts_with("apiVersion: leadsman.dev/") {
            Some(block.to_owned())
        } else {
            let alone = ["mappings:", "rules:", "externalRules:", "resourceRules:"];
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
