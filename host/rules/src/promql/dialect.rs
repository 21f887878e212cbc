//! Tells invalid PromQL from dialects that the parser does not support.

use std::sync::Once;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Function, register_extra_functions};

use super::quote::outside_of_quotes;
use crate::go_regex;

/// Why a query cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No version of Prometheus accepts it.
    #[error("this is not PromQL: {0}")]
    Invalid(String),
    /// The parser does not support it; Prometheus may.
    #[error("{0}")]
    Unsupported(String),
}

/// Keywords of dialects: MetricsQL, and PromQL newer than the parser.
const DIALECT_KEYWORDS: [&str; 11] = [
    "with",
    "keep_metric_names",
    "default",
    "if",
    "ifnot",
    "limit",
    "prefixed",
    "smoothed",
    "anchored",
    "step",
    "range",
];

/// The parser's error for an unknown function.
const UNKNOWN_FUNCTION: &str = "unknown function with name";

/// The parser's error for arithmetic in durations, which Prometheus 3 supports. The operator follows.
const WITHIN_BRACKETS: &str = "unexpected character inside brackets: '";

/// The parser's error for a regular expression that Rust does not accept. Go may.
const REGEX: &str = "illegal regex for ";

/// Registers functions of Prometheus 2 and of Thanos with the parser.
pub(super) fn register_functions() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let (matrix, scalar) = (ValueType::Matrix, ValueType::Scalar);
        let of = |name, arguments| Function::new(name, arguments, 0, ValueType::Vector, true);
        let functions = vec![
            of("holt_winters", vec![matrix, scalar, scalar]),
            of("xrate", vec![matrix]),
            of("xincrease", vec![matrix]),
            of("xdelta", vec![matrix]),
        ];
        // It fails for functions that the parser knows already; an unknown one is only a warning.
        let _ = register_extra_functions(functions);
    });
}

/// Classifies an error of the parser.
pub(super) fn classify(query: &str, error: &str) -> ParseError {
    if let Some(pattern) = error.strip_prefix(REGEX) {
        if go_regex::compile(&format!("^(?:{pattern})$")).is_ok() {
            return ParseError::Unsupported(format!(
                "its regular expression {pattern} cannot be looked into"
            ));
        }
    } else if error.contains(UNKNOWN_FUNCTION) || is_arithmetic(error) || has_dialect_keyword(query)
    {
        return ParseError::Unsupported(format!(
            "this is not PromQL as far as it is known here: {error}"
        ));
    }
    ParseError::Invalid(error.to_owned())
}

fn is_arithmetic(error: &str) -> bool {
    let found = error.strip_prefix(WITHIN_BRACKETS);
    found.is_some_and(|found| found.starts_with(['+', '-', '*', '/', '%', '^', '(']))
}

/// Whether a query has such a keyword outside of strings and selectors.
fn has_dialect_keyword(query: &str) -> bool {
    let outside = outside_of_quotes(query);
    let parts = outside.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let outside = parts.collect::<Vec<_>>().join(" ");
    let mut words = outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| DIALECT_KEYWORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}
