//! From what was read to values of the objects that were asked for, and why some are missing.

use super::{CustomRead, CustomReading, CustomValues, ObjectValue, Place};
use crate::absence::{Absence, ObjectAbsence, nothing_selected};
use crate::part::{left_out, not_numbers, stale_warning};
use crate::{CustomRequest, Origin, ReadError, Target};
use leadsman_evaluation::{Missing, MissingReason};
use leadsman_model::names::Namespace;
use leadsman_model::values::{MetricValues, Value};

impl CustomReading<'_> {
    /// What the answer is made from, where it may be kept.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }

    /// Whether values are served although there are no newer ones.
    pub fn is_stale(&self) -> bool {
        self.places.iter().any(|place| place.reading.stale.is_some())
    }

    /// What is to be known of values that are old.
    pub fn warning(&self) -> Option<String> {
        let mapping = self.read.part.mapping();
        let stale = self.places.iter().find_map(|place| stale_warning(&place.reading, mapping));
        let not_numbers =
            || self.places.iter().find_map(|place| not_numbers(&place.reading, mapping));
        stale.or_else(not_numbers)
    }

    /// The values of the objects that were asked for.
    pub fn values(&self) -> Result<CustomValues<'_>, ReadError> {
        let (mut values, mut missing, mut failed) = (Vec::new(), None, Vec::new());
        for place in &self.places {
            match self.read.values_of(place) {
                Ok((some, lacking)) => {
                    values.extend(some);
                    missing = missing.or(lacking);
                }
                Err(error) => failed.push(error),
            }
        }
        let answered: Vec<_> = values.iter().collect();
        let missing = left_out(&answered, &failed)?.or(self.left_out.clone()).or(missing);
        let missing = missing.or_else(|| self.places.is_empty().then(|| self.read.nothing()));
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

    /// The values of the objects of a place, and a word on those that are missing.
    fn values_of<'v>(
        &self,
        place: &'v Place,
    ) -> Result<(Vec<ObjectValue<'v>>, Option<Missing>), ReadError> {
        let Place { namespace, names, reading } = place;
        let namespace = namespace.as_ref().map_or("", Namespace::as_str);
        let evaluated = &reading.evaluated;
        let MetricValues::Objects(served) = &evaluated.values.served else {
            return Ok((Vec::new(), None));
        };
        let quantity = reading.instead.or(self.part.mapping().policy.default);
        let default =
            quantity.map(|quantity| Value { quantity, time: evaluated.time, window: None });
        let mut values = Vec::with_capacity(names.len());
        // What the plugin gave and what cannot be served is not absent: no default stands for it.
        let (mut refused, mut absent) = (None, Vec::new());
        for name in names {
            match served.get(namespace, name) {
                Some(Ok(value)) => values.push(ObjectValue { namespace, name, value }),
                Some(Err(reason)) => {
                    refused = refused.or(Some((name.as_ref(), reason.to_string())))
                }
                None => {
                    absent.push(name.as_ref());
                    let value = default.map(|value| ObjectValue { namespace, name, value });
                    values.extend(value);
                }
            }
        }
        // That a stated value stands for all of them is told with the reason already.
        if reading.instead.is_some() || (refused.is_none() && absent.is_empty()) {
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
        if let (None, Some(default)) = (&refused, quantity) {
            return Ok((values, absence.defaulted(default, &absent, names.len())));
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
            (Some(reason), _) => Ok((values, Some(Missing::new(MissingReason::Refused, reason)))),
            (None, Target::One(name)) if values.is_empty() => {
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
            (None, _) => Ok((values, absence.of_list(metric, &absent, names.len()))),
        }
    }
}
