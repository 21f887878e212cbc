//! Bounds on the cost of small and of long texts.

use super::*;

#[test]
fn a_small_text_cannot_expand_to_a_large_document() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..9 {
        let previous = format!("*a{}", level - 1);
        let list = vec![previous; 10].join(",");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    assert!(faults(&text).contains("expands to too many values"));
}

#[test]
fn small_texts_that_expand_without_end_are_refused() {
    let key = "k".repeat(2000);
    assert!(faults(&format!("? {key}\n: 1\n")).contains("a key is longer"));
    let aliases = "*a, ".repeat(10_000);
    let text = format!("a: &a {}\nb: [{aliases}]\n", "v".repeat(100_000));
    assert!(faults(&text).contains("expands to too many values"));
    let long = "x".repeat(500_000);
    let text = GOOD.replace("plugin: external", &format!("plugin: {long}"));
    let reported = faults(&text);
    assert!(reported.contains("there is no plugin") && reported.len() < 1000, "{}", reported.len());
}

#[test]
fn queries_that_would_take_long_to_check_are_told_of() {
    for (open, close, count) in
        [("(", ")", 2000), ("-", "", 4000), ("up + ", "", 800), ("up or ", "", 600)]
    {
        let query = |count: usize| vec![format!("{}up{}", open.repeat(count), close.repeat(count))];
        // It is PromQL, however deep.
        assert_eq!(count_of_faults(&with_queries(&query(count), true)), 0, "{open}");
        let long = query(15_000);
        let reported = faults(&with_queries(&long, true));
        assert!(reported.contains("at most 4096 can be checked"), "{open}");
        assert_eq!(count_of_faults(&with_queries(&long, false)), 0, "{open}");
    }
    let query = format!("sum({{__name__=\"x\",a=\"{}\"}})", "y".repeat(4000));
    let reported = faults(&with_queries(&vec![query; 70], true));
    assert!(reported.contains("too long in all"), "{reported}");
    assert!((3..10).contains(&reported.lines().count()), "{reported}");
}

#[test]
fn what_is_wrong_everywhere_is_told_up_to_a_number() {
    let mut text = with_queries(&[], true);
    for at in 0..10_000 {
        text.push_str(&format!(
            "  - {{metric: m{at}, serve: {{external: {{}}}}, plugin: n{at}}}\n"
        ));
    }
    text.push_str("plugins:\n");
    for at in 0..12_000 {
        text.push_str(&format!("  p{at}: {{file: nowhere.wasm}}\n"));
    }
    let reported = faults(&text);
    assert_eq!(reported.lines().count(), 201, "{reported}");
    assert!(reported.ends_with("no more than 200 are looked for at once."), "{reported}");
}
