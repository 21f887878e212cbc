//! What is known is not lost by an edit.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Folder, HOSTILE, History, Leadsman, Mapping, Prometheus, eventually, paths,
    version, version_padded,
};

use crate::scene::assert_values;

const METRIC: &str = "jobs_active";

/// The values of one process, whose Prometheus goes away.
struct Outage {
    folder: Folder,
    prometheus: Prometheus,
    leadsman: Leadsman,
    value: f64,
}

fn mapping(last_good: &str) -> Mapping {
    Mapping::pods(METRIC)
        .query("q", r#"sum by (pod) (jobs_active{namespace="${namespace}"})"#)
        .set("onError", &format!("{{lastGood: {last_good}}}"))
}

/// The same with the plugin from a file.
fn of_file(plugin: &str, config: &str) -> Mapping {
    mapping("10m").set("maxAge", "1s").plugin(plugin, config)
}

impl Outage {
    /// Serves the value once, then stops Prometheus and waits for the warning.
    async fn begin(mut folder: Folder, config: impl Fn(Config) -> Config, value: f64) -> Self {
        let history = History::new().gauge(r#"jobs_active{namespace="shop",pod="web-0"}"#, 4.0);
        let mut prometheus = Prometheus::holding(&history).await;
        folder.configure(config(base(&prometheus)));
        let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
        leadsman.wait_value(&paths::pods("shop", METRIC), value).await;
        prometheus.stop().await;
        let outage = Self { folder, prometheus, leadsman, value };
        eventually("a value with a warning", Duration::from_secs(20), async || {
            let answer = outage.read().await;
            assert_values(&answer, &[("web-0", value)]);
            if answer.warnings().is_empty() { Err(format!("{answer:#?}")) } else { Ok(()) }
        })
        .await;
        outage
    }

    async fn read(&self) -> Answer {
        self.leadsman.get(&paths::pods("shop", METRIC)).await
    }

    /// Makes an edit, and reads until it is in force and a little longer: each read has the value
    /// and the reason for its age.
    async fn edit(&mut self, edit: impl FnOnce(&mut Folder, Config)) {
        let before = self.leadsman.generation().await;
        let base = base(&self.prometheus);
        edit(&mut self.folder, base);
        let mut reads_after = 0;
        eventually("reads after the edit", Duration::from_secs(45), async || {
            let answer = self.read().await;
            assert_values(&answer, &[("web-0", self.value)]);
            assert_ne!(answer.warnings(), "", "{answer:#?}");
            if self.leadsman.generation().await > before {
                reads_after += 1;
            }
            if reads_after > 20 { Ok(()) } else { Err(format!("{reads_after} reads")) }
        })
        .await;
    }
}

fn base(prometheus: &Prometheus) -> Config {
    Config::shop(&prometheus.url())
}

/// What an operator does in an outage.
#[tokio::test]
async fn the_last_good_values_outlive_a_longer_time_for_them() {
    let begin = |config: Config| config.mapping(mapping("2m").set("maxAge", "1s"));
    let mut outage = Outage::begin(Folder::plain(), begin, 4.0).await;
    outage
        .edit(|folder, config| folder.configure(config.mapping(mapping("3m").set("maxAge", "1s"))))
        .await;
    outage
        .edit(|folder, config| folder.configure(config.mapping(mapping("3m").set("maxAge", "2s"))))
        .await;
}

/// The first evaluation of the new one takes over, and until then the values of the old one stay.
#[tokio::test]
async fn the_last_good_values_outlive_another_build_of_the_plugin() {
    let mut folder = Folder::plain();
    folder.put("plugin.wasm", version(1));
    let with_plugin = |config: Config| {
        config.plugin("versioned", "plugin.wasm").mapping(of_file("versioned", "edition: 4"))
    };
    let mut outage = Outage::begin(folder, with_plugin, 1004.0).await;
    outage.edit(|folder, _| folder.put("plugin.wasm", version_padded(1, 64))).await;
    // One that always panics has no good evaluation at all.
    outage
        .edit(|folder, config| {
            let config = config.plugin("hostile", HOSTILE).mapping(of_file("hostile", "do: panic"));
            folder.configure(config);
        })
        .await;
}

/// The same while the source works: a plugin that fails leaves the old one serving, with the reason.
#[tokio::test]
async fn a_plugin_that_fails_leaves_the_old_one_serving() {
    let history = History::new().gauge(r#"jobs_active{namespace="shop",pod="web-0"}"#, 4.0);
    let prometheus = Prometheus::holding(&history).await;
    let mut folder = Folder::plain();
    folder.put("plugin.wasm", version(1));
    let good = base(&prometheus)
        .plugin("versioned", "plugin.wasm")
        .mapping(of_file("versioned", "edition: 4"));
    folder.configure(good);
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let path = paths::pods("shop", METRIC);
    leadsman.wait_value(&path, 1004.0).await;
    let before = leadsman.generation().await;
    let bad = base(&prometheus).plugin("hostile", HOSTILE).mapping(of_file("hostile", "do: panic"));
    folder.configure(bad);
    let told = eventually("a value of the old one", Duration::from_secs(45), async || {
        let answer = leadsman.get(&path).await;
        assert_values(&answer, &[("web-0", 1004.0)]);
        let warnings = answer.warnings();
        let in_force = leadsman.generation().await > before;
        // Another pod has no value, which is told in any case.
        let told = warnings.contains("before its last change");
        if in_force && told { Ok(warnings) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    crate::scene::assert_says(&told, &[METRIC, "panic|trap|plugin"]);
}
