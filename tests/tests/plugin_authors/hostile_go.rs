//! What a plugin in Go cannot do, and what its author is told.

use serde_json::json;

use super::Author;

/// Deeds that end in a trap or at a limit, with what is told of each.
const ENDS: [(&str, &str); 6] = [
    ("deadlock", "the plugin trapped: fatal error: all goroutines are asleep - deadlock!"),
    ("exit", "the plugin trapped: the program ended itself"),
    ("goroutine-panic", "the plugin trapped: panic: in a goroutine"),
    ("memory", "the plugin wanted more than its limit of 67108864 bytes of memory"),
    ("recursion", "the plugin ran out of stack: it calls itself too deeply"),
    ("spin", "the plugin was stopped after its limit of 100ms"),
];

#[tokio::test]
async fn each_deed_is_a_readable_failure_or_has_a_stated_result() {
    let author = Author::new();
    author.go_project("plugin-sdk/go/tests/hostile/main.go");
    // Printing, files, clocks, random numbers, the network, goroutines and panics.
    author.copy("plugin-sdk/go/tests/hostile/fixtures", "fixtures");
    for (deed, _) in ENDS {
        let fixture =
            json!({"serve": "external", "config": {"do": deed}, "expect": {"measures": []}});
        author.write(&format!("fixtures/{deed}.json"), fixture.to_string());
    }
    let random = json!({"serve": "external", "config": {"do": "random"},
        "expect": {"measures": [{"value": -1}]}});
    author.write("fixtures/random.json", random.to_string());
    let told = author.refused(&["test", "."], None).await;
    for (deed, says) in ENDS {
        let line = told.lines().find(|line| line.starts_with(&format!("FAILED  {deed} ")));
        assert!(line.is_some_and(|line| line.contains(says)), "{deed}: {told}");
    }
    assert!(told.contains("18 fixtures, 7 failed"), "{told}");
    // A fixture that fails is run again for what it gives: random numbers are the same in each run.
    let (before, _) = told.split_once(" instead of -1").expect("the reason");
    let number = before.rsplit(' ').next().unwrap_or_default();
    let again = format!("\"value\":{number}}}");
    assert!(!number.is_empty() && told.contains(&again), "{again}: {told}");
}
