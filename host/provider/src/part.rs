//! One evaluation that a read needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ReadError;
use leadsman_evaluation::{
    Evaluated, Evaluations, LastKnownValue, Mapping, Missing, MissingReason, ReadFailure, Reader,
    Reading, Recipient, StandIn, StatedNumber,
};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::query_params::QueryParams;
use leadsman_model::values::{OnNan, Value};
use leadsman_runtime::telemetry::ReadOutcome;

/// One evaluation that a read needs.
pub(super) struct Part {
    pub(super) evaluations: Arc<Evaluations>,
    pub(super) scope: Scope,
    pub(super) key: QueryParams,
}

impl Part {
    pub(super) fn mapping(&self) -> &Arc<Mapping> {
        self.evaluations.mapping()
    }

    /// The values that there are now. `None` also if the query names objects: which evaluation is
    /// meant is not known before they are.
    pub(super) fn peek(&self) -> Option<Arc<Evaluated>> {
        if self.mapping().names_objects() {
            return None;
        }
        self.evaluations.peek(&self.scope, &self.key)
    }

    /// Reads it for these objects.
    pub(super) async fn read<'n>(
        &self,
        reader: Reader<'_>,
        names: impl Iterator<Item = &'n Arc<str>>,
    ) -> Result<Reading, ReadError> {
        let failed = |failure| self.failed(failure);
        if !self.mapping().names_objects() {
            return self.evaluations.read(&self.scope, &self.key, reader).await.map_err(failed);
        }
        let names = names.cloned().collect();
        let key = QueryParams { selector: self.key.selector.clone(), names };
        self.evaluations.read(&self.scope, &key, reader).await.map_err(failed)
    }

    /// The last known value of what is absent, with its age, where the policy lets it stand yet.
    pub(super) fn last_known(&self, known: Option<LastKnownValue>) -> Option<(Value, Duration)> {
        let LastKnownValue { value, at } = known?;
        Some((value, self.may_stand(at)?))
    }

    /// The age of what is known from an earlier evaluation, where the policy lets it stand yet.
    pub(super) fn may_stand(&self, at: Instant) -> Option<Duration> {
        let age = at.elapsed();
        (age <= self.mapping().policy.last_known?).then_some(age)
    }

    /// The numbers that stand for values of a reading, for a read of this namespace. `absent` says
    /// whether a value is, as far as it matters.
    pub(super) async fn stand_ins(
        &self,
        reading: &Reading,
        namespace: Option<&Namespace>,
        recipient: Recipient,
        absent: impl FnOnce() -> bool,
    ) -> Result<StandIns, ReadError> {
        let mapping = self.mapping();
        if let Some(stand_in) = &reading.instead {
            let instead = stand_in.number(&mapping.workloads, namespace, recipient).await;
            let why = reading.stale.as_ref().map_or("", |(_, why)| why.as_str());
            let instead = instead.map_err(|reason| self.no_stand_in(why, "onError", reason))?;
            let stands = StandIns { instead: Some(instead), default: None };
            if let Some(warning) = stale_warning(reading, &stands, mapping) {
                mapping.note_missing_values(&Missing::new(MissingReason::Stated, warning), false);
            }
            return Ok(stands);
        }
        let default = match &mapping.policy.default {
            None => None,
            Some(StandIn::Value(quantity)) => Some(StatedNumber::from(*quantity)),
            Some(stated) => {
                if !absent() {
                    return Ok(StandIns::default());
                }
                let number = stated.number(&mapping.workloads, namespace, recipient).await;
                let failed = |reason| self.no_stand_in("a value is absent", "onAbsent", reason);
                Some(number.map_err(failed)?)
            }
        };
        Ok(StandIns { instead: None, default })
    }

    fn no_stand_in(&self, why: &str, policy: &'static str, reason: String) -> ReadError {
        self.failed(ReadFailure::NoStandIn { why: why.to_owned(), policy, reason })
    }

    fn failed(&self, failure: ReadFailure) -> ReadError {
        let Mapping { metric, kind, .. } = &**self.mapping();
        let what = match kind {
            Some(kind) => format!("{metric} for {}", kind.resource()),
            None => format!("external metric {metric}"),
        };
        let place = match &self.scope {
            Scope::Namespace(_) => format!(" in {}", self.scope),
            Scope::Cluster => String::new(),
        };
        ReadError::Failed { what: format!("{what}{place}"), failure }
    }
}

/// The numbers that stand for values of a reading.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StandIns {
    /// For all of them, since none is known.
    pub(super) instead: Option<StatedNumber>,
    /// For those that are absent.
    pub(super) default: Option<StatedNumber>,
}

impl StandIns {
    /// The number for a value that is not there.
    pub(super) fn number(&self) -> Option<StatedNumber> {
        self.instead.or(self.default)
    }

    /// Whether an answer with them may be kept: what stands for values that are not known is reported
    /// anew each time, and what depends on a workload is requested anew.
    pub(super) fn may_be_kept(&self) -> bool {
        self.instead.is_none() && self.default.is_none_or(|number| !number.of_now)
    }
}

/// Warnings about values that are served although there are no newer ones.
pub(super) fn stale_warning(
    reading: &Reading,
    stands: &StandIns,
    mapping: &Mapping,
) -> Option<String> {
    let (age, why) = reading.stale.as_ref()?;
    if let Some(value) = stands.instead {
        let metric = &mapping.metric;
        return Some(format!(
            "{metric} is not known, and {value} stands for it, as onError says: {why}"
        ));
    }
    Some(format!("{} is {:.1}s old: {why}", mapping.metric, age.as_secs_f64()))
}

/// Warnings about values that are no numbers, where the policy says what stands for them.
pub(super) fn not_numbers(reading: &Reading, mapping: &Mapping) -> Option<String> {
    let count = reading.evaluated.values.not_numbers;
    if count == 0 {
        return None;
    }
    let stands = match mapping.policy.on_nan {
        OnNan::Value(value) => format!("{value} stands for each"),
        OnNan::Absent | OnNan::Refuse => "they count as absent".to_owned(),
    };
    Some(format!(
        "values of {} that are NaN or infinite: {count}; {stands}, as onNaN says",
        mapping.metric
    ))
}

/// A warning that some of several places are left out, or the error if all are.
pub(super) fn left_out<T>(
    answered: &[T],
    failed: &[ReadError],
) -> Result<Option<Missing>, ReadError> {
    let Some(first) = failed.first() else { return Ok(None) };
    if answered.is_empty() {
        return Err(first.clone());
    }
    let message = match failed.len() {
        1 => format!("a namespace is left out: {first}"),
        count => format!("{count} namespaces are left out: {first}"),
    };
    Ok(Some(Missing::new(MissingReason::LeftOut, message)))
}

/// Counts how a read ended. `stale` says whether values were served although there are no newer
/// ones.
pub(super) fn count<T>(
    mapping: &Mapping,
    begun: Instant,
    stale: bool,
    result: &Result<T, ReadError>,
) {
    mapping.metrics.read(match result {
        Ok(_) if stale => ReadOutcome::Stale,
        Ok(_) => ReadOutcome::Ok,
        Err(ReadError::Failed { failure: ReadFailure::Deadline { .. }, .. }) => {
            ReadOutcome::Deadline
        }
        Err(
            ReadError::Failed { .. }
            | ReadError::Refused(_)
            | ReadError::NotSynced { .. }
            | ReadError::Unavailable(_)
            | ReadError::Loading(_)
            | ReadError::Unloaded(_)
            | ReadError::Unlisted(_)
            | ReadError::Unbound(_),
        ) => ReadOutcome::Failed,
        Err(
            ReadError::NotFound(_)
            | ReadError::Absent(_)
            | ReadError::Unserved { .. }
            | ReadError::Bad(_),
        ) => ReadOutcome::NotFound,
    });
    match result {
        Ok(_) => {}
        // The evaluation says why.
        Err(error @ ReadError::Failed { failure: ReadFailure::Failed { .. }, .. }) => {
            mapping.metrics.incomplete(error.reason());
        }
        Err(ReadError::Absent(missing)) => mapping.note_missing_values(missing, true),
        Err(error) => mapping.note_missing(error.reason(), &error.to_string()),
    }
    mapping.metrics.read_took(begun.elapsed());
}
