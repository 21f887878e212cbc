//! What the adapter tells of itself: traces, metrics, alerts and the dashboard.

mod alerts;
mod measured;
mod traces;

use leadsman_tests::{Config, Mapping};

/// The metric `load` of the pods of `shop`, which waits for its source for up to 10 s.
pub(crate) fn config(url: &str) -> Config {
    Config::shop(url).mapping(load("load"))
}

/// A metric of the series `load`.
pub(crate) fn load(metric: &str) -> Mapping {
    Mapping::pods(metric)
        .query("q", r#"load{namespace="${namespace}"}"#)
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
        .set("deadline", "10s")
}
