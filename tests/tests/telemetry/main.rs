//! What the adapter tells of itself: traces, metrics, alerts and the dashboard.

mod alerts;
mod dashboard;
mod measured;
mod traces;

use std::fs;
use std::path::PathBuf;

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

/// The path of a file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Its text.
pub(crate) fn repository_file(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
