//! Languages without an SDK: the contract by hand, with the commands of `wit/examples/README.md`.

use std::path::Path;

use super::{Author, repository, row};

/// The command of the page that begins so.
fn command(begins: &str) -> String {
    let page = std::fs::read_to_string(repository().join("wit/examples/README.md"));
    let page = page.expect("the page");
    let line = page.lines().find(|line| line.starts_with(begins));
    line.unwrap_or_else(|| panic!("no command {begins}")).to_owned()
}

/// Makes a component of the core module and runs its fixtures.
async fn assert_passes(author: &Author) {
    author.copy("wit/examples/fixtures", "fixtures");
    assert_eq!(command("leadsman plugin build"), "leadsman plugin build core.wasm");
    let built = author.plugin_ok(&["build", "core.wasm"]).await;
    built.assert_contains(&["core.component.wasm", "fixtures 2"]);
    assert_eq!(command("leadsman plugin test"), "leadsman plugin test core.component.wasm");
    let tested = author.plugin_ok(&["test", "core.component.wasm"]).await;
    for fixture in ["ratio", "no-requests"] {
        assert_eq!(row(&tested.output, fixture)[1], "passed");
    }
    tested.assert_contains(&["2 fixtures, 0 failed"]);
    let size = std::fs::metadata(author.path("core.component.wasm")).expect("a file").len();
    assert!(size < 64 << 10, "{size} bytes");
}

#[tokio::test]
async fn a_plugin_in_c_passes_its_fixtures() {
    let author = Author::new();
    author.copy("wit/examples/c", ".");
    author.tool("sh", &["-c", &command("clang ")], author.folder.path()).await;
    assert_passes(&author).await;
}

#[tokio::test]
async fn a_plugin_in_assemblyscript_passes_its_fixtures() {
    let author = Author::with_tools();
    author.copy("wit/examples/assemblyscript", ".");
    let folder: &Path = author.folder.path();
    author.tool("sh", &["-c", &command("npm install ")], folder).await;
    author.tool("sh", &["-c", &command("npx asc ")], folder).await;
    assert_passes(&author).await;
}
