//! The attacks and the documented bounds that contain them.

use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use leadsman_tests::{Config, HOSTILE, Mapping};

use super::clients;
use super::scene::{Scene, Setup};
use super::teams;

/// An attack. Uses only the loopback, and ends by itself.
pub(super) struct Attack {
    /// The name in the report, which the command line can filter by.
    pub(super) name: &'static str,
    /// The documented bound, in short.
    pub(super) bound: &'static str,
    /// The maximum memory of the adapter, in bytes.
    pub(super) memory: u64,
    /// The setup of the adapter.
    pub(super) setup: Setup,
    /// The path that others read during the attack.
    pub(super) others: &'static str,
    /// Runs the attack.
    pub(super) run: for<'a> fn(&'a mut Scene) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

const MIB: u64 = 1 << 20;

const OTHERS: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/quiet/depth";
const OTHER_PODS: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/quiet/pods/%2A/load";

/// All attacks.
pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "200 long metric selectors",
        bound: "a selector is bounded in length, evaluations of a namespace in bytes",
        memory: 256 * MIB,
        setup: Setup::File(many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::read_all(scene, 200, long_selector)),
    },
    Attack {
        name: "1,024 query strings, long list",
        bound: "rendered answers are bounded in bytes",
        memory: 256 * MIB,
        setup: Setup::File(many_pods),
        others: OTHER_PODS,
        run: |scene| Box::pin(clients::read_all(scene, 1024, unknown_parameter)),
    },
    Attack {
        name: "5,000 selectors of one reader",
        bound: "1,000 evaluations of a namespace that readers chose; others' first reads are served",
        memory: 256 * MIB,
        setup: Setup::File(external),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 5000, selector)),
    },
    Attack {
        name: "2,000 silent connections",
        bound: "connections of an address and the time to the first byte are bounded",
        memory: 256 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| {
            Box::pin(async {
                let silent = clients::silent(scene.leadsman.api(), 2000).await;
                tokio::time::sleep(Duration::from_secs(3)).await;
                drop(silent);
            })
        },
    },
    Attack {
        name: "plugins that loop, 40 namespaces",
        bound: "a mapping has a quarter of the slots, a namespace half of them",
        memory: 512 * MIB,
        setup: Setup::File(loops),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 160, looping)),
    },
    Attack {
        name: "readers, all of it at once",
        bound: "no client gets the adapter above 512 MiB",
        memory: 512 * MIB,
        setup: Setup::File(everything),
        others: OTHERS,
        run: |scene| Box::pin(at_once(scene)),
    },
    Attack {
        name: "12 faulty documents",
        bound: "documents are parsed apart from reads",
        memory: 256 * MIB,
        setup: Setup::File(external),
        others: OTHERS,
        run: |scene| Box::pin(faulty_documents(scene)),
    },
    Attack {
        name: "2,000 objects, 60 keys each",
        bound: "256 keys, 2 Mi cells, 16 MiB of text of one table",
        memory: 256 * MIB,
        setup: Setup::File(many_labels),
        others: OTHERS,
        run: |scene| Box::pin(clients::read_all(scene, 64, labelled)),
    },
    Attack {
        name: "100 renamed mappings",
        bound: "/metrics has what is configured now",
        memory: 256 * MIB,
        setup: Setup::File(external),
        others: OTHERS,
        run: |scene| Box::pin(renamed(scene)),
    },
    Attack {
        name: "a team far over its plugin time",
        bound: "a team takes no more plugin time than it has, and a quarter of the slots",
        memory: 512 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::loops(scene)),
    },
    Attack {
        name: "8 compile bombs of a team",
        bound: "a queue for each namespace: another team's plugin is served meanwhile",
        memory: 512 * MIB,
        setup: Setup::Teams,
        others: teams::OTHERS,
        run: |scene| Box::pin(teams::compile_bombs(scene)),
    },
];

/// A query with one evaluation for each namespace and selector.
const NAMESPACED: &str = r#"load{namespace="${namespace}",${selector}}"#;

fn external(url: &str) -> Config {
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    Config::shop(url).mapping(Mapping::external("depth").query("q", query))
}

/// A metric of 2,000 pods in the namespace `busy`, and of two in `quiet`.
fn many_pods(url: &str) -> Config {
    let query = r#"load{namespace="${namespace}",${selector}}"#;
    let load = Mapping::pods("load").query("q", query).set("onAbsent", "{default: 1}");
    let config = Config::shop(url).pods("quiet", &["web-0", "web-1"]).mapping(load);
    (0..2000).fold(config, |config, pod| config.pods("busy", &[&format!("web-{pod}")]))
}

fn many_labels(url: &str) -> Config {
    let all = Mapping::custom("all", "pods").query("q", NAMESPACED);
    let all = all.plugin("hostile", "do: count-objects").set("limits", "{time: 2s}");
    let config = external(url).plugin("hostile", HOSTILE).mapping(all);
    (0..2000).fold(config, |config, object| {
        let labels: Vec<_> = (0..60).map(|key| format!("key-{object}-{key}: x")).collect();
        config.object("pods", Some("busy"), &format!("pod-{object}"), &labels.join(", "))
    })
}

fn loops(url: &str) -> Config {
    looping_in(external(url))
}

/// What all readers attack.
fn everything(url: &str) -> Config {
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    looping_in(many_pods(url).mapping(Mapping::external("depth").query("q", query)))
}

/// Adds a metric of 40 namespaces whose plugin loops.
fn looping_in(config: Config) -> Config {
    let load = Mapping::custom("looping", "pods").query("q", r#"load{namespace="${namespace}"}"#);
    let load = load.plugin("hostile", "do: loop").set("limits", "{time: 2s}");
    let config = config.plugin("hostile", HOSTILE).mapping(load);
    (0..40).fold(config, |config, number| config.pods(&format!("team-{number}"), &["web-0"]))
}

fn long_selector(number: usize) -> String {
    let mut values = format!("first-{number}");
    for value in 0..500 {
        let _ = write!(values, ",{value:0>60}");
    }
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/load";
    format!("{path}?metricLabelSelector=pod%20notin%20({values})")
}

fn unknown_parameter(number: usize) -> String {
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/load?x={number}")
}

fn selector(number: usize) -> String {
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/busy/depth";
    format!("{path}?labelSelector=pod%21%3Dother-{number}")
}

fn looping(number: usize) -> String {
    let namespace = number % 40;
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/team-{namespace}/pods/%2A/looping")
}

fn labelled(number: usize) -> String {
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/all";
    format!("{path}?metricLabelSelector=pod%21%3Dother-{number}")
}

/// Selectors, query strings and loops, with as many readers each.
async fn at_once(scene: &Scene) {
    tokio::join!(
        clients::read_all(scene, 200, long_selector),
        clients::read_all(scene, 1024, unknown_parameter),
        clients::read_all(scene, 5000, selector),
        clients::read_all(scene, 160, looping),
    );
}

/// Different documents with 63 expensive queries and a fault each.
async fn faulty_documents(scene: &mut Scene) {
    let url = scene.url();
    for document in 0..12 {
        let config = external(&url).mapping(Mapping::external("faulty").plugin("no-such", ""));
        let config = (0..63).fold(config, |config, query| {
            let nested = "sum by (pod) (".repeat(60) + "x" + &")".repeat(60);
            let promql = format!("{} + {query}", vec![nested; 40].join(" + "));
            let mapping = Mapping::external(&format!("expensive-{document}-{query}"));
            config.mapping(mapping.query("q", &promql))
        });
        scene.configure(config);
        scene.leadsman.wait_rejected("ConfigInvalid", &["no-such"]).await;
    }
    scene.configure(external(&url));
    scene.leadsman.wait_accepted().await;
}

/// Renames one mapping many times.
async fn renamed(scene: &mut Scene) {
    let url = scene.url();
    for number in 0..100 {
        let metric = format!("renamed-{number}");
        let before = scene.leadsman.generation().await;
        scene.configure(external(&url).mapping(Mapping::external(&metric).query("q", "x")));
        while scene.leadsman.generation().await == before {}
        let path = format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/busy/{metric}");
        scene.leadsman.get(&path).await;
    }
    let page = scene.leadsman.metrics().await;
    let gone = page.0.iter().filter(|sample| sample.label("mapping").contains("renamed-")).count();
    println!("{:<34}{} samples, {gone} of names that are or were", "", page.0.len());
}
