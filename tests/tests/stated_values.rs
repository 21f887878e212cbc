//! A stated number where values are not known: only where a policy says so, and never silently.

use std::time::Duration;

use leadsman_tests::{Answer, Config, Leadsman, Mapping, Reply, Upstream, eventually, paths};

const TIMEOUT: Duration = Duration::from_secs(30);

fn mappings(url: &str, last_good: &str) -> Config {
    let policy = format!("{{lastGood: {last_good}, then: {{value: 3}}}}");
    let jobs = Mapping::pods("jobs").query("q", r#"jobs{namespace="${namespace}"}"#);
    let depth = Mapping::external("depth").query("q", "depth");
    Config::shop(url)
        .mapping(jobs.set("onError", &policy))
        .mapping(depth.set("onError", &policy))
        .mapping(Mapping::pods("plain").query("q", r#"plain{namespace="${namespace}"}"#))
}

fn is_stated(answer: &Answer) {
    let items = answer.items();
    assert!(!items.is_empty() && items.iter().all(|item| item["value"] == "3"), "{answer:#?}");
    let warning = answer.header("warning");
    assert!(warning.contains("is not known, and 3 stands for it, as onError says"), "{answer:#?}");
    assert!(warning.contains("cannot be reached"), "{answer:#?}");
}

#[tokio::test]
async fn a_stated_value_stands_once_the_last_good_ones_are_too_old() {
    let mut upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let leadsman = Leadsman::start(mappings(&upstream.url(), "3s")).await;
    let all = paths::pods("shop", "jobs");
    let values = leadsman.get(&all).await.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("1", "2"));
    upstream.stop().await;
    let answer = eventually("a stated value", TIMEOUT, async || {
        let answer = leadsman.get(&all).await;
        let stated = answer.values()["web-0"] == "3";
        // Before it, what is known is served, with its age once it is old.
        let warning = answer.header("warning");
        assert!(stated || warning.is_empty() || warning.contains("s old"), "{answer:#?}");
        if stated { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    is_stated(&answer);
    assert_eq!(answer.values().len(), 2, "one for each object that exists: {answer:#?}");
    is_stated(&leadsman.get(&paths::object("shop", "pods/web-1", "jobs")).await);
    leadsman.get(&paths::object("shop", "pods/none", "jobs")).await.failure();
    let stale = [("mapping", "pods/jobs"), ("outcome", "stale")];
    let stale = leadsman.metric("leadsman_reads_total", &stale).await;
    assert!(stale.is_some_and(|count| count >= 2.0), "{stale:?}");

    upstream.restart().await;
    eventually("values that are known", TIMEOUT, async || {
        let answer = leadsman.get(&all).await;
        let known = answer.values()["web-1"] == "2" && answer.header("warning").is_empty();
        if known { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_stated_value_stands_where_nothing_was_ever_known() {
    let leadsman = Leadsman::start(mappings("http://127.0.0.1:9", "2m")).await;
    is_stated(&leadsman.get(&paths::pods("shop", "jobs")).await);
    // Items are added up, so one stands for all.
    let external = leadsman.get(&paths::external("shop", "depth")).await;
    is_stated(&external);
    let items = external.items();
    assert_eq!(items.len(), 1, "{external:#?}");
    assert!(items[0]["metricLabels"].as_object().is_none_or(|labels| labels.is_empty()));
    // Whoever has stated nothing gets an error.
    let failure = leadsman.get(&paths::pods("shop", "plain")).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
}

#[tokio::test]
async fn what_is_asked_for_wrongly_gets_no_stated_value() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let leadsman = Leadsman::start(mappings(&upstream.url(), "2m")).await;
    let path = format!("{}?metricLabelSelector=colour%3Dred", paths::pods("shop", "jobs"));
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 400, "{failure:?}");
    failure.assert_contains(&["colour"]);
}

#[tokio::test]
async fn policies_that_are_none_are_told() {
    let mapping = |policy: &str| Mapping::external("m").query("q", "m").set("onError", policy);
    let config = |policy: &str| Config::shop("http://127.0.0.1:9").mapping(mapping(policy));
    for good in [
        "fail",
        "{lastGood: 2m}",
        "{lastGood: 2m, then: {value: -0.5}}",
        "{lastGood: 2m, then: {replicas: 3, target: 5}}",
        "{lastGood: 2m, then: {replicas: 0, target: 500m}}",
        "{lastGood: 2m, then: {behavior: currentReplicas, target: \"5\", workload: {kind: \
         Rollout, name: web, apiVersion: argoproj.io/v1alpha1}}}",
        "{lastGood: 2m, then: {replicas: 3, targetType: value, target: 5, workload: {kind: \
         StatefulSet, name: web}}}",
    ] {
        let checked = Leadsman::check(config(good)).await;
        assert_eq!(checked.code, Some(0), "{good}: {}", checked.output);
    }
    for (bad, says) in [
        ("never", "there are fail, {lastGood: …}"),
        ("{lastGod: 2m}", "did you mean \"lastGood\"?"),
        ("{then: {value: 1}}", "the key \"lastGood\" is missing"),
        ("{lastGood: 2m, then: {replicas: 3}}", "the key \"target\" is missing"),
        ("{lastGood: 2m, then: {}}", "expected one of the keys value, replicas"),
        ("{lastGood: 2m, then: {value: 1, replicas: 3, target: 5}}", "only one of the keys"),
        ("{lastGood: 2m, then: {value: 1, target: 5}}", "belongs to `replicas`"),
        ("{lastGood: 2m, then: {replicas: 3, target: 0}}", "must be more than 0"),
        ("{lastGood: 2m, then: {replicas: 3, target: many}}", "is not a quantity"),
        ("{lastGood: 2m, then: {replicas: 1000000, target: 9e15}}", "beyond what can be served"),
        (
            "{lastGood: 2m, then: {behavior: currentReplicasIfLower, target: 5}}",
            "the key \"replicas\" is missing",
        ),
        (
            "{lastGood: 2m, then: {replicas: 3, behavior: currentReplicasIfLower, target: 5}}",
            "the key \"workload\" is missing",
        ),
        (
            "{lastGood: 2m, then: {replicas: 3, targetType: value, target: 5}}",
            "the key \"workload\" is missing",
        ),
        (
            "{lastGood: 2m, then: {replicas: 3, targetType: value, target: 5, workload: {kind: \
             Rollout, name: web, apiVersion: argoproj.io/v1alpha1}}}",
            "does not say how many of its pods are ready",
        ),
        (
            "{lastGood: 2m, then: {behavior: currentReplicas, target: 5, workload: {kind: Rollout, \
             name: web}}}",
            "`apiVersion`",
        ),
        (
            "{lastGood: 2m, then: {behavior: currentReplicas, target: 5, workload: {kind: \
             Deployment, name: ../web}}}",
            "cannot name a workload",
        ),
        ("{lastGood: 2m, then: {value: 1e300}}", "beyond"),
        ("{lastGood: soon}", "onError.lastGood"),
    ] {
        let checked = Leadsman::check(config(bad)).await;
        assert_eq!(checked.code, Some(1), "{bad}: {}", checked.output);
        checked.assert_contains(&["mappings[0].onError", says]);
    }
    let absent = |policy: &str| {
        let mapping = Mapping::external("m").query("q", "m").set("onAbsent", policy);
        Config::shop("http://127.0.0.1:9").mapping(mapping)
    };
    for good in [
        "omit",
        "{default: 1}",
        "{lastGood: 2m}",
        "{lastGood: 2m, then: {value: 0}}",
        "{lastGood: 2m, then: {replicas: 3, target: 5}}",
    ] {
        let checked = Leadsman::check(absent(good)).await;
        assert_eq!(checked.code, Some(0), "{good}: {}", checked.output);
    }
    for (bad, says) in [
        ("never", "there are omit, {default: …}, {lastGood: …}"),
        ("{lastGod: 2m}", "did you mean \"lastGood\"?"),
        ("{lastGood: 2m, default: 1}", "only one of the keys default, lastGood may stand here"),
        ("{lastGood: 2m, then: {value: 1e300}}", "beyond"),
        ("{lastGood: 2m, then: {replicas: 3}}", "the key \"target\" is missing"),
        ("{lastGood: soon}", "onAbsent.lastGood"),
    ] {
        let checked = Leadsman::check(absent(bad)).await;
        assert_eq!(checked.code, Some(1), "{bad}: {}", checked.output);
        checked.assert_contains(&["mappings[0].onAbsent", says]);
    }
}

/// The number that an autoscaler makes so many replicas of: for pods each has its share.
#[tokio::test]
async fn a_number_of_replicas_stands_by_the_value_that_leads_to_it() {
    let policy = r#"{lastGood: 2m, then: {replicas: 6, target: "10"}}"#;
    let dead = "http://127.0.0.1:9";
    let needs_workload = "{lastGood: 2m, then: {behavior: currentReplicas, target: 10, workload: \
                          {kind: Deployment, name: web}}}";
    let config = Config::shop(dead)
        .object("services", Some("shop"), "front", "app: web")
        .mapping(Mapping::pods("jobs").query("q", "jobs").set("onError", policy))
        .mapping(
            Mapping::custom("busy", "services")
                .query("q", "busy")
                .plugin("per-object", "object: service")
                .set("onError", policy),
        )
        .mapping(Mapping::external("depth").query("q", "depth").set("onError", policy))
        .mapping(Mapping::external("now").query("q", "now").set("onError", needs_workload));
    let leadsman = Leadsman::start(config).await;
    let pods = leadsman.get(&paths::pods("shop", "jobs")).await;
    let values = pods.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("30", "30"), "{pods:#?}");
    for (path, value) in [
        (paths::external("shop", "depth"), "60"),
        (paths::object("shop", "services/front", "busy"), "60"),
        // By name, as an autoscaler reads the metric of an object.
        (paths::object("shop", "pods/web-0", "jobs"), "60"),
    ] {
        let answer = leadsman.get(&path).await;
        assert_eq!(answer.value(), value, "{answer:#?}");
        let warning = answer.header("warning");
        let told = "is not known, and 60 (for 6 replicas) stands for it, as onError says";
        assert!(warning.contains(told) && warning.contains("cannot be reached"), "{answer:#?}");
    }
    let stated = [("mapping", "external/depth"), ("reason", "stated")];
    assert_eq!(leadsman.metric("leadsman_reads_incomplete_total", &stated).await, Some(1.0));
    let status = leadsman.status().await.to_string();
    assert!(status.contains("60 (for 6 replicas) stands for it"), "{status}");
    // What needs a workload needs a cluster.
    let failure = leadsman.get(&paths::external("shop", "now")).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["cannot be reached", "no cluster", "onError states"]);
}

/// For what is absent, the same.
#[tokio::test]
async fn a_number_of_replicas_stands_for_what_is_absent() {
    let upstream = Upstream::start(Reply::vector(&serde_json::json!([]))).await;
    let policy = r#"{lastGood: 2m, then: {replicas: 6, target: "10"}}"#;
    let jobs = Mapping::pods("jobs").query("q", "jobs").set("onAbsent", policy);
    let depth = Mapping::external("depth").query("q", "depth").set("onAbsent", policy);
    let config = Config::shop(&upstream.url()).mapping(jobs).mapping(depth);
    let leadsman = Leadsman::start(config).await;
    let pods = leadsman.get(&paths::pods("shop", "jobs")).await;
    let values = pods.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("30", "30"), "{pods:#?}");
    assert!(pods.header("warning").contains("the default 30 (for 6 replicas)"), "{pods:#?}");
    let items = leadsman.get(&paths::external("shop", "depth")).await;
    assert_eq!(items.value(), "60", "{items:#?}");
    let told = "the default 60 (for 6 replicas) is served for external metric depth";
    assert!(items.header("warning").contains(told), "{items:#?}");
}

/// Keys of `activation` that are none, and a workload that a mapping cannot have.
#[tokio::test]
async fn activations_that_are_none_are_told() {
    let target = "target: {kind: Deployment, name: web, namespace: shop}";
    let external = |activation: &str| {
        let mapping = Mapping::external("m").query("q", "m").set("activation", activation);
        Config::shop("http://127.0.0.1:9").mapping(mapping)
    };
    for good in [
        "5".to_owned(),
        format!("{{{target}}}"),
        format!("{{{target}, threshold: 0.5, cooldown: 30s, minReplicas: 2, every: 5s}}"),
        format!("{{{target}, takeOver: true, selector: \"queue in (a, b)\"}}"),
    ] {
        let checked = Leadsman::check(external(&good)).await;
        assert_eq!(checked.code, Some(0), "{good}: {}", checked.output);
    }
    for (bad, says) in [
        ("many".to_owned(), "expected"),
        ("{threshold: 1}".to_owned(), "the key \"target\" is missing"),
        ("{target: {kind: Deployment, name: web}}".to_owned(), "the key \"namespace\" is missing"),
        (
            "{target: {kind: Rollout, name: web, namespace: shop}}".to_owned(),
            "say it with `apiVersion`",
        ),
        ("{target: {kind: Deployment, name: a/b, namespace: shop}}".to_owned(), "cannot name"),
        (format!("{{{target}, cooldown: 1ms}}"), "must be from 1s to 86400s"),
        (format!("{{{target}, every: 1h}}"), "must be from 1s to 300s"),
        (format!("{{{target}, minReplicas: 0}}"), "at least 1"),
        (format!("{{{target}, coolDown: 5m}}"), "did you mean \"cooldown\"?"),
        (format!("{{{target}, selector: '=='}}"), "activation.selector"),
        (format!("{{{target}, object: web}}"), "is for custom metrics"),
    ] {
        let checked = Leadsman::check(external(&bad)).await;
        assert_eq!(checked.code, Some(1), "{bad}: {}", checked.output);
        checked.assert_contains(&["mappings[0].activation", says]);
    }
    let custom = |activation: &str| {
        let mapping = Mapping::pods("m").query("q", "m").set("activation", activation);
        Config::shop("http://127.0.0.1:9").mapping(mapping)
    };
    for (keys, says) in [
        ("", "the key \"object\" is missing: which of the pods counts"),
        (", object: web-0, selector: a=b", "is for external metrics"),
    ] {
        let checked = Leadsman::check(custom(&format!("{{{target}{keys}}}"))).await;
        assert_eq!(checked.code, Some(1), "{keys}: {}", checked.output);
        checked.assert_contains(&["mappings[0].activation", says]);
    }
}

/// A gap in the series of one pod and in those of a queue: the last known value stands, and then the
/// stated one, each with the reason.
#[tokio::test]
async fn the_last_known_value_stands_for_what_is_absent_and_then_a_stated_one() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let policy = "{lastGood: 4s, then: {value: 7}}";
    let of = |metric: &str, policy: &str| {
        let promql = format!(r#"{metric}{{namespace="${{namespace}}"}}"#);
        Mapping::pods(metric).query("q", &promql).set("maxAge", "1s").set("onAbsent", policy)
    };
    let depth = Mapping::external("depth").query("q", "depth").set("maxAge", "1s");
    let config = Config::shop(&upstream.url())
        .mapping(of("jobs", policy))
        .mapping(of("short", "{lastGood: 1ms}"))
        .mapping(depth.set("onAbsent", policy));
    let leadsman = Leadsman::start(config).await;
    let (jobs, short) = (paths::pods("shop", "jobs"), paths::pods("shop", "short"));
    let external = paths::external("shop", "depth");
    for path in [&jobs, &short] {
        assert_eq!(leadsman.get(path).await.values()["web-1"], "2");
    }
    assert_eq!(leadsman.get(&external).await.items().len(), 2);

    upstream.set_reply(Reply::pods(&[("web-0", "3")]));
    let bridged = eventually("a newer value of the other pod", TIMEOUT, async || {
        let answer = leadsman.get(&jobs).await;
        if answer.values()["web-0"] == "3" { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert_eq!(bridged.values()["web-1"], "2", "{bridged:#?}");
    let warning = bridged.header("warning");
    for part in ["the last known value is served for 1 of 2 pods (web-1)", "as onAbsent says"] {
        assert!(warning.contains(part), "{part}: {bridged:#?}");
    }
    let reason = [("mapping", "pods/jobs"), ("reason", "last_known")];
    assert!(leadsman.metric("leadsman_reads_incomplete_total", &reason).await >= Some(1.0));
    // After its time without a stated value it is as if nothing had been known.
    eventually("an object that is left out", TIMEOUT, async || {
        let answer = leadsman.get(&short).await;
        let values = answer.values();
        let left_out = values["web-0"] == "3" && !values.contains_key("web-1");
        if left_out { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let stated = eventually("the stated value", TIMEOUT, async || {
        let answer = leadsman.get(&jobs).await;
        let value = answer.values()["web-1"].clone();
        assert!(["2", "7"].contains(&value.as_str()), "{answer:#?}");
        if value == "7" { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert!(stated.header("warning").contains("the default 7 is served for 1 of 2 pods (web-1)"));

    // Of the items, web-1 is known from longer ago than web-0, and no part of the same sum.
    eventually("the only item", TIMEOUT, async || {
        let items = leadsman.get(&external).await.items();
        let is_new = items.len() == 1 && items[0]["value"] == "3";
        if is_new { Ok(()) } else { Err(format!("{items:#?}")) }
    })
    .await;
    upstream.set_reply(Reply::vector(&serde_json::json!([])));
    eventually("the last known item", TIMEOUT, async || {
        let answer = leadsman.get(&external).await;
        let items = answer.items();
        assert_eq!((items.len(), &items[0]["value"]), (1, &serde_json::json!("3")), "{answer:#?}");
        let told = "the last known value is served for external metric depth";
        if answer.header("warning").contains(told) { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let stated = eventually("one stated item", TIMEOUT, async || {
        let answer = leadsman.get(&external).await;
        let items = answer.items();
        let is_stated = items.len() == 1 && items[0]["value"] == "7";
        if is_stated { Ok(answer) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert!(stated.header("warning").contains("the default 7 is served for external metric depth"));
}
