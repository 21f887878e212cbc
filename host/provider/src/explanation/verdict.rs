//! One line that says what a read gets.

use super::findings::{ReadValue, seconds};
use super::{MetricExplanation, ValueFrom};
use leadsman_model::notation::both;
use leadsman_runtime::clock;
use std::time::Duration;

/// Of the values of one metric, by its title.
pub(super) fn of_values(title: &str, values: &[ReadValue<'_>]) -> String {
    match values {
        [] => format!("{title} has no value for what was asked"),
        [one] => {
            let age = clock::now().saturating_sub(one.value.time);
            let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
            let number = both(one.value.quantity.milli());
            let policies = match one.policies.as_slice() {
                [] => String::new(),
                reported => format!(": {}", reported.join("; ")),
            };
            let of = match (one.object, one.namespace) {
                ("", _) => String::new(),
                (object, "") => format!(" of {object}"),
                (object, namespace) => format!(" of {namespace}/{object}"),
            };
            let measured = match one.from {
                ValueFrom::Default | ValueFrom::Otherwise => String::new(),
                _ => format!(", measured {} ago", seconds(age)),
            };
            format!("{title}{of} is {number}{measured}{policies}")
        }
        many => {
            let milli = many.iter().map(|value| value.value.quantity.milli());
            let sum = milli.fold(0_i64, i64::saturating_add);
            let reported = |from: ValueFrom, what: &str| {
                let count = many.iter().filter(|value| value.from == from).count();
                (count > 0).then(|| format!("; {count} {what}"))
            };
            let stand_ins: String = [
                reported(ValueFrom::LastGood, "are the last good ones"),
                reported(ValueFrom::LastKnown, "are the last known ones, for absent objects"),
                reported(ValueFrom::Default, "are stated defaults, for absent objects"),
                reported(ValueFrom::Otherwise, "are stated, for values that are not known"),
            ]
            .into_iter()
            .flatten()
            .collect();
            format!("{title} has {} values, {} in all{stand_ins}", many.len(), both(sum))
        }
    }
}

/// Of a whole explanation, from the lines of its metrics.
pub(super) fn of(explanation: &MetricExplanation, lines: &[String]) -> String {
    match &explanation.failure {
        Some(failure) => failure.message.clone(),
        None => lines.join("; "),
    }
}
