//! The pods of an autoscaler's target.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use leadsman_hpa::{Phase, ReadyCondition};
use leadsman_model::quantity::Quantity;

/// A pod, as far as the arithmetic goes.
pub(super) fn pod(pod: &Pod) -> leadsman_hpa::Pod {
    let status = pod.status.as_ref();
    let millis = |time: &Time| time.0.as_millisecond();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready");
    leadsman_hpa::Pod {
        name: name(pod),
        phase: match status.and_then(|status| status.phase.as_deref()) {
            Some("Pending") => Phase::Pending,
            Some("Running") => Phase::Running,
            Some("Succeeded") => Phase::Succeeded,
            Some("Failed") => Phase::Failed,
            _ => Phase::Unknown,
        },
        deleted: pod.metadata.deletion_timestamp.is_some(),
        ready: ready.map(|condition| ReadyCondition {
            status: match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            },
            since: condition.last_transition_time.as_ref().map_or(0, millis),
        }),
        started: status.and_then(|status| status.start_time.as_ref()).map(millis),
    }
}

/// What each pod requests of a resource, in thousandths: itself as a whole, or its containers together, or
/// one of them. A container without a request makes all of it unknown, as for the controller.
pub(super) fn requests(
    pods: &[Pod],
    resource: &str,
    container: Option<&str>,
) -> Result<BTreeMap<String, i64>, String> {
    pods.iter().map(|pod| Ok((name(pod), request(pod, resource, container)?))).collect()
}

fn request(pod: &Pod, resource: &str, container: Option<&str>) -> Result<i64, String> {
    let Some(spec) = &pod.spec else { return Ok(0) };
    let of_pod = spec.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    if let (None, Some(requests)) = (container, of_pod)
        && let Some(request) = requests.get(resource)
    {
        return milli(&request.0);
    }
    let restarts = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(restarts);
    let counted = spec
        .containers
        .iter()
        .chain(sidecars)
        .filter(|of| container.is_none_or(|name| of.name == name));
    let mut sum = 0_i64;
    for of in counted {
        let requests = of.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let Some(request) = requests.and_then(|requests| requests.get(resource)) else {
            let (container, pod) = (&of.name, name(pod));
            return Err(format!(
                "the container {container} of the pod {pod} requests no {resource}, so there is no \
                 utilization: add the request, or use a target of the type AverageValue"
            ));
        };
        sum = sum.saturating_add(milli(&request.0)?);
    }
    Ok(sum)
}

/// A quantity in thousandths.
pub(super) fn milli(text: &str) -> Result<i64, String> {
    text.parse::<Quantity>().map(Quantity::milli).map_err(|error| error.to_string())
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(spec: serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "web-0"}, "spec": spec})).unwrap()
    }

    #[test]
    fn requests_are_of_the_pod_or_of_all_that_run_in_it() {
        let with =
            |name: &str, cpu: &str| json!({"name": name, "resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = with("mesh", "50m");
        sidecar["restartPolicy"] = json!("Always");
        let pod = of(json!({
            "containers": [with("app", "1"), with("log", "100m")],
            "initContainers": [sidecar, with("migrate", "4")],
        }));
        let of_all = requests(std::slice::from_ref(&pod), "cpu", None).unwrap();
        assert_eq!(of_all["web-0"], 1150);
        assert_eq!(requests(std::slice::from_ref(&pod), "cpu", Some("log")).unwrap()["web-0"], 100);
        let missing = requests(&[pod], "memory", None).unwrap_err();
        assert!(
            missing.contains("the container app of the pod web-0 requests no memory"),
            "{missing}"
        );
    }
}
