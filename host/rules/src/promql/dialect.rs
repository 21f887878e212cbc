//! What the parser makes of a text that it cannot parse: no PromQL at all, or one of more dialects
//! than it knows.

use std::sync::Once;

use promql_parser::parser::value::ValueType;
use promql_parser::parser::{Function, register_extra_functions};

use super::quote::outside_of_quotes;
use crate::go_regex;

/// Why a query cannot be looked into.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unparsed {
    /// No Prometheus takes it.
    #[error("this is not PromQL: {0}")]
    Wrong(String),
    /// Some do, for all that is known here.
    #[error("{0}")]
    Unknown(String),
}

/// Words of dialects: MetricsQL, and parts of PromQL that are newer than the parser.
const WORDS: [&str; 11] = [
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

/// What the parser says of a function that it does not know.
const UNKNOWN_FUNCTION: &str = "unknown function with name";

/// What it says of arithmetic within brackets, which Prometheus 3 has; the operator follows.
const WITHIN_BRACKETS: &str = "unexpected character inside brackets: '";

/// What it says of a regular expression of Go that is none of Rust, too.
const REGEX: &str = "illegal regex for ";

/// Teaches the parser functions of Prometheus 2 and of Thanos.
pub(super) fn know_functions() {
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| {
        let (matrix, scalar) = (ValueType::Matrix, ValueType::Scalar);
        let of = |name, arguments| Function::new(name, arguments, 0, ValueType::Vector, true);
        let functions = vec![
            of("holt_winters", vec![matrix, scalar, scalar]),
            of("xrate", vec![matrix]),
            of("xincrease", vec![matrix]),
            of("xdelta", vec![matrix]),
        ];
        // It fails for what the parser has by itself; a function that is not known is only told of.
        let _ = register_extra_functions(functions);
    });
}

/// What is to be said of a query that the parser refuses.
pub(super) fn unparsed(query: &str, error: &str) -> Unparsed {
    if let Some(pattern) = error.strip_prefix(REGEX) {
        if go_regex::compile(&format!("^(?:{pattern})$")).is_ok() {
            return Unparsed::Unknown(format!(
                "its regular expression {pattern} cannot be looked into"
            ));
        }
    } else if error.contains(UNKNOWN_FUNCTION) || is_arithmetic(error) || has_word(query) {
        return Unparsed::Unknown(format!(
            "this is not PromQL as far as it is known here: {error}"
        ));
    }
    Unparsed::Wrong(error.to_owned())
}

fn is_arithmetic(error: &str) -> bool {
    let found = error.strip_prefix(WITHIN_BRACKETS);
    found.is_some_and(|found| found.starts_with(['+', '-', '*', '/', '%', '^', '(']))
}

/// Whether it has such a word where no label can be.
fn has_word(query: &str) -> bool {
    let outside = outside_of_quotes(query);
    let parts = outside.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let outside = parts.collect::<Vec<_>>().join(" ");
    let mut words = outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}
