//! What it costs to pick objects by label, beside a look at every one of them, and what they take
//! in memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

use leadsman_bench::process;
use leadsman_model::objects::{Labels, ObjectList, ObjectStore};
use leadsman_model::resource::Resource;
use leadsman_model::selector::Selector;

/// Pods of one namespace, and of all the others together.
const PODS: usize = 10_000;
const MANY: usize = 200_000;
const TIME: Duration = Duration::from_millis(500);

fn main() {
    let kind = kind();
    let mut listing = ObjectList::default();
    for pod in 0..PODS {
        listing.add("shop", &format!("web-{pod}"), labels(pod));
    }
    kind.replace(listing);
    println!("{PODS} pods with 6 labels each in one namespace\n");
    println!("{:<28}{:>10}{:>14}{:>18}", "selector", "picks", "µs", "µs, all looked at");
    for text in ["tier=rare", "app=app7", "group=g1", "group in (g1,g2)", "app!=app7"] {
        let selector: Selector = text.parse().expect("a selector");
        let picked = kind.select("shop", &selector).len();
        let indexed = time(|| kind.select("shop", &selector).len());
        // A requirement that nothing else can begin with: each object is looked at.
        let every: Selector = format!("!none,{}", negated(text)).parse().expect("a selector");
        let looked = time(|| kind.select("shop", &every).len());
        println!("{text:<28}{picked:>10}{:>14.1}{:>18.1}", micros(indexed), micros(looked));
    }

    let before = process::memory(std::process::id());
    let kinds = self::kind();
    for pod in 0..MANY {
        kinds.apply(&format!("ns{}", pod % 100), &format!("web-{pod}"), labels(pod));
    }
    let bytes = process::memory(std::process::id()).saturating_sub(before);
    println!("\n{} bytes for each of {MANY} pods in 100 namespaces", bytes / MANY as u64);
    black_box(kinds.count());
}

fn kind() -> ObjectStore {
    ObjectStore::starting(Resource::known("pods").expect("a kind of every cluster"))
}

/// As a Deployment's pods have them.
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

/// The same choice said so that no list of objects can be begun with.
fn negated(text: &str) -> String {
    match text.split_once(['=', '!', ' ']) {
        Some((key, _)) => format!("{key} notin (nothing)"),
        None => text.to_owned(),
    }
}

fn time(work: impl Fn() -> usize) -> Duration {
    let (begun, mut runs) = (Instant::now(), 0);
    while begun.elapsed() < TIME {
        black_box(work());
        runs += 1;
    }
    begun.elapsed() / runs
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
