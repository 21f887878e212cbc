//! The text of a query with places that are filled for each evaluation.

use std::fmt;

use crate::model::names::Namespace;
use crate::model::selector::Selector;

/// A query's text, cut at its places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    Namespace,
    Selector,
}

/// The places that a text may have.
const NAMES: [&str; 2] = ["namespace", "selector"];

impl Template {
    /// Reads a text. The error says which place is unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let after = &rest[start + 2..];
            let end = after.find('}').ok_or("\"${\" has no closing \"}\"")?;
            parts.push(Part::Text(rest[..start].to_owned()));
            parts.push(match &after[..end] {
                "namespace" => Part::Namespace,
                "selector" => Part::Selector,
                other => {
                    let hint = super::fault::suggestion(other, NAMES);
                    return Err(format!("\"${{{other}}}\" is not known in a query{hint}"));
                }
            });
            rest = &after[end + 1..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// Whether the text differs from namespace to namespace.
    pub fn uses_namespace(&self) -> bool {
        self.0.contains(&Part::Namespace)
    }

    /// Whether the series' selector has a place in the text.
    pub fn uses_selector(&self) -> bool {
        self.0.contains(&Part::Selector)
    }

    /// The text for a scope and a selector. Fails on a selector that PromQL cannot say.
    ///
    /// Both are checked types whose text needs no escaping within a matcher.
    pub fn fill(
        &self,
        namespace: Option<&Namespace>,
        selector: &Selector,
    ) -> Result<String, &'static str> {
        let matchers = if self.uses_selector() { selector.to_promql()? } else { String::new() };
        let mut text = String::new();
        let mut skip_comma = false;
        for part in &self.0 {
            match part {
                Part::Text(part) => {
                    let part = match part.trim_start().strip_prefix(',') {
                        Some(rest) if skip_comma => rest,
                        _ => part,
                    };
                    text.push_str(part);
                }
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

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Namespace => f.write_str("${namespace}"),
            Part::Selector => f.write_str("${selector}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, selector: &str) -> String {
        let namespace = "shop".parse().unwrap();
        let template = Template::parse(text).unwrap();
        assert_eq!(template.to_string(), text);
        template.fill(Some(&namespace), &selector.parse().unwrap()).unwrap()
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
    }
}
