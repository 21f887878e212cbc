//! Kinds of objects that become available later.

use super::*;

#[tokio::test]
async fn a_missing_right_to_list_a_kind_is_reported_with_the_rule_to_add() {
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
    refused.assert_contains(&["load", kind, rule]);
    assert!(leadsman.log().contains(&rule.replace('"', "\\\"")), "{}", leadsman.log());
    leadsman.get_as(&root, &paths::pods("unseen", "load")).await.ok();

    let rules = [Rule::new(&["list", "watch"], "networking.k8s.io", &["ingresses"])];
    admin.allow(&adapter.account().subject(), None, &rules).await;
    assert_eq!(reads("the value of an ingress", read, Answer::is_success).await.value(), "30");
}

#[tokio::test]
async fn a_custom_resource_defined_later_is_served() {
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
    refused.assert_contains(&[kind, "CustomResourceDefinition"]);
    assert!(!discovered().await);

    admin.apply(&widgets()).await;
    let gear = json!({
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"namespace": "custom", "name": "gear"},
    });
    eventually("the API of widgets", TIMEOUT, async || {
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

/// A rule's metric is bound by its first read. One by name needs no list of the objects, and whoever
/// needs it afterwards waits for it.
#[tokio::test]
async fn the_first_list_of_a_kind_is_waited_for_by_whoever_needs_it() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        let labels = json!({"namespace": "firstlist", "service": "shop"});
        if request.path.ends_with("/api/v1/series") {
            let mut series = labels;
            series["__name__"] = "depth".into();
            return Reply::json(200, &json!({"status": "success", "data": [series]}));
        }
        Reply::vector(&json!([{"metric": labels, "value": [1, "30"]}]))
    });
    let adapter = Adapter::new(plane, "firstlist", &["pods", "services", "namespaces"]).await;
    let metadata = json!({"namespace": "firstlist", "name": "shop"});
    let spec = json!({"clusterIP": "None", "ports": [{"port": 80}]});
    admin
        .apply(&json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
        .await;
    let rules = "[{seriesQuery: depth, metricsQuery: \
                  'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)', resources: {overrides: \
                  {namespace: {resource: namespace}, service: {resource: service}}}}]";
    let config = config(&upstream.url())
        .set("discovery", "{interval: 1h, deadline: 10s}")
        .set("rules", rules);
    let leadsman = adapter.start(config).await;
    let root = root(plane);
    let [one, all] =
        ["services/shop", "services/%2A"].map(|object| paths::object("firstlist", object, "depth"));
    let read = leadsman.get_as(&root, &one).await;
    assert_eq!(read.value(), "30");
    let read = leadsman.get_as(&root, &all).await;
    assert_eq!((read.value().as_str(), read.header("warning")), ("30", ""));
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
