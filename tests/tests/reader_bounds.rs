//! What one reader can take of the adapter: selectors, evaluations and answers have stated bounds,
//! and whoever meets one meets it alone.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::{
    Answer, Config, HOSTILE, Leadsman, Mapping, Others, Reply, Upstream, eventually, paths,
};
use serde_json::json;
use tokio::task::JoinSet;

const METRIC: &str = "load";

/// How many evaluations one reader may begin in one namespace.
const MAX_EVALUATIONS: usize = 1000;

/// How long a selector of series may be.
const MAX_METRIC_SELECTOR: usize = 1024;

/// How long a selector of objects may be.
const MAX_SELECTOR: usize = 4096;

fn selected() -> Mapping {
    let query = r#"load{namespace="${namespace}",${selector}}"#;
    Mapping::pods(METRIC).query("q", query).set("deadline", "30s")
}

async fn all_at_once(leadsman: &Arc<Leadsman>, paths: Vec<String>) -> Vec<Answer> {
    let mut reads = JoinSet::new();
    for path in paths {
        let leadsman = leadsman.clone();
        reads.spawn(async move { leadsman.get(&path).await });
    }
    reads.join_all().await
}

/// Requirements on labels that are not set, as many as there is room for in so many bytes.
fn long_selector(number: usize, bytes: usize) -> String {
    let mut selector = format!("!made_up_{number}");
    for label in 0.. {
        let next = format!(",!l{label}");
        if selector.len() + next.len() > bytes {
            break;
        }
        selector.push_str(&next);
    }
    selector
}

#[tokio::test]
async fn selectors_have_a_length() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let external = Mapping::external("depth").query("q", "sum(depth)");
    let config = Config::shop(&upstream.url()).mapping(selected()).mapping(external);
    let leadsman = Leadsman::start(config).await;
    let padded = |parameter: &str, length: usize| {
        let selector = format!("app{}", " ".repeat(length - 3));
        format!("{parameter}={}", selector.replace(' ', "+"))
    };
    let pods = paths::pods("shop", METRIC);
    for (path, parameter, most) in [
        (&pods, "labelSelector", MAX_SELECTOR),
        (&pods, "metricLabelSelector", MAX_METRIC_SELECTOR),
        (&paths::external("shop", "depth"), "labelSelector", MAX_METRIC_SELECTOR),
    ] {
        let longest = leadsman.get(&format!("{path}?{}", padded(parameter, most))).await;
        assert!(longest.is_success(), "{longest:#?}");
        let longer = leadsman.get(&format!("{path}?{}", padded(parameter, most + 1))).await;
        let failure = longer.failure();
        assert_eq!((failure.code, failure.reason.as_str()), (400, "BadRequest"), "{failure:#?}");
        failure.assert_contains(&[parameter, &(most + 1).to_string(), &most.to_string()]);
    }
}

/// Each selector is an evaluation. 5,000 of one reader in one namespace made everybody's first read
/// of the metric a 429.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_thousands_of_selectors_is_bounded_alone() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let config =
        Config::shop(&upstream.url()).mapping(selected()).pods("bank", &["web-0", "web-1"]);
    let leadsman = Arc::new(Leadsman::start(config).await);
    let path = |namespace: &str, number: usize| {
        let pods = paths::pods(namespace, METRIC);
        format!("{pods}?metricLabelSelector=%21made_up_{number}")
    };
    let others = Others::reading(&leadsman, &paths::pods("bank", METRIC)).await;
    let mut refused = 0;
    for start in (0..MAX_EVALUATIONS + 100).step_by(100) {
        let paths = (start..start + 100).map(|number| path("shop", number)).collect();
        for answer in all_at_once(&leadsman, paths).await {
            if answer.is_success() {
                continue;
            }
            let failure = answer.failure();
            assert_eq!((failure.code, failure.reason.as_str()), (429, "TooManyRequests"));
            failure
                .assert_contains(&[&MAX_EVALUATIONS.to_string(), "your reads in this namespace"]);
            refused += 1;
        }
    }
    assert_eq!(refused, 100);
    // What is in use already is still read, and there is room in another namespace.
    assert_eq!(leadsman.get(&path("shop", 0)).await.values().len(), 2);
    assert_eq!(leadsman.get(&path("bank", 0)).await.values().len(), 2);
    others.were_served().await;
}

/// Answers repeat the selector in each item. 200 of them took the adapter to 6,445 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn long_selectors_on_long_lists_do_not_take_the_memory() {
    const PODS: usize = 2000;
    let items: Vec<_> = (0..PODS)
        .map(|pod| json!({"metric": {"pod": format!("web-{pod}")}, "value": [1, "1"]}))
        .collect();
    let upstream = Upstream::start(Reply::vector(&json!(items))).await;
    let names: Vec<_> = (0..PODS).map(|pod| format!("web-{pod}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let config = Config::new()
        .prometheus("prometheus", &upstream.url())
        .mapping(selected())
        .pods("bank", &["web-0"])
        .pods("shop", &names);
    let leadsman = Arc::new(Leadsman::start(config).await);
    let others = Others::reading(&leadsman, &paths::pods("bank", METRIC)).await;
    let path = |number: usize| {
        let selector = long_selector(number, MAX_METRIC_SELECTOR);
        let selector = selector.replace('!', "%21").replace(',', "%2C");
        format!("{}?metricLabelSelector={selector}", paths::pods("shop", METRIC))
    };
    let (mut whole, mut refused) = (0, 0);
    let answers = all_at_once(&leadsman, (0..100).map(path).collect()).await;
    others.were_served().await;
    for answer in answers {
        if answer.is_success() {
            assert_eq!(answer.items().len(), PODS);
            whole += 1;
        } else {
            assert_eq!(answer.failure().code, 429, "{}", answer.failure().message);
            refused += 1;
        }
    }
    let peak = leadsman.peak_memory() >> 20;
    assert!(whole > 0 && peak < 512, "{peak} MiB; {whole} answers, {refused} refused");
    let plain = leadsman.get(&paths::pods("shop", METRIC)).await;
    assert_eq!(plain.items().len(), PODS, "others are served");
}

/// Each evaluation has its answer while it waits for a slot. With a plugin that is slower than the source,
/// all of one reader's would wait.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_wait_for_a_slow_plugin_are_bounded_for_each_reader() {
    const READS: usize = 60;
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    // Some 2 MB.
    let long = Reply::long(2000);
    upstream.reply_with(move |request| {
        let is_long = request.promql().contains("made_up");
        if is_long { long.clone() } else { Reply::pods(&[("web-0", "1")]) }
    });
    let slow = Mapping::custom(METRIC, "pods")
        .query("q", r#"load{namespace="${namespace}",${selector}}"#)
        .plugin("hostile", "do: loop")
        .set("limits", "{time: 2s}")
        .set("deadline", "10s");
    let depth = Mapping::external("depth").query("q", "depth");
    let config = Config::shop(&upstream.url()).plugin("hostile", HOSTILE);
    let leadsman = Arc::new(Leadsman::start(config.mapping(slow).mapping(depth)).await);
    let others = Others::reading(&leadsman, &paths::external("quiet", "depth")).await;
    let pods = paths::pods("shop", METRIC);
    let path = |number: usize| format!("{pods}?metricLabelSelector=%21made_up_{number}");
    let answers = all_at_once(&leadsman, (0..READS).map(path).collect()).await;
    others.were_served().await;
    let failures: Vec<_> = answers.iter().map(Answer::failure).collect();
    let refused: Vec<_> = failures.iter().filter(|failure| failure.code == 429).collect();
    assert!(!refused.is_empty(), "{failures:#?}");
    for failure in refused {
        failure.assert_contains(&["answers to queries for your reads", "64 MiB"]);
    }
}

/// An adapter with a metric of no namespace, whose evaluations are for the reads of all, and one whose read
/// may take all that answers for a reader have.
async fn with_shared(shared: Mapping) -> (Upstream, Arc<Leadsman>) {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    // Some 10 MB, eight of which are more than a reader may have.
    let long = Reply::long(10_000);
    upstream.reply_with(move |request| {
        let is_long = request.promql().contains("load");
        if is_long { long.clone() } else { Reply::pods(&[("web-0", "1")]) }
    });
    let slow = Mapping::custom(METRIC, "pods").plugin("hostile", "do: loop");
    let slow = (0..8).fold(slow, |slow, number| {
        let query = r#"load{namespace="${namespace}",${selector}}"#;
        slow.query(&format!("q{number}"), &format!("{query} > {number}"))
    });
    let slow = slow.set("limits", "{time: 10s}").set("deadline", "30s");
    let config = Config::new()
        .source("prometheus", &format!("url: {}, timeout: 30s", upstream.url()))
        .pods("shop", &["web-0"])
        .plugin("hostile", HOSTILE)
        .mapping(slow)
        .mapping(shared.query("q", "shared{${selector}}"));
    (upstream, Arc::new(Leadsman::start(config).await))
}

/// A reader in one namespace takes all that answers for it have, until this is dropped.
fn take_all(leadsman: &Arc<Leadsman>) -> JoinSet<Answer> {
    let mut slow = JoinSet::new();
    let reader = leadsman.clone();
    let path = format!("{}?metricLabelSelector=%21made_up", paths::pods("shop", METRIC));
    slow.spawn(async move { reader.get(&path).await });
    slow
}

fn shared_path(namespace: &str, number: usize) -> String {
    format!("{}?labelSelector=%21made_up_{number}", paths::external(namespace, "shared"))
}

/// The number of an evaluation whose answer was refused for the reader who began it.
async fn refused(leadsman: &Leadsman) -> usize {
    // What was read before stays known, so that each read is for another selector.
    let next = Cell::new(0);
    eventually("a read that is refused", Duration::from_secs(60), async || {
        let number = next.replace(next.get() + 1);
        let answer = leadsman.get(&shared_path("shop", number)).await;
        if answer.is_success() {
            return Err("it is served".to_owned());
        }
        let failure = answer.failure();
        if failure.code == 429 { Ok(number) } else { Err(failure.message) }
    })
    .await
}

/// One evaluation is for the reads of all namespaces, and counts for the reader who began it.
#[tokio::test(flavor = "multi_thread")]
async fn who_shares_an_evaluation_with_a_reader_that_has_too_much_is_served() {
    let shared = Mapping::external("shared").set("deadline", "10s");
    let (_upstream, leadsman) = with_shared(shared).await;
    let _slow = take_all(&leadsman);
    let number = refused(&leadsman).await;
    let other = leadsman.get(&shared_path("bank", number)).await;
    assert!(other.is_success(), "{other:#?}");
    let shared = leadsman.get(&shared_path("shop", number)).await;
    assert!(shared.is_success(), "{shared:#?}");
}

/// It is not told that it has too much itself.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_an_attempt_of_its_own_is_told_so() {
    let shared = Mapping::external("shared").set("deadline", "2s");
    let (upstream, leadsman) = with_shared(shared).await;
    let _slow = take_all(&leadsman);
    let number = refused(&leadsman).await;
    upstream.reply_with(|_| Reply::pods(&[("web-0", "1")]).after(Duration::from_secs(20)));
    let late = leadsman.get(&shared_path("bank", number)).await.failure();
    assert_eq!(late.code, 504, "{late:#?}");
    late.assert_contains(&["no value within 2s", "has been under way"]);
}

/// Whoever is served old values waits for no attempt, and had none of its own.
#[tokio::test(flavor = "multi_thread")]
async fn who_shares_an_evaluation_with_a_reader_that_has_too_much_gets_no_old_values_for_long() {
    let shared = Mapping::external("shared").set("deadline", "10s").set("maxAge", "1ms");
    let (_upstream, leadsman) = with_shared(shared.set("onError", "{lastGood: 10m}")).await;
    assert!(leadsman.get(&shared_path("shop", 0)).await.is_success());
    let _slow = take_all(&leadsman);
    eventually("values that are old", Duration::from_secs(60), async || {
        let answer = leadsman.get(&shared_path("shop", 0)).await;
        answer.tells_age("shared", &["wait for plugins already"])
    })
    .await;
    // The slow plugin has more time than this.
    eventually("values of its own attempt", Duration::from_secs(5), async || {
        let answer = leadsman.get(&shared_path("bank", 0)).await;
        let is_new = answer.is_success() && answer.warnings().is_empty();
        if is_new { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

/// Parameters that nobody knows change no answer, and each would be rendered and kept for itself. 1,024
/// of them on a list of 913 kB took 948 MiB.
#[tokio::test(flavor = "multi_thread")]
async fn made_up_parameters_do_not_fill_the_memory() {
    const PODS: usize = 2000;
    const READS: usize = 500;
    let names: Vec<_> = (0..PODS).map(|pod| format!("a-long-name-of-a-pod-{pod}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    let mapping = selected().set("onAbsent", "{default: 1}");
    let config = Config::new().prometheus("prometheus", &upstream.url()).mapping(mapping);
    let config = config.pods("bank", &["web-0"]).pods("shop", &names);
    let leadsman = Arc::new(Leadsman::start(config).await);
    let others = Others::reading(&leadsman, &paths::pods("bank", METRIC)).await;
    let path = |number: usize| format!("{}?made-up={number}", paths::pods("shop", METRIC));
    let length = leadsman.get(&path(READS)).await.body.len();
    let before = leadsman.peak_memory();
    for start in (0..READS).step_by(20) {
        for answer in all_at_once(&leadsman, (start..start + 20).map(path).collect()).await {
            assert_eq!(answer.body.len(), length);
        }
    }
    let grown = leadsman.peak_memory().saturating_sub(before);
    let all = length * READS;
    assert!(all > 96 << 20, "{length} bytes are too few to tell");
    assert!(grown < 64 << 20, "{} MiB of {} MiB", grown >> 20, all >> 20);
    others.were_served().await;
}

/// Values of namespaces themselves are an evaluation each.
#[tokio::test]
async fn one_namespace_that_fails_is_left_out_of_a_list_of_all() {
    let upstream = Upstream::start(Reply::vector(&json!([]))).await;
    upstream.reply_with(|request| {
        let promql = request.promql();
        let value = if promql.contains("bad") { "NaN" } else { "1" };
        let namespace = promql.split('"').nth(1).unwrap_or_default();
        let reply = Reply::vector(&json!([
            {"metric": {"namespace": namespace}, "value": [1, value]}
        ]));
        reply.after(Duration::from_secs(1))
    });
    let mapping = Mapping::custom(METRIC, "namespaces")
        .query("q", r#"sum by (namespace) (load{namespace="${namespace}"})"#)
        .plugin("per-object", "object: namespace")
        .set("deadline", "5s");
    let config = Config::new().prometheus("prometheus", &upstream.url()).mapping(mapping);
    let names: Vec<_> = (0..9).map(|number| format!("good-{number}")).collect();
    let names = names.iter().map(String::as_str).chain(["bad"]);
    let config = names.fold(config, |config, name| config.object("namespaces", None, name, ""));
    let leadsman = Leadsman::start(config).await;
    let answer =
        leadsman.get(&format!("{}/namespaces/%2A/metrics/{METRIC}", paths::CUSTOM_V2)).await;
    assert_eq!(answer.values().len(), 9, "{answer:#?}");
    // One after the other they would take twice the deadline.
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
    let warning = answer.header("warning");
    assert!(warning.contains("namespaces bad") && warning.contains("NaN"), "{warning}");
    let bad = leadsman.get(&format!("{}/namespaces/bad/metrics/{METRIC}", paths::CUSTOM_V2)).await;
    assert_eq!(bad.failure().code, 500);
}
