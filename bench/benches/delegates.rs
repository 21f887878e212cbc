//! What delegates cost reads of our own metrics: the same load on an adapter without delegates, with one
//! that works, and with one that hangs while it is asked, in turn and in one run. And what a read costs
//! that passes to a delegate.
//!
//! The scene is that of the benchmark `reads`.

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

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(measure());
}

async fn measure() {
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
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let readers = readers(&stuck).await;
        let all =
            [("no delegate", &alone), ("one that works", &beside), ("one that hangs", &stuck)];
        for (rates, (name, leadsman)) in rates.iter_mut().zip(all) {
            let (measured, cpu) =
                load(leadsman.api(), leadsman.pid(), &own, Reader::default()).await;
            report(name, measured, cpu);
            assert_eq!(measured.failed, 0, "{name}");
            rates.push(measured.rate());
        }
        drop(readers);
    }
    let [none, works, hangs] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    println!(
        "\nmedian reads a second: {none:.0} without, {:.1} % of it with a delegate that works, {:.1} % \
         with one that hangs",
        100.0 * works / none,
        100.0 * hangs / none
    );

    let passed: Vec<_> = paths("theirs");
    let connection = Connection::open(beside.api()).await;
    let measured: Measured = connection.load(&passed, CONCURRENCY, DURATION).await;
    report("reads that pass to a delegate", measured, Duration::ZERO);
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
