//! The values of a read, and what is missing of them.

use std::time::Duration;

use super::{CustomRead, CustomReading, ValueGroup};
use crate::absence::{Absence, ObjectAbsence, nothing_selected};
use crate::part::{left_out, not_numbers};
use crate::{CustomRequest, ObjectSelection, ReadError};
use leadsman_evaluation::{Missing, MissingReason, StatedNumber};
use leadsman_model::names::Namespace;
use leadsman_model::selector::Selector;
use leadsman_model::values::{MetricValues, Value};

/// Values for objects.
#[derive(Debug)]
pub struct CustomValues<'a> {
    /// The kind of the objects.
    pub kind: String,
    /// Its version; that of the core group has a leading slash.
    pub api_version: String,
    /// What picked the series.
    pub selector: &'a Selector,
    /// The values, by object.
    pub values: Vec<ObjectValue<'a>>,
    /// Why some are missing, or a default stands for them.
    pub missing: Option<Missing>,
}

/// A value for an object.
#[derive(Debug, Clone, Copy)]
pub struct ObjectValue<'a> {
    /// The object's namespace; empty if it lives in none.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The value.
    pub value: Value,
}

impl CustomReading<'_> {
    /// The values of the objects that were requested.
    pub fn values(&self) -> Result<CustomValues<'_>, ReadError> {
        let (mut values, mut missing, mut failed) = (Vec::new(), None, Vec::new());
        for group in &self.groups {
            match self.read.values_of(group) {
                Ok((some, lacking)) => {
                    values.extend(some);
                    missing = missing.or(lacking);
                }
                Err(error) => failed.push(error),
            }
        }
        let answered: Vec<_> = values.iter().collect();
        let missing = left_out(&answered, &failed)?.or(self.left_out.clone()).or(missing);
        let missing = missing.or_else(|| self.groups.is_empty().then(|| self.read.nothing()));
        // Objects that are known are of a kind that is known.
        let resource = self.read.kind.resource();
        let details = resource.details().unwrap_or_default();
        Ok(CustomValues {
            kind: details.kind.to_string(),
            api_version: details.described_api_version(resource),
            selector: &self.read.part.key.selector,
            values,
            missing,
        })
    }
}

impl CustomRead<'_> {
    /// Why no object is picked.
    fn nothing(&self) -> Missing {
        let CustomRequest { metric, label_selector, .. } = *self.request;
        nothing_selected(metric, &self.kind, self.namespace(), label_selector)
    }

    /// The values of the objects of a group, and why others are missing.
    fn values_of<'v>(
        &self,
        group: &'v ValueGroup,
    ) -> Result<(Vec<ObjectValue<'v>>, Option<Missing>), ReadError> {
        let ValueGroup { namespace, names, reading, stands } = group;
        let namespace = namespace.as_ref().map_or("", Namespace::as_str);
        let evaluated = &reading.evaluated;
        let MetricValues::Objects(served) = &evaluated.values.served else {
            return Ok((Vec::new(), None));
        };
        let number = stands.number();
        let stated = |number: StatedNumber| Value {
            quantity: number.quantity,
            time: evaluated.time,
            window: None,
        };
        let default = number.map(stated);
        let mut values = Vec::with_capacity(names.len());
        // What the plugin gave and what cannot be served is not absent: no default stands for it.
        let (mut refused, mut absent) = (None, Vec::new());
        let (mut last_known, mut defaulted, mut oldest) = (Vec::new(), Vec::new(), Duration::ZERO);
        for name in names {
            match served.get(namespace, name) {
                Some(Ok(value)) => values.push(ObjectValue { namespace, name, value }),
                Some(Err(reason)) => {
                    refused = refused.or(Some((name.as_ref(), reason.to_string())))
                }
                None => {
                    let known = self.part.last_known(evaluated.last_known.object(namespace, name));
                    let value = match (known, default) {
                        (Some((value, age)), _) => {
                            last_known.push(name.as_ref());
                            oldest = oldest.max(age);
                            value
                        }
                        (None, Some(value)) => {
                            defaulted.push(name.as_ref());
                            value
                        }
                        (None, None) => {
                            absent.push(name.as_ref());
                            continue;
                        }
                    };
                    values.push(ObjectValue { namespace, name, value });
                }
            }
        }
        // That a stated value stands for all of them is reported with the reason already.
        let stand_ins = !last_known.is_empty() || !defaulted.is_empty();
        if stands.instead.is_some() || (refused.is_none() && absent.is_empty() && !stand_ins) {
            return Ok((values, None));
        }
        let absence = ObjectAbsence {
            of: Absence {
                mapping: self.part.mapping(),
                series: self.series.as_deref(),
                selector: &self.part.key.selector,
                evaluated,
            },
            store: &self.kind,
            namespace,
            served,
        };
        let (metric, resource) = (self.request.metric, self.kind.resource());
        let of_default =
            number.and_then(|number| absence.defaulted(number, &defaulted, names.len()));
        let of_known = absence.last_known(oldest, &last_known, names.len());
        let reported = [of_default, of_known].into_iter().flatten().reduce(Missing::and);
        if refused.is_none() && absent.is_empty() {
            return Ok((values, reported));
        }
        // Measures for another namespace, or for none, belong to no object that exists.
        let elsewhere = || {
            let refusals = &evaluated.values.refused;
            let refusal = refusals.iter().find(|refusal| absent.contains(&&*refusal.object))?;
            Some((refusal.object.as_str(), refusal.reason.clone()))
        };
        let refused = refused.or_else(elsewhere).map(|(name, reason)| {
            format!("{metric} for {resource} {name} is not served: {reason}")
        });
        match (refused, self.request.target) {
            (Some(reason), _) if values.is_empty() => Err(ReadError::Refused(reason)),
            (Some(reason), _) => {
                let missing = Some(Missing::new(MissingReason::Refused, reason));
                Ok((values, missing.into_iter().chain(reported).reduce(Missing::and)))
            }
            (None, ObjectSelection::One(name)) if values.is_empty() => {
                let Missing { reason, message } = absence.why(name.as_str());
                let asked = self.request.resource;
                let not_numbers = not_numbers(reading, self.part.mapping());
                let also = not_numbers.map_or_else(String::new, |count| format!("; {count}"));
                let message = format!(
                    "the server could not find the metric {metric} for {asked} {name}: \
                     {message}{also}"
                );
                Err(ReadError::Absent(Missing::new(reason, message)))
            }
            (None, _) => {
                let missing = absence.of_list(metric, &absent, names.len());
                Ok((values, missing.into_iter().chain(reported).reduce(Missing::and)))
            }
        }
    }
}
