//! A Prometheus with a history, Leadsman, and what is said.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, History, Leadsman, Prometheus, contains_all, eventually, parse_quantity, paths,
};
use serde_json::{Value, json};

/// Both of them.
pub(crate) struct Scene {
    pub(crate) leadsman: Leadsman,
    _prometheus: Prometheus,
}

impl Scene {
    /// Serves a configuration, to which the source `prometheus` is added.
    pub(crate) async fn start(history: &History, config: Config) -> Self {
        Self::start_with(history, config, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(history: &History, config: Config, arguments: &[&str]) -> Self {
        let prometheus = Prometheus::holding(history).await;
        let config = config.prometheus("prometheus", &prometheus.url());
        let leadsman = Leadsman::start_with(config, arguments).await;
        Self { leadsman, _prometheus: prometheus }
    }

    /// Reads a path below the custom metrics API.
    pub(crate) async fn custom(&self, rest: &str) -> Answer {
        self.leadsman.get(&format!("{}/{rest}", paths::CUSTOM_V2)).await
    }

    /// Reads a path below the external metrics API.
    pub(crate) async fn external(&self, rest: &str) -> Answer {
        self.leadsman.get(&format!("{}/{rest}", paths::EXTERNAL)).await
    }
}

/// A rule of custom metrics.
pub(crate) fn rule(series: &str, resources: Value, query: &str) -> Value {
    json!({"seriesQuery": series, "resources": resources, "metricsQuery": query})
}

/// `resources` with these labels for kinds of the same names.
pub(crate) fn overrides(kinds: &[&str]) -> Value {
    let entry = |kind: &&str| ((*kind).to_owned(), json!({"resource": kind}));
    json!({"overrides": kinds.iter().map(entry).collect::<serde_json::Map<_, _>>()})
}

/// `resources` with the template that names kinds by their labels.
pub(crate) fn template() -> Value {
    json!({"template": "<<.Resource>>"})
}

/// A list of rules, each on a line of its own.
pub(crate) fn rules(rules: &[Value]) -> String {
    rules.iter().map(|rule| format!("\n  - {rule}")).collect()
}

/// The query that most rules have.
pub(crate) const SUM: &str = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)";

/// The values of an answer, as numbers.
pub(crate) fn values(answer: &Answer) -> Vec<(String, f64)> {
    let found = answer.values().into_iter();
    found.map(|(name, value)| (name, parse_quantity(&value))).collect()
}

/// Asserts that an answer has exactly these values, as near as rates are.
pub(crate) fn assert_values(answer: &Answer, expected: &[(&str, f64)]) {
    let found = values(answer);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    let expected_names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected_names, "{answer:#?}");
    for ((name, found), (_, expected)) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 0.01, "{name}: {found} instead of {expected}");
    }
}

/// Asserts that an answer is an empty list whose warnings contain all of these texts.
pub(crate) fn assert_empty(answer: &Answer, texts: &[&str]) {
    assert!(answer.items().is_empty(), "{answer:#?}");
    assert_says(&answer.warnings(), texts);
}

/// Asserts that a text contains all of these texts, as [`leadsman_tests::Failure::assert_contains`].
pub(crate) fn assert_says(text: &str, texts: &[&str]) {
    if let Err(missing) = contains_all(text, texts) {
        panic!("nothing of {missing:?} in:\n{text}");
    }
}

/// Asserts that a line of a text, or two lines in a row, contain all of these texts: elsewhere they
/// may be parts of what is only repeated.
pub(crate) fn assert_line(text: &str, texts: &[&str]) {
    let lines: Vec<_> = text.lines().collect();
    let said = lines.windows(2).any(|pair| contains_all(&pair.join("\n"), texts).is_ok())
        || lines.iter().any(|line| contains_all(line, texts).is_ok());
    assert!(said, "no line with all of {texts:?} in:\n{text}");
}

/// Asserts that `check`, `rules`, and `serve` with its log or status page say this of a
/// configuration: one verdict, wherever it is asked for.
pub(crate) async fn assert_verdict(config: &Config, texts: &[&str]) {
    let checked = Leadsman::check(config).await;
    assert_line(&checked.output, texts);
    let rules = Leadsman::rules(config, &[]).await;
    assert_line(&rules.output, texts);
    match Leadsman::launch(config, &[]).await {
        Err(exited) => assert_line(&exited.log, texts),
        Ok(leadsman) => {
            let what = format!("a log or a status with {texts:?}");
            eventually(&what, Duration::from_secs(20), async || {
                let status = leadsman.status().await;
                let told = format!("{}\n{status:#}", leadsman.log());
                contains_all(&told, texts).map_err(|missing| format!("no {missing:?} in:\n{told}"))
            })
            .await;
        }
    }
}
