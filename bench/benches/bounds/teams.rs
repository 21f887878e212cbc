//! Attacks by teams through their own mappings and plugins, which must affect only the team itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use leadsman_tests::cluster::{ApiClient, Workload};
use leadsman_tests::{Config, HOSTILE, Mapping, Reply, eventually, slow_to_compile};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::clients;
use super::scene::Scene;

/// The namespaces of the teams: the attacker and another team.
const ALL: [&str; 2] = [ATTACKER, OTHER];
const ATTACKER: &str = "attacker";
const OTHER: &str = "other";

/// The path that others read: a metric of the operator whose plugin runs for nearly every read.
pub(super) const OTHERS: &str = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/other/pods/%2A/own";

/// The timeout until a metric of the teams is served.
const SERVED_TIMEOUT: Duration = Duration::from_secs(120);

/// A new namespace for the installation of a scene.
pub(super) fn namespace() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("adapter-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Creates the teams' namespaces, each with a pod. All scenes share them.
pub(super) async fn create(admin: &ApiClient) {
    static CREATED: OnceCell<()> = OnceCell::const_new();
    let create = async || {
        for team in ALL {
            Workload::deployment(admin, team, "web", 1).await;
        }
    };
    CREATED.get_or_init(create).await;
}

/// The operator's configuration.
pub(super) fn operator(url: &str) -> Config {
    let team = |namespace: &str| format!("namespaces: [{namespace}], sources: [prometheus]");
    let own = pods("own").set("maxAge", "20ms");
    let config = Config::new().prometheus("prometheus", url).mapping(own);
    ALL.iter().fold(config, |config, namespace| config.team(&team(namespace)))
}

fn pods(metric: &str) -> Mapping {
    Mapping::pods(metric).query("q", r#"load{namespace="${namespace}"}"#)
}

/// 50 mappings whose plugin loops for 2 s and which are read repeatedly.
pub(super) async fn loops(scene: &mut Scene) {
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let attacker = scene.config_map(ATTACKER, "loops").with_binary("mine.wasm", &hostile);
    let looping = |number: usize| {
        let looping = pods(&format!("looping-{number}")).plugin("mine", "do: loop");
        looping.set("limits", "{time: 2s, memoryBytes: 16777216}")
    };
    let config = Config::new().plugin("mine", "mine.wasm");
    attacker.write((0..49).map(looping).fold(config.mapping(pods("good")), Config::mapping)).await;
    wait_served(scene, &path(ATTACKER, "good")).await;
    // The plugin may be loaded later than what needs none, and nothing runs before.
    scene.leadsman.wait_accepted().await;
    let begun = Instant::now();
    clients::read_all(scene, 200, |number| path(ATTACKER, &format!("looping-{}", number % 49)))
        .await;
    let took = begun.elapsed().as_secs_f64();
    let page = scene.leadsman.metrics().await;
    let spent: f64 = (0..49)
        .filter_map(|number| {
            let title = format!("pods/looping-{number}@{ATTACKER}");
            page.sum("leadsman_plugin_duration_seconds_sum", &[("mapping", &title)])
        })
        .sum();
    println!("{:<34}{spent:.1} s of plugin time in {took:.1} s, with 6 s per minute", "");
    // What there was, what came back meanwhile, and one run of 2 s that is stopped in time.
    let bound = 6.0 + took / 10.0 + 2.5;
    assert!(spent > 0.0, "the plugins did not run");
    assert!(spent <= bound, "{spent} s of plugin time where at most {bound} s are stated");
    attacker.delete().await;
}

/// 40 mappings of a team whose queries take 4 s, of a source with 20 places.
pub(super) async fn slow_queries(scene: &mut Scene) {
    scene.upstream().reply_with(|request| {
        let reply = Reply::pods(&[("web-0", "1"), ("web-1", "2")]);
        let is_slow = request.promql().contains(ATTACKER);
        if is_slow { reply.after(Duration::from_secs(4)) } else { reply }
    });
    let attacker = scene.config_map(ATTACKER, "slow");
    let slow = |number: usize| pods(&format!("slow-{number}"));
    attacker.write((0..40).map(slow).fold(Config::new(), Config::mapping)).await;
    wait_served(scene, &path(ATTACKER, "slow-0")).await;
    scene.leadsman.wait_accepted().await;
    clients::read_all(scene, 80, |number| path(ATTACKER, &format!("slow-{}", number % 40))).await;
    attacker.delete().await;
    scene.upstream().set_reply(Reply::pods(&[("web-0", "1"), ("web-1", "2")]));
}

/// 40 queries of one mapping, each of which is answered with 10 MB.
pub(super) async fn asks_for_everything(scene: &mut Scene) {
    let everything = Reply::long(10_000);
    scene.upstream().reply_with(move |request| {
        let is_long = request.promql().contains("everything");
        if is_long { everything.clone() } else { Reply::pods(&[("web-0", "1"), ("web-1", "2")]) }
    });
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let attacker = scene.config_map(ATTACKER, "everything").with_binary("mine.wasm", &hostile);
    let mapping = Mapping::custom("everything", "pods").plugin("mine", "do: well-behaved");
    let mapping = (0..40).fold(mapping, |mapping, number| {
        mapping.query(&format!("q{number}"), &format!("everything > {number}"))
    });
    let config = Config::new().plugin("mine", "mine.wasm").mapping(pods("good"));
    attacker.write(config.mapping(mapping)).await;
    wait_served(scene, &path(ATTACKER, "good")).await;
    scene.leadsman.wait_accepted().await;
    clients::read_all(scene, 48, |_| path(ATTACKER, "everything")).await;
    attacker.delete().await;
    scene.upstream().set_reply(Reply::pods(&[("web-0", "1"), ("web-1", "2")]));
}

/// How many mappings a namespace may have, and how many of its documents are read.
const QUOTA: usize = 50;

/// 70 ConfigMaps of five mappings each. Then the oldest one grows: first to what leaves nothing for the
/// youngest one that is served, and then to more than there is for all.
pub(super) async fn outgrows(scene: &mut Scene) {
    const CONFIG_MAPS: usize = 70;
    const EACH: usize = 5;
    let metric = |config_map: usize, number: usize| format!("grown-{config_map}-{number}");
    let document = |config_map: usize, mappings: usize| {
        let mapping = |number: usize| pods(&metric(config_map, number));
        (0..mappings).map(mapping).fold(Config::new(), Config::mapping)
    };
    let mut config_maps = Vec::new();
    for number in 0..CONFIG_MAPS {
        // Those that were created in the same second have their turns by name.
        let config_map = scene.config_map(ATTACKER, &format!("grown-{number:02}"));
        config_map.write(document(number, EACH)).await;
        config_maps.push(config_map);
    }
    let youngest = QUOTA / EACH - 1;
    for number in 0..=youngest {
        wait_served(scene, &path(ATTACKER, &metric(number, EACH - 1))).await;
    }
    let too_many = format!("more than {QUOTA} documents");
    wait_rejected(scene, &config_maps[CONFIG_MAPS - 1].owner(), &too_many).await;
    let all = (0..CONFIG_MAPS).flat_map(|config_map| {
        let most = if config_map == 0 { QUOTA + 1 } else { EACH };
        (0..most).map(move |number| (config_map, number))
    });
    let all: Vec<_> = all.map(|(of, number)| path(ATTACKER, &metric(of, number))).collect();
    assert_eq!(count_served(scene, &all).await, QUOTA);

    config_maps[0].write(document(0, 2 * EACH)).await;
    wait_served(scene, &path(ATTACKER, &metric(0, 2 * EACH - 1))).await;
    let none_left = format!("{EACH} mappings; the operator gives {ATTACKER} 0");
    wait_rejected(scene, &config_maps[youngest].owner(), &none_left).await;
    assert_eq!(count_served(scene, &all).await, QUOTA);

    config_maps[0].write(document(0, QUOTA + 1)).await;
    let refused = format!("{} mappings; the operator gives {ATTACKER} {QUOTA}", QUOTA + 1);
    wait_rejected(scene, &config_maps[0].owner(), &refused).await;
    let served = count_served(scene, &all).await;
    println!("{:<34}{served} of {} mappings are served", "", all.len());
    assert_eq!(served, QUOTA);
    for config_map in config_maps {
        config_map.delete().await;
    }
}

/// How many of these paths are served.
async fn count_served(scene: &Scene, paths: &[String]) -> usize {
    let connection = scene.connect().await;
    let mut served = 0;
    for path in paths {
        served += usize::from(connection.read(path).await.0);
    }
    served
}

/// Waits until something of an owner is rejected with this text.
async fn wait_rejected(scene: &Scene, owner: &str, text: &str) {
    eventually(&format!("\"{text}\" of {owner}"), SERVED_TIMEOUT, async || {
        let status = scene.leadsman.status().await;
        let mut all = status["rejected"].as_array().cloned().unwrap_or_default();
        all.retain(|one| one["owner"] == owner);
        let says = |one: &Value| one["message"].as_str().is_some_and(|told| told.contains(text));
        if all.iter().any(says) { Ok(()) } else { Err(format!("{all:#?}")) }
    })
    .await;
}

/// Eight plugins that exceed the compiler's time limit, followed by a plugin of another team.
pub(super) async fn compile_bombs(scene: &mut Scene) {
    let bomb = slow_to_compile();
    let mut bombs = Vec::new();
    for number in 0..8_u8 {
        // A custom section makes the components different.
        let different = [bomb.as_slice(), &[0, 2, 1, b'a' + number]].concat();
        let name = format!("bomb-{number}");
        let config_map = scene.config_map(ATTACKER, &name).with_binary("bomb.wasm", &different);
        let config = Config::new().plugin("bomb", "bomb.wasm");
        config_map.write(config.mapping(pods(&name).plugin("bomb", ""))).await;
        bombs.push(config_map);
    }
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let small = scene.config_map(OTHER, "small").with_binary("small.wasm", &hostile);
    let config = Config::new().plugin("small", "small.wasm");
    let begun = Instant::now();
    small.write(config.mapping(pods("small").plugin("small", "do: well-behaved"))).await;
    wait_served(scene, &path(OTHER, "small")).await;
    println!("{:<34}another team's plugin is served after {:.1?}", "", begun.elapsed());
    for config_map in bombs {
        config_map.delete().await;
    }
    small.delete().await;
}

/// Waits until a metric is served.
async fn wait_served(scene: &Scene, path: &str) {
    let connection = scene.connect().await;
    eventually(&format!("a value at {path}"), SERVED_TIMEOUT, async || {
        if connection.read(path).await.0 { Ok(()) } else { Err("it is not served".to_owned()) }
    })
    .await;
}

fn path(namespace: &str, metric: &str) -> String {
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/pods/%2A/{metric}")
}
