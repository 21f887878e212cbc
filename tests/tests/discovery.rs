//! What kube-apiserver requests from every aggregated server, and the responses to wrong requests.

use std::collections::BTreeSet;

use leadsman_tests::paths::{self, CUSTOM_V1, CUSTOM_V2, EXTERNAL};
use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream};
use reqwest::Method;
use serde_json::{Value, json};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Serves mappings of each kind from a source that never answers: nothing here may need it.
async fn start() -> (Leadsman, Upstream) {
    let upstream = Upstream::start(Reply::NoReply).await;
    let config = Config::shop(&upstream.url())
        .mapping(Mapping::pods("requests").query("q", r#"requests{namespace="${namespace}"}"#))
        .mapping(
            Mapping::custom("queue_length", "deployments.apps")
                .query("q", "queue_length")
                .plugin("per-object", "object: deployment"),
        )
        .mapping(
            Mapping::custom("orders", "namespaces")
                .query("q", "orders")
                .plugin("per-object", "object: namespace"),
        )
        .mapping(
            Mapping::custom("heat", "nodes")
                .query("q", "heat")
                .plugin("per-object", "object: node"),
        )
        .mapping(Mapping::external("queue_depth").query("q", "queue_depth"));
    (Leadsman::start(config).await, upstream)
}

fn names(list: &Value, key: &str) -> BTreeSet<String> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(|entry| Some(entry[key].as_str()?.to_owned())).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn groups_and_versions_agree_with_each_other() {
    let (leadsman, _upstream) = start().await;
    let groups = leadsman.get("/apis").await.ok();
    assert_eq!(groups["kind"], "APIGroupList");
    assert_eq!(groups["apiVersion"], "v1");
    let known = names(&groups["groups"], "name");
    for wanted in ["custom.metrics.k8s.io", "external.metrics.k8s.io"] {
        assert!(known.contains(wanted), "{groups}");
    }
    for group in groups["groups"].as_array().expect("groups") {
        let name = group["name"].as_str().expect("a name");
        let alone = leadsman.get(&format!("/apis/{name}")).await.ok();
        assert_eq!((&alone["kind"], &alone["apiVersion"]), (&json!("APIGroup"), &json!("v1")));
        for field in ["name", "versions", "preferredVersion"] {
            assert_eq!(alone[field], group[field], "{name}");
            assert!(!alone[field].is_null(), "{name} has no {field}");
        }
        for version in names(&group["versions"], "groupVersion") {
            let resources = leadsman.get(&format!("/apis/{version}")).await.ok();
            assert_eq!(resources["kind"], "APIResourceList");
            assert_eq!(resources["apiVersion"], "v1");
            assert_eq!(resources["groupVersion"], version.as_str());
            assert!(resources["resources"].as_array().is_some_and(|list| !list.is_empty()));
        }
    }
    let custom = leadsman.get("/apis/custom.metrics.k8s.io").await.ok();
    assert_eq!(names(&custom["versions"], "version"), set(&["v1beta1", "v1beta2"]));
    assert_eq!(custom["preferredVersion"]["version"], "v1beta2");
}

#[tokio::test]
async fn resources_have_the_entries_that_clients_look_for() {
    let (leadsman, _upstream) = start().await;
    for version in [CUSTOM_V1, CUSTOM_V2] {
        let list = leadsman.get(version).await.ok();
        let expected =
            ["deployments.apps/queue_length", "namespaces/orders", "nodes/heat", "pods/requests"];
        assert_eq!(names(&list["resources"], "name"), set(&expected));
        for resource in list["resources"].as_array().expect("resources") {
            let of_no_namespace = [json!("namespaces/orders"), json!("nodes/heat")];
            let namespaced = !of_no_namespace.contains(&resource["name"]);
            assert_eq!(
                resource,
                &json!({
                    "name": resource["name"], "singularName": "", "namespaced": namespaced,
                    "kind": "MetricValueList", "verbs": ["get"],
                })
            );
        }
    }
    let list = leadsman.get(EXTERNAL).await.ok();
    assert_eq!(
        list["resources"],
        json!([{
            "name": "queue_depth", "singularName": "", "namespaced": true,
            "kind": "ExternalMetricValueList", "verbs": ["get"],
        }])
    );
}

/// The names of a group version in an aggregated document, as in the other format.
fn flat(version: &Value) -> BTreeSet<String> {
    let mut flat = BTreeSet::new();
    for resource in version["resources"].as_array().expect("resources") {
        let name = resource["resource"].as_str().expect("a resource");
        let subresources = names(&resource["subresources"], "subresource");
        if subresources.is_empty() {
            flat.insert(name.to_owned());
        }
        flat.extend(subresources.iter().map(|subresource| format!("{name}/{subresource}")));
    }
    flat
}

#[tokio::test]
async fn aggregated_discovery_has_the_same_and_is_not_sent_twice() {
    let (leadsman, _upstream) = start().await;
    let answer = leadsman.get_accept("/apis", AGGREGATED).await;
    let content_type = answer.header("content-type").replace(' ', "");
    for parameter in ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"] {
        assert!(content_type.split(';').any(|part| part == parameter), "{content_type}");
    }
    let document = answer.ok();
    assert_eq!(document["kind"], "APIGroupDiscoveryList");
    assert_eq!(document["apiVersion"], "apidiscovery.k8s.io/v2");
    let mut versions = BTreeSet::new();
    for group in document["items"].as_array().expect("items") {
        let group_name = group["metadata"]["name"].as_str().expect("a name");
        for version in group["versions"].as_array().expect("versions") {
            let version_name = version["version"].as_str().expect("a version");
            let path = format!("{group_name}/{version_name}");
            let list = leadsman.get(&format!("/apis/{path}")).await.ok();
            assert_eq!(flat(version), names(&list["resources"], "name"), "{path}");
            versions.insert(path);
        }
    }
    let groups = leadsman.get("/apis").await.ok();
    let listed = groups["groups"].as_array().expect("groups").iter();
    let listed = listed.flat_map(|group| names(&group["versions"], "groupVersion")).collect();
    assert_eq!(versions, listed);

    let etag = answer.header("etag");
    assert!(!etag.is_empty(), "{answer:#?}");
    let again = [("accept", AGGREGATED), ("if-none-match", etag)];
    let unchanged = leadsman.get_with("/apis", &again).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let other = [("accept", AGGREGATED), ("if-none-match", "\"other\"")];
    assert_eq!(leadsman.get_with("/apis", &other).await.body, answer.body);

    // The `Accept` header of kube-apiserver, in order of preference.
    let mixed = format!("{AGGREGATED},application/json;q=0.9");
    assert_eq!(leadsman.get_accept("/apis", &mixed).await.body, answer.body);
    let plain = leadsman.get_accept("/apis", "application/json").await.ok();
    assert_eq!(plain["kind"], "APIGroupList");
}

#[tokio::test]
async fn open_api_is_small_and_valid() {
    let (leadsman, _upstream) = start().await;
    for (path, field, content) in
        [("/openapi/v2", "swagger", json!("2.0")), ("/openapi/v3", "paths", json!({}))]
    {
        let answer = leadsman.get_accept(path, "application/json").await;
        let document = answer.ok();
        assert_eq!(document[field], content, "{document}");
        let etag = answer.header("etag");
        assert!(!etag.is_empty(), "{answer:#?}");
        let unchanged = leadsman.get_with(path, &[("if-none-match", etag)]).await;
        assert_eq!(unchanged.status, 304, "{path}");
    }
    let swagger = leadsman.get("/openapi/v2").await.ok();
    assert!(swagger["info"]["title"].is_string() && swagger["info"]["version"].is_string());
    assert!(swagger["paths"].is_object(), "{swagger}");
}

#[tokio::test]
async fn health_and_version_need_no_source() {
    let (leadsman, upstream) = start().await;
    for path in ["/livez", "/readyz", "/healthz"] {
        let answer = leadsman.get(path).await;
        assert_eq!((answer.status, answer.body.trim()), (200, "ok"), "{path}");
    }
    let version = leadsman.get("/version").await.ok();
    assert!(version["gitVersion"].as_str().is_some_and(|text| !text.is_empty()), "{version}");
    leadsman.get("/apis").await.ok();
    leadsman.get(CUSTOM_V2).await.ok();
    assert_eq!(upstream.queries(), 0);
    assert_eq!(leadsman.get("/livez").await.version, reqwest::Version::HTTP_2);
}

#[tokio::test]
async fn unknown_paths_are_reported_as_status() {
    let (leadsman, _upstream) = start().await;
    for path in [
        "/nothing",
        "/apis/apps",
        "/apis/%FF",
        "/apis/%FF/v1",
        "/apis/custom.metrics.k8s.io/%FF",
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/%FF/requests",
        "/apis/custom.metrics.k8s.io/v1",
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces",
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/web-0",
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/web-0/requests/more",
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/nothing",
    ] {
        let failure = leadsman.get(path).await.failure();
        assert_eq!((failure.code, failure.reason.as_str()), (404, "NotFound"), "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let (leadsman, upstream) = start().await;
    for path in ["/apis", CUSTOM_V2, &paths::pods("shop", "requests")] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let failure = leadsman.send(method.clone(), path).await.failure();
            assert_eq!(failure.code, 405, "{method} {path}");
            assert_eq!(failure.reason, "MethodNotAllowed", "{method} {path}");
        }
    }
    assert_eq!(upstream.queries(), 0);
}

#[tokio::test]
async fn heads_are_those_of_the_bodies() {
    let (leadsman, upstream) = start().await;
    upstream.set_reply(Reply::pods(&[("web-0", "1")]));
    let (read, absent) = (paths::pods("shop", "requests"), paths::pods("shop", "nothing"));
    for path in ["/apis", CUSTOM_V2, "/readyz", &read, &absent, "/nothing"] {
        let whole = leadsman.get(path).await;
        let head = leadsman.send(Method::HEAD, path).await;
        assert_eq!((head.status, head.body.as_str()), (whole.status, ""), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
    }
    let refused = leadsman.send(Method::POST, &read).await;
    assert_eq!(refused.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn values_are_protobuf_for_clients_that_prefer_it_and_everything_else_is_json() {
    let (leadsman, upstream) = start().await;
    upstream.set_reply(Reply::pods(&[("web-0", "1")]));
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
    let path = paths::pods("shop", "requests");
    for accept in [
        "application/vnd.kubernetes.protobuf, */*",
        "application/vnd.kubernetes.protobuf,application/json",
    ] {
        for path in ["/apis", CUSTOM_V2] {
            let answer = leadsman.get_accept(path, accept).await;
            assert_eq!(answer.header("content-type"), "application/json", "{path} as {accept}");
            answer.ok();
        }
        let answer = leadsman.get_accept(&path, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, PROTOBUF), "{accept}");
        assert!(answer.body.starts_with("k8s\0"), "{answer:?}");
        assert!(answer.body.contains("MetricValueList") && answer.body.contains("web-0"));
        // A client that accepts only protobuf still needs to read why a request failed.
        let missing = leadsman.get_accept("/nothing", accept).await;
        assert_eq!(missing.header("content-type"), "application/json");
        missing.failure();
    }
    // Responses are cached, each in its encoding.
    for accept in
        ["application/json", "*/*", "application/json,application/vnd.kubernetes.protobuf"]
    {
        let answer = leadsman.get_accept(&path, accept).await;
        assert_eq!(answer.header("content-type"), "application/json", "{accept}");
        assert_eq!(answer.value(), "1");
    }
}

#[tokio::test]
async fn an_invalid_selector_is_reported_with_its_part() {
    let (leadsman, upstream) = start().await;
    let pods = paths::pods("shop", "requests");
    let external = paths::external("shop", "queue_depth");
    for (path, parameter, selector, part) in [
        (&pods, "labelSelector", "app+in+(web", "app in (web|("),
        (&pods, "labelSelector", "app%3D%3D%3Dweb", "==="),
        (&pods, "labelSelector", "-app%3Dweb", "-app"),
        (&pods, "metricLabelSelector", "version+under+5", "under"),
        (&pods, "metricLabelSelector", "version%3Da%22b", "a\"b|a\\\"b"),
        (&external, "labelSelector", "queue+in+(high", "queue in (high|("),
    ] {
        let failure = leadsman.get(&format!("{path}?{parameter}={selector}")).await.failure();
        assert_eq!((failure.code, failure.reason.as_str()), (400, "BadRequest"), "{selector}");
        failure.assert_contains(&[part]);
    }
    assert_eq!(upstream.queries(), 0);
}
