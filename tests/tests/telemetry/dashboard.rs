//! The dashboard as a document: that Grafana can lay it out, and that a person can read it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::repository_file;

/// Panels of the dashboard, those of collapsed rows among them.
pub(crate) fn panels() -> Vec<Value> {
    let mut panels = Vec::new();
    for panel in all() {
        panels.extend(panel["panels"].as_array().into_iter().flatten().cloned());
        if panel["type"] != "row" {
            panels.push(panel);
        }
    }
    panels
}

/// The title of a panel, and its expressions for all installations, all mappings and a minute.
pub(crate) fn expressions(panel: &Value) -> (String, Vec<String>) {
    let expressions = targets(panel).iter().map(|target| {
        let expression = text(target, "expr").replace("$mapping", ".*").replace("$job", ".*");
        let expression = expression.replace("$__rate_interval", "1m");
        let expression = expression.replace("$__range", "1m");
        assert!(!expression.contains('$'), "a variable that is not known: {expression}");
        expression
    });
    (text(panel, "title").to_owned(), expressions.collect())
}

fn dashboard() -> Value {
    let text = repository_file("deploy/chart/leadsman/dashboards/leadsman.json");
    serde_json::from_str(&text).expect("JSON")
}

/// Rows and panels as they are listed: panels of open rows follow them.
fn all() -> Vec<Value> {
    dashboard()["panels"].as_array().expect("a list").clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key:?}: {value:#}"))
}

fn targets(panel: &Value) -> &[Value] {
    panel["targets"].as_array().expect("a list")
}

/// The left, top, right and bottom edges on Grafana's grid.
fn edges(panel: &Value) -> [u64; 4] {
    let [x, y, w, h] =
        ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().expect("a number"));
    [x, y, x + w, y + h]
}

#[test]
fn panels_have_places_of_their_own() {
    let (rows, panels) = (all(), panels());
    let rows = rows.iter().filter(|panel| panel["type"] == "row");
    let ids: Vec<_> =
        rows.clone().chain(&panels).map(|panel| panel["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    // What is in a collapsed row has places that are free once the row is open: it overlaps only later rows.
    let open: Vec<_> = all();
    let collapsed: Vec<_> =
        rows.map(|row| row["panels"].as_array().expect("a list").clone()).collect();
    for placed in collapsed.iter().chain([&open]) {
        for (index, panel) in placed.iter().enumerate() {
            let [left, top, right, bottom] = edges(panel);
            assert!(right <= 24 && left < right && top < bottom, "{panel:#}");
            for other in &placed[..index] {
                let [l, t, r, b] = edges(other);
                let apart = right <= l || r <= left || bottom <= t || b <= top;
                assert!(apart, "{} lies on {}", panel["title"], other["title"]);
            }
        }
    }
}

#[test]
fn a_panel_says_what_it_is_and_why_it_is_empty() {
    for panel in panels() {
        let title = text(&panel, "title");
        assert!(!text(&panel, "description").is_empty(), "{title}");
        let defaults = &panel["fieldConfig"]["defaults"];
        assert!(!text(defaults, "noValue").is_empty(), "{title}");
        let has_states = panel["type"] == "state-timeline" && defaults["mappings"].is_array();
        assert!(has_states || defaults["unit"].is_string(), "{title} has no unit");
        let kinds = ["timeseries", "stat", "state-timeline"];
        assert!(kinds.contains(&text(&panel, "type")), "{title}");
    }
}

#[test]
fn legends_name_labels_that_the_expressions_give() {
    for panel in panels() {
        for target in targets(&panel) {
            let (expression, legend) = (text(target, "expr"), text(target, "legendFormat"));
            let labels = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
            // What is not aggregated has the labels of the scrape.
            let is_aggregated = expression.contains("sum") || expression.contains("by (");
            for label in labels {
                let by = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
                let has = by.flat_map(|list| list.split(", ")).any(|of| of == label);
                let of_scrape = !is_aggregated && ["pod", "instance"].contains(&label);
                assert!(has || of_scrape, "{{{{{label}}}}} of {expression}");
            }
        }
    }
}

#[test]
fn every_series_is_of_the_chosen_installations() {
    let variables = dashboard()["templating"]["list"].as_array().expect("a list").clone();
    let names: Vec<_> = variables.iter().map(|variable| text(variable, "name")).collect();
    assert_eq!(names, ["datasource", "job", "mapping"]);
    for panel in panels() {
        for target in targets(&panel) {
            let expression = text(target, "expr");
            for series in expression.split("leadsman_").skip(1) {
                let matchers = series.split_once('{').map(|(_, rest)| rest);
                let is_filtered = matchers.is_some_and(|rest| rest.starts_with(r#"job=~"$job""#));
                assert!(is_filtered, "leadsman_{series} in {expression}");
            }
        }
    }
}
