//! External metrics: each series is an item, with its labels.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Api, Combine, Context, Failure, Fault, Input, Label, Measure, Measures, Plan, Series,
};

/// Which labels the items carry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields)]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The labels to keep; all but the metric's name if left out. Selectors of an HPA pick items
    /// by these.
    labels: Option<Vec<String>>,
    /// Keep the name of the series among all labels, as `__name__`.
    #[serde(default, rename = "seriesName")]
    series_name: bool,
    /// What to do when several series have the same values of these labels.
    #[serde(default)]
    combine: Combine,
}

type Labels<'a> = Vec<(Label<'a>, Label<'a>)>;

fn plan(_: &Config, context: &Context) -> Result<Plan, Vec<Fault>> {
    Plan::unless([context.served_in(Api::External), context.only_instant()])
}

/// One item for each series of the only query, or one without labels for a scalar.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    let answer = input.only()?;
    let mut measures = Measures::new();
    if answer.is_scalar() {
        let sample = answer.scalar()?;
        measures.push(Measure::item(sample.value).at(sample.time));
        return Ok(measures);
    }
    let mut items: Vec<(Labels<'_>, Vec<Series<'_>>)> = Vec::new();
    let mut rows: HashMap<Labels<'_>, usize> = HashMap::new();
    for series in answer.series()? {
        let mut labels = kept(config, &series);
        labels.sort_by_key(|(name, _)| name.as_str());
        let row = *rows.entry(labels.clone()).or_insert(items.len());
        match items.get_mut(row) {
            None => items.push((labels, vec![series])),
            Some((_, met)) => met.push(series),
        }
    }
    for (labels, series) in items {
        let values: Vec<f64> = series.iter().map(Series::value).collect();
        let Some(value) = combined(config.combine, &values, &labels, answer.query())? else {
            continue;
        };
        let oldest = series.iter().map(Series::time).min().unwrap_or_else(|| input.now());
        let item = labels
            .into_iter()
            .fold(Measure::item(value).at(oldest), |item, (name, value)| item.label(name, value));
        measures.push(item);
    }
    Ok(measures)
}

fn kept<'a>(config: &Config, series: &Series<'a>) -> Labels<'a> {
    series
        .labels()
        .filter(|(name, _)| match &config.labels {
            Some(wanted) => wanted.iter().any(|label| *name == label.as_str()),
            None => config.series_name || *name != "__name__",
        })
        .collect()
}

fn combined(
    combine: Combine,
    values: &[f64],
    labels: &Labels<'_>,
    query: &str,
) -> Result<Option<f64>, Failure> {
    if let &[value] = values {
        return Ok(Some(value));
    }
    // A fold that meets NaN gives NaN, which the adapter refuses with its reason.
    let either = |pick: fn(f64, f64) -> f64| {
        values
            .iter()
            .copied()
            .reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { pick(a, b) })
    };
    let sum: f64 = values.iter().sum();
    let value = match combine {
        Combine::Fail => {
            let labels: Vec<_> = labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
            let labels = match labels.is_empty() {
                true => "no labels".to_owned(),
                false => format!("the labels {{{}}}", labels.join(", ")),
            };
            return Err(Failure::in_query(
                query,
                format!(
                    "{} series have {labels}; keep more `labels`, aggregate in the \
                     query, or set `combine` to sum, max, min, average or omit",
                    values.len()
                ),
            ));
        }
        Combine::Sum => sum,
        #[allow(clippy::cast_precision_loss)] // a count of series
        Combine::Average => sum / values.len() as f64,
        // They have the same labels, so that one is as good as another: the smaller one, always.
        Combine::First => either(f64::min).unwrap_or(f64::NAN),
        Combine::Max => either(f64::max).unwrap_or(f64::NAN),
        Combine::Min => either(f64::min).unwrap_or(f64::NAN),
        Combine::Omit => {
            let same = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
            return Ok(values.first().copied().filter(|_| same));
        }
    };
    Ok(Some(value))
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        leadsman_plugin_sdk::testing::fixtures(&super::plugin(), "fixtures");
    }
}
