//! What delegates cost reads of our own metrics: the same load on an adapter without delegates, with one
//! that works, and with one that hangs while it is asked, in turn and in one run. And what a read costs
//! that passes to a delegate.
//!
//! The scene is that of the benchmark `reads`.

use std::process::ExitCode;
use std::time::Duration;

use leadsman_bench::load::{Connection, Measured, Reader};
use leadsman_bench::scene::{
    CONCURRENCY, DURATION, config, heading, load, objects, paths, report, source,
};
use leadsman_tests::{Folder, Leadsman, Reply, Upstream};
use tokio::task::JoinSet;

/// How often each of them is measured.
const ROUNDS: usize = 3;

/// Readers of the metric of the delegate that hangs.
const STUCK: usize = 4;

const OWN: &str = "requests_by_namespace";

/// The least share of the reads a core-second that an adapter without delegates serves. Other work on the machine makes
/// equal adapters differ by up to a tenth.
const BOUND: f64 = 0.9;

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    if runtime.block_on(measure()) {
        return ExitCode::SUCCESS;
    }
    println!("\na bound does not hold: with a delegate, own reads cost more than without one");
    ExitCode::FAILURE
}

/// Measures all. Returns whether the bound holds.
async fn measure() -> bool {
    let (_exporter, prometheus) = source().await;
    let mut folder = Folder::plain();
    folder.put("token", "token");
    let (working, hanging) =
        (Upstream::start(value()).await, Upstream::start(Reply::NoReply).await);
    let base = config(&prometheus.url()) + &objects();
    let with = |delegate: &Upstream| {
        format!(
            "{base}delegates:\n  - name: other\n    url: {}\n    apis: [custom, external]\n    \
             auth: {{serviceAccount: {{tokenFile: {:?}}}}}\n",
            delegate.url(),
            folder.path("token")
        )
    };
    let alone = Leadsman::start(&base).await;
    let beside = Leadsman::start(with(&working)).await;
    let stuck = Leadsman::start(with(&hanging)).await;

    heading();
    let own = paths(OWN);
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut per_core = rates.clone();
    for _ in 0..ROUNDS {
        let readers = readers(&stuck).await;
        let all =
            [("no delegate", &alone), ("one that works", &beside), ("one that hangs", &stuck)];
        for ((rates, per_core), (name, leadsman)) in rates.iter_mut().zip(&mut per_core).zip(all) {
            let (measured, cpu) =
                load(leadsman.api(), leadsman.pid(), &own, Reader::default()).await;
            report(name, measured, cpu);
            assert_eq!(measured.failed, 0, "{name}");
            rates.push(measured.rate());
            per_core.push(measured.rate() * measured.time.as_secs_f64() / cpu.as_secs_f64());
        }
        drop(readers);
    }
    compare("second", rates);
    let holds = compare("core-second", per_core);

    let passed: Vec<_> = paths("theirs");
    let connection = Connection::open(beside.api()).await;
    let measured: Measured = connection.load(&passed, CONCURRENCY, DURATION).await;
    report("reads that pass to a delegate", measured, Duration::ZERO);
    holds
}

/// Prints the medians: without a delegate, with one that works, and with one that hangs. Returns whether the last two
/// are within the bound.
fn compare(per: &str, rates: [Vec<f64>; 3]) -> bool {
    let [none, works, hangs] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    println!(
        "\nmedian reads a {per}: {none:.0} without, {:.1} % of it with a delegate that works, {:.1} % \
         with one that hangs",
        100.0 * works / none,
        100.0 * hangs / none
    );
    works >= BOUND * none && hangs >= BOUND * none
}

/// What the delegate that works answers to everything.
fn value() -> Reply {
    let body = r#"{"kind":"MetricValueList","apiVersion":"custom.metrics.k8s.io/v1beta2","metadata":{},"items":[]}"#;
    Reply::new(200, "application/json", body)
}

/// Reads of the metric of the delegate that hangs, for as long as this lives.
async fn readers(leadsman: &Leadsman) -> JoinSet<()> {
    let path = paths("stuck").remove(0);
    let mut readers = JoinSet::new();
    for _ in 0..STUCK {
        let connection = Connection::open(leadsman.api()).await;
        let path = path.clone();
        readers.spawn(async move {
            loop {
                // The circuit refuses most of them at once.
                connection.read(&path).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    readers
}
