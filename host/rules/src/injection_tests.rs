//! Property tests: the text of a request is never more than a value in a query of a rule.

use std::sync::Arc;

use promql_parser::label::MatchOp;
use promql_parser::parser::{self, Expr};
use proptest::prelude::*;

use super::{Catalog, ListedSeries, Rule, RuleApi, RuleQuery, resolver, written};
use crate::promql;
use leadsman_model::query_params::QueryParams;

/// Templates that put values of a request at every kind of place.
const TEMPLATES: [&str; 12] = [
    "<<.Series>>{<<.LabelMatchers>>}",
    "quantile(0.9, <<.Series>>{<<.LabelMatchers>>,a=\"b\"}) # all",
    "sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)",
    "m{pod=\"<<index .LabelValuesByName \"pod\">>\"}",
    "m{pod=~'<<index .LabelValuesByName \"pod\">>.*',n=`<<.LabelValuesByName.namespace>>`}",
    "label_replace(m, \"a\", \"<<.LabelValuesByName.pod>>\", \"b\", '<<.LabelMatchers>>')",
    "m{<<range $k, $v := .LabelValuesByName>><<$k>>=\"<<$v>>\",<<end>>}",
    "<<if .LabelValuesByName.pod>>m{<<.LabelMatchers>>}<<else>>n<<end>>",
    "m{<<printf \"%s,x='y'\" .LabelMatchers>>}",
    // What rules should not do: values outside of quotes.
    "<<index .LabelValuesByName \"pod\">>{<<.LabelMatchers>>}",
    "m{a=\"<<.LabelMatchers>>\"}",
    "m{a='b'} # <<.LabelValuesByName.pod>>",
];

fn query(template: &str, api: RuleApi) -> RuleQuery {
    let written: written::Rule = serde_json::from_value(serde_json::json!({
        "seriesQuery": "x", "metricsQuery": template,
        "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
    }))
    .unwrap();
    let rule = Rule::new(&written, api, "/rules/0", &mut |_, what| panic!("{what}")).unwrap();
    let labels = ["namespace", "pod"].map(Arc::from).into();
    let seen: ListedSeries = [(Arc::from("m"), labels)].into();
    let catalog = Catalog::new(&[rule], |_| Some(&seen), &resolver(&[]), &mut |_| {});
    let wanted = (api == RuleApi::Custom).then_some("pod");
    catalog.entries.into_iter().find(|o| o.label.as_deref() == wanted).unwrap().query
}

/// Strings that try to escape from a quoted value.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\""),
        Just("'"),
        Just("`"),
        Just("\\"),
        Just("}"),
        Just("{"),
        Just(")"),
        Just("("),
        Just(","),
        Just(" or "),
        Just("secret"),
        Just("="),
        Just("=~"),
        Just("|"),
        Just(".*"),
        Just("#"),
        Just("\n"),
        Just("-"),
        Just("1"),
        Just("web-0"),
        Just("[5m]"),
        Just("é"),
        Just("${selector}"),
        Just("<<.Series>>"),
        Just("\u{0}"),
        Just("%s"),
        Just("$1"),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat()),
        any::<String>().prop_filter("a name is not empty", |name| !name.is_empty()),
        "[a-z0-9.-]{1,20}",
    ]
}

fn asked(selector: &str, names: Vec<String>) -> QueryParams {
    QueryParams {
        selector: selector.parse().unwrap(),
        names: names.into_iter().map(Arc::from).collect(),
    }
}

/// A selector, and the same one with a plain word for each of its values.
fn selectors() -> impl Strategy<Value = (String, String)> {
    // Names that every Prometheus takes, and those that stand between quotes.
    let key = prop_oneof![Just("k"), Just("k8s.io/k-"), Just("0."), Just("by-")];
    (key, requirements())
        .prop_map(|(key, (given, plain))| (given.replace("§", key), plain.replace("§", key)))
}

/// The same for keys that begin with `§`.
fn requirements() -> impl Strategy<Value = (String, String)> {
    let value = "[a-zA-Z0-9]([a-zA-Z0-9._-]{0,20}[a-zA-Z0-9])?";
    let requirements = proptest::collection::vec((0..6_usize, value, value), 0..4);
    requirements.prop_map(|all| {
        // Of one key, two requirements that are equal would become one.
        let both = all.iter().enumerate().map(|(at, (kind, one, two))| match kind {
            0 => (format!("§{at}={one}"), format!("§{at}=x")),
            1 => (format!("§{at}!={one}"), format!("§{at}!=x")),
            2 if one != two => (format!("§{at} in ({one},{two})"), format!("§{at} in (x,y)")),
            3 if one != two => (format!("§{at} notin ({one},{two})"), format!("§{at} notin (x,y)")),
            4 => (format!("!§{at}"), format!("!§{at}")),
            _ => (format!("§{at}"), format!("§{at}")),
        });
        let (given, plain): (Vec<_>, Vec<_>) = both.unzip();
        (given.join(","), plain.join(","))
    })
}

/// The values of the matchers of a label, and whether each is a pattern.
fn matched(expression: &Expr, label: &str) -> Vec<(bool, String)> {
    let Expr::VectorSelector(selector) = expression else { return Vec::new() };
    let matchers = selector.matchers.matchers.iter().filter(|matcher| matcher.name == label);
    matchers.map(|m| (matches!(m.op, MatchOp::Re(_)), m.value.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exact_queries_keep_their_shape(
        at in 0..TEMPLATES.len(),
        namespace in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        names in proptest::collection::vec(text(), 1..4),
        (selector, plain_selector) in selectors(),
    ) {
        let plain_names = vec!["x".to_owned(); names.len()];
        for api in [RuleApi::Custom, RuleApi::External] {
            let query = query(TEMPLATES[at], api);
            let plain = asked(&plain_selector, plain_names.clone());
            let plain = query.exact(Some("x"), &plain);
            let filled = query.exact(Some(&namespace), &asked(&selector, names.clone()));
            let (Ok(filled), Ok(plain)) = (filled, plain) else { continue };
            // A template that is not PromQL for a plain name is not PromQL for others.
            prop_assert_eq!(promql::shape(&filled).ok(), promql::shape(&plain).ok(), "{}", filled);
        }
    }

    #[test]
    fn a_name_is_the_value_that_is_matched(name in text(), other in text()) {
        let query = query(TEMPLATES[0], RuleApi::Custom);
        let one = query.exact(Some("shop"), &asked("", vec![name.clone()])).unwrap();
        let one = parser::parse(&one).unwrap();
        prop_assert_eq!(matched(&one, "pod"), [(false, name.clone())]);
        prop_assert_eq!(matched(&one, "namespace"), [(false, "shop".to_owned())]);
        let both = query.exact(Some("shop"), &asked("", vec![name.clone(), other.clone()])).unwrap();
        let (is_pattern, pattern) = matched(&parser::parse(&both).unwrap(), "pod").remove(0);
        prop_assert!(is_pattern);
        let pattern = regex::Regex::new(&format!("(?s)^(?:{pattern})$")).unwrap();
        for value in [&name, &other] {
            prop_assert!(pattern.is_match(value), "{} {}", pattern, value);
            let longer = format!("{value}x");
            prop_assert!(longer == name || longer == other || !pattern.is_match(&longer));
        }
    }
}

/// What no parser here knows is sent, too: then it is the quoting alone that keeps a value a value.
#[test]
fn a_dialect_opens_no_way_into_a_query() {
    let evil = "x\"}) or secret{namespace=\"bank\"} #`'";
    let query =
        query("sum(m{<<.LabelMatchers>>}) by (<<.GroupBy>>) keep_metric_names", RuleApi::Custom);
    let exact = query.exact(Some("shop"), &asked("a.b/c=d", vec![evil.to_owned()])).unwrap();
    assert_eq!(
        exact,
        "sum(m{\"a.b/c\"=\"d\",namespace=\"shop\",\
         pod=\"x\\x22}) or secret{namespace=\\x22bank\\x22} #\\x60\\x27\"}) by (pod) \
         keep_metric_names"
    );
    let raw = self::query("m{a=`<<.LabelMatchers>>`} if n", RuleApi::Custom);
    let plain =
        promql::outside_of_quotes(&raw.exact(Some("x"), &asked("", vec!["x".to_owned()])).unwrap());
    let filled = raw.exact(Some("x"), &asked("", vec![evil.to_owned()])).unwrap();
    assert_eq!(promql::outside_of_quotes(&filled), plain);
}

#[test]
fn a_key_of_a_selector_is_a_name_between_quotes_or_refused() {
    let exact = |template: &str, selector: &str| {
        query(template, RuleApi::Custom).exact(Some("x"), &asked(selector, vec!["y".to_owned()]))
    };
    let named = exact(TEMPLATES[0], "0.a/b!=c").unwrap();
    assert_eq!(named, "m{\"0.a/b\"!=\"c\",namespace=\"x\",pod=\"y\"}");
    for template in [TEMPLATES[3], TEMPLATES[6], TEMPLATES[7]] {
        assert!(exact(template, "a=b").is_ok(), "{template}");
        let refused = exact(template, "a.b=c").unwrap_err();
        assert!(refused.contains("a key of the selector"), "{refused}");
    }
}

#[test]
fn a_name_that_ends_its_string_is_escaped_or_refused() {
    let evil = "x\"}) or secret{namespace=\"bank\"} #";
    let exact = |template: &str| {
        query(template, RuleApi::Custom).exact(Some("shop"), &asked("", vec![evil.to_owned()]))
    };
    assert_eq!(
        exact("quantile(0.9, <<.Series>>{<<.LabelMatchers>>})").unwrap(),
        "quantile(0.9, m{namespace=\"shop\",\
         pod=\"x\\x22}) or secret{namespace=\\x22bank\\x22} #\"})"
    );
    let refused = exact(TEMPLATES[3]).unwrap_err();
    assert!(refused.contains("characters that mean more than themselves"), "{refused}");
    let refused = exact(TEMPLATES[10]).unwrap_err();
    assert!(refused.contains("outside of quotes"), "{refused}");
}
