//! The fourth user's web site: by KEDA through both protocols, and by an autoscaler of its own.

use leadsman_document::Document;
use leadsman_tests::Example;
use leadsman_tests::cluster::{Account, Hpa, Metric, Rule, ScaledObject, Target, Trust, Workload};
use serde_json::{Value, json};

use super::{EXTERNAL, EXTERNAL_GROUP, Scene};

const NAMESPACE: &str = "my-site";
const METRIC: &str = "nginx_ingress_requests";

/// Loads, as ten times the requests a second, and the replicas for a target of 100 for each. A rate rises
/// over time, so an autoscaler may see less first: one replica fewer must be beyond its tolerance of 10 %.
const LOADS: [(f64, usize); 3] = [(690.0, 7), (244.006, 3), (0.0, 1)];

fn requests(scene: &Scene, ten_times: f64) {
    let labels = r#"namespace="my-site",ingress="my-ingress",host="test.ru""#;
    let counter = format!("nginx_ingress_controller_requests{{{labels}}}");
    scene.traffic.set_rate(&counter, ten_times / 10.0);
}

/// The trigger of the example's ScaledObject, and the rest of its spec without what is to be scaled.
fn example() -> (Value, Value) {
    let file = Example::new("nginx-ingress").scaled_object();
    let text = std::fs::read_to_string(&file).expect("an example");
    let (document, faults) = Document::parse(&file.display().to_string(), &text);
    assert!(faults.is_empty(), "{faults:?}");
    let mut spec = document.value["spec"].clone();
    let trigger = spec["triggers"][0].take();
    let keys = spec.as_object_mut().expect("keys");
    keys.retain(|key, _| !["scaleTargetRef", "triggers"].contains(&key.as_str()));
    (trigger, spec)
}

#[tokio::test]
async fn a_web_site_has_the_same_replicas_by_keda_and_by_an_autoscaler_of_its_own() {
    let scene = Scene::new("metrics-of-site", "").await;
    let admin = scene.admin();
    let workload = async |name: &str| Workload::deployment(&admin, NAMESPACE, name, 1).await;
    let (called, fetched) = (workload("site-by-calls").await, workload("site-by-json").await);
    requests(&scene, 0.0);

    let client = scene.reader("keda-of-my-site", NAMESPACE).await;
    scene.trust(NAMESPACE, &client).await;
    let (mut trigger, spec) = example();
    trigger["metadata"]["scalerAddress"] = json!(scene.address());
    ScaledObject::create(&admin, &called, &trigger, &spec).await;

    // The token of an account that may read this metric in this namespace, and nothing else.
    let account = Account::create(&admin, NAMESPACE, "scaler").await;
    let read = Rule::new(&["list"], EXTERNAL_GROUP, &[METRIC]);
    admin.allow(&account.subject(), Some(NAMESPACE), &[read]).await;
    let secret = json!({"token": account.token(&admin).await});
    scene.authentication(NAMESPACE, "leadsman-json", &secret, &[("token", "token")]).await;
    let url = format!(
        "https://{}/scaler/v1/namespaces/{NAMESPACE}/external/{METRIC}?selector=ingress%3Dmy-ingress",
        scene.address()
    );
    let trigger = json!({
        "type": "metrics-api",
        "metadata": {
            "url": url,
            "valueLocation": "value",
            "targetValue": "100",
            "authMode": "bearer",
        },
        "authenticationRef": {"name": "leadsman-json"},
    });
    ScaledObject::create(&admin, &fetched, &trigger, &spec).await;

    let registration = scene.keda.register().await;
    let autoscalers = [Hpa::created(&admin, &called).await, Hpa::created(&admin, &fetched).await];
    for (load, replicas) in LOADS {
        requests(&scene, load);
        for autoscaler in &autoscalers {
            autoscaler.wait_desired(replicas).await;
        }
    }

    // The same metric without KEDA: the API group moves to Leadsman.
    let own = workload("site-by-itself").await;
    registration.route_api_to(EXTERNAL, scene.leadsman.api().port(), Trust::Unverified).await;
    let metric =
        Metric::external(METRIC, Target::Average("100")).with_labels(&[("ingress", "my-ingress")]);
    let autoscaler = Hpa::create(&admin, &own, 1..=8, &[metric]).await;
    for (load, replicas) in LOADS {
        requests(&scene, load);
        autoscaler.wait_desired(replicas).await;
    }
    registration.remove_one(EXTERNAL).await;
}
