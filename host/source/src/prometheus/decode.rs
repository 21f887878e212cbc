//! Answers of the Prometheus HTTP API, decoded straight into columns: no tree in between.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::shortened;
use leadsman_model::data::{Answer, Data, Matrix, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::labels::Labels;

/// Decodes an answer.
pub(crate) fn answer(body: &[u8]) -> Result<Answer, String> {
    let mut decoded = Decoded::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    TopLevel(&mut decoded).deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    decoded.finish()
}

/// The kind and message of an error in JSON.
pub(super) fn refusal(body: &[u8]) -> Option<(String, String)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_type: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some((refusal.error_type, refusal.error))
}

/// The decoded part of an answer. Keys may come in any order.
#[derive(Default)]
struct Decoded {
    dictionary: Dictionary,
    status: Option<String>,
    error: Option<String>,
    result_type: Option<String>,
    labels: Labels,
    /// Where the samples of each series end.
    ends: Vec<u32>,
    times: Vec<i64>,
    values: Vec<f64>,
    /// The sample of a scalar or string.
    single: Option<(f64, String)>,
    histogram: bool,
    /// Whether a series has no sample, or several.
    uneven: bool,
    warnings: Vec<String>,
}

/// The most labels that the series of an answer have together, and the most cells of their table:
/// a table has room for each label in each row.
const MAX_LABELS: usize = 1000;
const MAX_CELLS: usize = 8 << 20;

/// The warnings of an answer that are passed on.
const MAX_WARNINGS: usize = 10;

impl Decoded {
    fn finish(mut self) -> Result<Answer, String> {
        if self.status.as_deref() != Some("success") {
            let why = self.error.unwrap_or_else(|| "its status is not \"success\"".to_owned());
            return Err(why);
        }
        if self.histogram {
            return Err("a series is a native histogram, which has no single value; use \
                        histogram_quantile, histogram_sum, histogram_count or histogram_avg"
                .to_owned());
        }
        self.within_bounds()?;
        let data = match self.result_type.as_deref() {
            Some("vector") => {
                if self.uneven {
                    return Err("a series of the vector does not have one sample".to_owned());
                }
                Data::Vector(Vector { labels: self.labels, times: self.times, values: self.values })
            }
            Some("matrix") => Data::Matrix(Matrix {
                labels: self.labels,
                ends: self.ends,
                times: self.times,
                values: self.values,
            }),
            Some("scalar") => {
                let (time, text) = self.single.ok_or("the scalar has no sample")?;
                Data::Scalar { time: milliseconds(time), value: number(&text)? }
            }
            Some("string") => {
                let (time, text) = self.single.ok_or("the string has no sample")?;
                Data::Text { time: milliseconds(time), text: self.dictionary.intern(&text) }
            }
            Some(other) => return Err(format!("the resultType \"{other}\" is not known")),
            None => return Err("it has no resultType".to_owned()),
        };
        // Prometheus does not say what values are counted in.
        Ok(Answer { dictionary: self.dictionary, data, unit: None, warnings: self.warnings })
    }

    /// Checks the size of the table of labels.
    fn within_bounds(&self) -> Result<(), String> {
        let (labels, rows) = (self.labels.columns(), self.labels.rows());
        if labels > MAX_LABELS {
            return Err(format!("its series have more than {MAX_LABELS} different labels"));
        }
        if labels.saturating_mul(rows) > MAX_CELLS {
            return Err(format!(
                "{rows} series with {labels} different labels are too many; ask for fewer, or drop \
                 labels with by (…)"
            ));
        }
        Ok(())
    }

    fn warn(&mut self, warnings: Vec<String>) {
        let room = MAX_WARNINGS.saturating_sub(self.warnings.len());
        self.warnings.extend(warnings.iter().take(room).map(|warning| shortened(warning)));
    }

    fn sample(&mut self, (time, value): (f64, Cow<'_, str>)) -> Result<(), String> {
        self.times.push(milliseconds(time));
        self.values.push(number(&value)?);
        Ok(())
    }
}

/// Prometheus writes NaN, +Inf and -Inf, which Rust reads as they are.
fn number(text: &str) -> Result<f64, String> {
    text.parse()
        .map_err(|_| format!("the sample value \"{}\" is not a number", text.escape_debug()))
}

#[allow(clippy::cast_possible_truncation)] // a time beyond i64 saturates
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// A map whose keys are handled one by one.
macro_rules! map_seed {
    ($(#[$doc:meta])* $name:ident, $what:literal, |$decoded:ident, $key:ident, $map:ident| $body:expr) => {
        $(#[$doc])*
        struct $name<'d>(&'d mut Decoded);

        impl<'de> DeserializeSeed<'de> for $name<'_> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
                json.deserialize_map(self)
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<(), A::Error> {
                let $decoded = self.0;
                while let Some($key) = $map.next_key::<Text<'de>>()? {
                    $body
                }
                Ok(())
            }
        }
    };
}

map_seed!(
    /// The body.
    TopLevel, "an answer of the Prometheus API", |decoded, key, map| match &*key.0 {
        "status" => decoded.status = Some(map.next_value()?),
        "error" => decoded.error = Some(map.next_value()?),
        "data" => map.next_value_seed(DataField(decoded))?,
        // Only warnings can mean partial data; informational messages are ignored.
        "warnings" => decoded.warn(map.next_value::<Option<Vec<String>>>()?.unwrap_or_default()),
        _ => drop(map.next_value::<IgnoredAny>()?),
    }
);

map_seed!(
    /// Its `data`.
    DataField, "a result with its type", |decoded, key, map| match &*key.0 {
        "resultType" => decoded.result_type = Some(map.next_value()?),
        "result" => map.next_value_seed(ResultField(decoded))?,
        _ => drop(map.next_value::<IgnoredAny>()?),
    }
);

map_seed!(
    /// A series.
    SeriesItem, "a series", |decoded, key, map| match &*key.0 {
        "metric" => map.next_value_seed(Metric(decoded))?,
        "value" => {
            let sample = map.next_value::<(f64, Text<'de>)>()?;
            decoded.sample((sample.0, sample.1.0)).map_err(A::Error::custom)?;
        }
        "values" => map.next_value_seed(SampleList(decoded))?,
        "histogram" | "histograms" => {
            decoded.histogram = true;
            map.next_value::<IgnoredAny>()?;
        }
        _ => drop(map.next_value::<IgnoredAny>()?),
    }
);

map_seed!(
    /// Its labels.
    Metric, "labels", |decoded, name, map| {
        let value = map.next_value::<Text<'de>>()?;
        let name = decoded.dictionary.intern(&name.0);
        let value = decoded.dictionary.intern(&value.0);
        decoded.labels.set(name, value);
        // A new label adds a cell to all rows before.
        decoded.within_bounds().map_err(A::Error::custom)?;
    }
);

/// `result`: a list of series, or the pair of a scalar or string.
struct ResultField<'d>(&'d mut Decoded);

impl<'de> DeserializeSeed<'de> for ResultField<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ResultField<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series or a sample")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(time) = list.next_element_seed(SeriesOrTime(self.0))? {
            if let Some(time) = time {
                let missing = || A::Error::custom("a sample without a value");
                let text = list.next_element::<String>()?.ok_or_else(missing)?;
                self.0.single = Some((time, text));
            }
        }
        Ok(())
    }
}

/// An element of `result`: a series, or the time of a scalar's sample.
struct SeriesOrTime<'d>(&'d mut Decoded);

impl<'de> DeserializeSeed<'de> for SeriesOrTime<'_> {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SeriesOrTime<'_> {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series or a time")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let before = self.0.values.len();
        self.0.labels.add_row();
        SeriesItem(self.0).visit_map(map)?;
        self.0.uneven |= self.0.values.len() != before + 1;
        let end = u32::try_from(self.0.values.len()).unwrap_or(u32::MAX);
        self.0.ends.push(end);
        Ok(None)
    }

    fn visit_f64<E>(self, time: f64) -> Result<Self::Value, E> {
        Ok(Some(time))
    }

    #[allow(clippy::cast_precision_loss)] // seconds since the epoch
    fn visit_u64<E>(self, time: u64) -> Result<Self::Value, E> {
        Ok(Some(time as f64))
    }
}

/// `values` of a series.
struct SampleList<'d>(&'d mut Decoded);

impl<'de> DeserializeSeed<'de> for SampleList<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SampleList<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some((time, value)) = list.next_element::<(f64, Text<'de>)>()? {
            self.0.sample((time, value.0)).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// A text that is borrowed from the body unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'t>(#[serde(borrow)] pub(super) Cow<'t, str>);

#[cfg(test)]
mod tests;
