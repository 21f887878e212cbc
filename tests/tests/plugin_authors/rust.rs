//! Rust.

use std::time::Instant;

use super::{Author, assert_passed, assert_served};

#[tokio::test]
async fn from_an_empty_folder_to_a_served_metric() {
    let begun = Instant::now();
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "rust"]).await;
    let project = author.path("error-ratio");
    let tested = author.plugin_ok(&["test", "error-ratio"]).await;
    assert_passed(&tested.output, "ratio");
    tested.assert_contains(&["passed  natively", "cargo test", "4 fixtures, 0 failed"]);
    let built = author.plugin_ok(&["build", "error-ratio"]).await;
    built.assert_contains(&["digest   sha256:", "fixtures 4"]);
    let component = project.join("error-ratio.wasm");
    let bytes = std::fs::read(&component).expect("the component");
    // The digest would be that of this folder.
    let folder = author.folder.path().to_string_lossy().into_owned();
    let is_within = bytes.windows(folder.len()).any(|part| part == folder.as_bytes());
    assert!(!is_within, "{folder} is in the component");
    assert_served(&component).await;
    let (seconds, size) = (begun.elapsed().as_secs_f64(), bytes.len());
    eprintln!("Rust: 3 commands and a mapping, {seconds:.1} s, {size} bytes");
}

#[tokio::test]
async fn the_same_sources_give_the_same_digest_in_any_folder() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "rust"]).await;
    author.assert_reproducible("error-ratio").await;
}
