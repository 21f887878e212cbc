//! The value of a metric as one number, if it is known now, for decisions about the last replica.
//!
//! It is read as an autoscaler reads it, so that both see the same value. Two kinds of values do not
//! count as known: numbers that a policy puts in place of unknown values, and low values that a source
//! gives with a warning. Thanos and others mark partial answers in that way, and the rest may be missing.

use std::sync::Arc;
use std::time::Instant;

use super::part::count;
use super::{
    Caller, CustomRead, CustomReading, CustomRequest, ExternalItems, ExternalRead, ExternalReading,
    ExternalRequest, ObjectSelection, ReadError, first_list,
};
use leadsman_evaluation::Evaluations;
use leadsman_model::activation::{Activation, Measured};
use leadsman_model::names::ObjectName;
use leadsman_model::quantity::Quantity;

/// Who reads: nobody whose reads are counted has the same number by chance.
const CALLER: Caller<'_> =
    Caller { id: 0x6163_7469_7661_746f, user: None, agent: "leadsman-activator" };

/// The outcome of a read: a number, or why it is not known. The error says why there is no answer.
type Outcome = Result<Result<Quantity, String>, ReadError>;

/// The number of a mapping that an activation goes by. The error says why it is not known now: it
/// could not be read, it is absent or old, or another number stands for it.
pub async fn known_now(
    evaluations: &Arc<Evaluations>,
    activation: &Activation,
) -> Result<Quantity, String> {
    let namespace = activation.workload.namespace.as_str();
    let outcome = match &activation.measured {
        Measured::Items(selector) => {
            of_items(evaluations, namespace, selector, activation.threshold).await
        }
        Measured::Object(name) => {
            of_object(evaluations, namespace, name, activation.threshold).await
        }
    };
    outcome.map_err(|error| error.to_string())?
}

/// A number that a source gave with this warning, if it gave one. What is above the threshold starts a
/// workload nevertheless.
fn unless_in_doubt(
    value: Quantity,
    threshold: Quantity,
    warning: Option<&str>,
) -> Result<Quantity, String> {
    match warning {
        Some(warning) if value <= threshold => {
            Err(format!("it is {value}, and the source warns, so that it may be more: {warning}"))
        }
        _ => Ok(value),
    }
}

async fn of_items(
    evaluations: &Arc<Evaluations>,
    namespace: &str,
    selector: &str,
    threshold: Quantity,
) -> Outcome {
    let (begun, mapping) = (Instant::now(), evaluations.mapping().clone());
    let request = ExternalRequest {
        caller: CALLER,
        namespace,
        metric: mapping.metric.as_str(),
        metric_selector: selector,
    };
    let read = ExternalRead::prepare(&request, evaluations.clone(), None, begun);
    if read.is_err() {
        count(&mapping, begun, false, &read);
    }
    let read = read?;
    let reading = read.read().await;
    let stale = reading.as_ref().is_ok_and(ExternalReading::is_stale);
    let outcome = reading.and_then(|reading| sum(&reading, threshold));
    read.ended(stale, &outcome);
    outcome
}

/// The sum of the items, as an autoscaler adds them up.
fn sum(reading: &ExternalReading<'_>, threshold: Quantity) -> Outcome {
    if let Some(warning) = reading.warning() {
        return Ok(Err(warning));
    }
    let ExternalItems { items, missing } = reading.items()?;
    if let Some(missing) = missing {
        return Ok(Err(missing.message));
    }
    let mut milli = items.iter().map(|item| item.value.quantity.milli());
    let sum = milli.try_fold(0_i64, i64::checked_add);
    let sum = sum.map(Quantity::from_milli);
    let sum = sum.ok_or_else(|| "the sum of the items is too large".to_owned());
    Ok(sum.and_then(|sum| unless_in_doubt(sum, threshold, reading.source_warning())))
}

async fn of_object(
    evaluations: &Arc<Evaluations>,
    namespace: &str,
    name: &str,
    threshold: Quantity,
) -> Outcome {
    let (begun, mapping) = (Instant::now(), evaluations.mapping().clone());
    let Some(kind) = mapping.kind.clone() else {
        return Ok(Err("the metric is served for no objects".to_owned()));
    };
    let name = ObjectName::try_from(name).map_err(|error| ReadError::Bad(error.to_string()))?;
    let resource = kind.resource().plural().to_owned();
    let request = CustomRequest {
        caller: CALLER,
        namespace: kind.resource().namespaced().then_some(namespace),
        resource: &resource,
        target: ObjectSelection::One(name),
        metric: mapping.metric.as_str(),
        label_selector: "",
        metric_selector: "",
    };
    first_list(&kind, &mapping, begun).await;
    let read = CustomRead::prepare(&request, evaluations.clone(), kind, None, begun);
    if read.is_err() {
        count(&mapping, begun, false, &read);
    }
    let read = read?;
    let reading = read.read(None).await;
    let stale = reading.as_ref().is_ok_and(CustomReading::is_stale);
    let outcome = reading.and_then(|reading| value(&reading, threshold));
    read.ended(stale, &outcome);
    outcome
}

/// The value of the only object.
fn value(reading: &CustomReading<'_>, threshold: Quantity) -> Outcome {
    if let Some(warning) = reading.warning() {
        return Ok(Err(warning));
    }
    let values = reading.values()?;
    Ok(match (values.missing, values.values.first()) {
        (Some(missing), _) => Err(missing.message),
        (None, Some(one)) => {
            unless_in_doubt(one.value.quantity, threshold, reading.source_warning())
        }
        (None, None) => Err("there is no value".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_number_with_a_warning_is_not_known() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        let (threshold, warned) = (quantity("5"), Some("No StoreAPIs matched for this query"));
        for (value, warning, known) in [
            ("5", None, true),
            ("5", warned, false),
            ("0", warned, false),
            ("5001m", warned, true),
            ("0", None, true),
        ] {
            let reported = unless_in_doubt(quantity(value), threshold, warning);
            assert_eq!(reported.is_ok(), known, "{value} {warning:?}");
            if let Err(why) = reported {
                assert!(why.contains("the source warns") && why.contains("StoreAPIs"), "{why}");
            }
        }
    }
}
