//! `leadsman takeover`: from prometheus-adapter, and back.

use leadsman_tests::cluster::{API_SERVICES, Readers, Registration, Trust};
use leadsman_tests::{CheckReport, Leadsman, eventually, free_port, paths};
use serde_json::{Value, json};

use super::scene::{Scene, TIMEOUT};

/// prometheus-adapter serves all groups, and Leadsman runs beside it.
struct Site {
    scene: Scene,
    leadsman: Leadsman,
    registration: Registration<'static>,
    authority: String,
}

impl Site {
    async fn new(namespace: &'static str) -> Self {
        let mut scene = Scene::new(namespace).await;
        let config = scene.config();
        let leadsman = scene.start(&config).await;
        let theirs = scene.theirs.url();
        let port = theirs.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let name = "prometheus-adapter";
        let registration =
            Registration::new(scene.plane, namespace, name, port, Trust::Unverified).await;
        registration.wait_available().await;
        let ours = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": namespace, "name": "leadsman"},
            "spec": {"type": "ExternalName", "externalName": "localhost"},
        });
        scene.plane.admin().apply(&ours).await;
        scene.folder.put("ca.crt", scene.adapter.authority().pem());
        let authority = scene.folder.path("ca.crt").display().to_string();
        Self { scene, leadsman, registration, authority }
    }

    /// Runs the command for custom metrics.
    async fn takeover(&self, port: u16, arguments: &[&str]) -> CheckReport {
        let kubeconfig = self.scene.plane.admin_kubeconfig().to_str().expect("UTF-8");
        let service = format!("{}/leadsman", self.scene.namespace);
        let port = port.to_string();
        let common = [
            "takeover",
            "--kubeconfig",
            kubeconfig,
            "--api",
            "custom.metrics.k8s.io",
            "--service",
            &service,
            "--port",
            &port,
        ];
        let all = [&common[..], arguments].concat();
        Leadsman::command(&all, &std::env::temp_dir()).await
    }

    /// The same with the authority and a configuration.
    async fn with_config(&self, arguments: &[&str]) -> CheckReport {
        let config = self.scene.folder.config().display().to_string();
        let known = ["--ca-file", &self.authority, "--config", &config];
        let port = self.leadsman.api().port();
        self.takeover(port, &[&known[..], arguments].concat()).await
    }

    /// The specs of the APIServices of custom metrics.
    async fn specs(&self) -> Vec<Value> {
        let mut specs = Vec::new();
        for name in &API_SERVICES[..2] {
            specs.push(self.registration.service(name).await["spec"].clone());
        }
        specs
    }
}

#[tokio::test]
async fn an_api_is_taken_over_and_given_back_without_a_failed_read() {
    let site = Site::new("neighbours-takeover").await;
    let (scene, before) = (&site.scene, site.specs().await);
    let url = format!("{}{}", scene.plane.url(), scene.requests());
    let root = scene.root();
    let readers = Readers::start(4, &url, || root.clone());

    // Nothing is silent, and nothing is done before everything is in order.
    let told = site.takeover(site.leadsman.api().port(), &["--ca-file", &site.authority]).await;
    assert_eq!(told.code, Some(1), "{told:#?}");
    told.assert_contains(&[
        "v1beta2.custom.metrics.k8s.io: served by neighbours-takeover/prometheus-adapter; it answers",
        "must be passed on to it",
        "delegates:",
        "service: {namespace: neighbours-takeover, name: prometheus-adapter, port:",
        "apis: [custom]",
    ]);
    let told = site.with_config(&["--from", "keda/keda-operator-metrics-apiserver"]).await;
    assert_eq!(told.code, Some(1), "{told:#?}");
    told.assert_contains(&[
        "is served by neighbours-takeover/prometheus-adapter, and not by keda/",
    ]);
    let told = site.with_config(&["--dry-run"]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    told.assert_contains(&[
        "the delegate \"prometheus-adapter\" of",
        "to do: point v1beta1.custom.metrics.k8s.io and v1beta2.custom.metrics.k8s.io to \
         neighbours-takeover/leadsman",
        "nothing is changed",
    ]);
    assert_eq!(site.specs().await, before);
    assert_eq!(
        scene.read(&scene.jobs()).await.status,
        404,
        "prometheus-adapter has no such metric"
    );

    let told = site.with_config(&[]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    told.assert_contains(&[
        "v1beta1.custom.metrics.k8s.io: points to neighbours-takeover/leadsman now",
        "v1beta2.custom.metrics.k8s.io: it answers, and lists what it listed before",
    ]);
    for spec in site.specs().await {
        assert_eq!(spec["service"]["name"], "leadsman", "{spec:#}");
        assert_ne!(spec["insecureSkipTLSVerify"], true, "{spec:#}");
    }
    scene.wait_value(&scene.jobs(), "20").await;
    scene.wait_value(&scene.requests(), "12").await;
    let again = site.with_config(&[]).await;
    assert_eq!(again.code, Some(0), "{again:#?}");
    again.assert_contains(&["already; nothing is to be done"]);

    // doctor says who serves what.
    let told = eventually("what doctor says", TIMEOUT, async || {
        let kubeconfig = scene.plane.admin_kubeconfig();
        let told = Leadsman::doctor(kubeconfig, scene.namespace, scene.config()).await;
        if told.output.contains("was taken over") { Ok(told) } else { Err(format!("{told:#?}")) }
    })
    .await;
    told.assert_contains(&[
        "v1beta1.custom.metrics.k8s.io is served by the Service neighbours-takeover/leadsman and",
        "v1beta1.external.metrics.k8s.io is served by the Service \
         neighbours-takeover/prometheus-adapter and",
        "`leadsman takeover --undo` gives it back",
        "Delegates, as seen from here",
        "the delegate \"prometheus-adapter\" at https://127.0.0.1",
        "requests",
    ]);

    let port = site.leadsman.api().port();
    let told = site.takeover(port, &["--undo", "--dry-run"]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    let told = site.takeover(port, &["--undo"]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    told.assert_contains(&["points to neighbours-takeover/prometheus-adapter again"]);
    let same = |now: &[Value]| {
        now.iter().zip(&before).all(|(now, before)| {
            let mut now = now.clone();
            // What is false may be left out.
            if before.get("insecureSkipTLSVerify").is_none() {
                let spec = now.as_object_mut().expect("a spec");
                spec.remove("insecureSkipTLSVerify");
            }
            now == *before
        })
    };
    let after = site.specs().await;
    assert!(same(&after), "{after:#?} and not {before:#?}");
    let service = site.registration.service(API_SERVICES[0]).await;
    assert!(service["metadata"]["annotations"]["leadsman.dev/taken-over"].is_null(), "{service:#}");
    scene.wait_value(&scene.requests(), "12").await;
    let told = site.takeover(port, &["--undo"]).await;
    assert_eq!(told.code, Some(1), "{told:#?}");
    told.assert_contains(&["nothing of custom.metrics.k8s.io was taken over"]);

    readers.wait_reads(20).await;
    let failures = readers.stop().await;
    assert!(failures.is_empty(), "{}: {failures:#?}", failures.len());
    site.registration.remove().await;
}

#[tokio::test]
async fn what_does_not_work_after_a_takeover_is_changed_back() {
    let mut site = Site::new("neighbours-back").await;
    let before = site.specs().await;
    // Nobody listens there.
    let config = site.scene.folder.config().display().to_string();
    let arguments = ["--ca-file", &site.authority, "--config", &config];
    let told = site.takeover(free_port(), &arguments).await;
    assert_eq!(told.code, Some(1), "{told:#?}");
    told.assert_contains(&["does not answer", "changed back", "are as they were before"]);
    let specs = site.specs().await;
    for (now, before) in specs.iter().zip(&before) {
        assert_eq!(now["service"], before["service"], "{now:#}");
    }
    // A configuration that would lose metrics is refused before.
    let alone = site.scene.alone();
    site.scene.folder.configure(&alone);
    let told = site.with_config(&[]).await;
    assert_eq!(told.code, Some(1), "{told:#?}");
    told.assert_contains(&["has no delegate for custom.metrics.k8s.io at", "would be gone"]);
    assert_eq!(site.specs().await[0]["service"], before[0]["service"]);
    // Unless that is wanted.
    let told = site.with_config(&["--without-delegate"]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    site.scene.wait_value(&site.scene.jobs(), "20").await;
    let gone = site.scene.read(&paths::pods(site.scene.namespace, "requests")).await;
    assert_eq!(gone.status, 404, "{gone:#?}");
    let told = site.takeover(site.leadsman.api().port(), &["--undo"]).await;
    assert_eq!(told.code, Some(0), "{told:#?}");
    site.scene.wait_value(&site.scene.requests(), "12").await;
    site.registration.remove().await;
}
