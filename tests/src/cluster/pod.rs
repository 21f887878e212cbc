//! A pod of Leadsman, run by the test, as there is no node.

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
    /// Does what a node would do with a pod of a Deployment: starts its program with its arguments,
    /// its volumes as folders, and its service account, and waits until it is ready. The account's
    /// token is in a kubeconfig, as the program is not in a pod.
    ///
    /// # Panics
    /// If something that the pod needs is not there, or it does not become ready.
    pub async fn run_pod(&self, namespace: &str, deployment: &str) -> Leadsman {
        Leadsman::ready(self.try_run_pod(namespace, deployment).await).await
    }

    /// The same, but returns an error if the program refuses to serve.
    ///
    /// # Panics
    /// If something that the pod needs is not there.
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
            let place = folder.path().join(name);
            fill(&admin, namespace, volume, &place).await;
            mounted.push((text(&mount["mountPath"]), place));
        }
        let name = text(&spec["serviceAccountName"]).to_owned();
        let account = Account { namespace: namespace.to_owned(), name };
        let kubeconfig = account.kubeconfig(self).await;
        let own = list(&container["args"]).iter().map(text).map(|argument| {
            let moved = mounted.iter().find_map(|(path, place)| {
                let (flag, value) = argument.split_once('=')?;
                Some(format!("{flag}={}{}", place.display(), value.strip_prefix(path)?))
            });
            moved.unwrap_or_else(|| argument.to_owned())
        });
        let around = [format!("--kubeconfig={}", kubeconfig.display())];
        Leadsman::run(&own.chain(around).collect::<Vec<_>>(), folder).await
    }
}

/// Creates the folder of a volume, with the files of a ConfigMap or Secret.
async fn fill(admin: &ApiClient, namespace: &str, volume: &Value, place: &Path) {
    std::fs::create_dir(place).expect("a folder");
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
        std::fs::write(place.join(file), content).expect("a file");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
