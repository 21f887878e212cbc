//! Reads in a cluster: the adapter watches pods of a real kube-apiserver and authorizes requests by
//! its reviews, and a client reads like the aggregator on behalf of the HPA controller. The same
//! run measures the same reads without a cluster.

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
    let with_cluster = Leadsman::start_with(&config, &arguments).await;
    let standalone = Leadsman::start(format!("{config}{}", objects())).await;
    let paths = paths("requests_by_namespace");

    heading();
    let (measured, cpu) = load(standalone.api(), standalone.pid(), &paths, Reader::default()).await;
    report("without a cluster", measured, cpu);
    for (name, user, groups) in [
        ("the HPA controller", CONTROLLER, &["system:serviceaccounts"][..]),
        ("system:masters", "admin", &["system:masters"][..]),
    ] {
        let reader = aggregator(plane, user, groups);
        let (measured, cpu) = load(with_cluster.api(), with_cluster.pid(), &paths, reader).await;
        report(name, measured, cpu);
    }
    println!("\nSubjectAccessReviews: {}", plane.reviews(ADAPTER).len());
    println!("memory: {:.1} MiB", mib(process::memory(with_cluster.pid())));
}

/// A reader like the aggregator, which forwards requests of a user.
fn aggregator(plane: &ControlPlane, user: &str, groups: &[&str]) -> Reader {
    let identity = plane.authorities().aggregator();
    let mut headers = vec![("x-remote-user", user.to_owned())];
    headers.extend(groups.iter().map(|group| ("x-remote-group", (*group).to_owned())));
    Reader { identity: Some((identity.certificate.clone(), identity.key.clone())), headers }
}

/// Creates all pods, with the fields that a metrics adapter reads.
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
