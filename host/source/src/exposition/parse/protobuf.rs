//! Reads the protobuf format of Prometheus: messages `io.prometheus.client.MetricFamily`, each after its
//! length, as samples that the text format has for the same metrics.
//!
//! Messages and numbers of fields are those of `metrics.proto` in prometheus/client_model. What is not
//! named here is passed over: exemplars, times of creation, native histograms. No family is held as a
//! whole, but one field of it at a time, which may be one metric.

mod wire;

use std::borrow::Cow;

use prost::Message;

use super::number::written;
use super::{MAX_LINE, PageError, PageLimits, Sample, excerpt};
use wire::{Content, WIRE_TYPE, field, varint};

const NO_VALUE: &str = "a metric has no value of the family's type";

/// The value is that of the family's type.
#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "4")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "5")]
    untyped: Option<Number>,
    #[prost(int64, tag = "6")]
    timestamp_ms: i64,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// A `Counter`, `Gauge` or `Untyped`.
#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    quantiles: Vec<Quantile>,
}

#[derive(Clone, PartialEq, Message)]
struct Quantile {
    #[prost(double, tag = "1")]
    quantile: f64,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<Bucket>,
    #[prost(double, tag = "4")]
    count_float: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
    #[prost(double, tag = "4")]
    count_float: f64,
}

/// The type of a family.
#[derive(Debug, Clone, Copy)]
enum FamilyType {
    Counter,
    Gauge,
    Summary,
    Untyped,
    /// One of gauges has the same series.
    Histogram,
}

impl FamilyType {
    fn of(number: u64) -> Result<Self, &'static str> {
        match number {
            0 => Ok(Self::Counter),
            1 => Ok(Self::Gauge),
            2 => Ok(Self::Summary),
            3 => Ok(Self::Untyped),
            4 | 5 => Ok(Self::Histogram),
            _ => Err("there is no such type of metric"),
        }
    }
}

/// A page of families that is being read.
#[derive(Debug)]
pub(super) struct Families {
    limits: PageLimits,
    /// What has arrived of a field, or of a family's length, whose end has not.
    rest: Vec<u8>,
    /// What is not read yet of the family; `None` between families.
    left: Option<usize>,
    /// The number of the family, from 1.
    number: u64,
    /// Its name, empty until it is read.
    name: String,
    kind: FamilyType,
    has_metrics: bool,
    series: usize,
}

impl Families {
    /// Nothing has arrived yet.
    pub(super) fn new(limits: PageLimits) -> Self {
        Self {
            limits,
            rest: Vec::new(),
            left: None,
            number: 1,
            name: String::new(),
            kind: FamilyType::Counter,
            has_metrics: false,
            series: 0,
        }
    }

    /// How many samples there were.
    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// Reads the next piece. `take` gets the samples of each metric that ends in it.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        take: &mut impl FnMut(Sample<'_>),
    ) -> Result<(), PageError> {
        let mut arrived = std::mem::take(&mut self.rest);
        arrived.extend_from_slice(piece);
        let mut at = 0;
        while let Some(read) = self.step(&arrived[at..], take)? {
            at += read;
        }
        arrived.drain(..at);
        self.rest = arrived;
        Ok(())
    }

    /// The page is over.
    pub(super) fn end(&self) -> Result<(), PageError> {
        match self.left.is_none() && self.rest.is_empty() {
            true => Ok(()),
            false => Err(PageError::CutOff { family: self.number }),
        }
    }

    /// Reads the length of a family or one field of it; gives how many bytes that took, or `None` if
    /// more have to arrive.
    fn step(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Sample<'_>),
    ) -> Result<Option<usize>, PageError> {
        let Some(left) = self.left else {
            let length = varint(bytes).map_err(|reason| self.wrong(reason))?;
            let Some((length, read)) = length else { return Ok(None) };
            let length = usize::try_from(length).ok();
            let length = length.ok_or_else(|| self.wrong("it has no possible length"))?;
            if length == 0 {
                return Err(self.wrong("it has no name"));
            }
            self.left = Some(length);
            return Ok(Some(read));
        };
        let within = &bytes[..left.min(bytes.len())];
        let Some(field) = field(within).map_err(|reason| self.wrong(reason))? else {
            return match within.len() == left {
                true => Err(self.wrong("a field reaches beyond its end")),
                false => Ok(None),
            };
        };
        match (field.number, field.content) {
            (1, Content::Bytes(name)) => {
                self.name = self.name_of(name).map_err(|reason| self.wrong(reason))?;
            }
            (3, Content::Varint(_)) if self.has_metrics => {
                return Err(self.wrong("its type comes after metrics"));
            }
            (3, Content::Varint(kind)) => {
                self.kind = FamilyType::of(kind).map_err(|reason| self.wrong(reason))?;
            }
            (4, Content::Bytes(metric)) => self.metric(metric, take)?,
            (1 | 3 | 4, _) => return Err(self.wrong(WIRE_TYPE)),
            _ => {}
        }
        let left = left - field.size;
        self.left = Some(left);
        if left == 0 {
            if self.name.is_empty() {
                return Err(self.wrong("it has no name"));
            }
            self.left = None;
            self.number += 1;
            self.name.clear();
            self.kind = FamilyType::Counter;
            self.has_metrics = false;
        }
        Ok(Some(field.size))
    }

    fn wrong(&self, reason: &'static str) -> PageError {
        PageError::Family { family: self.number, reason, excerpt: excerpt(self.name.as_bytes()) }
    }

    fn name_of(&self, name: &[u8]) -> Result<String, &'static str> {
        if self.has_metrics {
            return Err("its name comes after metrics");
        }
        if name.contains(&0) {
            return Err("there is a NUL byte in its name");
        }
        String::from_utf8(name.to_vec()).map_err(|_| "its name is not UTF-8")
    }

    /// Reads a metric, in the order that the text format has.
    fn metric(&mut self, bytes: &[u8], take: &mut impl FnMut(Sample<'_>)) -> Result<(), PageError> {
        if self.name.is_empty() {
            return Err(self.wrong("metrics come before its name"));
        }
        self.has_metrics = true;
        let metric =
            Metric::decode(bytes).map_err(|_| self.wrong("a metric is not such a message"))?;
        let labels = &metric.labels;
        let (limits, family, kind) = (self.limits, self.number, self.kind);
        let too_many = PageError::TooManyFamilyLabels { family, limit: limits.labels };
        // Each is compared with those before it, so there must not be any number of them.
        if labels.len() > limits.labels {
            return Err(too_many);
        }
        check_labels(&self.name, labels).map_err(|reason| self.wrong(reason))?;
        // As in Prometheus, none and 0 are the same.
        let time = Some(metric.timestamp_ms).filter(|&time| time != 0);
        let name = self.name.as_str();
        let wrong =
            |reason| PageError::Family { family, reason, excerpt: excerpt(name.as_bytes()) };
        let series = &mut self.series;
        let mut give = |name: &str, bound: Option<(&'static str, f64)>, value: f64| {
            let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(labels.len() + 1);
            for label in labels {
                all.push((Cow::Borrowed(label.name.as_str()), Cow::Borrowed(label.value.as_str())));
            }
            if let Some((label, bound)) = bound {
                if labels.iter().any(|known| known.name == label) {
                    return Err(wrong("a label is there twice"));
                }
                if labels.len() >= limits.labels {
                    return Err(too_many.clone());
                }
                all.push((Cow::Borrowed(label), Cow::Owned(written(bound))));
            }
            *series += 1;
            if *series > limits.series {
                return Err(PageError::TooManySeries { limit: limits.series });
            }
            take(Sample { name: Cow::Borrowed(name), labels: all, value, time });
            Ok(())
        };
        let number = match kind {
            FamilyType::Counter => metric.counter.as_ref(),
            FamilyType::Gauge => metric.gauge.as_ref(),
            FamilyType::Untyped => metric.untyped.as_ref(),
            FamilyType::Summary => {
                let summary = metric.summary.as_ref().ok_or_else(|| wrong(NO_VALUE))?;
                for quantile in &summary.quantiles {
                    give(name, Some(("quantile", quantile.quantile)), quantile.value)?;
                }
                give(&format!("{name}_sum"), None, summary.sum)?;
                return give(&format!("{name}_count"), None, summary.count as f64);
            }
            FamilyType::Histogram => {
                let histogram = metric.histogram.as_ref().ok_or_else(|| wrong(NO_VALUE))?;
                let count = one_of(histogram.count, histogram.count_float);
                let buckets = format!("{name}_bucket");
                for bucket in &histogram.buckets {
                    let count = one_of(bucket.count, bucket.count_float);
                    give(&buckets, Some(("le", bucket.upper_bound)), count)?;
                }
                // The last bucket may be left out: its count is that of all.
                if !histogram.buckets.iter().any(|bucket| bucket.upper_bound == f64::INFINITY) {
                    give(&buckets, Some(("le", f64::INFINITY)), count)?;
                }
                give(&format!("{name}_sum"), None, histogram.sum)?;
                return give(&format!("{name}_count"), None, count);
            }
        };
        give(name, None, number.ok_or_else(|| wrong(NO_VALUE))?.value)
    }
}

/// A count is a whole number, or one of histograms of gauges and of what is computed.
fn one_of(whole: u64, float: f64) -> f64 {
    if float > 0.0 { float } else { whole as f64 }
}

fn check_labels(name: &str, labels: &[Label]) -> Result<(), &'static str> {
    let mut size = name.len();
    for (at, label) in labels.iter().enumerate() {
        size += label.name.len() + label.value.len();
        if label.name.is_empty() {
            return Err("a label has an empty name");
        }
        if label.name == "__name__" || labels[..at].iter().any(|known| known.name == label.name) {
            return Err("a label is there twice");
        }
        if label.name.contains('\0') || label.value.contains('\0') {
            return Err("there is a NUL byte in a label");
        }
    }
    match size > MAX_LINE {
        true => Err("the name and the labels of a metric have more than 64 KiB"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
