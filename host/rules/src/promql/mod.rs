//! PromQL: bounded parsing of untrusted queries, and escaping of request values in them.

mod dialect;
mod matcher;
mod normalize;
mod quote;
#[cfg(test)]
mod shape;

pub use dialect::ParseError;
pub(crate) use matcher::requirement;
pub use matcher::{label_name, matcher, matchers};
pub(crate) use quote::{is_label_name, is_metric_name, is_plain, outside_of_quotes};
#[cfg(test)]
pub(crate) use shape::shape;

use promql_parser::parser::{self, Expr};

/// The maximum length of a query that is parsed, in bytes. The parser's time grows with the square of
/// the length: up to 0.2 s for this one.
pub const MAX_CHECKED_BYTES: usize = 4 << 10;

/// The parameters of Prometheus' API that belong to a query. A source cannot set them: it would make
/// another query of each.
pub const QUERY_PARAMETERS: [&str; 8] =
    ["", "query", "time", "start", "end", "step", "timeout", "match[]"];

/// The stack of the parser's thread, in bytes: enough for any nesting within that length.
const STACK_BYTES: usize = 32 << 20;

/// Parses a query and applies a function to the parsed expression.
pub fn inspect<T: Send>(
    query: &str,
    inspect: impl FnOnce(&Expr) -> T + Send,
) -> Result<T, ParseError> {
    if query.len() > MAX_CHECKED_BYTES {
        let message =
            format!("it has {} bytes; at most {MAX_CHECKED_BYTES} are looked into", query.len());
        return Err(ParseError::Unsupported(message));
    }
    dialect::register_functions();
    let normalized = normalize::normalize(query);
    let inspected = || parser::parse(&normalized).map(|parsed| inspect(&parsed));
    // The parser is recursive, and so is dropping its result.
    let ended = std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, inspected);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match ended {
        Ok(Ok(parsed)) => parsed.map_err(|error| dialect::classify(query, &error)),
        Ok(Err(_)) => Err(ParseError::Unsupported("the parser failed on it".to_owned())),
        Err(error) => Err(ParseError::Unsupported(format!("it cannot be looked into: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_prometheus_2_and_3_are_parsed() {
        for query in [
            r"sum by (pod) (x{pod=~`web-\d+`})",
            "label_replace(x, \"a\", `$1\n\"`, 'b', `(.*)`)",
            "holt_winters(x[5m], 0.5, 0.5)",
            "double_exponential_smoothing(x[5m], 0.5, 0.5)",
            "info(rate(x[5m]), {k8s_cluster_name=~\".+\"})",
            "sort_by_label(x, \"pod\")",
            "sort_by_label_desc(x, \"pod\", \"node\")",
            "limitk(2, x)",
            "limit_ratio(0.5, x)",
            "histogram_avg(x) + histogram_count(x) / histogram_sum(x)",
            "histogram_fraction(0, 0.2, rate(x[5m]))",
            "histogram_stddev(x) + histogram_stdvar(x)",
            "mad_over_time(x[5m])",
            "{\"http.requests\", \"k8s.pod.name\"=\"a\"}",
            "sum by (\"k8s.pod.name\") (x)",
            "x > 1_000_000 and y_1_0 < 0x_ff",
            "max_over_time(x[5m:1m] offset 1m)",
            "xrate(x[5m])",
            "x{pod=~\"\\\\Qa.b\\\\E\"}",
        ] {
            let inspected = inspect(query, |_| ());
            let from_go = query.contains("Q");
            match inspected {
                Ok(()) => {}
                Err(ParseError::Unsupported(_)) if from_go => {}
                Err(error) => panic!("{query}: {error:?}"),
            }
        }
    }

    #[test]
    fn dialects_are_told_from_invalid_queries() {
        for dialect in [
            "sum(rate(x[5m])) keep_metric_names",
            "WITH (a = x) a",
            "x default 0",
            "x if y",
            "x[5m + 1m]",
            "rate(x[5m] smoothed)",
            "newest_function(x[5m])",
            "sum(x) by (pod) limit 3",
        ] {
            let error = inspect(dialect, |_| ()).unwrap_err();
            assert!(matches!(error, ParseError::Unsupported(_)), "{dialect}: {error:?}");
        }
        for wrong in [
            "rate(x{a=\"b\"}[5m]) by (pod)",
            "sum(rate(x{a=\"b\"})) by (pod)",
            "sum(rate(x[5m])",
            "x{a=}",
            "x{a=\"b\"",
            "x{a=\"keep_metric_names\"",
            "sum(rate(x{limit=\"1\"}[2m))",
            "x{a=~\"(\"}",
            "",
        ] {
            let error = inspect(wrong, |_| ()).unwrap_err();
            assert!(matches!(error, ParseError::Invalid(_)), "{wrong}: {error:?}");
            assert!(error.to_string().contains("not PromQL"), "{error}");
        }
    }
}
