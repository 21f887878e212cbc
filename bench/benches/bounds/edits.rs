//! Attacks by edits of a configuration and by files.

use std::path::Path;
use std::process::Command;

use leadsman_tests::{Config, HOSTILE, Mapping, eventually};

use super::configs::{busy, external};
use super::measure::MAX_RECOVERY;
use super::scene::Scene;

/// Different documents with 63 expensive queries and a fault each.
pub(super) async fn faulty_documents(scene: &mut Scene) {
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

/// Renames a hundred mappings twenty times, and reads each.
pub(super) async fn renamed(scene: &mut Scene) {
    const EDITS: usize = 20;
    const MAPPINGS: usize = 100;
    let url = scene.url();
    for edit in 0..EDITS {
        let named = |number: usize| format!("renamed-{edit}-{number}");
        let mapping = |number| Mapping::external(&named(number)).query("q", "x");
        scene.configure((0..MAPPINGS).map(mapping).fold(external(&url), Config::mapping));
        let last = busy(&named(MAPPINGS - 1));
        eventually("the last of them", MAX_RECOVERY, async || {
            let answer = scene.leadsman.get(&last).await;
            if answer.is_success() { Ok(()) } else { Err(answer.body) }
        })
        .await;
        for number in 0..MAPPINGS {
            scene.leadsman.get(&busy(&named(number))).await;
        }
    }
    // The series of a mapping go with its last evaluation.
    let page = eventually("none of the names that are gone", MAX_RECOVERY, async || {
        let page = scene.leadsman.admin("/metrics").await.body;
        let before_last = format!("renamed-{}-", EDITS - 2);
        if page.contains(&before_last) { Err(before_last) } else { Ok(page) }
    })
    .await;
    let samples = page.lines().filter(|line| !line.starts_with('#')).count();
    let gone = page.matches("renamed-").count() - page.matches("renamed-19-").count();
    let size = page.len() >> 10;
    println!("{:<34}{samples} samples, {size} kB, {gone} of names that are gone", "");
    // Some fifty for each mapping that is there, and none of the 1,900 that were.
    assert!(samples < 10_000, "{samples} samples");
    assert!(size < 2048, "{size} kB");
    assert_eq!(gone, 0, "samples of names that are gone");
}

/// Edits a mapping again and again, and looks from time to time whether an edit is served.
pub(super) async fn edited(scene: &mut Scene) {
    let url = scene.url();
    for edit in 0..2000 {
        let named = format!("edited-{}", edit / 20);
        let mapping = Mapping::external(&named).query("q", &format!("x + {edit}"));
        scene.configure(external(&url).mapping(mapping));
        if edit % 20 == 0 {
            eventually("an edit that is served", MAX_RECOVERY, async || {
                let answer = scene.leadsman.get(&busy(&named)).await;
                if answer.is_success() { Ok(()) } else { Err(answer.body) }
            })
            .await;
        }
    }
    scene.configure(external(&url));
    scene.leadsman.wait_accepted().await;
}

/// A plugin from the file `plugin.wasm` beside the configuration.
pub(super) fn with_plugin(url: &str) -> Config {
    let query = r#"load{namespace="${namespace}"}"#;
    let mapping = Mapping::custom("own", "pods").query("q", query);
    external(url)
        .plugin("own", PLUGIN)
        .pods("busy", &["web-0"])
        .mapping(mapping.plugin("own", "do: well-behaved"))
}

/// Where its values are read.
pub(super) const OF_PLUGIN: &str =
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/own";

/// The file of the plugin.
pub(super) const PLUGIN: &str = "plugin.wasm";

/// Puts a named pipe in the place of the plugin's file, again and again; those of its compiled code are
/// pipes from the start.
pub(super) async fn named_pipes(scene: &mut Scene) {
    let file = scene.folder().path(PLUGIN);
    let good = std::fs::read(HOSTILE).expect("a component");
    for _ in 0..10 {
        replace_by_pipe(&file);
        scene.leadsman.wait_rejected("FileUnreadable", &["named pipe"]).await;
        std::fs::remove_file(&file).expect("the pipe");
        scene.put(PLUGIN, &good);
        scene.leadsman.wait_accepted().await;
    }
}

/// Puts a named pipe in the place of a file.
pub(super) fn replace_by_pipe(file: &Path) {
    std::fs::remove_file(file).expect("a file");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(file).status();
    assert!(made.expect("mkfifo can be run").success(), "mkfifo {}", file.display());
}

/// Puts named pipes in the place of all files of a folder. Gives how many.
pub(super) fn replace_all_by_pipes(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let files: Vec<_> = files.collect();
    files.iter().for_each(|file| replace_by_pipe(file));
    files.len()
}
