//! The result for an autoscaler under assumptions: other values, targets or replicas.

use leadsman_hpa::{MetricTarget, Reading};
use leadsman_model::quantity::Quantity;

use super::gather::Gathered;
use super::notation::both;
use leadsman_autoscaler::verdict::title;

/// What to assume in place of what there is.
#[derive(Debug, Clone, Default)]
pub struct WhatIf {
    /// Targets.
    pub targets: Vec<Assumption>,
    /// Values. For a metric of pods, that of each pod.
    pub values: Vec<Assumption>,
    /// The replicas of the target.
    pub replicas: Option<i32>,
}

/// An assumption about one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// The name of the metric; `None` for the only one.
    pub metric: Option<String>,
    /// The number.
    pub quantity: Quantity,
}

impl std::str::FromStr for Assumption {
    type Err = String;

    /// `[METRIC=]QUANTITY`
    fn from_str(text: &str) -> Result<Self, String> {
        let (metric, quantity) = match text.rsplit_once('=') {
            Some((metric, quantity)) => (Some(metric.to_owned()), quantity),
            None => (None, text),
        };
        let quantity = quantity.parse::<Quantity>().map_err(|error| error.to_string())?;
        Ok(Self { metric, quantity })
    }
}

impl WhatIf {
    /// Puts the assumptions in the place of what was gathered. Returns them in words.
    pub(super) fn apply(&self, gathered: &mut Gathered) -> Result<Vec<String>, String> {
        let mut assumed = Vec::new();
        if let Some(replicas) = self.replicas {
            gathered.situation.replicas = replicas;
            gathered.situation.status_replicas = replicas;
            assumed.push(format!("{replicas} replicas"));
        }
        for assumption in &self.targets {
            let at = assumption.place(gathered)?;
            let milli = assumption.quantity.milli();
            let target = &mut gathered.situation.metrics[at].target;
            *target = match target {
                MetricTarget::Value(_) => MetricTarget::Value(milli),
                MetricTarget::AverageValue(_) => MetricTarget::AverageValue(milli),
                MetricTarget::Utilization(_) => MetricTarget::Utilization(
                    i32::try_from(milli / 1000).map_err(|_| "a utilization is in percent")?,
                ),
            };
            let name = title(&gathered.metrics[at].spec);
            assumed.push(format!("{name} with the target {}", both(milli)));
        }
        for assumption in &self.values {
            let at = assumption.place(gathered)?;
            let milli = assumption.quantity.milli();
            let name = title(&gathered.metrics[at].spec);
            match &mut gathered.situation.metrics[at].reading {
                Ok(Reading::Pods { samples, .. }) => {
                    samples.values_mut().for_each(|sample| sample.value = milli);
                }
                Ok(Reading::External(values)) => *values = vec![milli],
                Ok(Reading::Object(value)) => *value = milli,
                reading if gathered.metrics[at].spec.external.is_some() => {
                    *reading = Ok(Reading::External(vec![milli]));
                }
                reading if gathered.metrics[at].spec.object.is_some() => {
                    *reading = Ok(Reading::Object(milli));
                }
                Err(reason) => {
                    return Err(format!(
                        "{name} cannot be read, so it is not known which pods have a value: {reason}"
                    ));
                }
            }
            assumed.push(format!("{name} with the value {}", both(milli)));
        }
        Ok(assumed)
    }
}

impl Assumption {
    /// Which of the autoscaler's metrics it is about.
    fn place(&self, gathered: &Gathered) -> Result<usize, String> {
        let names: Vec<_> = gathered.metrics.iter().map(|metric| metric.spec.name()).collect();
        let fits = |name: &&str| self.metric.as_deref().is_none_or(|wanted| wanted == *name);
        let mut found = names.iter().enumerate().filter(|(_, name)| fits(name));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(format!(
                "the autoscaler has no metric \"{}\"; it has {}",
                self.metric.as_deref().unwrap_or_default(),
                names.join(", ")
            )),
            _ => Err(format!(
                "which metric is meant? Write METRIC=QUANTITY with one of {}",
                names.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_quantity() {
        let assumption = |text: &str| text.parse::<Assumption>();
        let milli = Quantity::from_milli;
        assert_eq!(assumption("500m"), Ok(Assumption { metric: None, quantity: milli(500) }));
        let named = Assumption { metric: Some("m".to_owned()), quantity: milli(2_000_000) };
        assert_eq!(assumption("m=2k"), Ok(named));
        assert!(assumption("m=lots").unwrap_err().contains("lots"));
    }
}
