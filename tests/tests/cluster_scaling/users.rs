//! Users' cases, with the files of `examples/`.

use leadsman_tests::cluster::{Workload, users};
use leadsman_tests::eventually;

use super::{HTTP_REQUESTS, NGINX_INGRESS, TIMEOUT, admin, current, stage};

#[tokio::test]
async fn vernemq_scales_by_message_rate() {
    users::vernemq_scales_by_message_rate(&stage().traffic).await;
}

#[tokio::test]
async fn go_counter_scales_by_counter_value() {
    users::go_counter_scales_by_counter_value(&stage().traffic).await;
}

/// User 4.
#[tokio::test]
async fn a_web_site_scales_by_the_requests_of_its_ingress() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "my-site", "my-deployment-apache", 1).await;
    let requests = |ten_times: f64| {
        let labels = r#"namespace="my-site",ingress="my-ingress",host="test.ru""#;
        let counter = format!("nginx_ingress_controller_requests{{{labels}}}");
        stage.traffic.set_rate(&counter, ten_times / 10.0);
    };
    requests(0.0);
    let hpa = users::autoscaler(NGINX_INGRESS, &workload).await;
    hpa.wait_desired(1).await;
    requests(650.0);
    hpa.wait_desired(7).await;
    // What the user saw: the load decreases, and seven pods stay for five minutes.
    requests(244.006);
    eventually("34858m at seven pods", TIMEOUT, async || {
        let (line, status) = (users::hpa_line(&workload).await, hpa.wait_desired(7).await);
        let seen = line.contains("34858m/100 (avg)");
        if seen { Ok(()) } else { Err(format!("{line}\n{status:#}")) }
    })
    .await;
    hpa.scale_immediately(&["scaleDown"]).await;
    hpa.wait_desired(3).await;
    requests(0.0);
    hpa.wait_desired(1).await;
}

/// User 4's other case. Rates over two minutes change slowly, so the counters start in the past.
#[tokio::test]
async fn a_rate_over_two_minutes_makes_four_pods_of_twelve_and_five_of_fourteen() {
    let (stage, admin) = (stage(), admin().await);
    let workload = Workload::deployment(&admin, "default", "http-server", 1).await;
    let hpa = users::autoscaler(HTTP_REQUESTS, &workload).await;
    hpa.scale_immediately(&["scaleDown"]).await;
    stage.traffic.backfill_rate(r#"http_requests{instance="a"}"#, 12.0, 140);
    let status = hpa.wait_desired(4).await;
    assert_eq!(current(&status, "external", "averageValue"), "3", "{status:#}");
    stage.traffic.backfill_rate(r#"http_requests{instance="b"}"#, 2.0, 140);
    hpa.wait_desired(5).await;
    for instance in ["a", "b"] {
        stage.traffic.set_rate(&format!(r#"http_requests{{instance="{instance}"}}"#), 0.0);
    }
    hpa.wait_desired(4).await;
}
