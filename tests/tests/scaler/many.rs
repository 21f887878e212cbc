//! A thousand ScaledObjects, of which people report that they are too many. `cargo xtask bench scaler` measures them
//! for longer, in the rhythm of autoscalers and with a cluster, and holds a bound on the latency.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use leadsman_tests::{Config, Mapping, Reply, ScalerClient, Spec, Trigger, Upstream};
use tokio::task::JoinSet;

use super::{client, samples, serve};

const NAMESPACES: usize = 20;
const APPS: usize = 50;
const OBJECTS: usize = NAMESPACES * APPS;

/// How often each is polled, and how many polls there are at once.
const POLLS: usize = 3;
const AT_ONCE: usize = 20;

/// The value of an object, which no other has.
#[allow(clippy::cast_precision_loss)] // a few
fn value(namespace: usize, app: usize) -> f64 {
    (namespace * APPS + app) as f64
}

/// The lengths of all applications of the namespace that a query names.
fn lengths(promql: &str) -> Reply {
    let named = promql.split("\"ns").nth(1).and_then(|rest| rest.split('"').next());
    let namespace = named.and_then(|number| number.parse().ok()).expect("a namespace");
    let apps: Vec<_> = (0..APPS).map(|app| (format!("app{app}"), value(namespace, app))).collect();
    let apps: Vec<_> = apps.iter().map(|(app, value)| ("app", app.as_str(), *value)).collect();
    samples(&apps)
}

fn trigger(namespace: usize, app: usize) -> Trigger {
    let (namespace, app) = (format!("ns{namespace}"), format!("app{app}"));
    let selector = format!("app={app}");
    let metadata = [
        ("scalerAddress", "leadsman.metrics.svc:9443"),
        ("metric", "backlog"),
        ("selector", selector.as_str()),
        ("targetAverageValue", "10"),
        ("activationTarget", "499"),
    ];
    Trigger::new(&namespace, &app, &metadata)
}

/// The three calls of a poll, in the order of KEDA. Gives how long each took.
async fn poll(client: &ScalerClient, number: usize) -> [Duration; 3] {
    let (namespace, app) = (number / APPS, number % APPS);
    let trigger = trigger(namespace, app);
    let begun = Instant::now();
    let spec = Spec { name: "backlog".to_owned(), whole: 10, target: 10.0 };
    assert_eq!(client.spec(&trigger).await, Ok(spec));
    let told = Instant::now();
    assert_eq!(client.value(&trigger).await, Ok(value(namespace, app)));
    let valued = Instant::now();
    assert_eq!(client.is_active(&trigger).await, Ok(value(namespace, app) > 499.0));
    [told - begun, valued - told, valued.elapsed()]
}

#[tokio::test]
async fn a_thousand_scaled_objects_cost_one_query_for_each_namespace() {
    let upstream = Upstream::start(Reply::NoReply).await;
    upstream.reply_with(|request| lengths(request.promql()));
    let mapping = Mapping::external("backlog")
        .query("q", r#"sum by (app) (backlog{namespace="${namespace}"})"#)
        .set("maxAge", "10m")
        .set("refreshAtMostEvery", "10m")
        // The first reads of twenty namespaces wait for their evaluations, on a busy machine.
        .set("deadline", "30s");
    let leadsman =
        serve(Config::new().prometheus("prometheus", &upstream.url()).mapping(mapping)).await;
    let (client, next) = (client(&leadsman), Arc::new(AtomicUsize::new(0)));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, next) = (client.clone(), next.clone());
        workers.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= POLLS * OBJECTS {
                    return took;
                }
                took.extend(poll(&client, number % OBJECTS).await);
            }
        });
    }
    let mut took = workers.join_all().await.concat();
    assert_eq!(took.len(), 3 * POLLS * OBJECTS);
    assert_eq!(upstream.queries(), NAMESPACES);
    for call in ["GetMetricSpec", "GetMetrics", "IsActive"] {
        let calls = leadsman.metric("leadsman_scaler_calls_total", &[("call", call)]).await;
        #[allow(clippy::cast_precision_loss)] // a few thousand
        let expected = (POLLS * OBJECTS) as f64;
        assert_eq!(calls, Some(expected), "{call}");
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!("{} calls: p50 {:?}, p99 {:?}, max {:?}", took.len(), at(50), at(99), at(100));
}
