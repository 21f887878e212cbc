//! The configuration files of prometheus-adapter in `tests/rules`.

use std::path::PathBuf;

use serde_json::{Value, json};

const KEY: &str = "rules:\n";

/// The content of a file by its name without extension.
///
/// # Panics
/// If it cannot be read.
pub fn rules(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules");
    let file = folder.join(format!("{name}.yaml"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// One file with the rules of several files, which must contain only rules.
///
/// # Panics
/// If a file cannot be read, or contains other keys.
pub fn joined(names: &[&str]) -> String {
    let lists = names.iter().map(|name| {
        let content = rules(name);
        let (head, list) = content.split_once(KEY).expect("rules");
        let only = head.lines().all(|line| line.starts_with('#'))
            && list.lines().all(|line| line.starts_with([' ', '-', '#']));
        assert!(only, "more than rules in {name}");
        list.to_owned()
    });
    format!("{KEY}{}", lists.collect::<String>())
}

/// Resource rules as in a file of prometheus-adapter, for the series `cores` and `bytes` of
/// containers, and `node_cores` and `node_bytes` of nodes.
pub fn resource_metrics_rules(window: &str) -> Value {
    let rule = |series: &str| {
        let query =
            |series: &str| format!("sum by (<<.GroupBy>>) ({series}{{<<.LabelMatchers>>}})");
        json!({
            "containerQuery": query(series),
            "nodeQuery": query(&format!("node_{series}")),
            "containerLabel": "container",
            "resources": {"template": "<<.Resource>>"},
        })
    };
    json!({"cpu": rule("cores"), "memory": rule("bytes"), "window": window})
}
