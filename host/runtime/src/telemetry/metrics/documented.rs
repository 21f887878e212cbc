//! Every metric is documented, and every documented one exists.

use std::collections::BTreeSet;
use std::path::Path;

use super::Metrics;

/// The names of all metrics, as they are registered: without what their type adds.
fn registered() -> BTreeSet<String> {
    let metrics = Metrics::new();
    metrics.certificate_expires(|| Some(0));
    // A family without series is not on the page, but its descriptor can be seen here.
    let seen = format!("{:?}", metrics.registry);
    let named = seen.split("Descriptor { name: \"").skip(1);
    let named = named.filter_map(|rest| Some(format!("leadsman_{}", rest.split_once('"')?.0)));
    let page = metrics.encode();
    let collected = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let collected = collected.filter_map(|line| Some(line.split_once(' ')?.0.to_owned()));
    named.chain(collected).collect()
}

/// A name without what its type adds to it.
fn bare(name: &str) -> &str {
    let stripped = ["_total", "_info"].iter().find_map(|suffix| name.strip_suffix(suffix));
    stripped.unwrap_or(name)
}

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(path).unwrap()
}

/// The names in the tables of the page.
fn documented() -> BTreeSet<String> {
    let text = repository("docs/operating.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let first_cells = rows.filter_map(|row| row.split(" | ").next());
    let names = first_cells.flat_map(|cell| cell.split('`'));
    let is_metric = |name: &&str| {
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        (name.starts_with("leadsman_") || name.starts_with("process_")) && name.chars().all(is_name)
    };
    names.filter(is_metric).map(|name| bare(name).to_owned()).collect()
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_exists() {
    let (registered, documented) = (registered(), documented());
    assert!(registered.len() > 45, "{registered:?}");
    let missing: Vec<_> = registered.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/operating.md: {missing:?}");
    let unknown: Vec<_> = documented.difference(&registered).collect();
    assert!(unknown.is_empty(), "documented, and there is no such metric: {unknown:?}");
}

#[tokio::test]
async fn the_dashboard_has_every_metric() {
    let dashboard = repository("deploy/chart/leadsman/dashboards/leadsman.json");
    let missing: Vec<_> =
        registered().into_iter().filter(|name| !dashboard.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not on the dashboard: {missing:?}");
}
