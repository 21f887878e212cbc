//! Makes a read and sums its values to one number.

use leadsman_evaluation::{Missing, MissingReason};
use leadsman_model::names::ObjectName;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::Value;
use leadsman_provider::snapshot::Snapshot;
use leadsman_provider::{
    Caller, CustomRead, CustomRequest, ExternalItems, ExternalRead, ExternalRequest,
    ObjectSelection, ReadError, yield_to_others,
};

use super::read::{Read, ReadSubject};

/// The result of a read as one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Measured {
    /// The sum of the selected values, as an autoscaler computes it for external metrics.
    pub(super) value: Quantity,
    /// The time of the oldest of them, in milliseconds since the epoch.
    pub(super) time: i64,
    /// A warning: values are old.
    pub(super) warning: Option<String>,
    /// Which values are missing, and what stands for them.
    pub(super) missing: Option<Missing>,
}

impl Measured {
    /// How much memory its texts take.
    pub(super) fn bytes(&self) -> usize {
        let missing = self.missing.as_ref().map_or(0, |missing| missing.message.len());
        self.warning.as_ref().map_or(0, String::len) + missing
    }

    /// All warnings about it.
    pub(super) fn notes(&self) -> Option<String> {
        match (&self.warning, &self.missing) {
            (Some(warning), Some(missing)) => Some(format!("{warning}; {}", missing.message)),
            (Some(warning), None) => Some(warning.clone()),
            (None, Some(missing)) => Some(missing.message.clone()),
            (None, None) => None,
        }
    }
}

/// Makes a read, as the APIs do.
pub(super) async fn measure(
    snapshot: &Snapshot,
    read: &Read,
    caller: Caller<'_>,
) -> Result<Measured, ReadError> {
    let metric: &str = &read.metric;
    match &read.of {
        ReadSubject::External { namespace, selector } => {
            external(
                snapshot,
                &ExternalRequest { caller, namespace, metric, metric_selector: selector },
            )
            .await
        }
        ReadSubject::Custom { namespace, kind, object, selector, metric_selector } => {
            let target = match object.as_deref() {
                None => ObjectSelection::All,
                Some(name) => ObjectSelection::One(
                    ObjectName::try_from(name)
                        .map_err(|error| ReadError::Bad(error.to_string()))?,
                ),
            };
            let request = CustomRequest {
                caller,
                namespace: namespace.as_deref(),
                resource: kind,
                target,
                metric,
                label_selector: selector,
                metric_selector,
            };
            custom(snapshot, &request).await
        }
    }
}

async fn external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
) -> Result<Measured, ReadError> {
    let read = ExternalRead::new(snapshot, request).await?;
    let mut stale = false;
    let measured: Result<Measured, ReadError> = async {
        let reading = read.read().await?;
        stale = reading.is_stale();
        let warning = reading.warning();
        yield_to_others(reading.size()).await;
        let ExternalItems { items, missing } = reading.items()?;
        let values = items.iter().map(|item| item.value);
        total(request.metric, values, warning, missing)
    }
    .await;
    if let Ok(Measured { missing: Some(missing), .. }) = &measured {
        read.note_missing(missing, false);
    }
    read.ended(stale, &measured);
    measured
}

async fn custom(snapshot: &Snapshot, request: &CustomRequest<'_>) -> Result<Measured, ReadError> {
    let read = CustomRead::new(snapshot, request).await?;
    let mut stale = false;
    let measured: Result<Measured, ReadError> = async {
        let reading = read.read(None).await?;
        stale = reading.is_stale();
        let warning = reading.warning();
        yield_to_others(reading.size()).await;
        let mut found = reading.values()?;
        let missing = found.missing.take();
        let values = found.values.iter().map(|object| object.value);
        total(request.metric, values, warning, missing)
    }
    .await;
    if let Ok(Measured { missing: Some(missing), .. }) = &measured {
        read.note_missing(missing, false);
    }
    read.ended(stale, &measured);
    measured
}

/// The sum of values. A missing value would count as 0, so there is no sum then, unless a policy states a
/// number for every missing value.
fn total(
    metric: &str,
    values: impl Iterator<Item = Value>,
    warning: Option<String>,
    missing: Option<Missing>,
) -> Result<Measured, ReadError> {
    let mut sum: Option<(i64, i64)> = None;
    for Value { quantity, time, .. } in values {
        let (milli, oldest) = sum.unwrap_or((0, i64::MAX));
        let Some(milli) = milli.checked_add(quantity.milli()) else {
            return Err(ReadError::Refused(format!(
                "the sum of the values of {metric} is beyond ±9.2e15, the largest that fits milli precision"
            )));
        };
        sum = Some((milli, oldest.min(time)));
    }
    if let Some(Missing { reason, message }) = missing.as_ref().filter(|missing| !stands(missing)) {
        let why = match sum {
            Some(_) => format!(
                "{message}; the sum over the objects that are picked would be too small without them: \
                 `onAbsent` of the mapping can say what stands for one that has no value"
            ),
            None => message.clone(),
        };
        return Err(ReadError::Absent(Missing::new(*reason, why)));
    }
    let Some((milli, time)) = sum else {
        let message = format!("{metric} has no values");
        return Err(ReadError::Absent(Missing::new(MissingReason::NoSeries, message)));
    };
    Ok(Measured { value: Quantity::from_milli(milli), time, warning, missing })
}

/// Whether a policy states a number for every missing value.
fn stands(missing: &Missing) -> bool {
    matches!(missing.reason, MissingReason::LastKnown | MissingReason::Default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(milli: i64, time: i64) -> Value {
        Value { quantity: Quantity::from_milli(milli), time, window: None }
    }

    fn reported(values: &[Value], missing: Option<MissingReason>) -> Result<Measured, String> {
        let missing = missing.map(|reason| Missing::new(reason, "pod web-1 has no value"));
        total("load", values.iter().copied(), None, missing).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_added_up_and_the_oldest_gives_the_time() {
        let measured = reported(&[value(1500, 7), value(-500, 3)], None).unwrap();
        assert_eq!((measured.value.milli(), measured.time), (1000, 3));
        assert!(measured.notes().is_none());
    }

    #[test]
    fn what_is_missing_is_no_zero() {
        for reason in [MissingReason::NoSeries, MissingReason::Refused, MissingReason::LeftOut] {
            let why = reported(&[value(1, 1)], Some(reason)).unwrap_err();
            assert!(
                why.contains("web-1 has no value; the sum") && why.contains("`onAbsent`"),
                "{why}"
            );
            assert_eq!(reported(&[], Some(reason)).unwrap_err(), "pod web-1 has no value");
        }
        assert_eq!(reported(&[], None).unwrap_err(), "load has no values");
    }

    #[test]
    fn what_a_policy_states_counts_and_is_told() {
        for reason in [MissingReason::Default, MissingReason::LastKnown] {
            let measured = reported(&[value(1, 1)], Some(reason)).unwrap();
            assert_eq!(measured.notes().as_deref(), Some("pod web-1 has no value"));
            assert!(measured.bytes() > 20);
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let why = reported(&[value(i64::MAX, 1), value(1, 1)], None).unwrap_err();
        assert!(why.contains("milli precision"), "{why}");
    }
}
