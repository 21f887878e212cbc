//! Events on autoscalers.

use super::*;

/// The Events of the adapter on an autoscaler of the namespace `told`: reasons and notes.
async fn events(admin: &ApiClient, name: &str) -> Vec<(String, String)> {
    let list = admin.get("/apis/events.k8s.io/v1/namespaces/told/events").await;
    let events = list["items"].as_array().cloned().unwrap_or_default();
    let of_autoscaler = |event: &Value| {
        event["regarding"]["kind"] == "HorizontalPodAutoscaler"
            && event["regarding"]["name"] == name
            && event["reportingController"] == "leadsman.dev/leadsman"
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = events.into_iter().filter(of_autoscaler);
    events.map(|event| (text(&event["reason"]), text(&event["note"]))).collect()
}

/// Waits until an autoscaler is told this, with this text.
async fn is_told(admin: &ApiClient, name: &str, reason: &str, note: &str) {
    eventually(&format!("{reason} of {name}"), TIMEOUT, async || {
        let events = events(admin, name).await;
        let is_it = |(of, said): &(String, String)| of == reason && said.contains(note);
        if events.iter().any(is_it) { Ok(()) } else { Err(format!("{events:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn autoscalers_are_told_what_becomes_of_their_metrics() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let web = Workload::deployment(&admin, "told", "web", 1).await;
    let api = Workload::deployment(&admin, "told", "api", 1).await;
    let upstream = thirty(&["web-0", "api-0"]).await;
    let second = thirty(&["web-0", "api-0"]).await;
    let adapter = Adapter::new(plane, "told", &["pods"]).await;
    adapter.account().allow_autoscaler_events(&admin).await;
    let quick = |mapping: Mapping| mapping.set("maxAge", "1s").set("refreshAtMostEvery", "1s");
    let promql = r#"load{namespace="${namespace}"}"#;
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .prometheus("second", &second.url())
        .mapping(quick(load("pods")).set("onError", "{lastGood: 1h}"))
        .mapping(quick(Mapping::pods("strict").query_from("second", "q", promql)));
    let (certificate, key) = adapter.serving_certificate("tls", adapter.authority());
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("a path"));
    let tls = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
    let arguments = [&tls[..], &["--autoscaler-events"]].concat();
    let leadsman = adapter.start_with(config, &arguments).await;
    let trust = adapter.authority().pem();
    let registration = adapter.register(leadsman.api().port(), Trust::Authority(&trust)).await;
    for (workload, metric) in [(&web, "load"), (&api, "strict")] {
        let hpa = Hpa::create(&admin, workload, 1..=5, &[Metric::pods(metric, "30")]).await;
        hpa.wait_condition("ScalingActive", "was able to successfully calculate").await;
    }
    for source in [&upstream, &second] {
        source.set_reply(Reply::new(503, "text/plain", "down for today"));
    }
    is_told(&admin, "web", "MetricOld", "pods/load: old values are served").await;
    is_told(&admin, "api", "MetricFailing", "pods/strict: reads get an error").await;
    let (_, note) = events(&admin, "api").await.remove(0);
    assert!(note.contains("503"), "{note}");
    for source in [&upstream, &second] {
        source.set_reply(Reply::pods(&[("web-0", "30"), ("api-0", "30")]));
    }
    for (name, metric) in [("web", "load"), ("api", "strict")] {
        let note = format!("pods/{metric}: newly evaluated values are served again");
        is_told(&admin, name, "MetricRecovered", &note).await;
        // Nobody is told of what they do not read.
        for (_, note) in events(&admin, name).await {
            assert!(note.starts_with(&format!("pods/{metric}: ")), "{note}");
        }
    }
    let told = async |outcome: &str| {
        let labels = [("outcome", outcome)];
        leadsman.metric("leadsman_autoscaler_events_total", &labels).await.unwrap_or_default()
    };
    // It is counted once kube-apiserver has answered.
    eventually("four that are counted", TIMEOUT, async || {
        let written = told("written").await;
        if written >= 4.0 { Ok(()) } else { Err(format!("{written}")) }
    })
    .await;
    assert_eq!(told("failed").await, 0.0);
    // However often a metric flaps, its autoscaler gets six at most.
    for fails in [true, false].repeat(6) {
        let before = told("written").await;
        second.set_reply(match fails {
            true => Reply::new(503, "text/plain", "down again"),
            false => Reply::pods(&[("web-0", "30"), ("api-0", "30")]),
        });
        eventually("an Event, or one too many", TIMEOUT, async || {
            let (written, limited) = (told("written").await, told("limited").await);
            let is_told = written > before || limited > 0.0;
            if is_told { Ok(()) } else { Err(format!("{written} written")) }
        })
        .await;
        if told("limited").await > 0.0 {
            break;
        }
    }
    assert!(told("limited").await > 0.0, "it is told each time");
    // Of two autoscalers.
    assert!(told("written").await <= 12.0);
    registration.remove().await;
}
