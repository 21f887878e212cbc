//! The rights that the chart grants: exactly those that are needed.

use std::collections::BTreeSet;

use leadsman_tests::cluster::{Account, ControlPlane, Credentials};
use leadsman_tests::eventually;
use serde_json::{Value, json};

use super::manifests::{allowed, file, manifests};
use super::site::{helm, mappings, resource_rules};

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// Rights in all namespaces, whatever is served.
const REVIEWS: [&str; 2] = [
    "create authentication.k8s.io/tokenreviews",
    "create authorization.k8s.io/subjectaccessreviews",
];

#[tokio::test]
async fn with_an_authority_of_its_own() {
    let account = installed("rights-self", &json!({"config": {"mappings": mappings()}})).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    everywhere.extend(["list /pods", "watch /pods"].map(str::to_owned));
    for service in super::site::API_SERVICES {
        for verb in ["get", "list", "watch", "patch"] {
            everywhere.push(format!("{verb} apiregistration.k8s.io/apiservices/{service}"));
        }
    }
    let at_home = ["get", "list", "watch", "update"]
        .map(|verb| format!("{verb} /secrets/leadsman-rights-self-ca"));
    let at_home = at_home.into_iter().chain(["create /secrets".to_owned()]);
    let at_home = at_home.chain(configuration("leadsman-rights-self"));
    account.may("default", everywhere.clone()).await;
    account.may("rights-self", everywhere.iter().cloned().chain(at_home)).await;
    account.may("kube-system", everywhere.into_iter().chain(authentication())).await;
}

#[tokio::test]
async fn with_a_certificate_from_elsewhere() {
    let values = json!({
        "tls": {"type": "helm"},
        "config": {"mappings": [mappings()[1]]},
    });
    let account = installed("rights-helm", &values).await;
    let everywhere = REVIEWS.map(str::to_owned).to_vec();
    let at_home = everywhere.iter().cloned().chain(configuration("leadsman-rights-helm"));
    account.may("rights-helm", at_home).await;
    account.may("kube-system", everywhere.into_iter().chain(authentication())).await;
}

#[tokio::test]
async fn for_one_group_and_other_kinds() {
    let mut ingresses = mappings()[0].clone();
    ingresses["serve"]["custom"]["resource"] = json!("ingress");
    let mut widgets = mappings()[0].clone();
    widgets["serve"]["custom"]["resource"] = json!("widgets.example.com");
    let values = json!({
        "apiService": {"custom": false, "external": false, "takenOver": ["custom"]},
        "config": {"mappings": [ingresses, widgets]},
        "rbac": {"resources": [{"group": "", "resource": "services"}]},
    });
    let account = installed("rights-custom", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    for kind in ["networking.k8s.io/ingresses", "example.com/widgets", "/services"] {
        everywhere.extend(["list", "watch"].map(|verb| format!("{verb} {kind}")));
    }
    for service in &super::site::API_SERVICES[..2] {
        for verb in ["get", "list", "watch", "patch"] {
            everywhere.push(format!("{verb} apiregistration.k8s.io/apiservices/{service}"));
        }
    }
    account.may("default", everywhere).await;
}

#[tokio::test]
async fn for_resource_metrics() {
    let mut of_pods = resource_rules();
    for rule in ["cpu", "memory"] {
        of_pods[rule]["nodeQuery"].take();
    }
    let groups = json!({"custom": false, "external": false, "resource": true});
    for (namespace, rules, kinds) in [
        ("rights-usage", resource_rules(), &["nodes", "pods"][..]),
        ("rights-pods", of_pods, &["pods"]),
    ] {
        let values = json!({"apiService": groups, "config": {"resourceRules": rules}});
        let account = installed(namespace, &values).await;
        let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
        for kind in kinds {
            everywhere.extend(["list", "watch"].map(|verb| format!("{verb} /{kind}")));
        }
        for verb in ["get", "list", "watch", "patch"] {
            for version in ["v1beta1", "v1"] {
                let service = format!("{version}.metrics.k8s.io");
                everywhere.push(format!("{verb} apiregistration.k8s.io/apiservices/{service}"));
            }
        }
        account.may("default", everywhere).await;
    }
}

#[tokio::test]
async fn for_delegates_that_see_the_own_account() {
    let delegate = |name: &str, auth: Value, apis: &[&str]| {
        json!({
            "name": name, "url": "https://other.example", "auth": auth, "apis": apis,
        })
    };
    let values = json!({
        "tls": {"type": "helm"},
        "config": {"delegates": [
            delegate("keda", json!({"serviceAccount": {}}), &["external"]),
            delegate("metrics-server", json!({"serviceAccount": {}}), &["resource"]),
            delegate("cluster", json!({"impersonate": {}}), &["custom"]),
        ]},
    });
    let account = installed("rights-delegates", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    for verb in ["get", "list"] {
        everywhere.push(format!("{verb} external.metrics.k8s.io/*"));
        everywhere.push(format!("{verb} metrics.k8s.io/nodes"));
        everywhere.push(format!("{verb} metrics.k8s.io/pods"));
    }
    account.may("default", everywhere).await;
}

#[tokio::test]
async fn for_teams_and_an_existing_config_map() {
    let values = json!({
        "tls": {"type": "helm"},
        "rules": {"existing": "mine"},
        "teams": {"enabled": true},
    });
    let account = installed("rights-teams", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    everywhere.extend(["list /configmaps", "watch /configmaps"].map(str::to_owned));
    everywhere.extend(TOLD.map(str::to_owned));
    account.may("default", everywhere.clone()).await;
    account.may("rights-teams", everywhere.into_iter().chain(configuration("mine"))).await;
}

#[tokio::test]
async fn for_workloads_that_mappings_name() {
    let certificate = json!({"type": "helm"});
    let kinds = ["deployments", "statefulsets", "replicasets"];
    let read = kinds.map(|kind| format!("get apps/{kind}"));
    let values = json!({
        "tls": certificate,
        "config": {"mappings": [mappings()[1]]},
        "workloads": {"read": true},
    });
    let account = installed("rights-read", &values).await;
    account.may("default", REVIEWS.map(str::to_owned).into_iter().chain(read.clone())).await;

    let values = json!({
        "tls": certificate,
        "config": {"mappings": [mappings()[1]]},
        "workloads": {"activate": true},
    });
    let account = installed("rights-activate", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    everywhere.extend(read);
    for verb in ["get", "patch"] {
        everywhere.extend(kinds.map(|kind| format!("{verb} apps/{kind}/scale")));
    }
    everywhere.push("list autoscaling/horizontalpodautoscalers".to_owned());
    everywhere.extend(TOLD.map(str::to_owned));
    account.may("default", everywhere.clone()).await;
    let lease = ["get", "update"]
        .map(|verb| format!("{verb} coordination.k8s.io/leases/leadsman-activator"));
    let at_home = lease.into_iter().chain(["create coordination.k8s.io/leases".to_owned()]);
    let at_home = at_home.chain(configuration("leadsman-rights-activate"));
    account.may("rights-activate", everywhere.into_iter().chain(at_home)).await;
}

#[tokio::test]
async fn for_events_on_autoscalers() {
    let values = json!({
        "tls": {"type": "helm"},
        "config": {"mappings": [mappings()[1]]},
        "events": {"autoscalers": true},
    });
    let account = installed("rights-told", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    everywhere.push("list autoscaling/horizontalpodautoscalers".to_owned());
    everywhere.extend(TOLD.map(str::to_owned));
    account.may("default", everywhere).await;
}

/// The page's own rights: to list autoscalers. That it is for users of the cluster is no right of the
/// adapter.
#[tokio::test]
async fn for_the_page() {
    let values = json!({
        "tls": {"type": "helm"},
        "config": {"mappings": [mappings()[1]]},
        "page": {"autoscalers": true, "auth": "cluster"},
    });
    let account = installed("rights-page", &values).await;
    let mut everywhere = REVIEWS.map(str::to_owned).to_vec();
    let kind = "autoscaling/horizontalpodautoscalers";
    everywhere.extend(["list", "watch"].map(|verb| format!("{verb} {kind}")));
    account.may("default", everywhere).await;
}

/// The right to write Events on the configuration.
const TOLD: [&str; 2] = ["create events.k8s.io/events", "patch events.k8s.io/events"];

/// The rights to watch the configuration in a ConfigMap.
fn configuration(name: &str) -> impl Iterator<Item = String> {
    let follow = ["get", "list", "watch"].map(|verb| format!("{verb} /configmaps/{name}"));
    follow.into_iter().chain(TOLD.map(str::to_owned))
}

fn authentication() -> impl Iterator<Item = String> {
    ["get", "list", "watch"]
        .into_iter()
        .map(|verb| format!("{verb} /configmaps/extension-apiserver-authentication"))
}

/// The account of a release, and an account without any rights.
struct Rights {
    account: Account,
    nobody: Account,
}

/// Creates only the account and the rights of a release.
async fn installed(namespace: &str, values: &Value) -> Rights {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let nobody = Account::create(&admin, namespace, "nobody").await;
    let release = format!("leadsman-{namespace}");
    let version = ["--kube-version", "1.34.1"];
    let rendered = helm(plane, "template", (namespace, &release), values, &version).await;
    let rights = manifests(rendered.ok())
        .into_iter()
        .filter(|object| object.kind.contains("Role") || object.kind == "ServiceAccount");
    let texts: Vec<_> = rights.map(|object| object.text).collect();
    let file = file(&texts.join("\n---\n"));
    plane.kubectl(&["apply", "-f", &file.path().display().to_string()]).await.ok();
    Rights { account: Account { namespace: namespace.to_owned(), name: release }, nobody }
}

impl Rights {
    /// Asserts that the account has exactly these rights in a namespace, besides those of
    /// everybody.
    async fn may(&self, namespace: &str, expected: impl IntoIterator<Item = String>) {
        let expected: BTreeSet<_> = expected.into_iter().collect();
        // kube-apiserver learns its own rules by a watch.
        eventually("these rights", TIMEOUT, async || {
            let everybody = rights(&self.nobody, namespace).await;
            let own = rights(&self.account, namespace).await;
            let own: BTreeSet<_> = own.difference(&everybody).cloned().collect();
            if own == expected { Ok(()) } else { Err(format!("{own:#?}\nnot\n{expected:#?}")) }
        })
        .await;
    }
}

/// All rights of an account in a namespace: `verb group/resource/name`.
async fn rights(account: &Account, namespace: &str) -> BTreeSet<String> {
    let plane = ControlPlane::shared().await;
    let client = plane.client(&Credentials::Token(account.token(&plane.admin()).await));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let status = client.create_at(path, &review).await["status"].clone();
    assert_eq!(status["incomplete"], false, "{status:#}");
    let rules = status["resourceRules"].as_array().cloned().unwrap_or_default();
    rules.iter().flat_map(allowed).collect()
}
