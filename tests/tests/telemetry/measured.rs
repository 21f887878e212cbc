//! Metrics of the process, and those of what reads get, by mapping.

use std::time::{SystemTime, UNIX_EPOCH};

use leadsman_tests::{Leadsman, Reply, Upstream, paths};
use serde_json::json;

use super::{config, load};

#[tokio::test]
async fn the_process_is_measured_in_the_names_of_client_libraries() {
    let leadsman = Leadsman::start(config("http://127.0.0.1:9")).await;
    let page = leadsman.metrics().await;
    let value = |name: &str| page.sum(name, &[]).unwrap_or_else(|| panic!("no {name}: {page:#?}"));
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(page.sum("leadsman_build_info", &version), Some(1.0));
    assert!(value("process_cpu_seconds_total") > 0.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_resident_memory_bytes") <= leadsman.peak_memory() as f64);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!(value("process_open_fds") > 5.0);
    assert!(value("process_max_fds") > value("process_open_fds"));
    assert!(value("leadsman_runtime_workers") >= 1.0);
    assert!(value("leadsman_runtime_tasks") >= 1.0);
    assert!(value("leadsman_runtime_busy_seconds_total") > 0.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - value("process_start_time_seconds");
    assert!((-2.0..120.0).contains(&age), "{age}");
    // It made a certificate for itself, for a year.
    let days = (value("leadsman_certificate_not_after_timestamp_seconds") - now) / 86_400.0;
    assert!((364.0..366.0).contains(&days), "{days}");
}

#[tokio::test]
async fn an_empty_answer_counts_for_its_mapping() {
    let source = Upstream::start(Reply::pods(&[("web-0", "30")])).await;
    let leadsman = Leadsman::start(config(&source.url()).mapping(load("none"))).await;
    let empty = async |metric: &str| {
        let title = format!("pods/{metric}");
        leadsman.metric("leadsman_reads_empty_total", &[("mapping", title.as_str())]).await
    };
    assert_eq!((empty("load").await, empty("none").await), (Some(0.0), Some(0.0)));
    leadsman.get(&paths::pods("shop", "load")).await.ok();
    // That nothing is selected says nothing of the metric.
    let unselected = format!("{}?labelSelector=app%3Dnone", paths::pods("shop", "load"));
    assert_eq!(leadsman.get(&unselected).await.items(), Vec::<serde_json::Value>::new());
    assert_eq!(empty("load").await, Some(0.0));
    source.set_reply(Reply::vector(&json!([])));
    let answer = leadsman.get(&paths::pods("shop", "none")).await;
    assert_eq!(answer.items(), Vec::<serde_json::Value>::new());
    assert_eq!(empty("none").await, Some(1.0));
    // An answer that is kept counts as well as one that is made.
    leadsman.get(&paths::pods("shop", "none")).await;
    let one = leadsman.get(&paths::object("shop", "pods/web-0", "none")).await;
    assert_eq!(one.status, 404, "{one:#?}");
    assert_eq!(empty("none").await, Some(3.0));
}

#[tokio::test]
async fn the_age_of_what_is_served_is_known_by_mapping() {
    let source = Upstream::start(Reply::pods(&[("web-0", "30")])).await;
    let leadsman = Leadsman::start(config(&source.url()).mapping(load("other"))).await;
    for _ in 0..3 {
        leadsman.get(&paths::pods("shop", "load")).await.ok();
    }
    let page = leadsman.metrics().await;
    let of = |mapping| [("mapping", mapping)];
    let reads = page.sum("leadsman_served_age_seconds_count", &of("pods/load"));
    assert_eq!(reads, Some(3.0));
    assert!(page.sum("leadsman_served_age_seconds_sum", &of("pods/load")).unwrap() < 30.0);
    assert_eq!(page.sum("leadsman_served_age_seconds_count", &of("pods/other")), None);
}

/// What `rate` makes of a counter that appears with 1 is nothing.
#[tokio::test]
async fn the_first_failure_of_a_mapping_is_one_more_than_none() {
    let source = Upstream::start(Reply::pods(&[("web-0", "30")])).await;
    let (url, leadsman) = (source.url(), Leadsman::start(config(&source.url())).await);
    let failures = async || {
        let page = leadsman.metrics().await;
        let mapping = ("mapping", "pods/load");
        let asked = [("source", "prometheus"), ("address", url.as_str()), ("outcome", "failed")];
        [
            page.sum("leadsman_reads_total", &[mapping, ("outcome", "failed")]),
            page.sum("leadsman_query_failures_total", &[mapping, ("query", "q")]),
            page.sum("leadsman_source_address_requests_total", &asked),
        ]
    };
    assert_eq!(failures().await, [Some(0.0); 3], "nobody has read it yet");
    source.set_reply(Reply::new(503, "text/plain", "down"));
    leadsman.get(&paths::pods("shop", "load")).await.failure();
    let now = failures().await;
    assert!(now.iter().all(|count| count.is_some_and(|count| count >= 1.0)), "{now:?}");
}
