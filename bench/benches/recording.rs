//! What the record of evaluations costs: one run of a shipped plugin whose input and output are dropped,
//! as if there was no record, beside the same run recorded; and a read that notes its reader.
//!
//! The allowed difference is 5 % of an evaluation. Queries, which take most of an evaluation's time, are
//! not part of it here, so the figure is an upper bound.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use leadsman_bench::sandboxed_input;
use leadsman_evaluation::Who;
use leadsman_evaluation::record::{
    FilledQuery, FinishedRun, PluginRecord, QueryRecord, ReaderLog, RunLog,
};
use leadsman_model::names::Scope;
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::values::OnNan;
use leadsman_sandbox::{Engine, Expected, Limits, Plugin, Run, Trace};

/// The last one is more than what is kept whole.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const CONFIG: &str = r#"{"object":"pod"}"#;
const PROMQL: &str =
    r#"sum by (namespace, pod) (rate(http_requests_total{namespace="shop",code!="500"}[2m]))"#;

fn runs(criterion: &mut Criterion) {
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
    let mut group = criterion.benchmark_group("recording");
    for size in SIZES {
        let input = sandboxed_input(size, &scope);
        group.bench_with_input(BenchmarkId::new("without", size), &input, |bencher, input| {
            bencher.iter_batched(
                || input.clone(),
                |input| plugin.evaluate(&run, input).expect("values"),
                BatchSize::SmallInput,
            );
        });
        let log = RunLog::default();
        group.bench_with_input(BenchmarkId::new("with", size), &input, |bencher, input| {
            bencher.iter_batched(
                || input.clone(),
                |input| {
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
                    values
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let log = ReaderLog::default();
    let who = Who {
        key: 7,
        user: Some("system:serviceaccount:kube-system:horizontal-pod-autoscaler"),
        agent: "kube-controller-manager/v1.34.0 (linux/amd64) kubernetes/1234567",
        namespace: "shop",
    };
    criterion.bench_function("recording/reader", |bencher| {
        bencher.iter(|| log.note(black_box(&who), Instant::now()));
    });
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

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).sample_size(30);
    targets = runs, reads
}
criterion_main!(benches);
