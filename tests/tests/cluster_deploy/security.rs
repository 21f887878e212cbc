//! Pod Security: whether a restricted namespace admits the pods.

use leadsman_tests::Answer;
use leadsman_tests::cluster::ControlPlane;
use reqwest::Method;
use serde_json::{Value, json};

/// Asserts that the pods of a Deployment meet the level `restricted`, except for host networking.
pub(crate) async fn assert_secure(plane: &ControlPlane, deployment: &Value) {
    let template = &deployment["spec"]["template"];
    let restricted = try_pod(plane, "restricted", template).await;
    if template["spec"]["hostNetwork"] != true {
        assert!(restricted.is_success(), "{restricted:#?}");
        return;
    }
    let refused = restricted.failure();
    refused.assert_contains(&["host namespaces (hostNetwork=true)"]);
    // And for no other reason: the rest of the message is about host ports.
    for other in ["runAsNonRoot", "seccompProfile", "capabilities", "allowPrivilegeEscalation"] {
        assert!(!refused.message.contains(other), "{refused:#?}");
    }
    let privileged = try_pod(plane, "privileged", template).await;
    assert!(privileged.is_success(), "{privileged:#?}");
}

/// A dry run of a pod from a template in a namespace of this level.
async fn try_pod(plane: &ControlPlane, level: &str, template: &Value) -> Answer {
    let admin = plane.admin();
    let labels = json!({"pod-security.kubernetes.io/enforce": level});
    let metadata = json!({"name": level, "labels": labels});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    admin.apply(&namespace).await;
    let mut pod = template.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("tried");
    let path = format!("/api/v1/namespaces/{level}/pods?dryRun=All");
    admin.send(Method::POST, &path, "application/json", &pod).await
}
