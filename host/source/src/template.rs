//! The text of a query with placeholders, which are filled for each evaluation.

use std::fmt;
use std::sync::Arc;

use leadsman_document::suggestion;
use leadsman_model::names::Namespace;
use leadsman_model::query_params::QueryParams;
use leadsman_rules::{RuleQuery, promql};

/// The text of a query, split at its placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template(Text);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Text {
    Places(Vec<Part>),
    /// Of a rule of prometheus-adapter, made anew for each read.
    Rule(Arc<RuleQuery>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    /// `${`, which is written `$${`, or stands before the number of a group: `${1}`.
    Brace {
        escaped: bool,
    },
    Namespace,
    Selector,
}

/// The placeholders that a text may have.
const NAMES: [&str; 2] = ["namespace", "selector"];

/// The beginning of a placeholder.
const BRACE: &str = "${";

impl Template {
    /// Parses a text. The error names an unknown placeholder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(BRACE) {
            let (before, after) = (&rest[..start], &rest[start + BRACE.len()..]);
            if let Some(before) = before.strip_suffix('$') {
                parts.push(Part::Text(before.to_owned()));
                parts.push(Part::Brace { escaped: true });
                rest = after;
                continue;
            }
            let end = after.find('}').ok_or(
                "\"${\" has no closing \"}\"; write \"$${\" where it is not the beginning of a place",
            )?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match &after[..end] {
                "namespace" => Part::Namespace,
                "selector" => Part::Selector,
                // The group of a regular expression, in label_replace.
                number if !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) => {
                    rest = after;
                    parts.push(Part::Brace { escaped: false });
                    continue;
                }
                other => {
                    let hint = suggestion(other, NAMES);
                    let end = if hint.ends_with('?') { "" } else { "." };
                    return Err(format!(
                        "\"${{{other}}}\" is not known in a query{hint}{end} To send it as it is, write \
                         \"$${{{other}}}\"",
                    ));
                }
            });
            rest = &after[end + 1..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(Text::Places(parts)))
    }

    /// The query of a rule for all objects of a namespace, or why there can be none.
    pub fn wider(query: &RuleQuery) -> Result<Self, String> {
        Self::parse(&query.wider()?)
    }

    /// The query of a rule, with the very text that prometheus-adapter would send.
    pub fn of_rule(query: RuleQuery) -> Self {
        Self(Text::Rule(Arc::new(query)))
    }

    /// Whether the text differs from namespace to namespace.
    pub fn uses_namespace(&self) -> bool {
        match &self.0 {
            Text::Places(parts) => parts.contains(&Part::Namespace),
            Text::Rule(query) => query.namespace_label.is_some(),
        }
    }

    /// Whether the text has the placeholder of the series selector.
    pub fn uses_selector(&self) -> bool {
        match &self.0 {
            Text::Places(parts) => parts.contains(&Part::Selector),
            Text::Rule(_) => true,
        }
    }

    /// Whether the text names the requested objects.
    pub fn names_objects(&self) -> bool {
        match &self.0 {
            Text::Places(_) => false,
            Text::Rule(query) => query.object_label.is_some(),
        }
    }

    /// The text for a scope and the parameters of a read. Fails if PromQL cannot express the selector.
    ///
    /// A namespace is a DNS label, which needs no escaping wherever it stands; values of the selector
    /// are escaped.
    pub fn fill(
        &self,
        namespace: Option<&Namespace>,
        asked: &QueryParams,
    ) -> Result<String, String> {
        let parts = match &self.0 {
            Text::Places(parts) => parts,
            Text::Rule(query) => return query.exact(namespace.map(Namespace::as_str), asked),
        };
        let uses_selector = parts.contains(&Part::Selector);
        let matchers =
            if uses_selector { promql::matchers(&asked.selector)? } else { String::new() };
        let mut text = String::new();
        let mut skip_comma = false;
        for part in parts {
            match part {
                Part::Text(part) => {
                    let part = match part.trim_start().strip_prefix(',') {
                        Some(rest) if skip_comma => rest,
                        _ => part,
                    };
                    text.push_str(part);
                }
                Part::Brace { .. } => text.push_str(BRACE),
                Part::Namespace => text.push_str(namespace.map_or("", Namespace::as_str)),
                Part::Selector => text.push_str(&matchers),
            }
            // An empty list of matchers takes one of its commas along.
            skip_comma = false;
            if *part == Part::Selector && matchers.is_empty() {
                if text.trim_end().ends_with(',') {
                    text.truncate(text.trim_end().len() - 1);
                } else {
                    skip_comma = true;
                }
            }
        }
        Ok(text)
    }
}

impl Default for Template {
    fn default() -> Self {
        Self(Text::Places(Vec::new()))
    }
}

/// As written in the configuration.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = match &self.0 {
            Text::Places(parts) => parts,
            Text::Rule(query) => return query.fmt(f),
        };
        parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Brace { escaped: true } => write!(f, "${BRACE}"),
            Part::Brace { escaped: false } => f.write_str(BRACE),
            Part::Namespace => f.write_str("${namespace}"),
            Part::Selector => f.write_str("${selector}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::shape;
    use leadsman_model::selector::Selector;
    use proptest::collection;
    use proptest::prelude::*;

    fn filled(text: &str, selector: &str) -> String {
        let namespace = "shop".parse().unwrap();
        let template = Template::parse(text).unwrap();
        assert_eq!(template.to_string(), text);
        let selector: Selector = selector.parse().unwrap();
        template.fill(Some(&namespace), &selector.into()).unwrap()
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(filled(r#"x{namespace="${namespace}"}"#, "a=b"), r#"x{namespace="shop"}"#);
        let both = r#"x{namespace="${namespace}",${selector}}"#;
        assert_eq!(filled(both, "a=b"), r#"x{namespace="shop",a="b"}"#);
    }

    #[test]
    fn an_empty_selector_leaves_no_comma() {
        for (text, expected) in [
            (r#"x{a="b",${selector}}"#, r#"x{a="b"}"#),
            (r#"x{${selector},a="b"}"#, r#"x{a="b"}"#),
            (r#"x{a="b", ${selector}, c="d"}"#, r#"x{a="b", c="d"}"#),
            (r#"x{${selector}}"#, "x{}"),
        ] {
            assert_eq!(filled(text, ""), expected);
        }
    }

    #[test]
    fn unknown_places_are_refused() {
        assert!(Template::parse("${namespce}").unwrap_err().contains("did you mean \"namespace\""));
        assert!(Template::parse("${namespace").is_err());
        let reported = Template::parse("${name}").unwrap_err();
        assert!(reported.contains("write \"$${name}\""), "{reported}");
    }

    #[test]
    fn what_is_no_place_is_sent_as_it_is() {
        for (text, expected) in [
            ("label_replace(x, \"a\", \"${1}-${12}\", \"b\", \"\")", None),
            ("\"$1$$x$\"", None),
            ("\"$${name}\"", Some("\"${name}\"")),
            ("\"$${namespace}${namespace}\"", Some("\"${namespace}shop\"")),
            ("\"$${1}\"", Some("\"${1}\"")),
            ("\"$${\"", Some("\"${\"")),
            ("x{${selector},a=\"${0}\"}", Some("x{a=\"${0}\"}")),
        ] {
            assert_eq!(filled(text, ""), expected.unwrap_or(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn places_of_a_mapping_keep_the_shape(
            namespace in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
            values in collection::vec("[a-zA-Z0-9]([a-zA-Z0-9._-]{0,20}[a-zA-Z0-9])?", 4),
            at in 0..3_usize,
        ) {
            let texts = [
                "m{namespace=\"${namespace}\",${selector}}",
                "sum by (a) (rate(m{${selector},x='${namespace}'}[5m])) / n{a=`${namespace}`}",
                "label_replace(m{${selector}}, \"a\", \"${namespace}\", \"b\", \".*\")",
            ];
            let template = Template::parse(texts[at]).unwrap();
            let fill = |namespace: &str, values: &[&str]| {
                let selector = match values {
                    [a, b, c, d] => format!("a={a},b!={b},c in ({c},0{c}),d notin ({d},0{d}),e,!f"),
                    _ => String::new(),
                };
                let namespace: Namespace = namespace.parse().unwrap();
                let selector: Selector = selector.parse().unwrap();
                shape(&template.fill(Some(&namespace), &selector.into()).unwrap()).unwrap()
            };
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            prop_assert_eq!(fill(&namespace, &values), fill("x", &["x"; 4]));
            prop_assert_eq!(fill(&namespace, &[]), fill("x", &[]));
        }
    }
}
