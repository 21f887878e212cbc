//! Life in a cluster: outages, what kubectl and doctor say, replicas and certificates that come
//! and go.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leadsman_tests::cluster::{
    API_SERVICES, Adapter, ApiClient, Balancer, ControlPlane, Hpa, Metric, Readers, Registration,
    Rule, Subject, Target, Trust, Workload, path_of,
};
use leadsman_tests::{
    Answer, Authority, Caller, Checked, Config, Exporter, Leadsman, Mapping, Prometheus, Reply,
    Upstream, eventually, paths,
};
use serde_json::{Value, json};

const EXTERNAL: &str = API_SERVICES[2];
const PATIENCE: Duration = Duration::from_secs(40);

/// The metrics `load` of pods and `depth` of nothing.
fn config(url: &str) -> Config {
    Config::new()
        .prometheus("prometheus", url)
        .mapping(load("pods"))
        .mapping(Mapping::external("depth").query("q", "depth"))
}

/// The metric `load` of a kind, whose series name the object in the label `pod`.
fn load(resource: &str) -> Mapping {
    let promql = r#"load{namespace="${namespace}"}"#;
    Mapping::custom("load", resource).plugin("per-object", "object: pod").query("q", promql)
}

/// A source with the value 30 for each of these objects.
async fn thirty(objects: &[&str]) -> Upstream {
    let values: Vec<_> = objects.iter().map(|&object| (object, "30")).collect();
    Upstream::start(Reply::pods(&values)).await
}

/// Who may read everything, straight at the adapter's port.
fn root(plane: &ControlPlane) -> Caller {
    Caller::certified(plane.authorities().admin())
}

/// Reads a path until there is an answer like this.
async fn reads(
    what: &str,
    mut read: impl AsyncFnMut() -> Answer,
    good: impl Fn(&Answer) -> bool,
) -> Answer {
    eventually(what, PATIENCE, async || {
        let answer = read().await;
        if good(&answer) { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await
}

#[tokio::test]
async fn an_outage_of_the_source_is_no_outage_of_the_cluster() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "outage", "web", 1).await;
    let exporter = Exporter::start(r#"load{namespace="outage",pod="web-0"} 3"#).await;
    let mut prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("load").await;
    let settings = format!("url: {}, timeout: 1s", prometheus.url());
    // Without a value to fall back on, each read shows how the source is.
    let fresh = load("pods").set("maxAge", "100ms");
    let adapter = Adapter::new(plane, "outage", &["pods"]).await;
    let config = Config::new().source("prometheus", &settings).mapping(fresh);
    let leadsman = adapter.start(config).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    let path = paths::pods("outage", "load");
    let read = async || admin.read(&path).await;
    assert_eq!(reads("a value", read, Answer::is_success).await.value(), "3");

    let before = registration.availability().await;
    for outage in ["stopped", "hung", "killed"] {
        match outage {
            "stopped" => prometheus.stop().await,
            "hung" => prometheus.pause().await,
            _ => prometheus.kill().await,
        }
        // Makes kube-apiserver look at it anew.
        let note = json!({"metadata": {"annotations": {"leadsman.dev/outage": outage}}});
        for name in API_SERVICES {
            registration.merge(name, &note).await;
        }
        let failed = reads(outage, read, |answer| answer.status >= 500).await.failure();
        failed.says(&["load", "\"q\"", "the source \"prometheus\""]);
        plane.kubectl(&["api-resources"]).await.ok();
        if outage == "hung" {
            // Whoever ends a namespace wants to know of every kind of objects that there may be.
            admin.namespace("short-lived").await;
            let ended = ["delete", "namespace", "short-lived", "--timeout=30s"];
            plane.kubectl(&ended).await.ok();
        }
        match outage {
            "hung" => prometheus.resume(),
            _ => prometheus.start_again().await,
        }
        reads("a value again", read, Answer::is_success).await;
    }
    assert_eq!(registration.availability().await, before);
    assert!(before.iter().all(|condition| condition["status"] == "True"), "{before:#?}");
    registration.remove().await;
}

#[tokio::test]
async fn kubectl_shows_what_is_served_and_why_a_metric_is_not() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "shown", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let broken = Mapping::pods("broken").query_from("gone", "rate", "broken");
    let only_custom = Config::new()
        .prometheus("prometheus", &upstream.url())
        .prometheus("gone", "http://127.0.0.1:9")
        .mapping(load("pods"))
        .mapping(broken);
    let both = only_custom.clone().mapping(Mapping::external("depth").query("q", "depth"));
    let adapter = Adapter::new(plane, "shown", &["pods"]).await;
    let (first, second) = (adapter.start(only_custom).await, adapter.start(both).await);
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(first.api().port(), trust).await;

    let raw = plane.kubectl(&["get", "--raw", &paths::pods("shown", "load")]).await;
    let list: Value = serde_json::from_str(raw.ok()).expect("a list in JSON");
    assert_eq!(
        (&list["kind"], &list["items"][0]["value"]),
        (&json!("MetricValueList"), &json!("30"))
    );
    let hpa = Hpa::create(&admin, &workload, 1..=3, &[Metric::pods("broken", "1")]).await;
    let why = r#"query "rate": the source "gone" cannot be reached"#;
    let condition = hpa.wait_condition("ScalingActive", why).await;
    assert_eq!(condition.reason, "FailedGetPodsMetric", "{condition:#?}");
    let described = plane.kubectl(&["describe", "hpa", "-n", "shown", "web"]).await;
    assert!(described.ok().contains(why), "{described:#?}");

    let discovered = plane.kubectl(&["get", "--raw", paths::CUSTOM_V2]).await;
    assert!(discovered.ok().contains(r#""name":"pods/load""#), "{discovered:#?}");

    // kubectl lists no subresources, so nothing of this group; a group without a metric is no
    // reason to complain.
    let list = async || {
        let ran = plane.kubectl(&["api-resources", "--cached=false"]).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:#?}");
        ran.stdout
    };
    assert!(!list().await.contains("external.metrics.k8s.io"));
    registration.lead_to(second.api().port(), trust).await;
    eventually("the external metric in api-resources", PATIENCE, async || {
        let list = list().await;
        let depth = list.lines().find(|line| line.starts_with("depth ")).ok_or(list.clone())?;
        let words: Vec<_> = depth.split_whitespace().collect();
        let version = "external.metrics.k8s.io/v1beta1";
        assert_eq!(words, ["depth", version, "true", "ExternalMetricValueList"]);
        Ok(())
    })
    .await;
    registration.remove().await;
}

#[tokio::test]
async fn protobuf_is_for_who_asks_for_it_first_as_the_hpa_controller_does() {
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "encoded", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let adapter = Adapter::new(plane, "encoded", &["pods"]).await;
    let leadsman = adapter.start(config(&upstream.url())).await;
    let trusted = adapter.authority().pem();
    let trust = Trust::Authority(&trusted);
    let registration = adapter.register(leadsman.api().port(), trust).await;
    for path in [paths::pods("encoded", "load"), paths::external("encoded", "depth")] {
        let url = format!("{}{path}", plane.url());
        let read = async |accept: &str| {
            let caller = root(plane).header("accept", accept);
            reads(accept, async || caller.get(&url).await.expect("an answer"), Answer::is_success)
                .await
        };
        for accept in [&format!("{PROTOBUF}, */*"), &format!("{PROTOBUF},application/json")] {
            let answer = read(accept).await;
            assert_eq!(answer.header("content-type"), PROTOBUF, "{answer:#?}");
            assert!(answer.body.starts_with("k8s\0"), "{answer:#?}");
            let kind = if path.contains("external") {
                "ExternalMetricValueList"
            } else {
                "MetricValueList"
            };
            assert!(answer.body.contains(kind), "{answer:#?}");
        }
        for accept in [&format!("application/json, {PROTOBUF}"), "*/*"] {
            assert_eq!(read(accept).await.value(), "30");
        }
    }
    let metric = Metric::external("depth", Target::Average("10"));
    let hpa = Hpa::create(&admin, &workload, 1..=5, &[metric]).await;
    hpa.wait_desired(3).await;
    registration.remove().await;
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_is_told_with_the_rule_that_is_missing() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = thirty(&["shop"]).await;
    let adapter = Adapter::new(plane, "unseen", &["pods"]).await;
    let kind = "ingresses.networking.k8s.io";
    let config = config(&upstream.url()).mapping(load(kind));
    // It is ready: the other kinds are served.
    let leadsman = adapter.start(config).await;
    admin
        .apply(&json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"namespace": "unseen", "name": "shop"},
            "spec": {"defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}},
        }))
        .await;
    let path = paths::object("unseen", &format!("{kind}/shop"), "load");
    let root = root(plane);
    let read = async || leadsman.get_as(&root, &path).await;
    let refused = read().await.failure();
    assert_eq!(refused.code, 503, "{refused:?}");
    let rule =
        r#"{apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: ["list", "watch"]}"#;
    refused.says(&["load", kind, rule]);
    assert!(leadsman.log().contains(&rule.replace('"', "\\\"")), "{}", leadsman.log());
    leadsman.get_as(&root, &paths::pods("unseen", "load")).await.ok();

    let rules = [Rule::new(&["list", "watch"], "networking.k8s.io", &["ingresses"])];
    admin.allow(&adapter.account().subject(), None, &rules).await;
    assert_eq!(reads("the value of an ingress", read, Answer::is_success).await.value(), "30");
}

#[tokio::test]
async fn a_custom_resource_that_is_defined_later_is_served_then() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = thirty(&["gear"]).await;
    let kind = "widgets.example.com";
    let adapter = Adapter::new(plane, "custom", &[kind]).await;
    let leadsman = adapter.start(config(&upstream.url()).mapping(load(kind))).await;
    let root = root(plane);
    let path = paths::object("custom", &format!("{kind}/gear"), "load");
    let read = async || leadsman.get_as(&root, &path).await;
    let discovered = async || {
        let list = leadsman.get_as(&root, paths::CUSTOM_V2).await.ok();
        let names = list["resources"].as_array().cloned().unwrap_or_default();
        names.iter().any(|resource| resource["name"] == "widgets.example.com/load")
    };
    let refused = read().await.failure();
    assert_eq!(refused.code, 503, "{refused:?}");
    refused.says(&[kind, "CustomResourceDefinition"]);
    assert!(!discovered().await);

    admin.apply(&widgets()).await;
    let gear = json!({
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"namespace": "custom", "name": "gear"},
    });
    eventually("the API of widgets", PATIENCE, async || {
        let path = "/apis/example.com/v1/namespaces/custom/widgets";
        let answer = admin.read(path).await;
        if answer.is_success() { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    admin.apply(&gear).await;
    let served = reads("the value of a widget", read, Answer::is_success).await;
    let described = &served.items()[0]["describedObject"];
    let expected = json!({
        "kind": "Widget",
        "namespace": "custom",
        "name": "gear",
        "apiVersion": "example.com/v1",
    });
    assert_eq!((described, served.value().as_str()), (&expected, "30"));
    assert!(discovered().await);
}

fn widgets() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    })
}

/// Readers of a metric through the aggregator.
fn through_the_aggregator(plane: &ControlPlane, path: &str) -> Readers {
    Readers::start(4, &format!("{}{path}", plane.url()), || root(plane))
}

#[tokio::test]
async fn no_read_fails_while_certificates_and_replicas_change() {
    let plane = ControlPlane::shared().await;
    Workload::deployment(&plane.admin(), "rolled", "web", 2).await;
    let upstream = thirty(&["web-0", "web-1"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "rolled", &["pods"]).await;
    let next = Authority::new("next-adapter-ca");
    let files = adapter.serving("rolled", adapter.authority());
    let [certificate, key] = [&files.0, &files.1].map(|path| path.to_str().expect("a path"));
    let delay = ["--shutdown-delay-duration", "1s"];
    let from_files = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
    let arguments = [&from_files[..], &delay].concat();
    let first = adapter.start_with(&config, &arguments).await;
    let second = adapter.start_with(&config, &arguments).await;
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    balancer.add(&second).await;
    let both = format!("{}{}", adapter.authority().pem(), next.pem());
    let registration = adapter.register(balancer.port(), Trust::Authority(&both)).await;
    let path = paths::pods("rolled", "load");
    reads("a value", async || plane.admin().read(&path).await, Answer::is_success).await;

    let readers = through_the_aggregator(plane, &path);
    readers.go_on(100).await;
    adapter.identity(&next).write(&files.0, &files.1);
    for replica in [&first, &second] {
        replica.get_trusting("/livez", &next.pem()).await.expect("the new certificate");
    }
    // All connections are led to the one that is left, which shows the new certificate.
    ends(second).await;
    readers.go_on(100).await;
    let third = adapter.start_with(&config, &arguments).await;
    balancer.add(&third).await;
    ends(first).await;
    readers.go_on(100).await;
    assert_eq!(readers.stop().await, [""; 0]);
    registration.remove().await;
}

/// Asks a replica to end, and waits until it has.
async fn ends(leadsman: Leadsman) {
    leadsman.terminate();
    assert_eq!(leadsman.exit().await.code(), Some(0));
}

/// Another authority for an APIService.
fn trusting(bundle: &str) -> Value {
    json!({"spec": {"caBundle": STANDARD.encode(bundle)}})
}

/// Another adapter's Service for an APIService.
fn of_keda() -> Value {
    json!({"spec": {"service": {"namespace": "keda", "name": "metrics"}}})
}

#[tokio::test]
async fn an_authority_of_its_own_is_shared_trusted_and_kept() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "own", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "own", &["pods"]).await;
    let service = ["--service", "own/leadsman"];
    let first = adapter.start_with(&config, &service).await;
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    let registration = adapter.register(balancer.port(), Trust::Told).await;
    let bundle = adapter.wait_trusted(&registration).await;
    let path = paths::pods("own", "load");
    let read = async || admin.read(&path).await;
    assert_eq!(reads("a value", read, Answer::is_success).await.value(), "30");

    // Another replica, and one that is started anew, have the same.
    let second = adapter.start_with(&config, &service).await;
    balancer.add(&second).await;
    ends(first).await;
    let first = adapter.start_with(&config, &service).await;
    for replica in [&first, &second] {
        eventually("a certificate that is trusted", PATIENCE, async || {
            replica.get_trusting("/livez", &bundle).await
        })
        .await;
    }
    assert_eq!(adapter.wait_trusted(&registration).await, bundle);
    reads("a value again", read, Answer::is_success).await;

    // Somebody writes something else there.
    let other = Authority::new("other").pem();
    registration.merge(API_SERVICES[1], &trusting(&other)).await;
    assert_eq!(adapter.wait_trusted(&registration).await, bundle);
    reads("a value again", read, Answer::is_success).await;

    // One that leads to another Service is not ours to keep.
    registration.merge(EXTERNAL, &of_keda()).await;
    let whose = "it belongs to the Service keda/metrics and is left alone";
    for replica in [&first, &second] {
        eventually(whose, PATIENCE, async || {
            let log = replica.log();
            let line = log.lines().find(|line| line.contains(whose) && line.contains(EXTERNAL));
            line.map(drop).ok_or(log.clone())
        })
        .await;
    }
    registration.merge(EXTERNAL, &trusting(&other)).await;
    registration.merge(API_SERVICES[0], &trusting(&other)).await;
    eventually("the one that is ours", PATIENCE, async || {
        let trusted = registration.authority(API_SERVICES[0]).await;
        if trusted.as_ref() == Some(&bundle) { Ok(()) } else { Err(format!("{trusted:?}")) }
    })
    .await;
    assert_eq!(registration.authority(EXTERNAL).await, Some(other));
    registration.remove().await;
}

#[tokio::test]
async fn an_authority_that_is_lost_is_replaced_without_a_failed_read() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "lost", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "lost", &["pods"]).await;
    let service = ["--service", "lost/leadsman"];
    let (first, second) =
        (adapter.start_with(&config, &service).await, adapter.start_with(&config, &service).await);
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    balancer.add(&second).await;
    let registration = adapter.register(balancer.port(), Trust::Told).await;
    let before = adapter.wait_trusted(&registration).await;
    let path = paths::pods("lost", "load");
    reads("a value", async || admin.read(&path).await, Answer::is_success).await;

    let readers = through_the_aggregator(plane, &path);
    readers.go_on(100).await;
    admin.delete("/api/v1/namespaces/lost/secrets/leadsman-ca").await;
    let after = eventually("a new authority", PATIENCE, async || {
        let bundle = adapter.wait_trusted(&registration).await;
        if bundle == before { Err(bundle) } else { Ok(bundle) }
    })
    .await;
    assert!(after.contains(before.trim()), "what was trusted stays so");
    // Not every kube-apiserver has heard of the new one yet.
    for replica in [&first, &second] {
        replica.get_trusting("/livez", &before).await.expect("a certificate that all trust");
    }
    readers.go_on(200).await;
    assert_eq!(readers.stop().await, [""; 0]);
    registration.remove().await;
}

#[tokio::test]
async fn kube_apiserver_may_be_away_for_a_while() {
    let plane = ControlPlane::start().await;
    let admin = plane.admin();
    let workload = Workload::deployment(&admin, "away", "web", 1).await;
    let upstream = thirty(&["web-0", "web-1"]).await;
    let quiet = "ingresses.networking.k8s.io";
    let adapter = Adapter::new(&plane, "away", &["pods", quiet]).await;
    let leadsman = adapter.start(config(&upstream.url()).mapping(load(quiet))).await;
    let path = paths::pods("away", "load");
    let user = |name: &str| Caller::certified(&plane.authorities().clients.client(name));
    let jane = user("jane");
    let rules = [Rule::new(&["get"], "custom.metrics.k8s.io", &["pods/load"])];
    admin.allow(&Subject::user("jane"), Some("away"), &rules).await;
    assert_eq!(leadsman.get_as(&jane, &path).await.values().len(), 1);

    let readers = Readers::start(2, &format!("https://{}{path}", leadsman.api()), || jane.clone());
    plane.stop_api_server().await;
    readers.go_on(50).await;
    assert_eq!(readers.stop().await, [""; 0]);
    assert_eq!(leadsman.get("/readyz").await.status, 200);
    let unknown = leadsman.get_as(&user("john"), &path).await.failure();
    assert_eq!(unknown.code, 503, "{unknown:?}");
    unknown.says(&["the right to this cannot be reviewed", "kube-apiserver cannot be reached"]);

    plane.start_api_server().await;
    workload.scale(2).await;
    workload.follow().await;
    let both = |answer: &Answer| answer.is_success() && answer.values().len() == 2;
    reads("the new pod", async || leadsman.get_as(&jane, &path).await, both).await;
    // Of which there is no news.
    eventually("that ingresses are followed", PATIENCE, async || {
        let labels = [("resource", quiet)];
        let followed = leadsman.metric("leadsman_objects_followed", &labels).await;
        if followed == Some(1.0) { Ok(()) } else { Err(leadsman.log()) }
    })
    .await;
}

/// An adapter that doctor looks at.
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

/// What stands in the way.
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
    /// In good health.
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
                self.config = Config::new().prometheus("gone", "http://127.0.0.1:9");
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

    /// Waits until doctor ends so and says all of this: some of it kube-apiserver itself finds out
    /// only after a while.
    async fn is_told(&self, code: i32, texts: &[&str]) -> Checked {
        let kubeconfig = self.plane.admin_kubeconfig();
        eventually("what doctor says", PATIENCE, async || {
            let checked = Leadsman::doctor(kubeconfig, "sick", &self.config).await;
            let missing = texts.iter().find(|text| !checked.output.contains(**text));
            match missing {
                None if checked.code == Some(code) => Ok(checked),
                _ => Err(format!("not {code} with {missing:?}: {checked:#?}")),
            }
        })
        .await
    }

    /// The account of the pod behind the Service.
    async fn runs_as(&self, account: &str) {
        let selector = json!({"spec": {"selector": {"runs-as": account}}});
        self.admin.merge("/api/v1/namespaces/sick/services/leadsman", &selector).await;
    }

    async fn trusts(&self, authority: &Authority) {
        let port = self.leadsman.api().port();
        self.registration.lead_to(port, Trust::Authority(&authority.pem())).await;
    }

    async fn scales_by(&self, metric: &str) -> Hpa {
        Hpa::create(&self.admin, &self.workload, 1..=5, &[Metric::pods(metric, "30")]).await
    }
}

/// A pod that is said to run the adapter.
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
async fn doctor_says_what_stands_in_the_way() {
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
        (Trouble::NoSource, &["the source \"gone\" cannot be reached: Connection refused"][..]),
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
    patient.registration.remove().await;
}
