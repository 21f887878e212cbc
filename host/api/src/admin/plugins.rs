//! Plugins, as the page lists them: what they ran, and how candidates differ from what serves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::status;
use leadsman_evaluation::{Evaluations, RunTotals};

/// The most mappings of a plugin that are listed.
const MAX_MAPPINGS: usize = 20;

/// A plugin of one version, whoever uses it.
#[derive(Default)]
struct Uses {
    version: String,
    mappings: Vec<String>,
    totals: RunTotals,
    /// Its shadow evaluations: the mapping, and how the values compare.
    shadow_runs: Vec<Value>,
}

impl Uses {
    fn add(&mut self, RunTotals { runs, failed, time }: RunTotals) {
        self.totals.runs += runs;
        self.totals.failed += failed;
        self.totals.time += time;
    }
}

/// Each plugin by name and digest.
pub(super) fn of<'e>(
    all: impl Iterator<Item = &'e Arc<Evaluations>>,
) -> BTreeMap<(String, String), Value> {
    let mut plugins: BTreeMap<(String, String), Uses> = BTreeMap::new();
    for evaluations in all {
        let mapping = evaluations.mapping();
        let key = (mapping.plugin_name.clone(), mapping.plugin.digest().to_owned());
        let uses = plugins.entry(key).or_default();
        uses.version.clone_from(&mapping.plugin.description().version);
        uses.mappings.push(mapping.title());
        uses.add(mapping.runs.of_serving());
        if let Some(candidate) = &mapping.candidate {
            let key = (candidate.plugin_name.clone(), candidate.plugin.digest().to_owned());
            let uses = plugins.entry(key).or_default();
            uses.version.clone_from(&candidate.plugin.description().version);
            uses.add(mapping.runs.of_candidate());
            let mut shadow_run = status::candidate(candidate);
            shadow_run["mapping"] = mapping.title().into();
            uses.shadow_runs.push(shadow_run);
        }
    }
    plugins.into_iter().map(|(key, uses)| (key.clone(), plugin(key, uses))).collect()
}

fn plugin((name, digest): (String, String), uses: Uses) -> Value {
    let Uses { version, mappings, totals: RunTotals { runs, failed, time }, mut shadow_runs } =
        uses;
    let mean = u32::try_from(runs).ok().filter(|runs| *runs > 0).map(|runs| time / runs);
    let differs = shadow_runs
        .iter()
        .any(|shadow_run| shadow_run["different"] != 0 || shadow_run["failed"] != 0);
    shadow_runs.truncate(MAX_MAPPINGS);
    json!({
        "name": name,
        "digest": digest,
        "version": version,
        "state": if differs { "differs" } else { "ok" },
        "runs": runs,
        "failed": failed,
        "seconds": time.as_secs_f64(),
        "meanSeconds": mean.as_ref().map(Duration::as_secs_f64),
        "mappings": mappings.iter().take(MAX_MAPPINGS).collect::<Vec<_>>(),
        "mappingsTotal": mappings.len(),
        "trials": shadow_runs,
    })
}
