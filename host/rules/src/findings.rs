//! What can be told of a rule's text beyond that it can be read: what cannot work, and what means
//! something else than it seems to.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher, Matchers};
use promql_parser::parser::Expr;

use super::association::Association;
use super::catalog::Lacking;
use super::promql::{self, MAX_CHECKED_BYTES, Unparsed};
use super::query::QueryText;
use super::result_labels::ResultLabels;
use super::{Api, ResourceRules, Rule, resolver};

/// Something that is odd about a rule, which is served all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, within the rule.
    pub place: String,
    /// How sure it is that this cannot work.
    pub gravity: Gravity,
    /// What, and what to do.
    pub message: String,
}

/// How sure it is that something cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// Whoever reads the metric gets an error, or nothing.
    Fault,
    /// It may be meant so.
    Warning,
}

/// The series of the example.
const SERIES: &str = "series";

/// The matchers of the example, as a read adds them.
const MATCHERS: &str = "__leadsman_matchers__=\"x\"";

/// The label that the example groups by, as a read says.
const GROUP: &str = "__leadsman_group__";

type Found<'a> = dyn FnMut(&str, Gravity, String) + 'a;

impl Rule {
    /// How much work looking for findings is, as the square of the length of what is parsed.
    pub fn work(&self) -> usize {
        let parsed =
            |text: &str| if text.len() > MAX_CHECKED_BYTES { 0 } else { text.len().pow(2) };
        parsed(self.query.written()).saturating_add(parsed(&self.series_query))
    }

    /// What is odd about it.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |place: &str, gravity: Gravity, message: String| {
            findings.push(Finding { place: place.to_owned(), gravity, message });
        };
        other_template(&self.series_query, "/seriesQuery", &mut found);
        let chosen = chosen(&self.series_query, &mut found);
        if let Some(shape) = shape(&self.query, "/metricsQuery", &mut found) {
            self.lost(&chosen, &shape, &mut found);
            if self.api == Api::Custom {
                self.several(&shape.labels, &mut found);
            }
        }
        findings
    }

    /// Matchers that decide which series are found, and not which ones are read.
    fn lost(&self, chosen: &[Matcher], shape: &Shape, found: &mut Found<'_>) {
        let lost: Vec<_> = chosen
            .iter()
            .filter(|matcher| !shape.matched.contains(&matcher.name))
            .filter(|matcher| !names_objects(&self.association, &matcher.name))
            .map(ToString::to_string)
            .collect();
        if lost.is_empty() {
            return;
        }
        let lost = lost.join(",");
        found(
            "/metricsQuery",
            Gravity::Warning,
            format!(
                "{lost} is in `seriesQuery` alone: that decides which series are found, and the \
                 query reads those with other values, too; if it is to hold for the values, write \
                 it into the query: <<.Series>>{{<<.LabelMatchers>>,{lost}}}"
            ),
        );
    }

    /// A result that may have several series for one object, or none for any.
    fn several(&self, labels: &ResultLabels, found: &mut Found<'_>) {
        let place = "/metricsQuery";
        let labels = match labels {
            ResultLabels::Unknown => return,
            ResultLabels::All => {
                let message = "the query does not aggregate: an object with several series that \
                               disagree is left out, unless `discovery.onSeveral` says which value \
                               it has; write sum(…) by (<<.GroupBy>>), or avg, max, min";
                return found(place, Gravity::Warning, message.to_owned());
            }
            ResultLabels::Only(labels) => labels,
        };
        let names = |label: &&String| **label == GROUP || self.names(label);
        if !labels.iter().any(|label| names(&label)) {
            let message = "no label of the result names an object, so that none has a value; \
                           write sum(…) by (<<.GroupBy>>)";
            return found(place, Gravity::Warning, message.to_owned());
        }
        let others: Vec<_> =
            labels.iter().filter(|label| !names(label)).map(String::as_str).collect();
        if !others.is_empty() {
            let message = format!(
                "the query keeps {} apart: an object with several series that disagree is left \
                 out, unless `discovery.onSeveral` says which value it has",
                others.join(" and ")
            );
            found(place, Gravity::Warning, message);
        }
    }

    fn names(&self, label: &str) -> bool {
        self.association.resource_of(label, &resolver(&[])).is_some()
            || self.association.overrides(label)
    }
}

impl ResourceRules {
    /// What is odd about them.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, usage) in [("cpu", &self.cpu), ("memory", &self.memory)] {
            for (key, text) in usage.texts() {
                let mut found = |place: &str, gravity: Gravity, message: String| {
                    findings.push(Finding { place: place.to_owned(), gravity, message });
                };
                shape(text, &format!("/{name}/{key}"), &mut found);
            }
        }
        findings
    }
}

/// How many labels a message names.
const MAX_LABELS: usize = 12;

impl Lacking {
    /// What is odd about the rule.
    pub fn finding(&self) -> Finding {
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
        Finding { place: "/resources".to_owned(), gravity: Gravity::Warning, message }
    }
}

/// Whether a label names objects whose matcher a read brings. `job` is what Prometheus calls what it
/// scrapes, and hardly ever a Job.
fn names_objects(association: &Association, label: &str) -> bool {
    association.overrides(label)
        || (label != "job" && association.resource_of(label, &resolver(&[])).is_some())
}

/// What a query's text says.
struct Shape {
    /// The labels that its selectors match.
    matched: BTreeSet<String>,
    labels: ResultLabels,
}

/// Looks into the text of a query with an example in its places.
fn shape(text: &QueryText, place: &str, found: &mut Found<'_>) -> Option<Shape> {
    other_template(text.written(), place, found);
    let query = text.of_example(SERIES, MATCHERS, GROUP)?;
    let looked = promql::look(&query, |expression| {
        let mut matched = BTreeSet::new();
        selectors(expression, &mut |matchers| {
            matched.extend(all(matchers).map(|matcher| matcher.name.clone()));
        });
        Shape { matched, labels: ResultLabels::of(expression) }
    });
    match looked {
        Ok(shape) => Some(shape),
        Err(error) => {
            // What is too long to be looked into is not wrong.
            if query.len() <= MAX_CHECKED_BYTES {
                found(place, gravity(&error), format!("{error}; it is sent as it is"));
            }
            None
        }
    }
}

fn gravity(error: &Unparsed) -> Gravity {
    match error {
        Unparsed::Wrong(_) => Gravity::Fault,
        Unparsed::Unknown(_) => Gravity::Warning,
    }
}

/// The matchers of a series query that leave series out which have the label.
fn chosen(series_query: &str, found: &mut Found<'_>) -> Vec<Matcher> {
    let looked = promql::look(series_query, |expression| match expression {
        Expr::VectorSelector(selector) if selector.matchers.or_matchers.is_empty() => {
            let matchers = selector.matchers.matchers.iter();
            Some(matchers.filter(|matcher| is_choice(matcher)).cloned().collect())
        }
        Expr::VectorSelector(_) => Some(Vec::new()),
        _ => None,
    });
    match looked {
        Ok(Some(chosen)) => chosen,
        Ok(None) => {
            let message = "is no selector of series; write {__name__=~\"…\",label=\"…\"}";
            found("/seriesQuery", Gravity::Fault, message.to_owned());
            Vec::new()
        }
        Err(error) => {
            if series_query.len() <= MAX_CHECKED_BYTES {
                found("/seriesQuery", gravity(&error), error.to_string());
            }
            Vec::new()
        }
    }
}

/// Whether a matcher is about a value of a label, and not about its being there.
fn is_choice(matcher: &Matcher) -> bool {
    let value = matcher.value.as_str();
    let is_presence = match matcher.op {
        MatchOp::NotEqual => value.is_empty(),
        MatchOp::Re(_) => matches!(value, ".+" | ".*" | "^.+$" | "^.*$" | "(.+)" | "(.*)"),
        MatchOp::NotRe(_) => matches!(value, "" | "^$"),
        MatchOp::Equal => false,
    };
    !matcher.name.starts_with("__") && !is_presence
}

/// What stands between the braces of Go's usual templates, which are not those of rules.
fn other_template(text: &str, place: &str, found: &mut Found<'_>) {
    let Some((_, after)) = text.split_once("{{") else { return };
    let Some((inner, _)) = after.split_once("}}") else { return };
    if inner.len() > 100 || !inner.trim_start().starts_with(['.', '$', '%']) {
        return;
    }
    let message = format!(
        "\"{{{{{inner}}}}}\" is no template here, and is sent as it is; templates stand between << \
         and >>, and <<.LabelMatchers>> brings the namespace and the objects that are asked for"
    );
    found(place, Gravity::Fault, message);
}

fn all(matchers: &Matchers) -> impl Iterator<Item = &Matcher> {
    matchers.matchers.iter().chain(matchers.or_matchers.iter().flatten())
}

/// Visits all selectors of an expression.
fn selectors(expression: &Expr, visit: &mut dyn FnMut(&Matchers)) {
    match expression {
        Expr::VectorSelector(selector) => visit(&selector.matchers),
        Expr::MatrixSelector(selector) => visit(&selector.vs.matchers),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        Expr::Paren(inner) => selectors(&inner.expr, visit),
        Expr::Unary(inner) => selectors(&inner.expr, visit),
        Expr::Subquery(inner) => selectors(&inner.expr, visit),
        Expr::Aggregate(aggregate) => {
            selectors(&aggregate.expr, visit);
            aggregate.param.iter().for_each(|parameter| selectors(parameter, visit));
        }
        Expr::Call(call) => call.args.args.iter().for_each(|argument| selectors(argument, visit)),
        Expr::Binary(binary) => {
            selectors(&binary.lhs, visit);
            selectors(&binary.rhs, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;
    use serde_json::json;

    fn told(series_query: &str, metrics_query: &str) -> Vec<(Gravity, String)> {
        let written: written::Rule = serde_json::from_value(json!({
            "seriesQuery": series_query, "metricsQuery": metrics_query,
            "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
        }))
        .unwrap();
        let rule = Rule::new(&written, Api::Custom, "/rules/0", &mut |_, what| panic!("{what}"));
        let findings = rule.unwrap().findings().into_iter();
        findings.map(|of| (of.gravity, format!("{}: {}", of.place, of.message))).collect()
    }

    const SUM: &str = "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)";

    #[test]
    fn what_is_as_usual_is_not_told_of() {
        for (series_query, metrics_query) in [
            ("x", SUM),
            ("{__name__=~\"^x_.*\",namespace!=\"\",pod=~\".+\"}", SUM),
            // The matchers of these are those of a read.
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
            assert_eq!(told(series_query, metrics_query), [], "{series_query} {metrics_query}");
        }
    }

    #[test]
    fn what_cannot_work_is_a_fault_and_what_may_be_meant_a_warning() {
        for (series_query, metrics_query, gravity, part) in [
            (
                "x{side=\"destination\",code!~\"5..\",pod!=\"\"}",
                SUM,
                Gravity::Warning,
                "/metricsQuery: side=\"destination\",code!~\"5..\" is in `seriesQuery` alone",
            ),
            ("x{job=\"a\"}", SUM, Gravity::Warning, "job=\"a\""),
            (
                "x",
                "sum(x{namespace=\"{{.Namespace}}\"}) by (<<.GroupBy>>)",
                Gravity::Fault,
                "/metricsQuery: \"{{.Namespace}}\" is no template here",
            ),
            ("x{a=\"{{ .X }}\"}", SUM, Gravity::Fault, "/seriesQuery: \"{{ .X }}\""),
            (
                "x",
                "rate(<<.Series>>{<<.LabelMatchers>>}[5m]) by (<<.GroupBy>>)",
                Gravity::Fault,
                "/metricsQuery: this is not PromQL",
            ),
            (
                "x",
                "sum(rate(<<.Series>>{<<.LabelMatchers>>})) by (<<.GroupBy>>)",
                Gravity::Fault,
                "/metricsQuery: this is not PromQL",
            ),
            ("sum(x)", SUM, Gravity::Fault, "/seriesQuery: is no selector"),
            ("x{", SUM, Gravity::Fault, "/seriesQuery: this is not PromQL"),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) keep_metric_names",
                Gravity::Warning,
                "as far as it is known here",
            ),
            ("x", "<<.Series>>{<<.LabelMatchers>>}", Gravity::Warning, "does not aggregate"),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>})",
                Gravity::Warning,
                "no label of the result",
            ),
            (
                "x",
                "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>, container)",
                Gravity::Warning,
                "keeps container apart",
            ),
        ] {
            let told = told(series_query, metrics_query);
            let fits =
                |(found, message): &&(Gravity, String)| *found == gravity && message.contains(part);
            assert!(told.iter().any(|finding| fits(&finding)), "{part}: {told:?}");
        }
    }
}
