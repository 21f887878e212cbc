//! Missing and wrong values: missing is not zero.

use leadsman_tests::Reply;

use crate::{ALL, Sample, World, answer, expected};

/// [`ALL`] with one sample changed, or removed if there is no value.
fn changed(series: &str, of: &str, value: Option<&'static str>) -> Vec<Sample> {
    let samples = ALL.into_iter().filter_map(|sample| match sample {
        (s, o, _) if s == series && o == of => Some((sample.0, sample.1, value?)),
        other => Some(other),
    });
    samples.collect()
}

const DB: (&str, &str) = ("shop/db-0/postgres", "2 1234567500m");

#[tokio::test]
async fn objects_without_one_of_both_are_in_no_list() {
    for (series, metric) in [("cores", "cpu"), ("bytes", "memory")] {
        let mut samples = changed(series, "shop/web-0/app", None);
        samples.retain(|(s, of, _)| !(*s == series && *of == "shop/web-0/proxy"));
        let world = World::start(&samples).await;
        let list = world.get("namespaces/shop/pods").await;
        assert_eq!(crate::used(&list), expected(&[DB]));
        let warning = list.header("warning");
        let left_out =
            format!("nothing is known of 1 of 2 pods, web-0 among them: the query for {metric}");
        assert!(warning.contains(&left_out), "{warning}");
        let failure = world.get("namespaces/shop/pods/web-0").await.failure();
        assert_eq!((failure.code, failure.reason.as_str()), (404, "NotFound"));
        let told = [
            "podmetrics.metrics.k8s.io \"shop/web-0\" not found: ",
            &format!("the query for {metric} has values for 1 pod and none for this one"),
            "label \"pod\"",
        ];
        failure.assert_contains(&told);
    }
    let world = World::start(&changed("node_bytes", "node-a", None)).await;
    assert_eq!(world.used("nodes").await, expected(&[("node-b", "250m 512Mi")]));
    let failure = world.get("nodes/node-a").await.failure();
    failure.assert_contains(&[
        "nodemetrics.metrics.k8s.io \"node-a\" not found",
        "the query for memory",
    ]);
}

#[tokio::test]
async fn a_container_without_one_of_both_has_no_zero() {
    let world = World::start(&changed("bytes", "shop/web-0/proxy", None)).await;
    let list = world.get("namespaces/shop/pods").await;
    let web = [("shop/web-0/app", "250m 64Mi"), ("shop/web-0/proxy", "1m -")];
    assert_eq!(crate::used(&list), expected(&[DB, web[0], web[1]]));
    let told = list.header("warning");
    assert!(told.contains("memory of container proxy of pods web-0 is missing"), "{told}");
}

#[tokio::test]
async fn impossible_values_are_refused_with_their_reason() {
    for (value, reason) in [
        ("NaN", "the value is NaN"),
        ("-1", "the value is negative (-1)"),
        ("+Inf", "the value is infinite"),
    ] {
        // One container of two.
        let world = World::start(&changed("bytes", "shop/web-0/proxy", Some(value))).await;
        let list = world.get("namespaces/shop/pods").await;
        let web = [("shop/web-0/app", "250m 64Mi"), ("shop/web-0/proxy", "1m -")];
        assert_eq!(crate::used(&list), expected(&[DB, web[0], web[1]]), "{value}");
        let told = format!("memory of container proxy of pods web-0 is not served: {reason}");
        assert!(list.header("warning").contains(&told), "{list:#?}");

        // The only one.
        let world = World::start(&changed("cores", "bank/web-0/app", Some(value))).await;
        for rest in ["namespaces/bank/pods", "namespaces/bank/pods/web-0"] {
            let failure = world.get(rest).await.failure();
            assert_eq!(failure.code, 500, "{rest}");
            failure.assert_contains(&["cpu of container app of pods web-0 is not served", reason]);
        }
        // The others are served nevertheless.
        let all = world.get("pods").await;
        assert_eq!(crate::used(&all).len(), 3);
        assert!(all.header("warning").contains(reason), "{all:#?}");

        let world = World::start(&changed("node_cores", "node-a", Some(value))).await;
        let nodes = world.get("nodes").await;
        assert_eq!(crate::used(&nodes), expected(&[("node-b", "250m 512Mi")]));
        assert!(nodes.header("warning").contains(reason), "{nodes:#?}");
    }
}

#[tokio::test]
async fn what_stands_for_nan_can_be_stated() {
    let resource_rules = crate::rules().to_string();
    let started = async |policy: &str| {
        World::start_with(&changed("cores", "bank/web-0/app", Some("NaN")), |config| {
            let discovery = format!("{{onNaN: {policy}}}");
            config.set("resourceRules", &resource_rules).set("discovery", &discovery)
        })
        .await
    };
    let world = started("{value: 0}").await;
    let list = world.get("namespaces/bank/pods").await;
    assert_eq!(crate::used(&list), expected(&[("bank/web-0/app", "0 1Gi")]));
    assert!(list.header("warning").contains("as onNaN says"), "{list:#?}");
    let world = started("refuse").await;
    let failure = world.get("namespaces/bank/pods").await.failure();
    failure.assert_contains(&["the value is NaN"]);
}

#[tokio::test]
async fn an_idle_container_is_at_zero() {
    let world = World::start(&changed("cores", "bank/web-0/app", Some("0"))).await;
    assert_eq!(world.used("namespaces/bank/pods").await, expected(&[("bank/web-0/app", "0 1Gi")]));
}

#[tokio::test]
async fn an_empty_list_has_a_reason() {
    let samples = [("cores", "shop/other-0/app", "1"), ("bytes", "shop/other-0/app", "1")];
    let world = World::start(&samples).await;
    let list = world.get("namespaces/shop/pods").await;
    assert_eq!(list.items().len(), 0);
    let told = list.header("warning");
    for said in ["nothing is known of 2 pods", "values for 1 pod ", "label 'pod'"] {
        assert!(told.contains(said), "{said}: {told}");
    }
}

#[tokio::test]
async fn an_unreadable_namespace_affects_no_other() {
    let world = World::start(&ALL).await;
    world.upstream.reply_with(|request| match request.promql().contains("namespace=\"bank\"") {
        true => Reply::new(500, "text/plain", "out of memory"),
        false => answer(&ALL, request),
    });
    let failure = world.get("namespaces/bank/pods").await.failure();
    assert_eq!(failure.code, 503);
    failure.assert_contains(&["in namespace bank", "prometheus"]);
    let all = world.get("pods").await;
    let shop = crate::used(&world.get("namespaces/shop/pods").await);
    assert_eq!(crate::used(&all), shop);
    let told = all.header("warning");
    assert!(
        told.contains("a namespace is left out") && told.contains("in namespace bank"),
        "{told}"
    );
    // The selected pods are all in that namespace.
    let only = world.get("pods?fieldSelector=metadata.namespace%3Dbank").await.failure();
    assert_eq!(only.code, 503);

    let world = World::start(&[]).await;
    world.upstream.set_reply(Reply::new(500, "text/plain", "down"));
    for rest in ["pods", "nodes", "namespaces/shop/pods/web-0"] {
        let failure = world.get(rest).await.failure();
        assert_eq!(failure.code, 503, "{rest}");
        failure.assert_contains(&["cpu for|memory for", "down"]);
    }
}

/// If one of the two queries fails, the read fails.
#[tokio::test]
async fn one_failing_query_fails_the_read() {
    let world = World::start(&ALL).await;
    world.upstream.reply_with(|request| match request.promql().contains("bytes") {
        true => Reply::new(500, "text/plain", "out of memory"),
        false => answer(&ALL, request),
    });
    let failure = world.get("namespaces/shop/pods").await.failure();
    assert_eq!(failure.code, 503);
    failure.assert_contains(&["memory for pods in namespace shop"]);
}

/// The cgroups of a pod as a whole and of its sandbox hold what its containers use, too.
#[tokio::test]
async fn containers_without_a_name_are_not_counted_beside_the_others() {
    let series: [(&str, [&str; 4]); 2] = [
        ("cores", ["0.010", "0.008", "0.002", "0.001"]),
        ("bytes", ["27000000", "21000000", "6000000", "1000"]),
    ];
    let containers = ["shop/web-0/", "shop/web-0/app", "shop/web-0/reloader", "shop/web-0/POD"];
    let samples: Vec<Sample> = series
        .into_iter()
        .flat_map(|(series, values)| {
            containers.into_iter().zip(values).map(move |(of, value)| (series, of, value))
        })
        .collect();
    let world = World::start(&samples).await;
    let named = [("shop/web-0/app", "8m 21000000"), ("shop/web-0/reloader", "2m 6000000")];
    for rest in ["namespaces/shop/pods/web-0", "namespaces/shop/pods", "pods"] {
        assert_eq!(world.used(rest).await, expected(&named), "{rest}");
    }
    // Alone they are all that is known.
    let whole: Vec<_> = samples.into_iter().filter(|(_, of, _)| of.ends_with("/")).collect();
    let world = World::start(&whole).await;
    let used = world.used("namespaces/shop/pods/web-0").await;
    assert_eq!(used, expected(&[("shop/web-0/", "10m 27000000")]));
}

#[tokio::test]
async fn a_selector_that_picks_no_pod_is_told() {
    let world = World::start(&ALL).await;
    let list = world.get("namespaces/shop/pods?labelSelector=app%3Dnobody").await;
    assert_eq!(list.items().len(), 0);
    let told = list.header("warning");
    assert!(told.contains("there are no pods in namespace shop that app=nobody picks"), "{told}");
}
