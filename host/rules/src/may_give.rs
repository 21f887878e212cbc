//! Which metrics a rule may give, as far as its text says: before it is known which series there are.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::Expr;

use super::naming::Naming;
use super::promql;
use super::{Resolve, Rule};
use leadsman_model::resource::Resource;

/// What a rule may give. Where it cannot be decided, it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MayGive {
    series: SeriesNames,
    naming: Naming,
    /// The kinds of objects; `None` if they depend on the series.
    kinds: Option<Vec<Resource>>,
}

/// Which names the series of a rule may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SeriesNames {
    /// It is not known.
    Any,
    /// This one.
    One(String),
    /// Those that all of these match.
    Matching(Vec<Matcher>),
}

/// The label that names a series.
const NAME: &str = "__name__";

impl Rule {
    /// What it may give.
    pub fn may_give(&self, resolve: &Resolve<'_>) -> MayGive {
        MayGive {
            series: SeriesNames::of(&self.series_query),
            naming: self.naming.clone(),
            kinds: self.association.kinds(resolve),
        }
    }
}

impl MayGive {
    /// Whether it may be a metric of this name, for this kind of objects as requests name it (`None`
    /// for an external one).
    pub fn is(&self, metric: &str, kind: Option<&str>) -> bool {
        let of_kind = match (kind, &self.kinds) {
            (Some(kind), Some(kinds)) => kinds.iter().any(|known| known.answers_to(kind)),
            (None, _) | (_, None) => true,
        };
        of_kind && self.naming.may_call(metric, &self.series)
    }
}

impl SeriesNames {
    fn of(series_query: &str) -> Self {
        let looked = promql::inspect(series_query, |expression| match expression {
            Expr::VectorSelector(selector) if selector.matchers.or_matchers.is_empty() => {
                let names = selector.matchers.matchers.iter();
                let mut names: Vec<_> = names.filter(|of| of.name == NAME).cloned().collect();
                if let Some(name) = &selector.name {
                    names.push(Matcher::new(MatchOp::Equal, NAME, name));
                }
                Some(names)
            }
            _ => None,
        });
        let Ok(Some(names)) = looked else { return Self::Any };
        let one = names.iter().find(|matcher| matches!(matcher.op, MatchOp::Equal));
        match one {
            Some(one) => Self::One(one.value.clone()),
            None => Self::Matching(names),
        }
    }

    /// Whether a series may have this name.
    pub(super) fn may_be(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one == name,
            // Classes of Go's expressions are of ASCII, those of Rust's are not.
            Self::Matching(matchers) => {
                !name.is_ascii() || matchers.iter().all(|matcher| matcher.is_match(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RuleApi, resolver, written};
    use super::*;
    use serde_json::json;

    fn may_give(rule: serde_json::Value) -> MayGive {
        let written: written::Rule = serde_json::from_value(rule).unwrap();
        let rule =
            Rule::new(&written, RuleApi::Custom, "/rules/0", &mut |_, what| panic!("{what}"));
        rule.unwrap().may_give(&resolver(&[]))
    }

    fn named(series_query: &str, matches: &str, called: &str, left_out: &str) -> MayGive {
        may_give(json!({
            "seriesQuery": series_query,
            "seriesFilters": [{"isNot": left_out}],
            "name": {"matches": matches, "as": called},
            "resources": {"template": "<<.Resource>>"},
            "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}",
        }))
    }

    #[test]
    fn names_that_a_rule_cannot_give() {
        for (of, given, not) in [
            // The series is known, and so is what it is called.
            (named("x_total{pod!=\"\"}", "", "", "^$"), &["x_total"][..], &["x", "y"][..]),
            (named("x_total", "^(.*)_total$", "", "^$"), &["x"], &["x_total", "y"]),
            (named("{__name__=\"x_total\"}", "", "requests", "^$"), &["requests"], &["x_total"]),
            (named("x_total", "", "", "^x"), &[], &["x_total"]),
            // The metric is called as its series, whichever that is.
            (
                named("{__name__=~\"^http_.*\",__name__!~\".*_bucket\"}", "", "", "probe"),
                &["http_requests", "http_größe"],
                &["grpc_requests", "http_a_bucket", "http_probes", "x_http_a"],
            ),
            // What it is called has texts around what the series decides.
            (
                named("{__name__=~\".+\"}", "^(.*)_total$", "a_${1}_per_${1}_second", "^$"),
                &["a_x_per_x_second", "a__per__second"],
                &["x_per_x_second", "a_x_per_x", "a_x_second", "a_per_second"],
            ),
            (named("{__name__=~\".+\"}", "^(.*)_total$", "", "^$"), &["x", "x_total"], &[]),
            (named("{__name__=~\".+\"}", "", "fixed", "^$"), &["fixed"], &["x", "fixed_x"]),
            // What cannot be read may be anything.
            (named("{a=\"b\" or c=\"d\"}", "", "", "^$"), &["x"], &[]),
            (named("not promql (", "", "", "^$"), &["x"], &[]),
        ] {
            for metric in given {
                assert!(of.is(metric, Some("pods")), "{metric}: {of:?}");
            }
            for metric in not {
                assert!(!of.is(metric, Some("pods")), "{metric}: {of:?}");
            }
        }
    }

    #[test]
    fn kinds_that_a_rule_cannot_give_are_those_that_it_does_not_name() {
        let rule = |resources| {
            may_give(json!({
                "seriesQuery": "x",
                "resources": resources,
                "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}",
            }))
        };
        let overrides = json!({"ns": {"resource": "namespace"}, "pod": {"resource": "pods"}});
        let of = rule(json!({"overrides": overrides}));
        for kind in ["pods", "pod", "namespaces"] {
            assert!(of.is("x", Some(kind)), "{kind}");
        }
        assert!(!of.is("x", Some("services")) && !of.is("x", Some("deployments.apps")));
        assert!(!of.is("y", Some("pods")));
        let of = rule(json!({"overrides": overrides, "template": "<<.Resource>>"}));
        assert!(of.is("x", Some("services")), "a label of the series may name one");
        let of = rule(json!({"overrides": {"w": {"group": "example.com", "resource": "widget"}}}));
        assert!(of.is("x", Some("widgets.example.com")), "the cluster may know it yet");
    }
}
