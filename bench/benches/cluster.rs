//! Reads in a cluster: the adapter beside a real kube-apiserver, whose pods it watches and whom it
//! asks who may read, and one client that reads as the aggregator does for the HPA controller.
//! The same reads without a cluster are in the same run.

use leadsman_bench::load::Reader;
use leadsman_bench::process;
use leadsman_bench::scene::{
    NAMESPACES, config, heading, load, mib, objects, paths, pods, report, source,
};
use leadsman_tests::Leadsman;
use leadsman_tests::cluster::{Account, ControlPlane};
use serde_json::json;

const ADAPTER: &str = "system:serviceaccount:metrics:leadsman";
const CONTROLLER: &str = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(measure());
}

async fn measure() {
    let (_exporter, prometheus) = source().await;
    let plane = ControlPlane::shared().await;
    fill(plane).await;
    let account = Account::adapter(&plane.admin(), "metrics", "leadsman", &["pods"]).await;
    let kubeconfig = account.kubeconfig(plane).await;
    let kubeconfig = kubeconfig.to_str().expect("a path in UTF-8");
    let arguments = ["--kubeconfig", kubeconfig, "--bind-address", "127.0.0.1"];
    let config = config(&prometheus.url());
    let inside = Leadsman::start_with(&config, &arguments).await;
    let alone = Leadsman::start(format!("{config}{}", objects())).await;
    let paths = paths("requests_by_namespace");

    heading();
    let (measured, cpu) = load(alone.api(), alone.pid(), &paths, Reader::default()).await;
    report("without a cluster", measured, cpu);
    for (what, user, groups) in [
        ("the HPA controller", CONTROLLER, &["system:serviceaccounts"][..]),
        ("system:masters", "admin", &["system:masters"][..]),
    ] {
        let reader = aggregator(plane, user, groups);
        let (measured, cpu) = load(inside.api(), inside.pid(), &paths, reader).await;
        report(what, measured, cpu);
    }
    println!("\nSubjectAccessReviews: {}", plane.reviews(ADAPTER).len());
    println!("memory: {:.1} MiB", mib(process::memory(inside.pid())));
}

/// As the aggregator passes a user's requests on.
fn aggregator(plane: &ControlPlane, user: &str, groups: &[&str]) -> Reader {
    let identity = plane.authorities().aggregator();
    let mut headers = vec![("x-remote-user", user.to_owned())];
    headers.extend(groups.iter().map(|group| ("x-remote-group", (*group).to_owned())));
    Reader { identity: Some((identity.certificate.clone(), identity.key.clone())), headers }
}

/// Makes all pods, as far as a metrics adapter can see.
async fn fill(plane: &ControlPlane) {
    let client = plane.admin();
    for namespace in 0..NAMESPACES {
        client.namespace(&format!("ns{namespace}")).await;
    }
    for (namespace, app, pod) in pods() {
        client
            .create(&json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": pod, "namespace": namespace, "labels": {"app": app}},
                "spec": {"nodeName": "node", "containers": [{"name": "app", "image": "app"}]},
            }))
            .await;
    }
}
