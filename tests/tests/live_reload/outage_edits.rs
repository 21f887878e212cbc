//! What is known is not lost by an edit while the source is away.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Folder, HOSTILE, Leadsman, Mapping, Reply, Upstream, eventually, paths, version,
};

use crate::scene::{FILE, PLUGIN, Scene, mapping, path};

/// How long an edit, a refresh or a failure may take to be seen.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Changes the configuration and waits until it is served.
async fn edit(leadsman: &Leadsman, folder: &mut Folder, config: impl std::fmt::Display) {
    let before = leadsman.generation().await;
    folder.configure(config);
    eventually("the next generation", TIMEOUT, async || {
        let now = leadsman.generation().await;
        if now > before { Ok(()) } else { Err(format!("generation {now}")) }
    })
    .await;
}

/// Reads until old values are served with their age and why, which they must be all the time.
async fn wait_warned(leadsman: &Leadsman, path: &str) -> Answer {
    eventually("a warning", TIMEOUT, async || {
        let answer = leadsman.get(path).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        if answer.header("warning").is_empty() { Err(format!("{answer:#?}")) } else { Ok(answer) }
    })
    .await
}

/// Reads values that are old, and returns their age in seconds. Asserts that age and cause are told.
fn age(answer: &Answer) -> f64 {
    assert_eq!(answer.status, 200, "{answer:#?}");
    let warning = answer.header("warning");
    assert!(warning.contains("cannot be reached"), "{answer:#?}");
    let (before, _) = warning.split_once("s old").unwrap_or_else(|| panic!("{answer:#?}"));
    let number = before.rsplit(' ').next().unwrap_or_default();
    number.parse().unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// An outage of the source, in which the operator raises `lastGood` from two to three minutes.
#[tokio::test]
async fn raising_last_good_in_an_outage_keeps_the_values() {
    let mut upstream = Upstream::start(Reply::pods(&[("w-0", "4")])).await;
    let config = |last_good: &str, max_age: &str| {
        format!(
            "apiVersion: leadsman.dev/v1alpha1\n\
             kind: Config\n\
             sources:\n  prometheus: {{prometheus: {{url: {}}}}}\n\
             mappings:\n  - metric: jobs_active\n    serve: {{custom: {{resource: pods}}}}\n    \
             queries: {{q: {{source: prometheus, promql: 'sum by (pod) \
             (jobs_active{{namespace=\"${{namespace}}\"}})'}}}}\n    plugin: per-object\n    \
             config: {{object: pod}}\n    onError: {{lastGood: {last_good}}}\n    \
             maxAge: {max_age}\n\
             objects:\n  - {{resource: pods, namespace: shop, name: w-0, labels: {{app: w}}}}\n",
            upstream.url()
        )
    };
    let (first, raised, relaxed) = (config("2m", "5s"), config("3m", "5s"), config("3m", "6s"));
    let mut folder = Folder::plain();
    folder.configure(first);
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs_active");
    let answer = leadsman.get(&path).await;
    assert_eq!((answer.value().as_str(), answer.header("warning")), ("4", ""), "{answer:#?}");

    upstream.stop().await;
    let answer = wait_warned(&leadsman, &path).await;
    let mut oldest = age(&answer);
    assert_eq!(answer.value(), "4");
    for edited in [raised, relaxed] {
        edit(&leadsman, &mut folder, edited).await;
        let answer = leadsman.get(&path).await;
        assert_eq!(answer.value(), "4", "{answer:#?}");
        let now = age(&answer);
        assert!(now >= oldest, "they did not become younger: {now}s after {oldest}s");
        oldest = now;
    }
    let told = leadsman.mapping("jobs_active").await["evaluations"][0].clone();
    assert_eq!(told["state"], "lastGood", "{told:#}");

    upstream.set_reply(Reply::pods(&[("w-0", "5")]));
    upstream.restart().await;
    eventually("new values", TIMEOUT, async || {
        let answer = leadsman.get(&path).await;
        let new = answer.value() == "5" && answer.header("warning").is_empty();
        if new { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

/// The edit decides: values that it does not allow are not served on.
#[tokio::test]
async fn values_older_than_an_edit_allows_are_not_served() {
    let mut upstream = Upstream::start(Reply::pods(&[("web-0", "4")])).await;
    let mapping = || Mapping::pods("jobs").query("q", r#"jobs{namespace="${namespace}"}"#);
    let mapping = |last_good: &str| mapping().set("onError", &format!("{{lastGood: {last_good}}}"));
    let config = |url: &str, last_good: &str| Config::shop(url).mapping(mapping(last_good));
    let url = upstream.url();
    let mut folder = Folder::plain();
    folder.configure(config(&url, "2m"));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    assert_eq!(leadsman.get(&path).await.value(), "4");
    upstream.stop().await;
    wait_warned(&leadsman, &path).await;
    edit(&leadsman, &mut folder, config(&url, "1s")).await;
    eventually("an error", TIMEOUT, async || {
        let answer = leadsman.get(&path).await;
        if answer.status == 503 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    leadsman.get(&path).await.failure().assert_contains(&["cannot be reached"]);
    // They are gone only as far as that policy goes: a longer one serves them again.
    edit(&leadsman, &mut folder, config(&url, "10m")).await;
    let answer = leadsman.get(&path).await;
    assert_eq!(answer.value(), "4", "{answer:#?}");
    age(&answer);
}

/// Another policy makes another answer of the same values.
#[tokio::test]
async fn a_default_that_is_added_in_an_outage_is_served_at_once() {
    let mut upstream = Upstream::start(Reply::pods(&[("web-0", "4")])).await;
    let mapping = Mapping::pods("jobs")
        .query("q", r#"jobs{namespace="${namespace}"}"#)
        .set("onError", "{lastGood: 2m}");
    let url = upstream.url();
    let mut folder = Folder::plain();
    folder.configure(Config::shop(&url).mapping(mapping.clone()));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    assert_eq!(leadsman.get(&path).await.values().len(), 1);
    upstream.stop().await;
    wait_warned(&leadsman, &path).await;
    let with_default = mapping.set("onAbsent", "{default: 7}");
    edit(&leadsman, &mut folder, Config::shop(&url).mapping(with_default)).await;
    let answer = leadsman.get(&path).await;
    age(&answer);
    let values = answer.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("4", "7"), "{answer:#?}");
}

#[tokio::test]
async fn an_equally_good_build_in_an_outage_keeps_the_values() {
    let mut folder = Folder::plain();
    folder.put(FILE, version(1));
    let config = |upstream: &Upstream| {
        Config::shop(&upstream.url())
            .plugin(PLUGIN, FILE)
            .mapping(mapping(0).set("onError", "{lastGood: 2m}"))
    };
    let mut scene = Scene::new(folder, &[], config).await;
    scene.serves(1000.0).await;
    scene.upstream.stop().await;
    wait_warned(&scene.leadsman, &path()).await;
    let digest = scene.leadsman.mapping("load").await["pluginDigest"].clone();
    scene.folder.put(FILE, version(2));
    eventually("the new build", TIMEOUT, async || {
        // Whoever reads meanwhile is answered all the time.
        let answer = scene.leadsman.get(&path()).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        let now = scene.leadsman.mapping("load").await["pluginDigest"].clone();
        if now == digest { Err(format!("{now}")) } else { Ok(()) }
    })
    .await;
    for _ in 0..20 {
        let answer = scene.leadsman.get(&path()).await;
        age(&answer);
        assert!(answer.header("warning").contains("before its last change"), "{answer:#?}");
        assert!(answer.values().values().all(|value| value == "1k"), "{answer:#?}");
    }
    // It takes over with the first answer of the source.
    scene.upstream.restart().await;
    scene.serves(2000.0).await;
    assert_eq!(scene.leadsman.get(&path()).await.header("warning"), "");
}

/// A rule that serves the metric of [`with_jobs`].
const RULE: &str = "[{seriesQuery: jobs, resources: {overrides: {namespace: {resource: namespace}, \
                    pod: {resource: pods}}}, \
                    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'}]";

/// A Prometheus with `jobs` of two pods.
async fn with_jobs() -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| {
        if request.path.ends_with("/api/v1/series") {
            let series = serde_json::json!([
                {"__name__": "jobs", "namespace": "shop", "pod": "web-0"}
            ]);
            Reply::json(200, &serde_json::json!({"status": "success", "data": series}))
        } else {
            Reply::pods(&[("web-0", "4"), ("web-1", "5")])
        }
    });
    upstream
}

/// A mapping that takes over the metric of a rule takes over what is known of it.
#[tokio::test]
async fn a_mapping_in_the_place_of_a_rule_keeps_the_values() {
    let mut upstream = with_jobs().await;
    let mapping = Mapping::pods("jobs")
        .query("q", r#"sum by (pod) (jobs{namespace="${namespace}"})"#)
        .set("onError", "{lastGood: 5m}");
    let config = Config::shop(&upstream.url()).set("rules", RULE);
    let mut folder = Folder::plain();
    folder.configure(&config);
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    let values = leadsman.get(&path).await.values();
    assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("4", "5"));
    upstream.stop().await;
    edit(&leadsman, &mut folder, config.mapping(mapping)).await;
    let answer = leadsman.get(&path).await;
    age(&answer);
    assert_eq!(answer.values()["web-1"], "5", "{answer:#?}");
}

/// A mapping whose plugin refuses it gives nothing: the metric of the rule that it was to replace goes
/// on being served, whether the rule is still there or not, with the reason on the status page.
#[tokio::test]
async fn a_mapping_that_cannot_be_bound_leaves_the_metric_of_its_rule_serving() {
    let upstream = with_jobs().await;
    let query = r#"sum by (pod) (jobs{namespace="${namespace}"})"#;
    let base = || Config::shop(&upstream.url()).plugin("hostile", HOSTILE);
    let of = |deed: &str| Mapping::pods("jobs").query("q", query).plugin("hostile", deed);
    let refused = of("in: configure, do: fail, message: no moon today");
    let mut folder = Folder::plain();
    folder.configure(base().set("rules", RULE));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    let serves = async |leadsman: &Leadsman| {
        let values = leadsman.get(&path).await.values();
        assert_eq!((values["web-0"].as_str(), values["web-1"].as_str()), ("4", "5"));
    };
    serves(&leadsman).await;
    // The mapping beside the rule, and then in its place.
    let beside = base().set("rules", RULE).mapping(refused.clone());
    for edited in [beside, base().mapping(refused)] {
        edit(&leadsman, &mut folder, edited).await;
        serves(&leadsman).await;
        let rejected = leadsman.status().await["rejected"].clone();
        let is_told = |one: &serde_json::Value| {
            one["serving"] == true && one.to_string().contains("no moon today")
        };
        let told = rejected.as_array().is_some_and(|list| list.iter().any(is_told));
        assert!(told, "{rejected:#}");
    }
    edit(&leadsman, &mut folder, base().mapping(of("do: well-behaved"))).await;
    serves(&leadsman).await;
    let status = leadsman.mapping("jobs").await;
    assert_eq!(status["plugin"], "hostile", "{status:#}");
}

/// What an evaluation covers belongs to it: values of a namespace are none of the whole cluster.
#[tokio::test]
async fn values_of_another_scope_are_not_carried_over() {
    let mut upstream = Upstream::start(Reply::pods(&[("web-0", "4")])).await;
    let of = |url: &str, query: &str| {
        let mapping = Mapping::pods("jobs").query("q", query).set("onError", "{lastGood: 2m}");
        Config::shop(url).mapping(mapping)
    };
    let url = upstream.url();
    let mut folder = Folder::plain();
    folder.configure(of(&url, r#"jobs{namespace="${namespace}"}"#));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", "jobs");
    assert_eq!(leadsman.get(&path).await.value(), "4");
    upstream.stop().await;
    edit(&leadsman, &mut folder, of(&url, "jobs")).await;
    let failure = leadsman.get(&path).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["cannot be reached"]);
}
