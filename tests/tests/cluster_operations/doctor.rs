//! `leadsman doctor`.

use super::*;

/// An adapter that doctor checks.
struct Patient {
    plane: &'static ControlPlane,
    admin: ApiClient,
    workload: Workload,
    adapter: Adapter<'static>,
    leadsman: Leadsman,
    registration: Registration<'static>,
    config: Config,
    upstream: Upstream,
}

/// Problems that it finds.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    NoSource,
    NoRights,
    NoApiService,
    AnothersApiService,
    WrongAuthority,
    UnknownMetric,
}

impl Patient {
    /// Without problems.
    async fn new() -> Self {
        let plane = ControlPlane::shared().await;
        let admin = plane.admin();
        let workload = Workload::deployment(&admin, "sick", "web", 1).await;
        let upstream = thirty(&["web-0"]).await;
        let config = config(&upstream.url());
        let adapter = Adapter::new(plane, "sick", &["pods"]).await;
        let leadsman = adapter.start(&config).await;
        let trust = adapter.authority().pem();
        let port = leadsman.api().port();
        let registration = adapter.register(port, Trust::Authority(&trust)).await;
        for account in ["leadsman", "stranger"] {
            admin.apply(&pod(account)).await;
            let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
            admin.merge_status(&path_of(&pod(account)), &ready).await;
        }
        let patient =
            Self { plane, admin, workload, adapter, leadsman, registration, config, upstream };
        patient.runs_as("leadsman").await;
        let hpa = patient.scales_by("load").await;
        hpa.wait_condition("ScalingActive", "was able to successfully calculate").await;
        patient
    }

    async fn falls_ill(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::NoSource => {
                self.config = Config::new()
                    .prometheus("gone", "http://127.0.0.1:9")
                    .source("pair", "urls: ['http://127.0.0.1:9', 'http://127.0.0.1:19']");
            }
            Trouble::NoRights => self.runs_as("stranger").await,
            Trouble::NoApiService => self.registration.remove_one(EXTERNAL).await,
            Trouble::AnothersApiService => self.registration.merge(EXTERNAL, &of_keda()).await,
            Trouble::WrongAuthority => self.trusts(&Authority::new("other")).await,
            Trouble::UnknownMetric => drop(self.scales_by("lost").await),
        }
    }

    async fn recovers(&mut self) {
        self.config = config(&self.upstream.url());
        self.runs_as("leadsman").await;
        self.trusts(self.adapter.authority()).await;
        self.scales_by("load").await;
    }

    /// Waits until doctor exits with this code and prints all of these texts: kube-apiserver itself
    /// notices some of them only after a while.
    async fn is_told(&self, code: i32, texts: &[&str]) -> CheckReport {
        let kubeconfig = self.plane.admin_kubeconfig();
        eventually("what doctor says", TIMEOUT, async || {
            let checked = Leadsman::doctor(kubeconfig, "sick", &self.config).await;
            let missing = texts.iter().find(|text| !checked.output.contains(**text));
            match missing {
                None if checked.code == Some(code) => Ok(checked),
                _ => Err(format!("not {code} with {missing:?}: {checked:#?}")),
            }
        })
        .await
    }

    /// A tolerance and scaling to zero, which the control plane of the tests has switched on.
    async fn is_told_of_newer_autoscalers(&self) {
        let path = "/apis/autoscaling/v2/namespaces/sick/horizontalpodautoscalers/web";
        let behavior = json!({"scaleUp": {"tolerance": "50m"}});
        self.admin.merge(path, &json!({"spec": {"behavior": behavior}})).await;
        let idle = Workload::deployment(&self.admin, "sick", "idle", 1).await;
        let depth = Metric::external("depth", Target::Average("30"));
        Hpa::create(&self.admin, &idle, 0..=5, &[depth]).await;
        let told = [
            "sick/web has a tolerance of its own: no change between 0.9 and 1.05 times the target",
            "sick/idle may scale to zero, and leaves it by object and external metrics alone",
        ];
        self.is_told(0, &told).await;
    }

    /// The account of the pod behind the Service.
    async fn runs_as(&self, account: &str) {
        let selector = json!({"spec": {"selector": {"runs-as": account}}});
        self.admin.merge("/api/v1/namespaces/sick/services/leadsman", &selector).await;
    }

    async fn trusts(&self, authority: &Authority) {
        let port = self.leadsman.api().port();
        self.registration.route_to(port, Trust::Authority(&authority.pem())).await;
    }

    async fn scales_by(&self, metric: &str) -> Hpa {
        Hpa::create(&self.admin, &self.workload, 1..=5, &[Metric::pods(metric, "30")]).await
    }
}

/// A pod that appears to run the adapter.
fn pod(account: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "sick", "name": account, "labels": {"runs-as": account}},
        "spec": {
            "serviceAccountName": account,
            "nodeName": "node-a",
            "containers": [{"name": "leadsman", "image": "registry.example/leadsman:1"}],
        },
    })
}

#[tokio::test]
async fn doctor_reports_problems() {
    let mut patient = Patient::new().await;
    let well = [
        "kube-apiserver answers, v1.",
        "v1beta2.custom.metrics.k8s.io is served by the Service sick/leadsman and available",
        "1 of 1 pods are ready",
        "custom.metrics.k8s.io serves pods/load",
        "external.metrics.k8s.io serves depth",
        "the adapter (system:serviceaccount:sick:leadsman) may do what it needs to",
        "horizontal-pod-autoscaler) may do what it needs to",
        "sick/web scales: 1 replicas, 1 wanted",
        "the source \"prometheus\" answers",
        "nothing stands in the way",
    ];
    let told = patient.is_told(0, &well).await;
    assert!(!told.output.contains("FAIL"), "{told:#?}");
    for (trouble, texts) in [
        (
            Trouble::NoSource,
            &[
                "the source \"gone\" cannot be reached: Connection refused",
                "the source \"pair\" at http://127.0.0.1:9 cannot be reached",
                "the source \"pair\" at http://127.0.0.1:19 cannot be reached",
            ][..],
        ),
        (
            Trouble::NoRights,
            &[
                "the adapter (system:serviceaccount:sick:stranger) may not create tokenreviews",
                "may not create subjectaccessreviews",
                "may not list configmaps",
                "may not watch pods",
            ],
        ),
        (Trouble::NoApiService, &["FAIL  there is no APIService v1beta1.external.metrics.k8s.io"]),
        (
            Trouble::AnothersApiService,
            &[
                "v1beta1.external.metrics.k8s.io is served by the Service keda/metrics",
                "not available: ServiceNotFound",
            ],
        ),
        (Trouble::WrongAuthority, &["FAIL  custom.metrics.k8s.io cannot be read", "certificate"]),
        (
            Trouble::UnknownMetric,
            &["sick/web scales by the custom metric lost, which is not served"],
        ),
    ] {
        patient.falls_ill(trouble).await;
        patient.is_told(1, texts).await;
        patient.recovers().await;
    }
    patient.is_told(0, &well).await;
    patient.is_told_of_newer_autoscalers().await;
    patient.registration.remove().await;
}
