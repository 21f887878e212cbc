//! The shapes of answers, discovery, and wrong requests.

use leadsman_tests::{Config, Leadsman, Reply, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ALL, USAGE, World, rules};

const GROUP: &str = "metrics.k8s.io";

/// Removes the creation time of an item, which is that of the read, and returns the rest.
fn timeless(mut item: Value) -> Value {
    let created = item["metadata"]["creationTimestamp"].take();
    let created = created.as_str().unwrap_or_default();
    assert!(created.starts_with("20") && created.ends_with('Z') && created.len() == 20, "{item}");
    item
}

fn pod() -> Value {
    json!({
        "metadata": {
            "name": "web-0",
            "namespace": "shop",
            "creationTimestamp": null,
            "labels": {"app": "web"},
        },
        "timestamp": "2023-09-18T06:23:19Z",
        "window": "5m0s",
        "containers": [
            {"name": "app", "usage": {"cpu": "250m", "memory": "64Mi"}},
            {"name": "proxy", "usage": {"cpu": "1m", "memory": "1k"}},
        ],
    })
}

/// The versions of the API, the preferred one first.
const VERSIONS: [&str; 2] = ["v1beta1", "v1"];

fn node() -> Value {
    json!({
        "metadata": {"name": "node-a", "creationTimestamp": null, "labels": {"zone": "south"}},
        "timestamp": "2023-09-18T06:23:19Z",
        "window": "5m0s",
        "usage": {"cpu": "1500m", "memory": "2Gi"},
    })
}

fn of_kind(kind: &str, version: &str, mut object: Value) -> Value {
    object["kind"] = json!(kind);
    object["apiVersion"] = json!(format!("{GROUP}/{version}"));
    object
}

#[tokio::test]
async fn objects_and_lists_have_the_shapes_of_the_api() {
    let world = World::start(&ALL).await;
    for (one, list, kind, expected) in [
        ("namespaces/shop/pods/web-0", "namespaces/shop/pods", "PodMetrics", pod()),
        ("nodes/node-a", "nodes", "NodeMetrics", node()),
    ] {
        for version in VERSIONS {
            let get = async |rest: &str| {
                world.leadsman.get(&format!("/apis/{GROUP}/{version}/{rest}")).await.ok()
            };
            let found = timeless(get(one).await);
            assert_eq!(found, of_kind(kind, version, expected.clone()));
            let found = get(list).await;
            assert_eq!(found["kind"], format!("{kind}List"));
            assert_eq!(found["apiVersion"], format!("{GROUP}/{version}"));
            assert_eq!(found["metadata"], json!({}));
            let items = found["items"].as_array().expect("items");
            assert_eq!(items.len(), 2);
            assert!(items.iter().any(|item| timeless(item.clone()) == expected), "{found:#}");
        }
    }
}

#[tokio::test]
async fn clients_that_prefer_protobuf_get_it() {
    let world = World::start(&ALL).await;
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
    for (rest, kind) in [
        ("namespaces/shop/pods/web-0", "PodMetrics"),
        ("pods", "PodMetricsList"),
        ("nodes", "NodeMetricsList"),
    ] {
        let path = format!("{USAGE}/{rest}");
        let json = world.leadsman.get(&path).await.ok();
        assert_eq!(json["kind"], kind);
        let answer = world.leadsman.get_accept(&path, &format!("{PROTOBUF}, */*")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, PROTOBUF));
        assert!(answer.body.starts_with("k8s\0") && answer.body.contains(kind), "{answer:#?}");
        // Each is cached separately.
        assert_eq!(world.leadsman.get(&path).await.ok(), json);
    }
    // Errors are JSON for everyone.
    let path = format!("{USAGE}/nodes/node-c");
    world.leadsman.get_accept(&path, PROTOBUF).await.failure();
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str()).collect()
}

#[tokio::test]
async fn the_group_is_discovered_with_its_resources() {
    let nodes = json!({
        "name": "nodes", "singularName": "", "namespaced": false, "kind": "NodeMetrics",
        "verbs": ["get", "list"],
    });
    let pods = json!({
        "name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics",
        "verbs": ["get", "list"],
    });
    let without = |query: &str| {
        let mut rules = rules();
        for of in ["cpu", "memory"] {
            rules[of].as_object_mut().expect("a rule").remove(query);
        }
        rules
    };
    for (rules, expected, other) in [
        (rules(), json!([nodes, pods]), None),
        (without("nodeQuery"), json!([pods]), Some(("nodes", "nodeQuery"))),
        (without("containerQuery"), json!([nodes]), Some(("pods", "containerQuery"))),
    ] {
        let set = |config: Config| config.set("resourceRules", &rules.to_string());
        let world = World::start_with(&ALL, set).await;
        let groups = world.leadsman.get("/apis").await.ok();
        assert!(names(&groups["groups"]).contains(&GROUP), "{groups:#}");
        let group = world.leadsman.get(&format!("/apis/{GROUP}")).await.ok();
        assert_eq!(group["preferredVersion"]["groupVersion"], "metrics.k8s.io/v1beta1");
        let known = group["versions"].as_array().expect("versions").iter();
        assert!(known.map(|known| &known["version"]).eq(VERSIONS), "{group:#}");
        for version in VERSIONS {
            let list = world.leadsman.get(&format!("/apis/{GROUP}/{version}")).await.ok();
            assert_eq!(list["groupVersion"], format!("{GROUP}/{version}"));
            assert_eq!(list["resources"], expected);
        }
        if let Some((resource, query)) = other {
            let failure = world.get(resource).await.failure();
            assert_eq!(failure.code, 404);
            failure.assert_contains(&[resource, query, "resourceRules"]);
        }
        assert_eq!(world.upstream.queries(), 0);
    }
}

#[tokio::test]
async fn the_aggregated_document_is_equal() {
    let world = World::start(&ALL).await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let answer = world.leadsman.get_accept("/apis", accept).await.ok();
    let items = answer["items"].as_array().expect("items");
    let group = items.iter().find(|item| item["metadata"]["name"] == GROUP);
    let versions = group.expect("the group")["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), VERSIONS.len());
    for (found, version) in versions.iter().zip(VERSIONS) {
        assert_eq!(found["version"], version);
        let resource = |name: &str, kind: &str, scope: &str| {
            json!({
                "resource": name,
                "responseKind": {"group": GROUP, "version": version, "kind": kind},
                "scope": scope,
                "singularResource": "",
                "verbs": ["get", "list"],
            })
        };
        assert_eq!(
            found["resources"],
            json!([
                resource("nodes", "NodeMetrics", "Cluster"),
                resource("pods", "PodMetrics", "Namespaced"),
            ])
        );
    }
}

#[tokio::test]
async fn without_rules_the_group_does_not_exist() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let leadsman = Leadsman::start(
        Config::shop(&upstream.url())
            .mapping(leadsman_tests::Mapping::pods("requests").query("q", "requests")),
    )
    .await;
    let groups = leadsman.get("/apis").await.ok();
    assert!(!names(&groups["groups"]).contains(&GROUP), "{groups:#}");
    for path in ["", "/v1beta1", "/v1beta1/nodes", "/v1beta1/namespaces/shop/pods/web-0"] {
        let failure = leadsman.get(&format!("/apis/{GROUP}{path}")).await.failure();
        assert_eq!(failure.code, 404, "{path}");
        failure.assert_contains(&[GROUP, "resourceRules"]);
    }
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let world = World::start(&ALL).await;
    for (rest, code, said) in [
        ("services", 404, "the server could not find the requested resource"),
        ("pods/web-0", 404, "namespaces/NAMESPACE/pods/NAME"),
        ("namespaces/shop/nodes", 404, "requested resource"),
        ("namespaces/shop/pods/web-0/log", 404, "requested resource"),
        ("namespaces/Shop/pods", 400, "is not the name of a namespace"),
        ("namespaces/shop/pods?watch=true", 405, "watch is not supported"),
        ("nodes?watch=1", 405, "nodes.metrics.k8s.io"),
        ("namespaces/shop/pods/web-9", 404, "pods \"web-9\" not found"),
        ("nodes/node-c", 404, "node \"node-c\" not found"),
    ] {
        let failure = world.get(rest).await.failure();
        assert_eq!(failure.code, code, "{rest}: {failure:#?}");
        failure.assert_contains(&[said]);
    }
    let version = world.leadsman.get(&format!("/apis/{GROUP}/v2/nodes")).await.failure();
    assert_eq!(version.code, 404);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let path = format!("{USAGE}/namespaces/shop/pods/web-0");
        assert_eq!(world.leadsman.send(method, &path).await.failure().code, 405);
    }
    assert_eq!(world.get("nodes?watch=false").await.status, 200);
    assert_eq!(world.upstream.queries(), 2, "for nodes, once");
}
