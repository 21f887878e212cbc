//! One run of a shipped plugin in the sandbox (instance, input, call, output, validation), compared
//! with the same function run natively on the same data.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use leadsman_bench::{Table, sandboxed_input};
use leadsman_model::names::Scope;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::values::OnNan;
use leadsman_sandbox::Limits;
use leadsman_sandbox::{Engine, Expected, Plugin, Run};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const CONFIG: &str = r#"{"object":"pod"}"#;

fn per_object(criterion: &mut Criterion) {
    let engine = Engine::new(2).expect("an engine");
    let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().find(|p| p.name == "per-object");
    let plugin =
        Plugin::load_trusted(&engine, shipped.expect("per-object").component).expect("a plugin");
    let serve = Serve::Custom(Resource::known("pods").expect("pods"));
    let scope = Scope::Namespace("shop".parse().expect("a namespace"));
    let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
    let mut group = criterion.benchmark_group("per-object");
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        let input = sandboxed_input(size, &scope);
        group.bench_with_input(BenchmarkId::new("sandbox", size), &input, |bencher, input| {
            let expected =
                Expected { serve: &serve, scope: &scope, activation: None, on_nan: OnNan::Refuse };
            let run = Run { name: "bench", config: CONFIG, limits: &limits, expected };
            bencher.iter_batched(
                || input.clone(),
                |input| plugin.evaluate(&run, input).expect("values"),
                criterion::BatchSize::SmallInput,
            );
        });
        let raw = Table::new(u32::try_from(size).expect("a count")).sdk_input();
        let input = leadsman_plugin_sdk::Input::from_raw(raw);
        group.bench_with_input(BenchmarkId::new("native", size), &input, |bencher, input| {
            let plugin = per_object::plugin();
            bencher.iter(|| plugin.run(black_box(CONFIG), input).expect("measures"));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).sample_size(30);
    targets = per_object
}
criterion_main!(benches);
