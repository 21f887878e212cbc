//! The cost of selecting objects by label with the index, compared with a scan of all objects, and
//! the memory of the index.

use std::hint::black_box;
use std::time::{Duration, Instant};

use leadsman_bench::process;
use leadsman_model::objects::{Labels, ObjectList, ObjectStore};
use leadsman_model::resource::Resource;
use leadsman_model::selector::Selector;

/// The number of pods in the measured namespace, and in the measurement of memory.
const PODS: usize = 10_000;
const MANY: usize = 200_000;
const DURATION: Duration = Duration::from_millis(500);

fn main() {
    let store = store();
    let mut list = ObjectList::default();
    for pod in 0..PODS {
        list.add("shop", &format!("web-{pod}"), labels(pod));
    }
    store.replace(list);
    println!("{PODS} pods with 6 labels each in one namespace\n");
    println!("{:<28}{:>10}{:>14}{:>18}", "selector", "matches", "µs", "µs, full scan");
    for text in ["tier=rare", "app=app7", "group=g1", "group in (g1,g2)", "app!=app7"] {
        let selector: Selector = text.parse().expect("a selector");
        let matches = store.select("shop", &selector).len();
        let indexed = time(|| store.select("shop", &selector).len());
        // Requirements that the index does not support cause a full scan.
        let unindexed: Selector = format!("!none,{}", unindexed(text)).parse().expect("a selector");
        let scanned = time(|| store.select("shop", &unindexed).len());
        println!("{text:<28}{matches:>10}{:>14.1}{:>18.1}", micros(indexed), micros(scanned));
    }

    let before = process::memory(std::process::id());
    let large = self::store();
    for pod in 0..MANY {
        large.apply(&format!("ns{}", pod % 100), &format!("web-{pod}"), labels(pod));
    }
    let bytes = process::memory(std::process::id()).saturating_sub(before);
    println!("\n{} bytes for each of {MANY} pods in 100 namespaces", bytes / MANY as u64);
    black_box(large.count());
}

fn store() -> ObjectStore {
    ObjectStore::starting(Resource::known("pods").expect("a kind of every cluster"))
}

/// The labels of a Deployment's pod.
fn labels(pod: usize) -> Labels {
    let mut labels = vec![
        ("app".to_owned(), format!("app{}", pod / 10 % 1000)),
        ("app.kubernetes.io/instance".to_owned(), format!("release-{}", pod / 100 % 100)),
        ("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned()),
        ("group".to_owned(), format!("g{}", pod % 10)),
        ("pod-template-hash".to_owned(), format!("{:010x}", pod / 10)),
    ];
    let tier = if pod.is_multiple_of(1000) { "rare" } else { "usual" };
    labels.push(("tier".to_owned(), tier.to_owned()));
    labels
}

/// A requirement on the same label that the index does not support.
fn unindexed(text: &str) -> String {
    match text.split_once(['=', '!', ' ']) {
        Some((key, _)) => format!("{key} notin (nothing)"),
        None => text.to_owned(),
    }
}

fn time(work: impl Fn() -> usize) -> Duration {
    let (begun, mut runs) = (Instant::now(), 0);
    while begun.elapsed() < DURATION {
        black_box(work());
        runs += 1;
    }
    begun.elapsed() / runs
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
