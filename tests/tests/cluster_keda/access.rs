//! Who may read what through the address for scalers: what they may read through the API.

use leadsman_tests::cluster::{Account, Rule, Subject};
use leadsman_tests::{HttpClient, Identity, Refused, ScalerClient, Trigger, eventually};
use serde_json::json;

use super::{EXTERNAL_GROUP, Scene, TIMEOUT};

const NAMESPACE: &str = "guarded";

/// The codes of gRPC.
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

fn backlog(namespace: &str) -> Trigger {
    Trigger::new(namespace, "web", &[("metric", "backlog"), ("targetAverageValue", "10")])
}

/// What each call says.
async fn told(client: &ScalerClient, trigger: &Trigger) -> Vec<Result<(), Refused>> {
    let mut pushes = client.activity(trigger).await;
    let pushed = match &mut pushes {
        Ok(pushes) => pushes.next().await.map(drop),
        Err(refused) => Err(refused.clone()),
    };
    let value = client.value(trigger).await.map(drop);
    vec![value, client.is_active(trigger).await.map(drop), pushed]
}

#[tokio::test]
async fn calls_without_credentials_and_with_those_of_nobody_are_refused() {
    let scene = Scene::new("metrics-without-names", "").await;
    let address = scene.leadsman.scaler();
    let of = |identity: &Identity| ScalerClient::with_certificate(address, identity);
    let other = leadsman_tests::Authority::new("other-ca");
    let masters = scene.clients.member("keda", "system:masters");
    let controller = scene.clients.client("system:kube-controller-manager");
    for (client, expected) in [
        (ScalerClient::new(address), "neither a client certificate nor a bearer token"),
        (ScalerClient::with_token(address, "made-up"), "the bearer token is not valid"),
        (of(&other.client("keda")), "the client certificate is not trusted"),
        (of(&scene.plane.authorities().clients.expired("keda")), "is not trusted"),
        (of(&masters), "claims \"system:masters\""),
        (of(&controller), "claims \"system:kube-controller-manager\""),
    ] {
        for refused in told(&client, &backlog(NAMESPACE)).await {
            let refused = refused.expect_err("a refusal");
            assert_eq!(refused.code, UNAUTHENTICATED, "{refused:?}");
            assert!(refused.message.contains(expected), "{expected}: {refused:?}");
        }
        assert_eq!(client.spec(&backlog(NAMESPACE)).await.unwrap_err().code, UNAUTHENTICATED);
    }
    let url = format!("https://{address}/scaler/v1/namespaces/{NAMESPACE}/external/backlog");
    assert_eq!(HttpClient::anonymous().get(&url).await.expect("an answer").failure().code, 401);
    let denied = [("reason", "unauthenticated")];
    let denied = scene.leadsman.metric("leadsman_requests_denied_total", &denied).await;
    assert!(denied.is_some_and(|count| count > 20.0), "{denied:?}");
}

/// A certificate of the cluster, one of the operator's own authority, and a token: each user reads what a
/// role grants, in the namespace of the role.
#[tokio::test]
async fn a_client_reads_what_it_may_read_through_the_api() {
    let scene = Scene::new("metrics-with-names", "").await;
    let (admin, address) = (scene.admin(), scene.leadsman.scaler());
    scene.traffic.set(&format!(r#"backlog{{namespace="{NAMESPACE}"}}"#), 7.0);
    let account = Account::create(&admin, NAMESPACE, "scaler").await;
    let token = account.token(&admin).await;
    let read = Rule::new(&["list"], EXTERNAL_GROUP, &["backlog"]);
    let subjects =
        [account.subject(), Subject::user("keda-of-cluster"), Subject::Group("scalers".into())];
    for subject in &subjects {
        admin.allow(subject, Some(NAMESPACE), std::slice::from_ref(&read)).await;
    }
    let of_cluster = scene.plane.authorities().clients.client("keda-of-cluster");
    let of_operator = scene.clients.member("keda-of-operator", "scalers");
    for client in [
        ScalerClient::with_token(address, &token),
        ScalerClient::with_certificate(address, &of_cluster),
        ScalerClient::with_certificate(address, &of_operator),
    ] {
        eventually("the value", TIMEOUT, async || match client.value(&backlog(NAMESPACE)).await {
            Ok(7.0) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        for refused in told(&client, &backlog("elsewhere")).await {
            let refused = refused.expect_err("a refusal");
            assert_eq!(refused.code, PERMISSION_DENIED, "{refused:?}");
            let told = "cannot list resource \"backlog\" in API group \"external.metrics.k8s.io\" in \
                        the namespace \"elsewhere\"";
            assert!(refused.message.contains(told), "{refused:?}");
        }
    }
    let url = |namespace: &str| {
        format!("https://{address}/scaler/v1/namespaces/{namespace}/external/backlog")
    };
    let caller = HttpClient::with_token(&token);
    let answer = caller.get(&url(NAMESPACE)).await.expect("an answer");
    assert_eq!(answer.ok()["value"], json!(7.0));
    assert_eq!(caller.get(&url("elsewhere")).await.expect("an answer").failure().code, 403);
}

/// A call that is open is looked at again.
#[tokio::test]
async fn a_call_that_is_open_ends_when_the_right_is_taken_away() {
    let scene = Scene::new("metrics-of-withdrawn", "").await;
    let (admin, namespace) = (scene.admin(), "withdrawn");
    let client = scene.reader("keda-of-withdrawn", namespace).await;
    let client = ScalerClient::with_certificate(scene.leadsman.scaler(), &client);
    let mut pushes = client.activity(&backlog(namespace)).await.expect("an open call");
    assert_eq!(pushes.next().await, Ok(Some(false)));
    let bindings =
        format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    let list = admin.get(&bindings).await;
    for binding in list["items"].as_array().expect("items") {
        let name = binding["metadata"]["name"].as_str().expect("a name");
        admin.delete(&format!("{bindings}/{name}")).await;
    }
    let ended = tokio::time::timeout(TIMEOUT, pushes.next()).await.expect("an end");
    assert_eq!(ended.unwrap_err().code, PERMISSION_DENIED);
}

/// Every account of the cluster can show who it is. Calls that it opens for what it may not read take no
/// places of those that may.
#[tokio::test]
async fn who_may_not_read_holds_few_calls_open() {
    const RESOURCE_EXHAUSTED: u32 = 8;
    let scene = Scene::new("metrics-of-onlookers", "").await;
    let namespace = "onlooked";
    let onlooker = scene.clients.client("onlooker");
    let onlooker = ScalerClient::with_certificate(scene.leadsman.scaler(), &onlooker);
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut specs = onlooker.specs(&backlog(namespace)).await.expect("an open call");
        specs.next().await.expect("a message");
        open.push(specs);
    }
    let refused = onlooker.specs(&backlog(namespace)).await.err().expect("a refusal");
    assert_eq!(refused.code, RESOURCE_EXHAUSTED, "{refused:?}");
    let reader = scene.reader("keda-of-onlooked", namespace).await;
    let reader = ScalerClient::with_certificate(scene.leadsman.scaler(), &reader);
    let mut specs = reader.specs(&backlog(namespace)).await.expect("an open call");
    specs.next().await.expect("a message");
    drop(open);
}
