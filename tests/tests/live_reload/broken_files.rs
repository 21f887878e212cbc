//! A good configuration, then every fault of a file, one after another: the last good version keeps
//! being served, the fault is reported, and the correction is served.

use leadsman_tests::{
    Config, Folder, core_module, endless_describe, endless_start, gzip, instances_of_instances,
    nested_loops, nested_types, other_world_component, oversized, slow_to_compile, text,
    trapping_describe, truncated, version, version_padded, version_with_fixtures, wasi_component,
};
use serde_json::{Value, json};

use crate::scene::{FILE, METRIC, PLUGIN, Scene, mapping, mapping_of, of_file};

/// The message has the line of the plugin and its file.
const PLACE: &str = "leadsman.yaml:";

/// Each plugin, the reason why it is refused, and what the message must contain.
fn broken_plugins() -> Vec<(Vec<u8>, &'static str, &'static [&'static str])> {
    let wrong = |expected| fixtures(json!({"measures": [{"object": "web-0", "value": expected}]}));
    let failing = version_with_fixtures(2, &wrong(1234));
    let unreadable = version_with_fixtures(2, &json!({"not": "fixtures"}));
    let odd = version_with_fixtures(2, &json!([{"name": "odd one", "fixture": {"expct": {}}}]));
    let endless = version_with_fixtures(2, &json!(["x".repeat(1 << 20)]));
    vec![
        (Vec::new(), "NotAPlugin", &["empty"]),
        (text(), "NotAPlugin", &["not WebAssembly", "metric: "]),
        (gzip(), "NotAPlugin", &["not WebAssembly"]),
        (truncated(), "NotAPlugin", &["not a valid component"]),
        (core_module(), "NotAPlugin", &["core WebAssembly module", "leadsman plugin build"]),
        (wasi_component(), "NotAPlugin", &["wasi:cli/environment", "leadsman plugin build"]),
        (other_world_component(), "NotAPlugin", &["another world", "evaluate", "run"]),
        (oversized(), "TooLarge", &["the limit is 8388608", "maxBytes"]),
        (nested_loops(), "LimitExceeded", &["larger within"]),
        (instances_of_instances(), "LimitExceeded", &["larger within"]),
        (nested_types(), "NotAPlugin|LimitExceeded", &["not a plugin"]),
        (trapping_describe(), "DescribeFailed", &["describe itself", "trapped"]),
        (endless_describe(), "DescribeFailed", &["describe itself", "stopped after"]),
        (endless_start(), "DescribeFailed", &["describe itself", "stopped after"]),
        (failing, "SelfTestFailed", &["\"two pods\"", "web-0", "2000|2k", "1234"]),
        (unreadable, "SelfTestFailed", &["fixtures cannot be read"]),
        (odd, "SelfTestFailed", &["\"odd one\" cannot be read: unknown field `expct`"]),
        (endless, "SelfTestFailed", &["fixtures have 10485", "the limit is 1048576"]),
    ]
}

fn fixtures(expect: Value) -> Value {
    let answer = json!({"resultType": "vector", "result": [
        {"metric": {"pod": "web-0"}, "value": [1, "1"]},
    ]});
    json!([{"name": "two pods", "fixture": {
        "namespace": "shop", "now": 1, "queries": {"q": answer}, "expect": expect,
    }}])
}

#[tokio::test]
async fn a_broken_plugin_is_reported_and_the_last_good_one_served() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    for (number, (broken, reason, says)) in (2..).zip(broken_plugins()) {
        scene.folder.put(FILE, broken);
        scene.refuses_plugin(reason, says).await;
        scene.folder.put(FILE, version(number));
        scene.serves(f64::from(number) * 1000.0).await;
        scene.accepts().await;
    }
    // A missing file, and one with fixtures that pass.
    scene.folder.remove(FILE);
    scene.refuses_plugin("FileUnreadable", &["cannot be read", "No such file"]).await;
    let passes = fixtures(json!({"measures": [{"object": "web-0", "value": 90_000}]}));
    scene.folder.put(FILE, version_with_fixtures(90, &passes));
    scene.serves(90_000.0).await;
    scene.accepts().await;
    scene.went_well(load).await;
}

#[tokio::test]
async fn a_named_pipe_is_refused_and_does_not_delay_the_shutdown() {
    let scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    scene.folder.remove(FILE);
    let (pipe, mode) = (scene.folder.path(FILE), rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).expect("a named pipe");
    scene.refuses_plugin("FileUnreadable", &["not a regular file", "named pipe"]).await;
    scene.serves(1000.0).await;
    scene.leadsman.terminate();
    assert!(scene.leadsman.exit().await.success());
}

/// It uses half a minute of a child process, in which nobody else waits.
#[tokio::test]
async fn a_plugin_too_expensive_to_compile_delays_nobody() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    scene.folder.put(FILE, slow_to_compile());
    // Meanwhile everything that needs no compiler is served as usual.
    let mut edition = 0;
    while scene.leadsman.rejected().await.is_empty() {
        edition += 1;
        assert!(edition < 400, "it is not told of");
        scene.folder.configure(of_file(&scene.upstream, edition));
        scene.serves(1000.0 + f64::from(edition)).await;
        load.wait_reads(50).await;
    }
    assert!(edition > 2, "{edition}");
    scene.refuses_plugin("CompileFailed", &["compiling", "stopped"]).await;
    scene.folder.put(FILE, version(2));
    scene.serves(2000.0 + f64::from(edition)).await;
    scene.accepts().await;
    scene.went_well(load).await;
}

#[tokio::test]
async fn the_size_limit_of_a_component_is_configurable() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let config = |scene: &Scene, settings: &str| {
        let plugin = format!("file: {FILE}, {settings}");
        Config::shop(&scene.upstream.url()).plugin_from(PLUGIN, &plugin).mapping(mapping(0))
    };
    scene.folder.configure(config(&scene, "maxBytes: 2048"));
    scene.refuses_plugin("TooLarge", &["the limit is 2048", "maxBytes"]).await;
    scene.folder.put(FILE, version_padded(2, 9 << 20));
    scene.refuses_plugin("TooLarge", &["the limit is 2048"]).await;
    scene.folder.configure(config(&scene, "maxBytes: 10485760"));
    scene.serves(2000.0).await;
    scene.accepts().await;
}

#[tokio::test]
async fn a_broken_configuration_is_reported_and_the_last_good_one_served() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    let good = |edition| of_file(&scene.upstream, edition);
    let with = |edit: &dyn Fn(Config) -> Config| edit(good(0)).to_string();
    let broken: Vec<(String, &[&str])> = vec![
        (String::new(), &[]),
        ("kind: Config\nsources: [unclosed\nmappings: {}\n".to_owned(), &["YAML"]),
        (with(&|config| config.set("mapings", "[]")), &["unknown key \"mapings\"", "mappings"]),
        (
            with(&|config| config.mapping(mapping_of("other", "versiond", 0))),
            &["versiond", "did you mean \"versioned\""],
        ),
        (
            good(0).to_string().replace("source: prometheus", "source: thanos"),
            &["thanos", "prometheus"],
        ),
        (good(0).mapping(mapping(1)).to_string(), &[METRIC]),
    ];
    let broken_ones = broken.len();
    let mut edition = 0;
    for (text, says) in broken {
        scene.folder.configure(text);
        let rejected = scene.rejects("ConfigInvalid", says).await;
        assert_eq!(rejected.title, "configuration");
        rejected.assert_contains(&[PLACE]);
        edition += 1;
        scene.folder.configure(of_file(&scene.upstream, edition));
        scene.serves(1000.0 + f64::from(edition)).await;
        scene.accepts().await;
    }
    assert_eq!(usize::try_from(edition).ok(), Some(broken_ones));
    // A deleted file does not change what is served.
    scene.folder.remove("leadsman.yaml");
    scene.rejects("Unreadable|FileUnreadable", &["cannot be read", "No such file"]).await;
    scene.folder.configure(of_file(&scene.upstream, 50));
    scene.serves(1050.0).await;
    scene.accepts().await;
    scene.went_well(load).await;
}

/// The plugin refuses one mapping; the others of the same document change.
#[tokio::test]
async fn a_mapping_that_its_plugin_refuses_blocks_no_other_change() {
    let mut scene = Scene::of_file(Folder::plain()).await;
    scene.serves(1000.0).await;
    let load = scene.load(100);
    let beside = leadsman_tests::paths::pods("shop", "beside");
    let config = |scene: &Scene, plugin_config: &str, edition| {
        let refused = mapping(0).plugin(PLUGIN, plugin_config);
        Config::shop(&scene.upstream.url())
            .plugin(PLUGIN, FILE)
            .mapping(refused)
            .mapping(mapping_of("beside", PLUGIN, edition))
    };
    for (number, plugin_config, says) in [
        (1, "edition: 600", &["config.edition", "no edition is as high"][..]),
        (2, "edition: many", &["config.edition", "many|integer|number"]),
        (3, "editon: 1", &["editon", "edition"]),
        (4, "ask: 'up{'", &["besides"]),
    ] {
        scene.folder.configure(config(&scene, plugin_config, number));
        scene.leadsman.wait_value(&beside, 1000.0 + f64::from(number)).await;
        let rejected = scene.rejects("ConfigInvalid", says).await;
        assert!(rejected.title.contains(METRIC), "{rejected:#?}");
        rejected.assert_contains(&[PLACE, "mappings[0]"]);
    }
    scene.folder.configure(config(&scene, "edition: 9", 9));
    scene.serves(1009.0).await;
    scene.accepts().await;
    scene.went_well(load).await;
}

impl Scene {
    /// The plugin from the file is refused, and the message names it.
    async fn refuses_plugin(&self, reason: &str, says: &[&str]) {
        let rejected = self.rejects(reason, says).await;
        assert!(rejected.title.contains(METRIC), "{rejected:#?}");
        rejected.assert_contains(&[PLACE, "plugins.versioned.file", FILE]);
    }
}
