//! Makes snapshots of publications, and reports what has changed.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::FirstLoad;
use super::assembly::Assembly;
use super::bindings::Bindings;
use super::publication::Publication;
use super::report::Report;
use leadsman_cluster::ConfigMapReference;
use leadsman_document::{Faults, Severity};
use leadsman_model::owner::Owner;
use leadsman_provider::snapshot::{Contents, NotLoaded, Snapshot};
use leadsman_runtime::telemetry::Metrics;

/// Publishes snapshots.
pub(super) struct Publisher {
    metrics: Metrics,
    report: Report,
    published: Arc<Snapshot>,
    /// What keeps something from being served now.
    faults: Vec<(Owner, Faults)>,
    /// Who waits for the first load.
    first: Option<oneshot::Sender<FirstLoad>>,
    /// Whether a first load with faults ends the process.
    must_load: bool,
}

impl Publisher {
    pub(super) fn new(
        metrics: Metrics,
        report: Report,
        first: oneshot::Sender<FirstLoad>,
        must_load: bool,
    ) -> Self {
        let not_loaded = Some(NotLoaded::Loading);
        let published = Arc::new(Snapshot::new(0, Contents { not_loaded, ..Contents::default() }));
        Self { metrics, report, published, faults: Vec::new(), first: Some(first), must_load }
    }

    /// What was published last.
    pub(super) fn published(&self) -> Arc<Snapshot> {
        self.published.clone()
    }

    /// The next snapshot, unless readers would see the same as before.
    pub(super) fn publish(
        &mut self,
        publication: &Publication<Arc<Bindings>>,
        config_maps: &HashMap<Owner, ConfigMapReference>,
    ) -> Option<Arc<Snapshot>> {
        let Assembly { contents, faults } = Assembly::of(publication);
        self.faults = faults;
        let same = self.published.serves(&contents);
        if same && self.published.rejects(&contents) {
            self.published.moved(contents.places);
            return None;
        }
        let generation = self.published.generation + 1;
        let snapshot = Arc::new(Snapshot::new(generation, contents));
        self.report.publish(snapshot.rejections(), config_maps);
        let (mappings, of_rules) = snapshot.counts();
        let refused =
            self.faults.iter().any(|(_, faults)| faults.severity() == Some(Severity::Document));
        let ends = self.must_load && self.first.is_some() && refused;
        if !same && !ends {
            tracing::info!(generation, mappings, of_rules, "the configuration is served");
        }
        self.metrics.serving(generation);
        self.metrics.listing().rule_metrics(of_rules);
        self.published = snapshot.clone();
        Some(snapshot)
    }

    /// Tells whoever waits for it how the first load went.
    pub(super) fn report_loaded(&mut self) {
        if let Some(first) = self.first.take() {
            let faults = self.faults.clone();
            // Whoever does not wait for it need not know.
            let _ = first.send(FirstLoad { faults, snapshot: self.published.clone() });
        }
    }
}
