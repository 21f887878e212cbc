//! `leadsman plugin test`: what differs is shown, blessed and reported.

use super::Author;

#[tokio::test]
async fn what_differs_stands_side_by_side_and_can_be_blessed() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    let file = author.path("error-ratio/fixtures/ratio.json");
    let before = std::fs::read_to_string(&file).expect("the fixture");
    let wrong = before.replace("\"value\": 0.75", "\"value\": 0.5");
    assert_ne!(wrong, before);
    std::fs::write(&file, &wrong).expect("a changed fixture");

    let told = author.refused(&["test", "error-ratio", "--junit", "report.xml"], None).await;
    assert!(told.contains("FAILED  ratio"), "{told}");
    assert!(told.contains("its value for \"cart-0\": 750m instead of 500m"), "{told}");
    let row = told.lines().find(|line| line.contains('≠')).expect("a row that differs");
    assert!(row.contains("\"value\":0.5") && row.contains("\"value\":0.75"), "{row}");
    // Natively it is the same file.
    assert!(told.contains("FAILED  natively") && told.contains("go test ./... failed"), "{told}");
    assert!(told.contains("3 fixtures, 1 failed; the project's own tests failed"), "{told}");
    let report = std::fs::read_to_string(author.path("report.xml")).expect("the report");
    assert!(report.contains("name=\"error-ratio\" tests=\"3\" failures=\"1\""), "{report}");
    assert!(
        report.contains("name=\"error-ratio natively\" tests=\"1\" failures=\"1\""),
        "{report}"
    );

    let blessed = author.plugin_ok(&["test", "error-ratio", "--bless"]).await;
    blessed.assert_contains(&["blessed ratio", "3 fixtures, 0 failed"]);
    let after = std::fs::read_to_string(&file).expect("the fixture");
    let (head, _) = before.split_once("\"expect\"").expect("an expectation");
    assert!(after.starts_with(head), "more than the expectation has changed: {after}");
    author.plugin_ok(&["test", "error-ratio"]).await.assert_contains(&["passed  natively"]);
    let without = author.plugin_ok(&["test", "error-ratio", "--no-native"]).await;
    assert!(!without.output.contains("natively"), "{}", without.output);
}
