//! A pod of Leadsman, which the test runs, since there are no nodes.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::account::Account;
use super::client::ApiClient;
use super::control_plane::ControlPlane;
use super::objects::path_of;
use crate::leadsman::{Exited, Leadsman};

impl ControlPlane {
    /// Runs a pod of a Deployment as a kubelet does: with its arguments, its volumes as folders,
    /// and its service account. Waits until it is ready. The account's token is in a kubeconfig,
    /// since the process is not in a container.
    ///
    /// # Panics
    /// If a dependency of the pod is missing, or it does not become ready in time.
    pub async fn run_pod(&self, namespace: &str, deployment: &str) -> Leadsman {
        Leadsman::expect_ready(self.try_run_pod(namespace, deployment).await).await
    }

    /// The same, but returns an error if the program refuses to serve.
    ///
    /// # Panics
    /// If a dependency of the pod is missing.
    pub async fn try_run_pod(&self, namespace: &str, deployment: &str) -> Result<Leadsman, Exited> {
        let admin = self.admin();
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}");
        let spec = admin.get(&path).await["spec"]["template"]["spec"].clone();
        let container = &spec["containers"][0];
        let folder = TempDir::new().expect("a temporary folder");
        let mut mounted = Vec::new();
        for mount in list(&container["volumeMounts"]) {
            let name = text(&mount["name"]);
            let volumes = list(&spec["volumes"]);
            let volume = volumes.iter().find(|volume| volume["name"] == name);
            let volume = volume.unwrap_or_else(|| panic!("no volume {name}: {spec:#}"));
            let target = folder.path().join(name);
            fill(&admin, namespace, volume, &target).await;
            mounted.push((text(&mount["mountPath"]), target));
        }
        let name = text(&spec["serviceAccountName"]).to_owned();
        let account = Account { namespace: namespace.to_owned(), name };
        let kubeconfig = account.kubeconfig(self).await;
        let own = list(&container["args"]).iter().map(text).map(|argument| {
            let moved = mounted.iter().find_map(|(path, target)| {
                let (flag, value) = argument.split_once('=')?;
                Some(format!("{flag}={}{}", target.display(), value.strip_prefix(path)?))
            });
            moved.unwrap_or_else(|| argument.to_owned())
        });
        let additional = [format!("--kubeconfig={}", kubeconfig.display())];
        Leadsman::run(&own.chain(additional).collect::<Vec<_>>(), folder).await
    }
}

/// Creates the folder of a volume, with the files of a ConfigMap or Secret.
async fn fill(admin: &ApiClient, namespace: &str, volume: &Value, target: &Path) {
    std::fs::create_dir(target).expect("a folder");
    let (kind, name) = if let Some(map) = volume["configMap"].as_object() {
        ("ConfigMap", &map["name"])
    } else if let Some(secret) = volume["secret"].as_object() {
        ("Secret", &secret["secretName"])
    } else {
        return;
    };
    let metadata = serde_json::json!({"namespace": namespace, "name": name});
    let object = serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
    let object = admin.get(&path_of(&object)).await;
    let data = object["data"].as_object().cloned().unwrap_or_else(Map::new);
    for (file, content) in &data {
        let content = match kind {
            "Secret" => STANDARD.decode(text(content)).expect("base64"),
            _ => text(content).as_bytes().to_vec(),
        };
        std::fs::write(target.join(file), content).expect("a file");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
