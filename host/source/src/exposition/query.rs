//! A query for scraped pages: a metric, label matchers, and a function over a window.

use std::fmt;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The maximum memory of a compiled regular expression, in bytes.
const MAX_COMPILED_REGEX_BYTES: usize = 1 << 20;

/// The maximum length of a regular expression, in bytes.
const MAX_REGEX_BYTES: usize = 1 << 10;

/// The series of a metric, and a function of their last samples.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpositionQuery {
    /// The name of the metric, as in a line of a page: with `_total`, `_bucket` …
    pub metric: String,
    /// The label matchers.
    pub matchers: Vec<LabelMatcher>,
    /// The function.
    pub function: Function,
    /// The window of the function; zero for the last sample alone.
    pub over: Duration,
}

/// A function of the last samples of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// The newest sample.
    #[default]
    Last,
    /// The increase of a counter per second.
    Rate,
    /// The increase of a counter in the window.
    Increase,
    /// The change of a gauge in the window.
    Delta,
    /// The average of the samples in the window.
    Avg,
}

impl Function {
    /// As written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Rate => "rate",
            Self::Increase => "increase",
            Self::Delta => "delta",
            Self::Avg => "avg",
        }
    }
}

/// A label matcher. As in PromQL, a missing label is an empty one.
#[derive(Debug, Clone)]
pub struct LabelMatcher {
    name: String,
    text: String,
    /// For a regular expression.
    regex: Option<Regex>,
}

impl PartialEq for LabelMatcher {
    fn eq(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.name.clone(), one.text.clone(), one.regex.is_some());
        key(self) == key(other)
    }
}

impl LabelMatcher {
    /// The label has this value.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), text: value.to_owned(), regex: None }
    }

    /// The whole value of the label matches a regular expression.
    pub fn matching(name: &str, pattern: &str) -> Result<Self, String> {
        if pattern.len() > MAX_REGEX_BYTES {
            return Err(format!("a regular expression has at most {MAX_REGEX_BYTES} bytes"));
        }
        // Compiled alone first: a closing parenthesis in it must not close our group.
        let compile = |text: &str| {
            let mut builder = RegexBuilder::new(text);
            builder.size_limit(MAX_COMPILED_REGEX_BYTES).dfa_size_limit(MAX_COMPILED_REGEX_BYTES);
            builder.build().map_err(|error| {
                // The lines before the last one repeat the expression and point at it.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                reason.trim().trim_start_matches("error: ").to_owned()
            })
        };
        compile(pattern)?;
        let regex = compile(&format!("^(?s:{pattern})$"))?;
        Ok(Self { name: name.to_owned(), text: pattern.to_owned(), regex: Some(regex) })
    }

    /// The label.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a value matches.
    pub(super) fn matches(&self, value: &str) -> bool {
        match &self.regex {
            None => self.text == value,
            Some(regex) => regex.is_match(value),
        }
    }
}

impl ExpositionQuery {
    /// The query with the keys of a configuration.
    pub(crate) fn written(&self) -> Value {
        let mut keys = json!({"metric": self.metric});
        for (key, regex) in [("labels", false), ("matches", true)] {
            let of_kind = self.matchers.iter().filter(|of| of.regex.is_some() == regex);
            let labels: Map<_, _> =
                of_kind.map(|of| (of.name.clone(), Value::from(of.text.as_str()))).collect();
            if !labels.is_empty() {
                keys[key] = labels.into();
            }
        }
        if self.function != Function::Last {
            keys["function"] = self.function.name().into();
            keys["over"] = format!("{}ms", self.over.as_millis()).into();
        }
        keys
    }
}

/// Like PromQL, which most readers know: `rate(http_requests_total{code="200"}[1m])`.
impl fmt::Display for ExpositionQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.function != Function::Last {
            write!(f, "{}(", self.function.name())?;
        }
        f.write_str(&self.metric)?;
        for (at, matcher) in self.matchers.iter().enumerate() {
            let operator = if matcher.regex.is_some() { "=~" } else { "=" };
            let start = if at == 0 { "{" } else { "," };
            write!(f, "{start}{}{operator}{:?}", matcher.name, matcher.text)?;
        }
        if !self.matchers.is_empty() {
            f.write_str("}")?;
        }
        if self.function != Function::Last {
            write!(f, "[{:?}])", self.over)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_matched_as_a_whole() {
        let code = LabelMatcher::matching("code", "2..|404").unwrap();
        assert!(code.matches("200") && code.matches("404"));
        assert!(!code.matches("1200") && !code.matches("4040") && !code.matches(""));
        assert!(LabelMatcher::equal("a", "").matches(""));
        for wrong in ["(", "a)(b", "x{1000}{1000}{1000}", &"x".repeat(5000)] {
            assert!(LabelMatcher::matching("a", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_reads_like_promql() {
        let query = ExpositionQuery {
            metric: "http_requests_total".to_owned(),
            matchers: vec![
                LabelMatcher::equal("method", "GET"),
                LabelMatcher::matching("code", "2..").unwrap(),
            ],
            function: Function::Rate,
            over: Duration::from_secs(60),
        };
        let reported = "rate(http_requests_total{method=\"GET\",code=~\"2..\"}[60s])";
        assert_eq!(query.to_string(), reported);
        let keys = json!({
            "metric": "http_requests_total", "labels": {"method": "GET"}, "matches": {"code": "2.."},
            "function": "rate", "over": "60000ms",
        });
        assert_eq!(query.written(), keys);
        let last = ExpositionQuery { function: Function::Last, matchers: vec![], ..query };
        assert_eq!(last.to_string(), "http_requests_total");
    }
}
