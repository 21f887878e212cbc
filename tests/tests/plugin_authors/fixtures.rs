//! `leadsman plugin test`: what differs is shown, blessed and reported.

use super::{Author, assert_passed, row};

#[tokio::test]
async fn what_differs_stands_side_by_side_and_can_be_blessed() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    let file = author.path("error-ratio/fixtures/ratio.json");
    let before = std::fs::read_to_string(&file).expect("the fixture");
    // 3 of 9: what is served has three decimals, and what comes natively more.
    let wrong = before.replace("\"4\"]", "\"9\"]");
    assert_ne!(wrong, before);
    std::fs::write(&file, &wrong).expect("a changed fixture");

    let told = author.refused(&["test", "error-ratio", "--junit", "report.xml"], None).await;
    // Natively it is the same file.
    assert!(matches!(row(&told, "ratio")[..], [_, "FAILED", _, "ms", "FAILED"]), "{told}");
    assert_passed(&told, "label-lost");
    let reason = "FAILED  ratio on the component: its value for \"cart-0\": 333m instead of 750m";
    assert!(told.contains(reason), "{told}");
    assert!(told.contains("FAILED  ratio natively: it gives something else"), "{told}");
    let row = told.lines().find(|line| line.contains('≠')).expect("a row that differs");
    let values: Vec<_> = row.split('≠').collect();
    assert!(matches!(values[..], [_, _, _]), "{row}");
    for (value, expected) in values.iter().zip(["0.75}", "0.333}", "0.333}"]) {
        assert!(value.contains(&format!("\"value\":{expected}")), "{row}");
    }
    assert!(told.contains("FAILED  natively") && told.contains("go test ./... failed"), "{told}");
    assert!(told.contains("4 fixtures, 1 failed; the project's own tests failed"), "{told}");
    let report = std::fs::read_to_string(author.path("report.xml")).expect("the report");
    assert!(report.contains("name=\"error-ratio\" tests=\"4\" failures=\"1\""), "{report}");
    // One case more is that of the tests as a whole.
    assert!(
        report.contains("name=\"error-ratio natively\" tests=\"5\" failures=\"2\""),
        "{report}"
    );

    let blessed = author.plugin_ok(&["test", "error-ratio", "--bless"]).await;
    blessed.assert_contains(&["blessed ratio", "4 fixtures, 0 failed"]);
    let after = std::fs::read_to_string(&file).expect("the fixture");
    let (head, _) = wrong.split_once("\"expect\"").expect("an expectation");
    assert!(after.starts_with(head), "more than the expectation has changed: {after}");
    author.plugin_ok(&["test", "error-ratio"]).await.assert_contains(&["passed  natively"]);
    let without = author.plugin_ok(&["test", "error-ratio", "--no-native"]).await;
    assert!(!without.output.contains("natively"), "{}", without.output);
}

#[tokio::test]
async fn what_differs_natively_alone_stands_beside_what_the_component_gives() {
    let author = Author::new();
    author.plugin_ok(&["new", "error-ratio", "--language", "go"]).await;
    let file = author.path("error-ratio/main.go");
    let source = std::fs::read_to_string(&file).expect("the source");
    let (measure, natively) = (
        "\t\t\tall.Object.Measure(",
        "\t\t\tif runtime.GOOS != \"wasip1\" {\n\t\t\t\tratio *= 2\n\t\t\t}\n",
    );
    let changed = source.replace(measure, &format!("{natively}{measure}"));
    assert_ne!(changed, source);
    let changed = changed.replace("import (\n", "import (\n\t\"runtime\"\n\n");
    std::fs::write(&file, changed).expect("a changed source");
    let told = author.refused(&["test", "error-ratio"], None).await;
    assert!(matches!(row(&told, "ratio")[..], [_, "passed", _, "ms", "FAILED"]), "{told}");
    assert!(!told.contains("on the component"), "{told}");
    let row = told.lines().find(|line| line.contains("1.5}")).expect("what came natively");
    let (component, native) = row.split_once('≠').expect("a mark");
    assert_eq!(component.matches("\"value\":0.75}").count(), 2, "{row}");
    assert!(native.contains("\"value\":1.5}"), "{row}");
    assert!(told.contains("4 fixtures, 0 failed; the project's own tests failed"), "{told}");
}
