//! Findings about valid rules: what cannot work, and what probably does not do what is intended.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher, Matchers};
use promql_parser::parser::Expr;

use super::association::Association;
use super::catalog::MissingLabel;
use super::promql::{self, MAX_CHECKED_BYTES, ParseError};
use super::query::QueryText;
use super::result_labels::ResultLabels;
use super::{ResourceRules, Rule, RuleApi, resolver};

/// A finding about a rule. The rule is served nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFinding {
    /// The JSON pointer within the rule.
    pub place: String,
    /// Whether it cannot work, or may be intended.
    pub severity: FindingSeverity,
    /// The finding, and what to do about it.
    pub message: String,
}

/// Whether something cannot work, or may be intended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingSeverity {
    /// Reads of the metric fail, or get no values.
    Fault,
    /// It may be intended.
    Warning,
}

/// The series of the example query.
const SERIES: &str = "series";

/// The matchers of the example query, in place of those of a read.
const MATCHERS: &str = "__leadsman_matchers__=\"x\"";

/// The label that the example query groups by, in place of that of a read.
const GROUP: &str = "__leadsman_group__";

type Report<'a> = dyn FnMut(&str, FindingSeverity, String) + 'a;

impl Rule {
    /// The cost of [`Self::findings`]: the sum of the squares of the lengths of what is parsed.
    pub fn findings_cost(&self) -> usize {
        let cost = |text: &str| if text.len() > MAX_CHECKED_BYTES { 0 } else { text.len().pow(2) };
        cost(self.query.written()).saturating_add(cost(&self.series_query))
    }

    /// The findings about this rule.
    pub fn findings(&self) -> Vec<RuleFinding> {
        let mut findings = Vec::new();
        let mut report = |place: &str, severity: FindingSeverity, message: String| {
            findings.push(RuleFinding { place: place.to_owned(), severity, message });
        };
        check_delimiters(&self.series_query, "/seriesQuery", &mut report);
        let filters = value_matchers(&self.series_query, &mut report);
        if let Some(shape) = check_query(&self.query, "/metricsQuery", &mut report) {
            self.check_lost_matchers(&filters, &shape, &mut report);
            if self.api == RuleApi::Custom {
                self.check_result_labels(&shape.labels, &mut report);
            }
        }
        findings
    }

    /// Reports matchers of the series query that the metrics query lacks: it also reads series that
    /// they exclude.
    fn check_lost_matchers(
        &self,
        filters: &[Matcher],
        shape: &QueryShape,
        report: &mut Report<'_>,
    ) {
        let lost: Vec<_> = filters
            .iter()
            .filter(|matcher| !shape.matched.contains(&matcher.name))
            .filter(|matcher| !names_objects(&self.association, &matcher.name))
            .map(ToString::to_string)
            .collect();
        if lost.is_empty() {
            return;
        }
        let lost = lost.join(",");
        report(
            "/metricsQuery",
            FindingSeverity::Warning,
            format!(
                "{lost} is in `seriesQuery` alone: that decides which series are found, and the \
                 query reads those with other values, too; if it is to hold for the values, write \
                 it into the query: <<.Series>>{{<<.LabelMatchers>>,{lost}}}"
            ),
        );
    }

    /// Reports a result that can have several series for one object, or no label that names objects.
    fn check_result_labels(&self, labels: &ResultLabels, report: &mut Report<'_>) {
        let place = "/metricsQuery";
        let labels = match labels {
            ResultLabels::Unknown => return,
            ResultLabels::All => {
                let message = "the query does not aggregate: an object with several series that \
                               disagree is left out, unless `discovery.onSeveral` says which value \
                               it has; write sum(…) by (<<.GroupBy>>), or avg, max, min";
                return report(place, FindingSeverity::Warning, message.to_owned());
            }
            ResultLabels::Only(labels) => labels,
        };
        let names = |label: &&String| **label == GROUP || self.names(label);
        if !labels.iter().any(|label| names(&label)) {
            let message = "no label of the result names an object, so that none has a value; \
                           write sum(…) by (<<.GroupBy>>)";
            return report(place, FindingSeverity::Warning, message.to_owned());
        }
        let others: Vec<_> =
            labels.iter().filter(|label| !names(label)).map(String::as_str).collect();
        if !others.is_empty() {
            let message = format!(
                "the query keeps {} apart: an object with several series that disagree is left \
                 out, unless `discovery.onSeveral` says which value it has",
                others.join(" and ")
            );
            report(place, FindingSeverity::Warning, message);
        }
    }

    fn names(&self, label: &str) -> bool {
        self.association.resource_of(label, &resolver(&[])).is_some()
            || self.association.overrides(label)
    }
}

impl ResourceRules {
    /// The findings about these rules.
    pub fn findings(&self) -> Vec<RuleFinding> {
        let mut findings = Vec::new();
        for (name, queries) in [("cpu", &self.cpu), ("memory", &self.memory)] {
            for (key, text) in queries.texts() {
                let mut report = |place: &str, severity: FindingSeverity, message: String| {
                    findings.push(RuleFinding { place: place.to_owned(), severity, message });
                };
                check_query(text, &format!("/{name}/{key}"), &mut report);
            }
        }
        findings
    }
}

/// How many labels a message names.
const MAX_LABELS: usize = 12;

impl MissingLabel {
    /// What is odd about the rule.
    pub fn finding(&self) -> RuleFinding {
        let mut there: Vec<_> = self.there.iter().take(MAX_LABELS).map(|label| &**label).collect();
        if self.there.len() > MAX_LABELS {
            there.push("…");
        }
        let message = format!(
            "no series of the rule has the label \"{}\", which reads ask for, so that they find \
             nothing; say with `resources.overrides` which label it is, or have Prometheus add it to \
             the series; there are {}",
            self.label,
            there.join(", ")
        );
        RuleFinding { place: "/resources".to_owned(), severity: FindingSeverity::Warning, message }
    }
}

/// Whether a label names objects whose matcher a read brings. `job` is what Prometheus calls what it
/// scrapes, and hardly ever a Job.
fn names_objects(association: &Association, label: &str) -> bool {
    association.overrides(label)
        || (label != "job" && association.resource_of(label, &resolver(&[])).is_some())
}

/// What a query selects and returns.
struct QueryShape {
    /// The labels that its selectors match.
    matched: BTreeSet<String>,
    /// The labels of its result.
    labels: ResultLabels,
}

/// Analyzes an example of a query. Reports what is no PromQL.
fn check_query(text: &QueryText, place: &str, report: &mut Report<'_>) -> Option<QueryShape> {
    check_delimiters(text.written(), place, report);
    let query = text.of_example(SERIES, MATCHERS, GROUP)?;
    let inspected = promql::inspect(&query, |expression| {
        let mut matched = BTreeSet::new();
        visit_selectors(expression, &mut |matchers| {
            matched.extend(all_matchers(matchers).map(|matcher| matcher.name.clone()));
        });
        QueryShape { matched, labels: ResultLabels::of(expression) }
    });
    match inspected {
        Ok(shape) => Some(shape),
        Err(error) => {
            // A query that is too long to be parsed here is not a fault.
            if query.len() <= MAX_CHECKED_BYTES {
                report(place, severity(&error), format!("{error}; it is sent as it is"));
            }
            None
        }
    }
}

fn severity(error: &ParseError) -> FindingSeverity {
    match error {
        ParseError::Invalid(_) => FindingSeverity::Fault,
        ParseError::Unsupported(_) => FindingSeverity::Warning,
    }
}

/// The matchers of a series query that filter by the value of a label.
fn value_matchers(series_query: &str, report: &mut Report<'_>) -> Vec<Matcher> {
    let inspected = promql::inspect(series_query, |expression| match expression {
        Expr::VectorSelector(selector) if selector.matchers.or_matchers.is_empty() => {
            let matchers = selector.matchers.matchers.iter();
            Some(matchers.filter(|matcher| filters_by_value(matcher)).cloned().collect())
        }
        Expr::VectorSelector(_) => Some(Vec::new()),
        _ => None,
    });
    match inspected {
        Ok(Some(matchers)) => matchers,
        Ok(None) => {
            let message = "is no selector of series; write {__name__=~\"…\",label=\"…\"}";
            report("/seriesQuery", FindingSeverity::Fault, message.to_owned());
            Vec::new()
        }
        Err(error) => {
            if series_query.len() <= MAX_CHECKED_BYTES {
                report("/seriesQuery", severity(&error), error.to_string());
            }
            Vec::new()
        }
    }
}

/// Whether a matcher filters by the value of a label, and not only by its presence.
fn filters_by_value(matcher: &Matcher) -> bool {
    let value = matcher.value.as_str();
    let is_presence = match matcher.op {
        MatchOp::NotEqual => value.is_empty(),
        MatchOp::Re(_) => matches!(value, ".+" | ".*" | "^.+$" | "^.*$" | "(.+)" | "(.*)"),
        MatchOp::NotRe(_) => matches!(value, "" | "^$"),
        MatchOp::Equal => false,
    };
    !matcher.name.starts_with("__") && !is_presence
}

/// Reports templates with Go's default delimiters, which rules do not use.
fn check_delimiters(text: &str, place: &str, report: &mut Report<'_>) {
    let Some((_, after)) = text.split_once("{{") else { return };
    let Some((inner, _)) = after.split_once("}}") else { return };
    if inner.len() > 100 || !inner.trim_start().starts_with(['.', '$', '%']) {
        return;
    }
    let message = format!(
        "\"{{{{{inner}}}}}\" is no template here, and is sent as it is; templates stand between << \
         and >>, and <<.LabelMatchers>> brings the namespace and the objects that are asked for"
    );
    report(place, FindingSeverity::Fault, message);
}

/// All matchers of a selector, also those that are joined by `or`.
fn all_matchers(matchers: &Matchers) -> impl Iterator<Item = &Matcher> {
    matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten())
}

/// Visits all selectors of an expression.
fn visit_selectors(expression: &Expr, visit: &mut dyn FnMut(&Matchers)) {
    match expression {
        Expr::VectorSelector(selector) => visit(&selector.matchers),
        Expr::MatrixSelector(selector) => visit(&selector.vs.matchers),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        Expr::Paren(inner) => visit_selectors(&inner.expr, visit),
        Expr::Unary(inner) => visit_selectors(&inner.expr, visit),
        Expr::Subquery(inner) => visit_selectors(&inner.expr, visit),
        Expr::Aggregate(aggregate) => {
            visit_selectors(&aggregate.expr, visit);
            aggregate.param.iter().for_each(|parameter| visit_selectors(parameter, visit));
        }
        Expr::Call(call) => {
            call.args.args.iter().for_each(|argument| visit_selectors(argument, visit))
        }
        Expr::Binary(binary) => {
            visit_selectors(&binary.lhs, visit);
            visit_selectors(&binary.rhs, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;
    use serde_json::json;

    fn findings(series_query: &str, metrics_query: &str) -> Vec<(FindingSeverity, String)> {
        let written: written::Rule = serde_json::from_value(json!({
            "seriesQuery": series_query, "metricsQuery": metrics_query,
            "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        }))
        .unwrap();
        let rule =
            Rule::new(&written, RuleApi::Custom, "/rules/0", &mut |_, what| panic!("{what}"));
        let findings = rule.unwrap().findings().into_iter();
        findings.map(|of| (of.severity, format!("{}: {}", of.place, of.message))).collect()
    }

    const SUM: &str = "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)";

    #[test]
    fn usual_rules_have_no_findings() {
        for (series_query, metrics_query) in [
            ("x", SUM),
            ("{__name__=~\"^x_.*\",namespace!=\"\",pod=~\".+\"}", SUM),
            // A read has matchers for these labels itself.
            ("x{namespace=\"shop\",pod=~\"web-.*\"}", SUM),
            (
                "x{container!=\"POD\"}",
                "sum(<<.Series>>{<<.LabelMatchers>>,container!=\"POD\"}) by (<<.GroupBy>>)",
            ),
            ("x", "sum(busy) by (namespace, pod)"),
            ("x", "sum(<<.Series>>{<<.LabelMatchers>>,pod=~`web-\\d+`}) by (<<.GroupBy>>)"),
            ("x", "x{pod=\"<<index .LabelValuesByName \"pod\">>\"}"),
            ("x", "rate(x[<<index .LabelValuesByName \"window\">>])"),
            (
                "x_bucket",
                "histogram_quantile(0.9, sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (le, <<.GroupBy>>))",
            ),
        ] {
            assert_eq!(findings(series_query, metrics_query), [], "{series_query} {metrics_query}");
        }
    }

    #[test]
    fn what_cannot_work_is_a_fault_and_what_may_be_intended_a_warning() {
        for (series_query, metrics_query, severity, part) in [
            (
                "x{side=\"destination\",code!~\"5..\",pod!=\"\"}",
                SUM,
                FindingSeverity::Warning,
                "/metricsQuery: side=\"destination\",code!~\"5..\" is in `seriesQuery` alone",
            ),
            ("x{job=\"a\"}", SUM, FindingSeverity::Warning, "job=\"a\""),
            (
                "x",
                "sum(x{namespace=\"{{.Namespace}}\"}) by (<<.GroupBy>>)",
                FindingSeverity::Fault,
                "/metricsQuery: \"{{.Namespace}}\" is no template here",
            ),
            ("x{a=\"{{ .X }}\"}", SUM, FindingSeverity::Fault, "/seriesQuery: \"{{ .X }}\""),
            (
                "x",
                "rate(<<.Series>>{<<.LabelMatchers>>}[5m]) by (<<.GroupBy>>)",
                FindingSeverity::Fault,
                "/metricsQuery: this is not PromQL",
            ),
            (
                "x",
                "sum(rate(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)",
                FindingSeverity::Fault,
                "/metricsQuery: this is not PromQL",
            ),
            ("sum(x)", SUM, FindingSeverity::Fault, "/seriesQuery: is no selector"),
            ("x{", SUM, FindingSeverity::Fault, "/seriesQuery: this is not PromQL"),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) keep_metric_names",
                FindingSeverity::Warning,
                "as far as it is known here",
            ),
            (
                "x",
                "<<.Series>>{<<.LabelMatchers>>}",
                FindingSeverity::Warning,
                "does not aggregate",
            ),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>})",
                FindingSeverity::Warning,
                "no label of the result",
            ),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>, container)",
                FindingSeverity::Warning,
                "keeps container apart",
            ),
        ] {
            let all = findings(series_query, metrics_query);
            let fits = |(found, message): &&(FindingSeverity, String)| {
                *found == severity && message.contains(part)
            };
            assert!(all.iter().any(|finding| fits(&finding)), "{part}: {all:?}");
        }
    }
}
