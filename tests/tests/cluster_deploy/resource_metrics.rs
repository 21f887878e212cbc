//! Resource metrics, registered by an upgrade.

use std::time::Duration;

use leadsman_tests::cluster::RESOURCE_METRICS_API_SERVICE;
use leadsman_tests::eventually;
use serde_json::json;

use super::site::{SHOP, Site, resource_rules};

const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_upgrade_makes_kubectl_top_work_and_restarts_nothing() {
    let site = Site::new("with-top").await;
    site.install(&json!({})).await;
    let leadsman = site.run().await;
    site.assert_works().await;
    let log = leadsman.log();
    assert!(!log.contains("forbidden"), "{log}");

    let values = json!({
        "apiService": {"resource": true},
        "config": {"resourceRules": resource_rules()},
    });
    site.upgrade(&values).await;
    // From now on the process has the right, and writes its authority there.
    site.registration.wait_one_available(RESOURCE_METRICS_API_SERVICE).await;
    let expected = site.authorities().await.remove(0);
    eventually("its authority", TIMEOUT, async || {
        let trusted = site.registration.authority(RESOURCE_METRICS_API_SERVICE).await;
        if trusted == expected { Ok(()) } else { Err(format!("{trusted:?}")) }
    })
    .await;
    eventually("kubectl top", TIMEOUT, async || {
        let line = ["top", "pods", "--namespace", SHOP, "--no-headers"];
        let ran = site.plane.kubectl(&line).await;
        let shown = ran.stdout.starts_with("web-0") && ran.stdout.contains("3000m");
        if shown { Ok(()) } else { Err(format!("{ran:#?}\n{}", leadsman.log())) }
    })
    .await;
    site.uninstall().await;
}
