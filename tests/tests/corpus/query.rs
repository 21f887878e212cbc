//! `metricsQuery`, as real files have it.

use crate::model::{BOUND, Shape};
use crate::random::Random;
use crate::variant::Traits;

/// A query of a shape's series. What is known of its result is added to `traits`.
pub(crate) fn metrics_query(
    random: &mut Random,
    shape: &'static Shape,
    external: bool,
    own: bool,
    traits: &mut Traits,
) -> String {
    let part = Part { shape, external, matchers: matchers(random, shape, external, traits) };
    let query = match shape.beside {
        Some((BOUND, _)) => return part.quantile(random),
        _ => part.grouped(random, traits),
    };
    let partner = shape.names.get(1).filter(|_| !own && !traits.several && !traits.unlabelled);
    match partner {
        // A quotient of two sums of the same objects.
        Some(partner) if random.chance(10) => {
            let by = if !external && random.chance(40) { " on (<<.GroupBy>>)" } else { "" };
            format!("{query} /{by} {}", query.replace("<<.Series>>", partner))
        }
        _ => wrapped(random, query, external, traits),
    }
}

/// What a query is made of.
struct Part {
    shape: &'static Shape,
    external: bool,
    matchers: String,
}

impl Part {
    /// The series, or how they change.
    fn series(&self, random: &mut Random) -> String {
        let series = format!("<<.Series>>{{{}}}", self.matchers);
        let range = random.pick(&["1m", "2m", "5m"]);
        if self.shape.counter {
            return match random.below(10) {
                0 => format!("irate({series}[{range}])"),
                1 => format!("increase({series}[{range}])"),
                2 => format!("max_over_time(rate({series}[1m])[2m:30s])"),
                3 => format!("rate({series}[{range}] offset 1m)"),
                _ => format!("rate({series}[{range}])"),
            };
        }
        match (random.below(14), self.shape.kinds.first()) {
            (0, Some(kind)) if !self.external => {
                // Which leaves the label of the object as it is.
                let label = kind.label;
                format!(r#"label_replace({series}, "start", "$1", "{label}", "([a-z]+)-.*")"#)
            }
            (other, _) => gauge(other, series, range),
        }
    }

    /// One series for each object, mostly.
    fn grouped(&self, random: &mut Random, traits: &mut Traits) -> String {
        let series = self.series(random);
        let group = self.group(random);
        match random.below(25) {
            0 | 1 => {
                traits.several = true;
                series
            }
            2 => {
                traits.unlabelled = true;
                format!("sum({series})")
            }
            3 => {
                traits.several = true;
                let (label, _) = self.shape.beside.unwrap_or(("instance", &[]));
                format!("sum({series}) without ({label})")
            }
            4 => {
                traits.several = true;
                let (label, _) = self.shape.beside.unwrap_or(("instance", &[]));
                format!("sum({series}) by ({group}, {label})")
            }
            5 => format!("quantile(0.9, {series}) by ({group})"),
            6 => format!("topk(1, sum({series}) by ({group})) by ({group})"),
            _ => {
                let aggregation =
                    random.pick(&["sum", "sum", "sum", "sum", "avg", "max", "min", "count"]);
                match random.chance(70) {
                    true => format!("{aggregation}({series}) by ({group})"),
                    false => format!("{aggregation} by ({group}) ({series})"),
                }
            }
        }
    }

    /// A quantile of a histogram.
    fn quantile(&self, random: &mut Random) -> String {
        let series = format!("rate(<<.Series>>{{{}}}[2m])", self.matchers);
        let group = self.group(random);
        let sum = match random.chance(50) {
            true => format!("sum({series}) by ({BOUND}, {group})"),
            false => format!("sum by ({group}, {BOUND}) ({series})"),
        };
        format!("histogram_quantile(0.9, {sum})")
    }

    fn group(&self, random: &mut Random) -> String {
        if self.external {
            // Nothing stands behind `GroupBy` there.
            let label = self.shape.beside.map_or("", |(label, _)| label);
            let namespace = self.shape.namespace.unwrap_or(label);
            return random.pick(&[label, label, namespace]).to_owned();
        }
        let ways = [
            "<<.GroupBy>>",
            "<<.GroupBy>>",
            "<<.GroupBy>>",
            "<<.GroupBy>>",
            "<< .GroupBy >>",
            "<<index .GroupBySlice 0>>",
            "<<range .GroupBySlice>><<.>><<end>>",
        ];
        random.pick(&ways).to_owned()
    }
}

/// What is made of a gauge; most often nothing.
fn gauge(which: usize, series: String, range: &str) -> String {
    match which {
        0 => format!("avg_over_time({series}[{range}])"),
        1 => format!("max_over_time({series}[5m])"),
        2 => format!("abs({series})"),
        3 => format!("{series} offset 1m"),
        4 => format!("({series} > 0)"),
        _ => series,
    }
}

/// What stands between the braces.
fn matchers(random: &mut Random, shape: &Shape, external: bool, traits: &mut Traits) -> String {
    let namespace = shape.namespace.filter(|_| !traits.everywhere);
    let object = shape.kinds.first().filter(|_| shape.kinds.len() == 1);
    let templated = match (random.below(14), namespace, object) {
        (0, Some(namespace), Some(kind)) if !external => {
            let label = kind.label;
            return format!(
                r#"{namespace}="<<index .LabelValuesByName "{namespace}">>",{label}=~"<<index .LabelValuesByName "{label}">>""#
            );
        }
        (1, Some(namespace), _) if external => {
            return format!(r#"{namespace}="<<.LabelValuesByName.{namespace}>>""#);
        }
        (2, Some(_), _) if !external => {
            r#"<<range $name, $value := .LabelValuesByName>><<$name>>=~"<<$value>>",<<end>>"#
        }
        (3, ..) => "<< .LabelMatchers >>",
        _ => "<<.LabelMatchers>>",
    };
    let Some((label, values)) = shape.beside.filter(|_| random.chance(40)) else {
        return templated.to_owned();
    };
    // A bound that is left out changes what a quantile is.
    let more = match (label, random.below(5)) {
        (BOUND, _) | (_, 0) => format!(r#"{label}!="""#),
        (_, 1) => format!(r#"{label}="{}""#, values[0]),
        (_, 2) => format!(r#"{label}=~"{}""#, values.join("|")),
        (_, 3) => format!(r#"{label}!~"nobody|none""#),
        _ => format!(r#"{label}!="none""#),
    };
    traits.beside_none = traits.everywhere;
    match random.chance(70) || templated.ends_with("<<end>>") {
        true if templated.ends_with("<<end>>") => format!("{templated}{more}"),
        true => format!("{templated},{more}"),
        false => format!("{more},{templated}"),
    }
}

/// What is done with the values.
fn wrapped(random: &mut Random, query: String, external: bool, traits: &mut Traits) -> String {
    match random.below(24) {
        0 => format!("100 * {query}"),
        1 => format!("{query} * 1000"),
        2 => format!("{query} / 1024"),
        3 => format!("round({query})"),
        4 => format!("ceil({query})"),
        5 => format!("clamp_max({query}, 5)"),
        6 => format!("{query} > 0"),
        7 => format!("{query} > 1e9"),
        8 => format!("-({query})"),
        9 if external => format!("{query} or vector(0)"),
        10 if external && !traits.several => {
            traits.scalar = true;
            format!("scalar(sum({query}))")
        }
        // As a block of YAML has it.
        12 => format!("{}\n", query.replacen('(', "(\n  ", 1)),
        11 if random.chance(50) => {
            traits.nan = true;
            format!("({query} - {query}) / ({query} - {query})")
        }
        _ => query,
    }
}
