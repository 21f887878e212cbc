//! Tasks that export spans to a collector and write Events on autoscalers.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use leadsman_api::CurrentSnapshot;
use leadsman_cluster::Cluster;
use leadsman_runtime::supervise::{supervised, until_it_ends};
use leadsman_trace::Exporter;

/// How long the export of the last spans may take after everything else.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

impl App {
    /// Writes Events on autoscalers when what they read changes.
    pub(super) fn write_autoscaler_events(
        &mut self,
        cluster: Cluster,
        served: Arc<CurrentSnapshot>,
    ) {
        let metrics = self.runtime.metrics.clone();
        self.spawn_until_stopped(async move {
            let write_events = || {
                let served = served.clone();
                let snapshot = move || served.now().snapshot.clone();
                leadsman_control::write_autoscaler_events(&cluster, &metrics, snapshot)
            };
            supervised("telling autoscalers", write_events, |_| std::future::ready(())).await;
        });
    }

    /// Exports spans until everything that has any has ended.
    pub(super) fn export_spans(&mut self, exporter: Exporter) {
        let flush = self.flush.clone();
        self.exporting.spawn(async move {
            let run = || exporter.run(&flush);
            until_it_ends("exporting spans", run, |_| std::future::ready(())).await;
        });
    }

    /// Ends the export, with the last spans.
    pub(super) async fn flush_spans(&mut self) {
        self.flush.cancel();
        let exported = async { while self.exporting.join_next().await.is_some() {} };
        if tokio::time::timeout(FLUSH_TIMEOUT, exported).await.is_err() {
            self.exporting.shutdown().await;
            tracing::warn!("the last spans were not exported in time");
        }
    }
}
