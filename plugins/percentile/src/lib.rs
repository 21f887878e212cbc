//! A percentile of a classic histogram: `le` buckets in, the latency below which 95 % of the
//! requests stayed out.
//!
//! As `histogram_quantile` of Prometheus, with what an autoscaler needs besides: no value where too
//! few observations would make it noise, and a word where it lies beyond the last bound.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Answer, Context, Failure, Fault, FixedObject, Input, Label, Measure, Measures, NAMESPACE_LABEL,
    ObjectSource, Plan, Scope, Series, log,
};

mod histogram;

use histogram::{Histogram, Percentile};

/// Which percentile, and which object each series is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The percentile, above 0 and at most 100: 95.
    percentile: f64,
    /// The label with the object's name, or a fixed object. Left out for an external metric, whose
    /// items have all other labels of the series.
    object: Option<ObjectSource>,
    /// The label with the object's namespace, `namespace` by default; empty for objects that live
    /// in none. When an evaluation is for one namespace, series that name another one by a label
    /// that is set here are passed over.
    namespace: Option<String>,
    /// The least that the bucket of everything must count, in the unit of the query: below it there
    /// is no value. With 0, the default, a value needs any observation.
    #[serde(default)]
    least: f64,
    /// What there is where the percentile lies beyond the largest finite bound.
    #[serde(default)]
    beyond: Beyond,
}

/// What there is where a percentile lies beyond the largest finite bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub enum Beyond {
    /// That bound, as Prometheus has it: the percentile is at least this.
    #[default]
    Bound,
    /// No value.
    Omit,
}

/// The label with the upper bound of a bucket.
const BOUND: &str = "le";

fn plan(config: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    let percentile = (!(config.percentile > 0.0 && config.percentile <= 100.0))
        .then(|| Fault::at("/percentile", "must be above 0 and at most 100"));
    let least = (!(config.least >= 0.0 && config.least.is_finite()))
        .then(|| Fault::at("/least", "must be a number from 0 on"));
    Plan::unless([
        context.object_fits(config.object.is_some()),
        context.only_instant(),
        percentile,
        least,
    ])
}

/// What a histogram is for: an object by its namespace and name, or an item by its labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'a> {
    Object { namespace: Option<Label<'a>>, name: Option<Label<'a>> },
    Item(Vec<(Label<'a>, Label<'a>)>),
}

/// The percentile of each histogram of the only query.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    let mut found: Vec<(Key<'_>, Histogram, i64)> = Vec::new();
    let mut rows: HashMap<Key<'_>, usize> = HashMap::new();
    let mut bound_seen = false;
    let finder = Finder::new(config, input.scope(), &answer)?;
    for series in answer.series()? {
        let Some(written) = series.label(BOUND) else { continue };
        bound_seen = true;
        let Some(key) = finder.key(&series) else { continue };
        let bound: f64 =
            written.parse().ok().filter(|bound: &f64| !bound.is_nan()).ok_or_else(|| {
                let message =
                    format!("the bound le=\"{}\" is not a number", written.escape_debug());
                Failure::in_query(answer.query(), message)
            })?;
        let row = *rows.entry(key.clone()).or_insert(found.len());
        if row == found.len() {
            found.push((key, Histogram::default(), series.time()));
        }
        let (_, histogram, time) = &mut found[row];
        histogram.add(bound, series.value());
        *time = (*time).min(series.time());
    }
    if !bound_seen && answer.series()?.len() > 0 {
        return Err(Failure::in_query(
            answer.query(),
            "no series has the label \"le\", which the buckets of a classic histogram have; query \
             NAME_bucket and keep le in its by (…). For a native histogram write \
             histogram_quantile(0.95, …) in the query, and use per-object or external",
        ));
    }
    measured(config, found)
}

fn measured(config: &Config, found: Vec<(Key<'_>, Histogram, i64)>) -> Result<Measures, Failure> {
    let mut measures = Measures::with_capacity(found.len());
    let mut broken = Notes::default();
    let mut beyond = Notes::default();
    for (key, mut histogram, time) in found {
        let value = match histogram.percentile(config.percentile / 100.0, config.least) {
            Ok(Percentile::Of(value)) => value,
            Ok(Percentile::Beyond(bound)) => {
                beyond.add(&key, config, &format!("{bound}"));
                if config.beyond == Beyond::Omit {
                    continue;
                }
                bound
            }
            Ok(Percentile::TooFew) => continue,
            Err(reason) => {
                broken.add(&key, config, reason.describe());
                continue;
            }
        };
        measures.push(key.measure(config, value).at(time));
    }
    broken.write(log::warn, "is left out, as its buckets are no histogram");
    let consequence = match config.beyond {
        Beyond::Bound => "has the largest bound as its value, as the percentile lies beyond it",
        Beyond::Omit => "is left out, as the percentile lies beyond the largest bound",
    };
    beyond.write(log::info, consequence);
    Ok(measures)
}

/// What is to be said of some histograms: how many, and the first of them.
#[derive(Debug, Default)]
struct Notes {
    count: usize,
    first: String,
}

impl Notes {
    fn add(&mut self, key: &Key<'_>, config: &Config, detail: &str) {
        if self.count == 0 {
            self.first = format!("{} ({detail})", key.called(config));
        }
        self.count += 1;
    }

    fn write(&self, write: fn(&str), consequence: &str) {
        match self.count {
            0 => {}
            1 => write(&format!("{} {consequence}", self.first)),
            count => write(&format!("{} {consequence}; so with {} others", self.first, count - 1)),
        }
    }
}

/// Finds what a series is for.
struct Finder<'c> {
    config: &'c Config,
    namespace: Option<&'c str>,
    /// The namespace that an evaluation is for.
    asked: Option<&'c str>,
}

impl<'c> Finder<'c> {
    fn new(config: &'c Config, scope: &'c Scope, answer: &Answer<'_>) -> Result<Self, Failure> {
        if let Some(ObjectSource::Label(label)) = &config.object
            && answer.column(label).is_none()
            && answer.series()?.len() > 0
        {
            let message = format!(
                "no series has the label \"{label}\" that names the object; keep it in the \
                 query's by (…) beside le, or set `object` to another label"
            );
            return Err(Failure::in_query(answer.query(), message));
        }
        let (namespace, asked) = match scope {
            Scope::Cluster => (Some(config.namespace.as_deref().unwrap_or(NAMESPACE_LABEL)), None),
            Scope::Namespace(asked) => (config.namespace.as_deref(), Some(asked.as_str())),
        };
        let namespace = namespace.filter(|label| !label.is_empty());
        Ok(Self { config, namespace, asked })
    }

    /// What a series is for; nothing if it is for no object, or for one of another namespace.
    fn key<'a>(&self, series: &Series<'a>) -> Option<Key<'a>> {
        let Some(source) = &self.config.object else {
            let others = series.labels().filter(|(name, _)| *name != BOUND && *name != "__name__");
            let mut labels: Vec<_> = others.collect();
            labels.sort_by_key(|(name, _)| name.as_str());
            return Some(Key::Item(labels));
        };
        let mut namespace = self.namespace.and_then(|label| series.label(label));
        if let Some(asked) = self.asked {
            if namespace.is_some_and(|named| named != asked) {
                return None;
            }
            namespace = None;
        }
        let name = match source {
            ObjectSource::Label(label) => Some(series.label(label)?),
            ObjectSource::Fixed(fixed) => {
                namespace = namespace.filter(|_| fixed.namespace.is_none());
                None
            }
        };
        Some(Key::Object { namespace, name })
    }
}

impl<'a> Key<'a> {
    fn measure<'m>(self, config: &'m Config, value: f64) -> Measure<'m>
    where
        'a: 'm,
    {
        match self {
            Self::Item(labels) => labels
                .into_iter()
                .fold(Measure::item(value), |item, (name, value)| item.label(name, value)),
            Self::Object { namespace, name } => {
                let fixed = fixed(config);
                let measure = match (name, fixed) {
                    (Some(name), _) => Measure::new(name, value),
                    (None, Some(fixed)) => Measure::new(&fixed.name, value),
                    (None, None) => Measure::item(value),
                };
                match (namespace, fixed.and_then(|fixed| fixed.namespace.as_ref())) {
                    (Some(namespace), _) => measure.namespace(namespace),
                    (None, Some(namespace)) => measure.namespace(namespace),
                    (None, None) => measure,
                }
            }
        }
    }

    /// How the log calls it.
    fn called(&self, config: &Config) -> String {
        match self {
            Self::Object { name: Some(name), .. } => format!("the object \"{}\"", name.as_str()),
            Self::Object { name: None, .. } => {
                let name = fixed(config).map_or("", |fixed| fixed.name.as_str());
                format!("the object \"{name}\"")
            }
            Self::Item(labels) => {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                format!("the item {{{}}}", labels.join(", "))
            }
        }
    }
}

fn fixed(config: &Config) -> Option<&FixedObject> {
    match &config.object {
        Some(ObjectSource::Fixed(fixed)) => Some(fixed),
        _ => None,
    }
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
