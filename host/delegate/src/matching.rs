//! Matches requests to delegates: by API, metric, namespace and selector.

use std::fmt;

use leadsman_model::selector::Selector;
use leadsman_model::tenant::Tenant;

use super::settings::Api;

/// The requests that a delegate is for: those that all of this is true of. An empty list is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// In one of these APIs.
    pub apis: Vec<Api>,
    /// The metric's name. That of resource metrics is `nodes` or `pods`.
    pub metrics: Vec<Pattern>,
    /// The namespace. A request at the root has none, and is for no delegate with namespaces.
    pub namespaces: Vec<Pattern>,
    /// The selector of series requires something of this label.
    pub selector_label: Option<String>,
}

/// A text in which each `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// What a request asks for, as far as it decides where the request goes.
#[derive(Debug, Clone, Copy)]
pub struct RequestedMetric<'a> {
    /// The API.
    pub api: Api,
    /// Its version.
    pub version: &'a str,
    /// The metric; `nodes` or `pods` for resource metrics.
    pub metric: &'a str,
    /// The namespace; `None` at the root.
    pub namespace: Option<&'a str>,
    /// The selector of series, as it is written.
    pub selector: &'a str,
}

impl RequestedMetric<'_> {
    /// On whose behalf a delegate is asked: reads of different namespaces take turns.
    pub(super) fn tenant(&self) -> Tenant {
        Tenant::Operator { scope: self.namespace.and_then(|name| name.parse().ok()) }
    }
}

impl Pattern {
    /// A pattern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether a text is as the pattern says.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            // The first place is as good as any: what follows may be anywhere behind it.
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Matcher {
    /// Whether a request is for the delegate.
    pub fn matches(&self, asked: &RequestedMetric<'_>) -> bool {
        self.apis.contains(&asked.api)
            && self.names(asked.metric)
            && (self.namespaces.is_empty()
                || asked.namespace.is_some_and(|namespace| any(&self.namespaces, namespace)))
            && self.selector_label.as_ref().is_none_or(|label| requires(asked.selector, label))
    }

    /// Whether the name of a metric is one that the delegate is for.
    pub fn names(&self, metric: &str) -> bool {
        self.metrics.is_empty() || any(&self.metrics, metric)
    }

    /// Whether the operator says which metrics it is for, and not that it gets the rest.
    pub fn is_specific(&self) -> bool {
        !self.metrics.is_empty() || self.selector_label.is_some()
    }
}

/// What it is for, for people.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |patterns: &[Pattern]| {
            patterns.iter().map(Pattern::to_string).collect::<Vec<_>>().join(", ")
        };
        let mut conditions = Vec::new();
        if !self.metrics.is_empty() {
            conditions.push(format!("metrics {}", list(&self.metrics)));
        }
        if !self.namespaces.is_empty() {
            conditions.push(format!("namespaces {}", list(&self.namespaces)));
        }
        if let Some(label) = &self.selector_label {
            conditions.push(format!("selectors with {label}"));
        }
        match conditions.as_slice() {
            [] => f.write_str("the rest"),
            conditions => f.write_str(&conditions.join("; ")),
        }
    }
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

/// Whether a selector requires something of a label. One that cannot be read requires nothing.
fn requires(selector: &str, label: &str) -> bool {
    let Ok(selector) = selector.parse::<Selector>() else { return false };
    selector.keys().any(|key| key == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, matches) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "a", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*_total", "requests_total", true),
            ("*_total", "requests_total_", false),
            ("s*-prometheus", "s0-prometheus", true),
            ("s*-prometheus", "s-prometheus-x", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    fn matcher() -> Matcher {
        Matcher {
            apis: vec![Api::Custom, Api::External],
            metrics: Vec::new(),
            namespaces: Vec::new(),
            selector_label: None,
        }
    }

    fn asked() -> RequestedMetric<'static> {
        RequestedMetric {
            api: Api::External,
            version: "v1beta1",
            metric: "s0-prometheus",
            namespace: Some("shop"),
            selector: "scaledobject.keda.sh/name=web",
        }
    }

    #[test]
    fn without_conditions_it_gets_the_rest_of_its_apis() {
        assert!(matcher().matches(&asked()));
        assert!(matcher().matches(&RequestedMetric { namespace: None, selector: "", ..asked() }));
        assert!(!matcher().matches(&RequestedMetric { api: Api::Resource, ..asked() }));
        assert!(!matcher().is_specific());
    }

    #[test]
    fn each_condition_must_hold() {
        let of_keda = Matcher {
            selector_label: Some("scaledobject.keda.sh/name".into()),
            namespaces: vec![Pattern::new("shop"), Pattern::new("team-*")],
            metrics: vec![Pattern::new("s*-*")],
            ..matcher()
        };
        assert!(of_keda.matches(&asked()) && of_keda.is_specific());
        assert!(of_keda.matches(&RequestedMetric { namespace: Some("team-a"), ..asked() }));
        for other in [
            RequestedMetric { namespace: Some("bank"), ..asked() },
            RequestedMetric { namespace: None, ..asked() },
            RequestedMetric { metric: "queue_length", ..asked() },
            RequestedMetric { selector: "", ..asked() },
            RequestedMetric { selector: "app=scaledobject.keda.sh/name", ..asked() },
            RequestedMetric { selector: "!scaledobject.keda.sh/name", ..asked() },
            RequestedMetric { selector: "scaledobject.keda.sh/name in (", ..asked() },
        ] {
            assert!(!of_keda.matches(&other), "{other:?}");
        }
    }
}
