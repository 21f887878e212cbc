//! Values of rules that prometheus-adapter serves: which of several series is meant, and what stands
//! for an object that none names.

use std::time::Duration;

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Request, Upstream, paths};
use serde_json::{Value, json};

const OVERRIDES: &str = "{overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}";

fn is_list(request: &Request) -> bool {
    request.path.ends_with("/api/v1/series")
}

/// A source with these series, each with its labels and value, which answers each query with all of
/// them that `picked` picks.
async fn upstream(
    series: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    picked: impl Fn(&str, &[(&str, &str)]) -> bool + Send + Sync + 'static,
) -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(move |request| {
        let metric = |labels: &[(&str, &str)]| -> Value {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
            Value::Object(labels.collect())
        };
        if is_list(request) {
            let list: Vec<_> = series
                .iter()
                .map(|(labels, _)| {
                    let mut series = metric(labels);
                    series["__name__"] = "busy".into();
                    series
                })
                .collect();
            return Reply::json(200, &json!({"status": "success", "data": list}));
        }
        let picked = series.iter().filter(|(labels, _)| picked(request.promql(), labels));
        let items: Vec<_> = picked
            .map(|(labels, value)| json!({"metric": metric(labels), "value": [1, value]}))
            .collect();
        Reply::vector(&json!(items))
    });
    upstream
}

fn config(upstream: &Upstream, resources: &str, metrics_query: &str) -> Config {
    Config::shop(&upstream.url()).set(
        "rules",
        &format!(
            "[{{seriesQuery: busy, resources: {resources}, metricsQuery: '{metrics_query}'}}]"
        ),
    )
}

#[tokio::test]
async fn objects_in_no_namespace_are_by_their_name_alone() {
    let series: &[(&[(&str, &str)], &str)] = &[
        (&[("namespace", "a"), ("node", "node-a")], "5"),
        (&[("namespace", "b"), ("node", "node-a")], "5"),
        (&[("namespace", "b"), ("node", "node-b")], "7"),
    ];
    let upstream = upstream(series, |_, _| true).await;
    let config = config(&upstream, "{template: <<.Resource>>}", "<<.Series>>{<<.LabelMatchers>>}")
        .object("nodes", None, "node-a", "")
        .object("nodes", None, "node-b", "");
    let leadsman = Leadsman::start(config).await;
    let all = leadsman.get(&format!("{}/nodes/%2A/busy", paths::CUSTOM_V2)).await.values();
    assert_eq!((all["node-a"].as_str(), all["node-b"].as_str()), ("5", "7"));
    let one = leadsman.get(&format!("{}/nodes/node-b/busy", paths::CUSTOM_V2)).await;
    assert_eq!(one.value(), "7");
}

#[tokio::test]
async fn a_widened_query_without_the_label_is_an_empty_list_as_the_exact_one() {
    let series: &[(&[(&str, &str)], &str)] =
        &[(&[("namespace", "shop"), ("job", "x")], "5"), (&[], "5")];
    // The sum by a label that none of the namespace's series has.
    let upstream =
        upstream(series, |query, labels| labels.is_empty() && !query.contains("job=")).await;
    let config = config(
        &upstream,
        "{template: <<.Resource>>}",
        "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    )
    .object("jobs.batch", Some("shop"), "nightly", "");
    for arguments in [&[][..], &["--exact-queries"]] {
        let leadsman = Leadsman::start_with(config.clone(), arguments).await;
        let list = leadsman.get(&paths::object("shop", "jobs.batch/%2A", "busy")).await;
        assert_eq!(list.items(), Vec::<Value>::new(), "{arguments:?}: {list:#?}");
    }
}

#[tokio::test]
async fn a_result_that_names_its_namespace_is_for_that_namespace() {
    let series: &[(&[(&str, &str)], &str)] = &[
        (&[("namespace", "bank"), ("pod", "web-0")], "9"),
        (&[("namespace", "shop"), ("pod", "web-0")], "3"),
    ];
    let upstream = upstream(series, |_, _| true).await;
    let config =
        config(&upstream, OVERRIDES, "sum(busy) by (namespace, pod)").pods("bank", &["web-0"]);
    let leadsman = Leadsman::start(config).await;
    assert_eq!(leadsman.get(&paths::pods("shop", "busy")).await.values()["web-0"], "3");
    assert_eq!(leadsman.get(&paths::object("bank", "pods/web-0", "busy")).await.value(), "9");
}

#[tokio::test]
async fn which_of_several_values_is_served_can_be_chosen() {
    let series: &[(&[(&str, &str)], &str)] = &[
        (&[("namespace", "shop"), ("pod", "web-0"), ("shard", "2")], "1"),
        (&[("namespace", "shop"), ("pod", "web-0"), ("shard", "1")], "5"),
        (&[("namespace", "shop"), ("pod", "web-1"), ("shard", "1")], "7"),
    ];
    let upstream = upstream(series, |_, _| true).await;
    let config = config(&upstream, OVERRIDES, "<<.Series>>{<<.LabelMatchers>>}");
    for (choice, expected) in [
        ("refuse", None),
        ("first", Some("5")),
        ("sum", Some("6")),
        ("max", Some("5")),
        ("min", Some("1")),
        ("avg", Some("3")),
    ] {
        let chosen = config.clone().set("discovery", &format!("{{onSeveral: {choice}}}"));
        let leadsman = Leadsman::start(chosen).await;
        let values = leadsman.get(&paths::pods("shop", "busy")).await.values();
        assert_eq!(values.get("web-0").map(String::as_str), expected, "{choice}");
        assert_eq!(values["web-1"], "7", "{choice}");
    }
    let flag = Leadsman::start_with(config.clone(), &["--on-several", "max"]).await;
    assert_eq!(flag.get(&paths::pods("shop", "busy")).await.values()["web-0"], "5");
    let refused = Leadsman::check(config.set("discovery", "{onSeveral: last}")).await;
    assert_eq!(refused.code, Some(1), "{}", refused.output);
    refused.assert_contains(&["discovery.onSeveral", "refuse"]);
}

#[tokio::test]
async fn labels_with_dots_stand_between_quotes() {
    let series: &[(&[(&str, &str)], &str)] =
        &[(&[("k8s.namespace.name", "shop"), ("k8s.pod.name", "web-0")], "4")];
    let upstream = upstream(series, |_, _| true).await;
    let resources =
        "{overrides: {k8s.namespace.name: {resource: namespace}, k8s.pod.name: {resource: pod}}}";
    let query = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)";
    let config = config(&upstream, resources, query);
    let leadsman = Leadsman::start(config.clone()).await;
    assert_eq!(leadsman.get(&paths::pods("shop", "busy")).await.values()["web-0"], "4");
    assert_eq!(
        upstream.last_request().promql(),
        r#"sum(busy{"k8s.namespace.name"="shop"}) by ("k8s.pod.name")"#
    );
    let selector = "metricLabelSelector=app.kubernetes.io%2Fname%3Dweb";
    leadsman.get(&format!("{}?{selector}", paths::pods("shop", "busy"))).await.values();
    let asked = upstream.last_request();
    assert!(asked.promql().contains(r#"{"app.kubernetes.io/name"="web","#), "{asked:?}");
    let exact = Leadsman::start_with(config, &["--exact-queries"]).await;
    exact.get(&paths::object("shop", "pods/web-0", "busy")).await.ok();
    assert_eq!(
        upstream.last_request().promql(),
        r#"sum(busy{"k8s.namespace.name"="shop","k8s.pod.name"="web-0"}) by ("k8s.pod.name")"#
    );
}

/// A key of a selector stands in a query as a name, where a template puts it.
#[tokio::test]
async fn a_key_that_is_no_plain_name_stands_nowhere_without_quotes() {
    let series: &[(&[(&str, &str)], &str)] = &[(&[("namespace", "shop"), ("pod", "web-0")], "4")];
    let upstream = upstream(series, |_, _| true).await;
    let query =
        "busy{<<range $label, $value := .LabelValuesByName>><<$label>>=\"<<$value>>\",<<end>>}";
    let leadsman = Leadsman::start(config(&upstream, OVERRIDES, query)).await;
    let path = paths::object("shop", "pods/web-0", "busy");
    leadsman.get(&path).await.ok();
    let queries = upstream.queries();
    let failure = leadsman.get(&format!("{path}?metricLabelSelector=a.b%2Fc%3Dd")).await.failure();
    assert_eq!(failure.code, 400, "{failure:?}");
    assert!(failure.message.contains("a key of the selector"), "{failure:?}");
    assert_eq!(upstream.queries(), queries, "nothing was sent");
}

#[tokio::test]
async fn groups_of_a_regular_expression_are_no_places() {
    let series: &[(&[(&str, &str)], &str)] = &[(&[("t", "orders-HASH-v2")], "3")];
    let upstream = upstream(series, |_, _| true).await;
    let sent = |group: &str| {
        format!(
            r#"label_replace(lag{{namespace="shop"}}, "t", "{group}-HASH", "topic", "(?P<name>.*)#(.*)")"#
        )
    };
    for (written, expected) in [("${1}", "${1}"), ("$1", "$1"), ("$${name}", "${name}")] {
        let query = sent(written).replace("=\"shop\"", "=\"${namespace}\"");
        let config =
            Config::shop(&upstream.url()).mapping(Mapping::external("lag").query("lag", &query));
        let leadsman = Leadsman::start(config).await;
        assert_eq!(leadsman.get(&paths::external("shop", "lag")).await.value(), "3");
        assert_eq!(upstream.last_request().promql(), sent(expected));
    }
    let config = Config::shop(&upstream.url())
        .mapping(Mapping::external("lag").query("lag", &sent("${name}")));
    let refused = Leadsman::check(config).await;
    assert_eq!(refused.code, Some(1), "{}", refused.output);
    refused.assert_contains(&["\"${name}\" is not known in a query", "write \"$${name}\""]);
}

#[tokio::test]
async fn raw_strings_are_promql() {
    let series: &[(&[(&str, &str)], &str)] = &[(&[("namespace", "shop"), ("pod", "web-0")], "5")];
    let upstream = upstream(series, |_, _| true).await;
    let query = r#"sum by (pod) (busy{namespace="${namespace}",pod=~`web-\d+`})"#;
    let config = config(
        &upstream,
        OVERRIDES,
        r"sum(<<.Series>>{<<.LabelMatchers>>,pod=~`web-\d+`}) by (<<.GroupBy>>)",
    )
    .mapping(Mapping::pods("raw").query("q", query));
    let leadsman = Leadsman::start(config).await;
    for metric in ["raw", "busy"] {
        let values = leadsman.get(&paths::pods("shop", metric)).await.values();
        assert_eq!(values["web-0"], "5", "{metric}");
        assert!(upstream.last_request().promql().contains(r"pod=~`web-\d+`"));
    }
}

/// A file of prometheus-adapter has neither `apiVersion` nor flags for each key.
#[tokio::test]
async fn a_file_of_prometheus_adapter_can_have_the_keys_that_messages_name() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| match is_list(request) {
        true => {
            let series = json!([{"__name__": "depth", "namespace": "shop"}]);
            Reply::json(200, &json!({"status": "success", "data": series}))
        }
        false => Reply::vector(&json!([{"metric": {}, "value": [1, "7"]}]))
            .after(Duration::from_millis(1500)),
    });
    let rules = "externalRules:\n- {seriesQuery: depth, \
                 resources: {overrides: {namespace: {resource: namespace}}}, \
                 metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>})'}\n";
    let url = upstream.url();
    let path = paths::external("shop", "depth");
    let leadsman = Leadsman::start_with(rules, &["--prometheus-url", &url]).await;
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 504, "{failure:#?}");
    failure.assert_contains(&["raise `discovery.deadline`"]);
    let patient = format!("{rules}discovery: {{deadline: 10s}}\n");
    let leadsman = Leadsman::start_with(patient, &["--prometheus-url", &url]).await;
    assert_eq!(leadsman.get(&path).await.value(), "7");
}
