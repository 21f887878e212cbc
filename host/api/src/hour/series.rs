//! Identifies what a metric of an autoscaler reads, without its target. Two metrics with the same identity
//! have the same values, and share a trend line.

use leadsman_autoscaler::manifest::{MetricSpec, TargetSpec};
use ring::digest::{SHA256, digest};

/// A digest: whoever writes an autoscaler chooses how long its selectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeriesId([u8; 32]);

impl SeriesId {
    pub(super) fn of(spec: &MetricSpec) -> Self {
        let mut read = spec.clone();
        for source in [&mut read.pods, &mut read.object, &mut read.external].into_iter().flatten() {
            source.target = kind(&source.target);
            source.fallback = None;
        }
        for source in [&mut read.resource, &mut read.container_resource].into_iter().flatten() {
            source.target = kind(&source.target);
        }
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, format!("{read:?}").as_bytes()).as_ref());
        Self(id)
    }

    #[cfg(test)]
    pub(super) fn for_test(of: u8) -> Self {
        Self([of; 32])
    }
}

/// Of what a target is: it decides whether the value or an average is compared.
fn kind(target: &TargetSpec) -> TargetSpec {
    TargetSpec {
        value: target.value.as_ref().map(|_| String::new()),
        average_value: target.average_value.as_ref().map(|_| String::new()),
        average_utilization: target.average_utilization.map(|_| 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(metric: Value, target: Value) -> SeriesId {
        let external = json!({"metric": metric, "target": target});
        let spec = json!({"type": "External", "external": external});
        SeriesId::of(&serde_json::from_value(spec).unwrap())
    }

    #[test]
    fn a_series_is_what_is_read_and_not_what_it_is_to_be() {
        let metric =
            |queue: &str| json!({"name": "depth", "selector": {"matchLabels": {"queue": queue}}});
        let average = |target: &str| json!({"type": "AverageValue", "averageValue": target});
        let mails = of(metric("mails"), average("10"));
        assert_eq!(mails, of(metric("mails"), average("20")));
        assert_ne!(mails, of(metric("orders"), average("10")));
        assert_ne!(mails, of(json!({"name": "depth"}), average("10")));
        assert_ne!(mails, of(metric("mails"), json!({"type": "Value", "value": "10"})));
    }
}
