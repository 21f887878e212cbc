//! PromQL: parsing queries from outside within bounds, and writing values of a request into them.

mod dialect;
mod matcher;
mod quote;
#[cfg(test)]
mod shape;
mod spelling;

pub use dialect::Unparsed;
pub(crate) use matcher::requirement;
pub use matcher::{label_name, matcher, matchers};
pub(crate) use quote::{is_label_name, is_metric_name, is_plain, outside_of_quotes};
#[cfg(test)]
pub(crate) use shape::shape;

use promql_parser::parser::{self, Expr};

/// The longest query that is looked into, in bytes. The parser's time grows with the square of it:
/// some 0.2 s for the worst of this length.
pub const MAX_CHECKED_BYTES: usize = 4 << 10;

/// Enough for a query of that length, however its parts lie within each other.
const STACK: usize = 32 << 20;

/// Parses a query and looks into it.
pub fn look<T: Send>(query: &str, look: impl FnOnce(&Expr) -> T + Send) -> Result<T, Unparsed> {
    if query.len() > MAX_CHECKED_BYTES {
        let message =
            format!("it has {} bytes; at most {MAX_CHECKED_BYTES} are looked into", query.len());
        return Err(Unparsed::Unknown(message));
    }
    dialect::know_functions();
    let spelled = spelling::of_the_parser(query);
    let looked = || parser::parse(&spelled).map(|parsed| look(&parsed));
    // The parser calls itself for each part, and what it makes does so when it is dropped.
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, looked);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match ended {
        Ok(Ok(parsed)) => parsed.map_err(|error| dialect::unparsed(query, &error)),
        Ok(Err(_)) => Err(Unparsed::Unknown("the parser failed on it".to_owned())),
        Err(error) => Err(Unparsed::Unknown(format!("it cannot be looked into: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_2_and_3_take_is_parsed() {
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
            let looked = look(query, |_| ());
            let from_go = query.contains("Q");
            match looked {
                Ok(()) => {}
                Err(Unparsed::Unknown(_)) if from_go => {}
                Err(error) => panic!("{query}: {error:?}"),
            }
        }
    }

    #[test]
    fn what_is_a_dialect_is_told_from_what_is_wrong() {
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
            let told = look(dialect, |_| ()).unwrap_err();
            assert!(matches!(told, Unparsed::Unknown(_)), "{dialect}: {told:?}");
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
            let told = look(wrong, |_| ()).unwrap_err();
            assert!(matches!(told, Unparsed::Wrong(_)), "{wrong}: {told:?}");
            assert!(told.to_string().contains("not PromQL"), "{told}");
        }
    }
}
