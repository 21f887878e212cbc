//! The real kubectl top.

use leadsman_tests::cluster::Workload;
use leadsman_tests::eventually;
use serde_json::json;

use crate::{Site, TIMEOUT};

const USED: &str = "used";

/// Each line of the output, with one space between columns.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

async fn nodes(site: &Site) {
    for (node, zone, cores, gibibytes) in
        [("node-a", "south", 1.2505, 2.0), ("node-b", "north", 0.5, 1.0)]
    {
        let metadata = json!({"name": node, "labels": {"zone": zone}});
        site.admin.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata})).await;
        let allocatable = json!({"cpu": "4", "memory": "8Gi"});
        let status = json!({"allocatable": allocatable, "capacity": allocatable});
        site.admin.merge_status(&format!("/api/v1/nodes/{node}"), &status).await;
        site.traffic.set(&format!(r#"node_cores{{node="{node}"}}"#), cores);
        let bytes = gibibytes * 1_073_741_824.0;
        site.traffic.set(&format!(r#"node_bytes{{node="{node}"}}"#), bytes);
    }
}

#[tokio::test]
async fn kubectl_top_shows_resource_metrics() {
    let site = Site::new("top").await;
    nodes(&site).await;
    for (namespace, name) in [(USED, "web"), (USED, "silent"), ("annex", "db")] {
        Workload::deployment(&site.admin, namespace, name, 1).await;
    }
    site.uses("used/web-0/app", 0.0505, 50.0);
    site.uses("used/web-0/proxy", 0.0005, 10.5);
    site.uses("annex/db-0/postgres", 1.0, 1024.0);

    let web = "web-0 51m 60Mi";
    for (command, printed) in [
        ("top nodes", &["node-a 1250m 31% 2048Mi 25%", "node-b 500m 12% 1024Mi 12%"][..]),
        ("top node node-b", &["node-b 500m 12% 1024Mi 12%"]),
        ("top nodes -l zone=south", &["node-a 1250m 31% 2048Mi 25%"]),
        ("top pods -n used", &[web]),
        ("top pods -n used --use-protocol-buffers=false", &[web]),
        ("top pod web-0 -n used", &[web]),
        ("top pod web-0 -n used --use-protocol-buffers=false", &[web]),
        ("top pods -n used --containers", &["web-0 app 50m 50Mi", "web-0 proxy 1m 10Mi"]),
        ("top pods -A", &["annex db-0 1000m 1024Mi", "used web-0 51m 60Mi"]),
        ("top pods -A -l app=db", &["annex db-0 1000m 1024Mi"]),
        ("top pods -A --sort-by=memory", &["annex db-0 1000m 1024Mi", "used web-0 51m 60Mi"]),
        ("top pods -A --field-selector metadata.namespace=annex", &["annex db-0 1000m 1024Mi"]),
        ("top pods -n used --sum", &[web, "________ ________", "51m 60Mi"]),
    ] {
        let mut line: Vec<_> = command.split(' ').collect();
        line.push("--no-headers");
        eventually(command, TIMEOUT, async || {
            let ran = site.plane.kubectl(&line).await;
            if ran.code == Some(0) && lines(&ran.stdout) == printed {
                Ok(())
            } else {
                Err(format!("{ran:#?}\n{}", site.leadsman.log()))
            }
        })
        .await;
    }
    // Only names, as for all kinds without a table format.
    let ran = site.plane.kubectl(&["get", "pods.metrics.k8s.io", "-n", USED, "-o", "name"]).await;
    assert_eq!(lines(ran.ok()), ["podmetrics.metrics.k8s.io/web-0"]);

    for (command, said) in [
        ("top pod nobody-0 -n used", "pods \"nobody-0\" not found"),
        (
            "top pod silent-0 -n used",
            "the query for cpu has values for 1 pod and none for this one",
        ),
        ("top pods -n used -l app=silent", "Warning: nothing is known of 1 pod,"),
        ("top pods -n used --field-selector status.phase=Running", "is not a known field selector"),
        ("top node node-c", "node \"node-c\" not found"),
    ] {
        let ran = site.plane.kubectl(&command.split(' ').collect::<Vec<_>>()).await;
        assert!(ran.failed().contains(said), "{ran:#?}");
    }

    // Why the output is incomplete.
    site.uses("annex/db-0/postgres", 1.0, f64::NAN);
    eventually("a warning", TIMEOUT, async || {
        let ran = site.plane.kubectl(&["top", "pods", "-A", "--no-headers"]).await;
        let told = "memory of container postgres of pods db-0 is not served: the value is NaN";
        let shown = lines(&ran.stdout) == ["used web-0 51m 60Mi"] && ran.stderr.contains(told);
        if shown { Ok(()) } else { Err(format!("{ran:#?}")) }
    })
    .await;
    site.remove().await;
}
