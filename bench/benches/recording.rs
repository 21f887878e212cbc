//! What the record of runs costs: one run of a shipped plugin whose input and output are dropped, as if
//! there was no record, beside the same run recorded; and a read, of which noting the reader is a part.
//!
//! The allowed difference is 5 % of an evaluation, and nothing that can be measured of a read. Queries,
//! which take most of an evaluation's time, are not part of it here, so its figure is an upper bound.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leadsman_bench::load::Reader;
use leadsman_bench::sandboxed_input;
use leadsman_bench::scene::{config, load, objects, paths, source};
use leadsman_evaluation::ReaderIdentity;
use leadsman_evaluation::record::{
    FilledQuery, FinishedRun, PluginRecord, QueryRecord, ReaderLog, RunLog,
};
use leadsman_model::names::Scope;
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::values::OnNan;
use leadsman_sandbox::{Engine, Expected, Limits, Plugin, Run, Trace};
use leadsman_tests::Leadsman;

/// The last one is more than what is kept whole.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const CONFIG: &str = r#"{"object":"pod"}"#;
const PROMQL: &str =
    r#"sum by (namespace, pod) (rate(http_requests_total{namespace="shop",code!="500"}[2m]))"#;

/// How long each size is measured.
const DURATION: Duration = Duration::from_secs(5);

fn main() {
    evaluations();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(reads());
}

fn evaluations() {
    let engine = Engine::new(2).expect("an engine");
    let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().find(|p| p.name == "per-object");
    let plugin =
        Plugin::load_trusted(&engine, shipped.expect("per-object").component).expect("a plugin");
    let serve = Serve::Custom(Resource::known("pods").expect("pods"));
    let scope = Scope::Namespace("shop".parse().expect("a namespace"));
    let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
    let expected =
        Expected { serve: &serve, scope: &scope, activation: None, on_nan: OnNan::Refuse };
    let run = Run { name: "bench", config: CONFIG, limits: &limits, expected };
    println!("an evaluation without its queries, medians of runs in turn for {DURATION:?}\n");
    println!(
        "{:>8}{:>26}{:>24}{:>8}",
        "series", "without the record µs", "with the record µs", "more"
    );
    for size in SIZES {
        let input = sandboxed_input(size, &scope);
        let without = || {
            let input = input.clone();
            let begun = Instant::now();
            let values = plugin.evaluate(&run, input).expect("values");
            let took = begun.elapsed();
            drop(black_box(values));
            took
        };
        let log = RunLog::default();
        let with = || {
            let input = input.clone();
            let begun = Instant::now();
            let (values, trace) = plugin.evaluate_traced(&run, input);
            let values = Arc::new(values.expect("values"));
            let Trace { capture, log: lines, log_dropped, memory } = trace;
            let took = begun.elapsed();
            log.add(
                &Owner::Operator,
                FinishedRun {
                    id: 1,
                    time: 0,
                    took,
                    ahead: true,
                    queries: vec![query(size)],
                    plugin: Some(PluginRecord { took, memory, log: lines, log_dropped }),
                    outcome: Ok(values.clone()),
                    capture: Some(capture),
                },
            );
            let took = begun.elapsed();
            drop(black_box(values));
            took
        };
        let [without, with] = medians(without, with).map(|took| took.as_secs_f64() * 1e6);
        let more = (with / without - 1.0) * 100.0;
        println!("{size:>8}{without:>26.1}{with:>24.1}{more:>6.1} %");
    }
}

/// The medians of both, which run in turn: what else the machine does slows down both alike.
fn medians(one: impl Fn() -> Duration, other: impl Fn() -> Duration) -> [Duration; 2] {
    let mut took = [Vec::new(), Vec::new()];
    let begun = Instant::now();
    while begun.elapsed() < DURATION {
        took[0].push(one());
        took[1].push(other());
        took[1].push(other());
        took[0].push(one());
    }
    took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2]
    })
}

/// Reads of the adapter as released, and how much of each is for the record.
async fn reads() {
    let (_exporter, prometheus) = source().await;
    let leadsman = Leadsman::start(config(&prometheus.url()) + &objects()).await;
    let paths = paths("requests_by_namespace");
    // The first reads wait for evaluations.
    load(leadsman.api(), leadsman.pid(), &paths, Reader::default()).await;
    let (measured, cpu) = load(leadsman.api(), leadsman.pid(), &paths, Reader::default()).await;
    assert_eq!(measured.failed, 0, "reads that failed");
    let with = cpu.as_secs_f64() * 1e6 / measured.reads as f64;
    let noting = noting().as_secs_f64() * 1e6;
    println!("\na read of 10 items, CPU of the adapter as released\n");
    println!("{:>40}{with:>10.2} µs", "with the record");
    println!("{:>40}{noting:>10.3} µs", "of that, noting the reader");
    println!("{:>40}{:>10.2} µs", "so without the record", with - noting);
    println!("{:>40}{:>10.2} %", "more with the record", noting / (with - noting) * 100.0);
}

/// The time to note a reader who is known already, as the controller is but for its first read.
fn noting() -> Duration {
    const TIMES: u32 = 1_000_000;
    let log = ReaderLog::default();
    let who = ReaderIdentity {
        key: 7,
        user: Some("system:serviceaccount:kube-system:horizontal-pod-autoscaler"),
        agent: "kube-controller-manager/v1.34.0 (linux/amd64) kubernetes/1234567",
        namespace: "shop",
    };
    let begun = Instant::now();
    for _ in 0..TIMES {
        log.note(black_box(&who), black_box(begun));
    }
    begun.elapsed() / TIMES
}

fn query(series: usize) -> QueryRecord {
    QueryRecord {
        name: "rate".to_owned(),
        sent: Some(FilledQuery::instant(PROMQL)),
        cut: false,
        took: Some(Duration::from_millis(5)),
        series: Some((series, series)),
        warnings: Vec::new(),
        error: None,
    }
}
