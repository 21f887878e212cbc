//! Patches APIServices, and restores them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{APIService, APIServiceSpec};
use kube::api::{Patch, PatchParams};
use kube::{Api as KubeApi, ResourceExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::before::{RegisteredApi, RegisteredService, listed};
use super::{ProgressSink, TakeoverError};
use leadsman_cluster::{Cluster, explain};
use leadsman_server::registration::Service;

/// Holds what an APIService was before it was taken over.
pub(crate) const ANNOTATION: &str = "leadsman.dev/taken-over";

/// Makes cert-manager write another authority into an APIService.
const INJECTIONS: [&str; 3] = [
    "cert-manager.io/inject-ca-from",
    "cert-manager.io/inject-ca-from-secret",
    "cert-manager.io/inject-apiserver-ca",
];

/// How long it may take until kube-apiserver gets answers after a change.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How often in a row it must have worked, and how often that is looked at.
const MIN_SUCCESSES: usize = 5;
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// What APIServices are pointed to.
pub(super) struct Target {
    pub(super) service: Service,
    pub(super) port: u16,
    pub(super) bundle: Vec<u8>,
}

/// What an APIService was before.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct SavedService {
    spec: APIServiceSpec,
    /// Those that had to be removed.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Points the APIServices to us. If that does not work, or lists less than before, all is changed back.
pub(super) async fn take(
    cluster: &Cluster,
    before: &RegisteredApi,
    to: &Target,
    keeps_everything: bool,
    out: &mut ProgressSink<'_>,
) -> Result<(), TakeoverError> {
    let mut taken = Vec::new();
    for found in before.foreign(&to.service) {
        let (patch, kept) = takeover_patch(&found.object, to)?;
        let done = apply(cluster, &found.name, &patch).await;
        if done.is_ok() {
            out(format_args!("{}: points to {} now", found.name, to.service));
            taken.push((found, kept));
            continue;
        }
        // What could not be changed back is said there.
        give_back(cluster, &taken, out).await;
        return done;
    }
    for (found, _) in &taken {
        if let Err(reason) = works(cluster, found, keeps_everything).await {
            out(format_args!("{}: {reason}", found.name));
            let reason = format!("{} {reason}", found.name);
            let left = give_back(cluster, &taken, out).await;
            return Err(TakeoverError::after(reason, &left));
        }
        out(format_args!("{}: it answers, and lists what it listed before", found.name));
    }
    Ok(())
}

/// Points the APIServices that were taken over to where they pointed before.
pub(super) async fn undo(
    cluster: &Cluster,
    before: &RegisteredApi,
    own: &Service,
    dry_run: bool,
    out: &mut ProgressSink<'_>,
) -> Result<(), TakeoverError> {
    let mut given = 0;
    for found in &before.found {
        let Some(text) = found.object.annotations().get(ANNOTATION) else {
            out(format_args!("{}: it was not taken over", found.name));
            continue;
        };
        let kept: SavedService = serde_json::from_str(text).map_err(|error| {
            let message = format!("the annotation {ANNOTATION} of {}: {error}", found.name);
            TakeoverError::Refused(message)
        })?;
        let to = kept.spec.service.as_ref();
        let to = to.map_or_else(String::new, |to| {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            format!("{}/{}", part(&to.namespace), part(&to.name))
        });
        if found.service.as_ref() != Some(own) {
            let whose = found.service.as_ref().map_or("nowhere".to_owned(), Service::to_string);
            return Err(TakeoverError::Refused(format!(
                "{} points to {whose} and not to {own}: somebody else has changed it since; remove \
                 the annotation {ANNOTATION} if that is right",
                found.name
            )));
        }
        given += 1;
        if dry_run {
            out(format_args!("to do: point {} back to {to} (--dry-run)", found.name));
            continue;
        }
        let version = found.object.resource_version();
        apply(cluster, &found.name, &restore_patch(&kept, version.as_deref())).await?;
        out(format_args!("{}: points to {to} again", found.name));
        match works(cluster, found, false).await {
            Ok(()) => out(format_args!("{}: it answers", found.name)),
            Err(reason) => out(format_args!("{}: {reason}; see that {to} is up", found.name)),
        }
    }
    if given == 0 {
        let message = format!("nothing of {} was taken over", before.api.group());
        return Err(TakeoverError::Refused(message));
    }
    Ok(())
}

/// The patch that points an APIService to us, and what it was before.
fn takeover_patch(
    object: &APIService,
    to: &Target,
) -> Result<(Value, SavedService), TakeoverError> {
    let spec = object.spec.clone().unwrap_or_default();
    let injections = object.annotations().iter();
    let injections = injections.filter(|(key, _)| INJECTIONS.contains(&key.as_str()));
    let annotations = injections.map(|(key, value)| (key.clone(), value.clone())).collect();
    let kept = SavedService { spec, annotations };
    let text = serde_json::to_string(&kept)
        .map_err(|error| TakeoverError::Refused(format!("it cannot be kept: {error}")))?;
    let mut written = json!({ANNOTATION: text});
    for key in kept.annotations.keys() {
        written[key] = Value::Null;
    }
    let patch = json!({
        // Only the version that was looked at.
        "metadata": {
            "resourceVersion": object.resource_version(),
            "annotations": written,
        },
        "spec": {
            "service": {
                "namespace": to.service.namespace, "name": to.service.name, "port": to.port,
            },
            "caBundle": ByteString(to.bundle.clone()),
            "insecureSkipTLSVerify": false,
        },
    });
    Ok((patch, kept))
}

/// The patch that points an APIService to where it pointed before.
fn restore_patch(kept: &SavedService, version: Option<&str>) -> Value {
    let SavedService { spec, annotations } = kept;
    let mut written = json!({ANNOTATION: Value::Null});
    for (key, value) in annotations {
        written[key] = value.as_str().into();
    }
    // A port that was left out is left out again.
    let service = spec.service.as_ref().map(|service| {
        json!({"namespace": service.namespace, "name": service.name, "port": service.port})
    });
    let mut metadata = json!({"annotations": written});
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({
        "metadata": metadata,
        "spec": {
            "service": service,
            "caBundle": spec.ca_bundle,
            "insecureSkipTLSVerify": spec.insecure_skip_tls_verify.unwrap_or_default(),
            "groupPriorityMinimum": spec.group_priority_minimum,
            "versionPriority": spec.version_priority,
        },
    })
}

async fn apply(cluster: &Cluster, name: &str, patch: &Value) -> Result<(), TakeoverError> {
    let api: KubeApi<APIService> = KubeApi::all(cluster.client().clone());
    let parameters =
        PatchParams { field_manager: Some("leadsman-takeover".into()), ..PatchParams::default() };
    let patched = api.patch(name, &parameters, &Patch::Merge(patch)).await;
    patched
        .map(drop)
        .map_err(|error| TakeoverError::Write { name: name.to_owned(), reason: explain(&error) })
}

/// After a change that did not work: whatever can be changed back is. Gives the names of what is not.
async fn give_back(
    cluster: &Cluster,
    taken: &[(&RegisteredService, SavedService)],
    out: &mut ProgressSink<'_>,
) -> Vec<String> {
    let mut left = Vec::new();
    for (found, kept) in taken {
        match apply(cluster, &found.name, &restore_patch(kept, None)).await {
            Ok(()) => out(format_args!("{}: changed back", found.name)),
            Err(error) => {
                out(format_args!("{}: NOT changed back: {error}", found.name));
                left.push(found.name.clone());
            }
        }
    }
    left
}

/// Whether an APIService works, several times in a row, with all that it listed before if that is asked
/// for.
async fn works(cluster: &Cluster, found: &RegisteredService, with_all: bool) -> Result<(), String> {
    let begun = Instant::now();
    let mut in_a_row = 0;
    loop {
        let reason = match (listed(cluster, &found.name).await, &found.listed) {
            (Err(reason), _) => Some(format!("does not answer: {reason}")),
            (Ok(now), Ok(before)) if with_all => {
                let missing: Vec<_> = before.difference(&now).take(5).cloned().collect();
                (!missing.is_empty()).then(|| format!("no longer lists {}", missing.join(", ")))
            }
            (Ok(_), _) => None,
        };
        in_a_row = if reason.is_none() { in_a_row + 1 } else { 0 };
        if in_a_row >= MIN_SUCCESSES {
            return Ok(());
        }
        if let Some(reason) = reason
            && begun.elapsed() > SETTLE_TIMEOUT
        {
            return Err(reason);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_keda() -> APIService {
        serde_json::from_value(json!({
            "metadata": {
                "name": "v1beta1.external.metrics.k8s.io", "resourceVersion": "7",
                "annotations": {
                    "cert-manager.io/inject-ca-from": "keda/cert",
                    "meta.helm.sh/release-name": "keda",
                },
            },
            "spec": {
                "group": "external.metrics.k8s.io", "version": "v1beta1",
                "groupPriorityMinimum": 100, "versionPriority": 100,
                "caBundle": ByteString(b"old".to_vec()),
                "service": {"namespace": "keda", "name": "server", "port": 443},
            },
        }))
        .unwrap()
    }

    /// A merge patch, as kube-apiserver applies it.
    fn merged(mut object: Value, patch: &Value) -> Value {
        let Value::Object(patch) = patch else { return patch.clone() };
        if !object.is_object() {
            object = json!({});
        }
        for (key, value) in patch {
            if value.is_null() {
                object.as_object_mut().unwrap().remove(key);
            } else {
                let before = object[key].take();
                object[key] = merged(before, value);
            }
        }
        object
    }

    #[test]
    fn what_is_undone_is_what_was_before() {
        let before = of_keda();
        let own = Service { namespace: "metrics".into(), name: "leadsman".into() };
        let to = Target { service: own, port: 6443, bundle: b"new".to_vec() };
        let (patch, _) = takeover_patch(&before, &to).unwrap();
        let whole = serde_json::to_value(&before).unwrap();
        let taken = merged(whole.clone(), &patch);
        assert_eq!(taken["spec"]["service"]["name"], "leadsman");
        assert_eq!(taken["spec"]["service"]["port"], 6443);
        assert_eq!(taken["spec"]["insecureSkipTLSVerify"], false);
        assert_eq!(taken["spec"]["groupPriorityMinimum"], 100);
        let annotations = &taken["metadata"]["annotations"];
        assert!(annotations.get("cert-manager.io/inject-ca-from").is_none(), "{annotations}");
        assert_eq!(annotations["meta.helm.sh/release-name"], "keda");
        let kept: SavedService =
            serde_json::from_str(annotations[ANNOTATION].as_str().unwrap()).unwrap();
        let mut given = merged(taken.clone(), &restore_patch(&kept, Some("8")));
        assert_eq!(given["metadata"]["resourceVersion"], "8");
        given["metadata"]["resourceVersion"] = "7".into();
        // What is left out and what is false are the same.
        given["spec"].as_object_mut().unwrap().remove("insecureSkipTLSVerify");
        assert_eq!(given, whole);
    }
}
