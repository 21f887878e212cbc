//! What stands for values that are not known: a value, or a number of replicas.

use super::super::written;
use super::Check;
use leadsman_document::Severity;
use leadsman_evaluation::{ReplicasBehavior, StandIn, StatedReplicas, TargetType};
use leadsman_model::quantity::Quantity;
use leadsman_model::serve::Serve;
use leadsman_model::workload::WorkloadName;

impl Check<'_> {
    /// What stands for values of a mapping that is served like this, as far as it is known.
    pub(super) fn stand_in(
        &mut self,
        then: &written::Then,
        serve: Option<&Serve>,
        place: &str,
    ) -> Option<StandIn> {
        let states_replicas = then.replicas.is_some() || then.behavior.is_some();
        if states_replicas {
            if then.value.is_some() {
                self.fault(place, "only one of the keys value, replicas may stand here");
            }
            return self
                .replicas(then, serve, place)
                .map(|stated| StandIn::Replicas(stated.into()));
        }
        let of_replicas = [
            ("target", then.target.is_some()),
            ("targetType", then.target_type.is_some()),
            ("workload", then.workload.is_some()),
        ];
        for (key, _) in of_replicas.into_iter().filter(|(_, there)| *there) {
            self.fault(format!("{place}/{key}"), "belongs to `replicas`, which is not there");
        }
        let Some(value) = then.value else {
            self.fault(place, "expected one of the keys value, replicas");
            return None;
        };
        self.take(Quantity::from_f64(value), &format!("{place}/value")).map(StandIn::Value)
    }

    fn replicas(
        &mut self,
        then: &written::Then,
        serve: Option<&Serve>,
        place: &str,
    ) -> Option<StatedReplicas> {
        let behavior = match then.behavior {
            None | Some(written::ReplicasBehavior::Static) => ReplicasBehavior::Static,
            Some(written::ReplicasBehavior::CurrentReplicas) => ReplicasBehavior::Current,
            Some(written::ReplicasBehavior::CurrentReplicasIfHigher) => {
                ReplicasBehavior::CurrentIfHigher
            }
            Some(written::ReplicasBehavior::CurrentReplicasIfLower) => {
                ReplicasBehavior::CurrentIfLower
            }
        };
        if then.replicas.is_none() && behavior != ReplicasBehavior::Current {
            self.fault(place, "the key \"replicas\" is missing");
        }
        let target = match &then.target {
            Some(target) => self.target(target, &format!("{place}/target")),
            None => {
                let message = "the key \"target\" is missing: the target of the HPA, which a \
                               number of replicas is multiplied by";
                self.fault(place, message);
                None
            }
        };
        let target_type = match then.target_type {
            None | Some(written::TargetType::AverageValue) => TargetType::AverageValue,
            Some(written::TargetType::Value) => TargetType::Value,
        };
        let workload = then.workload.as_ref().and_then(|written| {
            let written::Workload { kind, name, api_version } = written;
            let named = WorkloadName::new(api_version.as_deref(), kind, name);
            self.take(named, &format!("{place}/workload"))
        });
        let stated = StatedReplicas {
            replicas: then.replicas.unwrap_or_default(),
            behavior,
            target: target?,
            target_type,
            workload,
        };
        self.needs_of(&stated, then.workload.is_some(), serve, place);
        let most = stated.target.milli().checked_mul(i64::from(stated.replicas));
        if most.is_none() {
            let message = "the value for so many replicas is beyond what can be served";
            self.fault(format!("{place}/replicas"), message);
        }
        Some(stated)
    }

    fn target(&mut self, written: &written::Number, place: &str) -> Option<Quantity> {
        let target = match written {
            written::Number::Number(number) => self.take(Quantity::from_f64(*number), place),
            written::Number::Text(text) => self.take(text.parse::<Quantity>(), place),
        }?;
        if target <= Quantity::ZERO {
            self.fault(place, "must be more than 0");
            return None;
        }
        Some(target)
    }

    /// What a number of replicas needs to know of a workload. `named` says whether one is written.
    fn needs_of(
        &mut self,
        stated: &StatedReplicas,
        named: bool,
        serve: Option<&Serve>,
        place: &str,
    ) {
        let resource = match serve {
            Some(Serve::Custom(resource)) => Some(resource),
            _ => None,
        };
        let of_pods = resource.is_some_and(|of| of.group().is_empty() && of.plural() == "pods");
        let by_value = stated.target_type == TargetType::Value;
        if of_pods && by_value {
            let message = "metrics of pods have targets of the type `averageValue` alone";
            self.fault(format!("{place}/targetType"), message);
            return;
        }
        let why = match stated.behavior {
            ReplicasBehavior::Static if by_value => {
                "with `targetType: value` the number of its ready pods counts"
            }
            ReplicasBehavior::Static => "",
            _ => "this behavior looks at the number of its replicas",
        };
        let place_of_it = format!("{place}/workload");
        match (&stated.workload, why) {
            (None, "") => {}
            (None, why) if !named => {
                self.fault(place, format!("the key \"workload\" is missing: {why}"));
            }
            // It has a fault of its own.
            (None, _) => {}
            (Some(_), "") => {
                let message = "has no effect on a number of replicas that is the same whatever \
                               the workload has";
                self.report(Severity::Warning, &place_of_it, message);
            }
            (Some(workload), _) => {
                if by_value && workload.known_plural().is_none() {
                    let message = format!(
                        "the status of a {} does not say how many of its pods are ready, which \
                         counts with `targetType: value`; a Deployment, StatefulSet or ReplicaSet \
                         can be used, or a target of the type averageValue",
                        workload.kind()
                    );
                    self.fault(&place_of_it, message);
                }
                if let Some(of) = resource.filter(|of| !of.namespaced() && !of.is_namespace()) {
                    let message =
                        format!("{of} live in no namespace, so that no workload is meant");
                    self.fault(&place_of_it, message);
                }
            }
        }
    }
}
