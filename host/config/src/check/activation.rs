//! Workloads that are taken to zero and from zero.

use std::time::Duration;

use super::super::written;
use super::Check;
use leadsman_model::activation::{Activation, Measured};
use leadsman_model::names::{Namespace, ObjectName};
use leadsman_model::quantity::Quantity;
use leadsman_model::selector::Selector;
use leadsman_model::serve::Serve;
use leadsman_model::workload::WorkloadName;

/// How long the value is low before a workload is taken to zero: the default, and the bounds.
const COOLDOWN: Duration = Duration::from_secs(300);
const MIN_COOLDOWN: Duration = Duration::from_secs(1);
const MAX_COOLDOWN: Duration = Duration::from_secs(24 * 3600);

/// How often the value is read: the default, and the bounds.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(300);

impl Check<'_> {
    /// The workload that a mapping takes to zero and from zero.
    pub(super) fn activation(
        &mut self,
        written: &written::Activator,
        serve: Option<&Serve>,
        place: &str,
    ) -> Option<Activation> {
        let target = &written.target;
        let name = WorkloadName::new(target.api_version.as_deref(), &target.kind, &target.name);
        let name = self.take(name, &format!("{place}/target"));
        let namespace = self.namespace_of(target, &format!("{place}/target"));
        let threshold = Quantity::from_f64(written.threshold.unwrap_or(0.0));
        let threshold = self.take(threshold, &format!("{place}/threshold"));
        let cooldown = format!("{place}/cooldown");
        let cooldown = self.within(
            written.cooldown.as_deref(),
            COOLDOWN,
            (MIN_COOLDOWN, MAX_COOLDOWN),
            &cooldown,
        );
        let every = format!("{place}/every");
        let every = self.within(
            written.every.as_deref(),
            DEFAULT_INTERVAL,
            (MIN_INTERVAL, MAX_INTERVAL),
            &every,
        );
        let measured = self.measured(written, serve, place);
        Some(Activation {
            workload: name?.in_namespace(namespace?),
            measured: measured?,
            threshold: threshold?,
            cooldown,
            min_replicas: written.min_replicas.unwrap_or(1),
            every,
            take_over: written.take_over,
        })
    }

    /// The namespace of a workload: a team scales in its own alone.
    fn namespace_of(
        &mut self,
        target: &written::ActivatorTarget,
        place: &str,
    ) -> Option<Namespace> {
        let own = self.origin.team().map(|(namespace, _)| namespace.clone());
        let Some(text) = &target.namespace else {
            if own.is_none() {
                self.fault(place, "the key \"namespace\" is missing: that of the workload");
            }
            return own;
        };
        let place = format!("{place}/namespace");
        let namespace: Namespace = self.take(text.parse(), &place)?;
        match own {
            Some(own) if own != namespace => {
                let message = format!("a mapping of {own} scales workloads of {own} alone");
                self.fault(place, message);
                None
            }
            _ => Some(namespace),
        }
    }

    fn within(
        &mut self,
        written: Option<&str>,
        default: Duration,
        (least, most): (Duration, Duration),
        place: &str,
    ) -> Duration {
        let duration = self.duration(written, default, place);
        if duration < least || duration > most {
            self.fault(place, format!("must be from {}s to {}s", least.as_secs(), most.as_secs()));
        }
        duration
    }

    /// What of the metric counts.
    fn measured(
        &mut self,
        written: &written::Activator,
        serve: Option<&Serve>,
        place: &str,
    ) -> Option<Measured> {
        let written::Activator { selector, object, .. } = written;
        match serve? {
            Serve::Custom(resource) => {
                if selector.is_some() {
                    let message = "is for external metrics; of a custom metric `object` counts";
                    self.fault(format!("{place}/selector"), message);
                }
                let Some(object) = object else {
                    let message =
                        format!("the key \"object\" is missing: which of the {resource} counts");
                    self.fault(place, message);
                    return None;
                };
                self.take(ObjectName::try_from(object.as_str()), &format!("{place}/object"))?;
                Some(Measured::Object(object.clone()))
            }
            Serve::External | Serve::ResourceMetrics(_) => {
                if object.is_some() {
                    let message = "is for custom metrics; items of an external metric are picked \
                                   with `selector`";
                    self.fault(format!("{place}/object"), message);
                }
                let text = selector.clone().unwrap_or_default();
                if !text.is_empty() {
                    self.take(text.parse::<Selector>(), &format!("{place}/selector"))?;
                }
                Some(Measured::Items(text))
            }
        }
    }
}
