//! Reads of external metrics: items with labels.

mod explained;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::absence::{Absence, KnownSeries, last_known};
use super::part::{Part, StandIns, count, not_numbers, stale_warning};
use super::request::reader;
use super::{ExternalRequest, Origin, ReadError, bound, selector, unserved};
use crate::snapshot::{EntryState, NotServed, ReadKind, Snapshot};
use leadsman_evaluation::{
    Evaluations, Missing, MissingReason, Reader, Reading, Recipient, StatedNumber,
};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::Selector;
use leadsman_model::serve::Serve;
use leadsman_model::values::{Item, MetricValues, Value};

/// A read of an external metric whose mapping is found.
pub struct ExternalRead<'a> {
    request: &'a ExternalRequest<'a>,
    reader: Reader<'a>,
    begun: Instant,
    part: Part,
    /// The series of the metric, if a rule gives it.
    series: KnownSeries,
    /// Selects items of the evaluation; `None` if its query has the selector, so that it has these items alone.
    picked: Option<Selector>,
}

/// The result of a read.
pub struct ExternalReading<'a> {
    read: &'a ExternalRead<'a>,
    reading: Reading,
    stands: StandIns,
    /// The item that stands for no item, if the policy states one.
    default: Option<Item>,
}

/// Items that were requested.
#[derive(Debug)]
pub struct ExternalItems<'a> {
    /// The items.
    pub items: Vec<&'a Item>,
    /// Why there are none, or a default stands for them.
    pub missing: Option<Missing>,
}

impl<'a> ExternalRead<'a> {
    /// Finds the mapping, and binds it if it is that of a rule that was never read.
    pub async fn new(
        snapshot: &Snapshot,
        request: &'a ExternalRequest<'a>,
    ) -> Result<Self, ReadError> {
        let begun = Instant::now();
        let entry = snapshot.find(request.metric, ReadKind::External, Some(request.namespace));
        let entry = entry.map_err(|why| not_served(why, snapshot, request))?;
        let series = match &entry.state {
            EntryState::Lazy(metric) => Some(metric.series()),
            EntryState::Ready(_) | EntryState::Rejected(_) => None,
        };
        let evaluations = bound(entry).await?;
        let mapping = evaluations.mapping().clone();
        let read = Self::prepare(request, evaluations, series, begun);
        if read.is_err() {
            count(&mapping, begun, false, &read);
        }
        read
    }

    pub(super) fn prepare(
        request: &'a ExternalRequest<'a>,
        evaluations: Arc<Evaluations>,
        series: KnownSeries,
        begun: Instant,
    ) -> Result<Self, ReadError> {
        let mapping = evaluations.mapping();
        let selector = selector("labelSelector", request.metric_selector)?;
        let scope = match request.namespace.parse::<Namespace>() {
            Ok(namespace) => mapping.scope(&namespace),
            // As in prometheus-adapter: a query without a namespace gives the same for all of them.
            Err(_) if request.namespace == "*" && mapping.is_for_all_namespaces() => Scope::Cluster,
            Err(error) => return Err(ReadError::Bad(error.to_string())),
        };
        // Where a query has the placeholder of the selector, it decides what is requested; all other
        // selectors pick from one evaluation.
        let in_query = mapping.queries.iter().any(|query| query.kind.uses_selector());
        let (key, picked) = if in_query {
            (QueryParams::from(selector), None)
        } else {
            (QueryParams::default(), Some(selector))
        };
        let reader = reader(request.caller, Some(request.namespace), request);
        let part = Part { evaluations, scope, key };
        Ok(Self { request, reader, begun, part, series, picked })
    }

    /// The origin of an answer from the values that are known now. Waits for nothing.
    pub fn peek(&self) -> Option<Origin> {
        Some(Origin::new(&*self.part.peek()?, None, 0))
    }

    /// Reads.
    pub async fn read(&self) -> Result<ExternalReading<'_>, ReadError> {
        let reading = self.part.read(self.reader, std::iter::empty()).await?;
        let absent = || match &reading.evaluated.values.served {
            MetricValues::Items(served) => !served.iter().any(|item| self.picks(item)),
            MetricValues::Objects(_) => false,
        };
        let namespace = self.request.namespace.parse::<Namespace>().ok();
        let stands = self.part.stand_ins(&reading, namespace.as_ref(), Recipient::One, absent);
        let stands = stands.await?;
        let time = reading.evaluated.time;
        let default = stands.number().map(|StatedNumber { quantity, .. }| Item {
            labels: Vec::new(),
            value: Value { quantity, time, window: None },
        });
        Ok(ExternalReading { read: self, reading, stands, default })
    }

    /// Whether an item is requested.
    fn picks(&self, item: &Item) -> bool {
        self.picked.as_ref().is_none_or(|selector| picks(selector, &item.labels))
    }

    /// Counts and notes an answer without some of its items, or without all.
    pub fn note_missing(&self, missing: &Missing, all: bool) {
        self.part.mapping().note_missing_values(missing, all);
    }

    /// Counts how the read ended.
    pub fn ended<T>(&self, stale: bool, result: &Result<T, ReadError>) {
        count(self.part.mapping(), self.begun, stale, result);
    }
}

impl ExternalReading<'_> {
    /// The origin of the answer.
    pub fn origin(&self) -> Option<Origin> {
        let kept = self.stands.may_be_kept() && self.reading.evaluated.last_known.is_empty();
        kept.then(|| Origin::new(&self.reading.evaluated, None, 0))
    }

    /// The number of items that the requested ones are picked from.
    pub fn size(&self) -> usize {
        self.reading.evaluated.values.served.len()
    }

    /// Whether values are served although there are no newer ones.
    pub fn is_stale(&self) -> bool {
        self.reading.stale.is_some()
    }

    /// Warnings about old values.
    pub fn warning(&self) -> Option<String> {
        let (reading, mapping) = (&self.reading, self.read.part.mapping());
        stale_warning(reading, &self.stands, mapping).or_else(|| not_numbers(reading, mapping))
    }

    /// A warning of a source, which may mean that the values are made from a part of the series alone.
    pub fn source_warning(&self) -> Option<&str> {
        self.reading.evaluated.basis.warning()
    }

    /// The items that were requested.
    pub fn items(&self) -> Result<ExternalItems<'_>, ReadError> {
        let metric = self.read.request.metric;
        let values = &self.reading.evaluated.values;
        let MetricValues::Items(served) = &values.served else {
            let serve = &self.read.part.mapping().serve;
            return Err(ReadError::NotFound(format!("{metric} is served as {serve:?}")));
        };
        let picks = |labels: &[(Box<str>, Box<str>)]| match &self.read.picked {
            Some(selector) => picks(selector, labels),
            None => true,
        };
        let mut items: Vec<&Item> = served.iter().filter(|item| picks(&item.labels)).collect();
        // Whoever reads adds the items up, so one that is missing would count as 0. Of those that
        // were not kept it is not known whether they were requested.
        let lost = values.refused_count > values.refused.len();
        let refused = values.refused.iter().find(|refusal| lost || picks(&refusal.labels));
        if let Some(refusal) = refused {
            return Err(ReadError::Refused(format!(
                "external metric {metric} is not served: an item cannot be, and items are added \
                 up: {} ({}; refused in all: {})",
                refusal.reason,
                called(&refusal.labels),
                values.refused_count
            )));
        }
        // That a stated value stands for the items is reported with the reason already.
        let lacking = items.is_empty() && self.stands.instead.is_none();
        let known = &self.reading.evaluated.last_known;
        let known = known.items(|item| picks(&item.labels)).filter(|_| lacking);
        let known = known.and_then(|(items, at)| Some((items, self.read.part.may_stand(at)?)));
        let stands = match known {
            Some((last, age)) => {
                items = last;
                Some(StandIn::LastKnown(age))
            }
            None if items.is_empty() => {
                items.extend(&self.default);
                self.stands.default.map(StandIn::Default)
            }
            None => None,
        };
        let missing = lacking.then(|| self.missing(served, stands));
        Ok(ExternalItems { items, missing })
    }

    /// Why none of these items is selected, and what stands for them.
    fn missing(&self, all: &[Item], stands: Option<StandIn>) -> Missing {
        let absence = Absence {
            mapping: self.read.part.mapping(),
            series: self.read.series.as_deref(),
            selector: &self.read.part.key.selector,
            evaluated: &self.reading.evaluated,
        };
        let picked = self.read.picked.as_ref().filter(|_| !all.is_empty());
        let Missing { reason, message } = match picked {
            Some(selector) => {
                let few: Vec<_> =
                    all.iter().take(MAX_SHOWN).map(|item| called(&item.labels)).collect();
                let more = if all.len() > MAX_SHOWN { ", …" } else { "" };
                let message = format!(
                    "the selector {selector} picks none of {} ({}{more})",
                    counted(all.len(), "item"),
                    few.join(", ")
                );
                Missing::new(MissingReason::NoneSelected, message)
            }
            None => absence.no_series().unwrap_or_else(|| {
                let queries = &self.reading.evaluated.basis.queries;
                let series: usize = queries.iter().map(|query| query.series).sum();
                let empty = absence.some_without_series();
                let message = format!("no item is made of {series} series{empty}");
                Missing::new(MissingReason::NoSeries, message)
            }),
        };
        let metric = self.read.request.metric;
        match stands {
            Some(StandIn::LastKnown(age)) => {
                last_known(&format!("external metric {metric}"), age, &message)
            }
            Some(StandIn::Default(default)) => {
                let message = format!(
                    "the default {default} is served for external metric {metric}: {message}"
                );
                Missing::new(MissingReason::Default, message)
            }
            None => {
                Missing::new(reason, format!("external metric {metric} has no items: {message}"))
            }
        }
    }
}

/// What stands for items that are absent.
enum StandIn {
    /// Those of an evaluation so long ago.
    LastKnown(Duration),
    /// The stated value.
    Default(StatedNumber),
}

/// How many items a message names by their labels.
const MAX_SHOWN: usize = 3;

/// How many characters of an item's labels a message has.
const MAX_LABELS: usize = 200;

/// An item by its labels, for messages.
fn called(labels: &[(Box<str>, Box<str>)]) -> String {
    if labels.is_empty() {
        return "an item without labels".to_owned();
    }
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = labels.join(",");
    match text.char_indices().nth(MAX_LABELS) {
        Some((end, _)) => format!("{{{}…}}", &text[..end]),
        None => format!("{{{text}}}"),
    }
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn not_served(why: NotServed<'_>, snapshot: &Snapshot, request: &ExternalRequest<'_>) -> ReadError {
    let also = match why {
        NotServed::Rejected(rejection) => return ReadError::rejected(rejection),
        NotServed::NotLoaded(why) => {
            return ReadError::not_loaded(&format!("external metric {}", request.metric), why);
        }
        NotServed::AsOthers(entries) => {
            let others = entries.iter().filter_map(|entry| match &entry.serve {
                Serve::Custom(resource) => Some(resource.to_string()),
                Serve::External | Serve::ResourceMetrics(_) => None,
            });
            let others: Vec<_> = others.collect();
            let also = format!("it is served as a custom metric for {}", others.join(", "));
            (!others.is_empty()).then_some(("served_as_another", also))
        }
        NotServed::InOtherNamespaces => {
            Some(("served_elsewhere", "it is served in other namespaces alone".to_owned()))
        }
        NotServed::Unknown => None,
    };
    let metric = request.metric;
    let message = format!("the server could not find the external metric {metric}");
    unserved(snapshot, metric, ReadKind::External, message, also)
}

pub(super) fn picks(selector: &Selector, labels: &[(Box<str>, Box<str>)]) -> bool {
    selector
        .matches(|key| labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value))
}
