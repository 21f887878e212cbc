//! The examples of the pages for authors are built and run as they stand there.

use super::{Author, assert_passed, repository};

/// The blocks of a page in one language, in their order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(page)).expect("a page");
    let begin = format!("\n```{language}\n");
    let blocks = text.split(begin.as_str()).skip(1);
    let block = |rest: &str| rest.split("\n```").next().unwrap_or_default().to_owned();
    blocks.map(block).collect()
}

fn first(page: &str, language: &str) -> String {
    let first = blocks(page, language).into_iter().next();
    first.unwrap_or_else(|| panic!("{page} has nothing in {language}"))
}

#[tokio::test]
async fn the_fixtures_of_the_page_on_plugins_pass() {
    let author = Author::new();
    let fixtures = blocks("docs/plugins.md", "json");
    let [of_project, of_alb_pool] = fixtures.as_slice() else {
        panic!("{} fixtures", fixtures.len());
    };
    author.write("alb-pool.json", of_alb_pool);
    let run = author.plugin_ok(&["run", "alb-pool", "--fixture", "alb-pool.json"]).await;
    run.assert_contains(&["alb-pool.json passed"]);
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    author.write("error-ratio/fixtures/of-the-page.json", of_project);
    let tested = author.plugin_ok(&["test", "error-ratio"]).await;
    assert_passed(&tested.output, "of-the-page");
}

impl Author {
    /// Makes a project of the example on the page on Rust in the folder `busy`, with the fixture that the
    /// same plugin has in Go.
    pub(crate) fn example_in_rust(&self) {
        let page = "docs/plugins-rust.md";
        let (manifest, sdk) = (first(page, "toml"), "../leadsman/plugin-sdk");
        assert!(manifest.contains(sdk), "{manifest}");
        let own = repository().join("plugin-sdk");
        self.write("busy/Cargo.toml", manifest.replace(sdk, &own.to_string_lossy()));
        self.write("busy/src/lib.rs", first(page, "rust"));
        self.copy("plugin-sdk/go/examples/busy/fixtures", "busy/fixtures");
    }
}
