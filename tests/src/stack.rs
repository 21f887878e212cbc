//! The complete stack: an application, a Prometheus that scrapes it, and Leadsman.

use crate::config::Config;
use crate::exporter::Exporter;
use crate::leadsman::Leadsman;
use crate::prometheus::Prometheus;

/// An application, a Prometheus and Leadsman.
pub struct Stack {
    /// The application.
    pub exporter: Exporter,
    /// The Prometheus, which is the source `prometheus`.
    pub prometheus: Prometheus,
    /// Leadsman.
    pub leadsman: Leadsman,
}

impl Stack {
    /// Starts all three and waits until Prometheus has a result for the query `awaited`.
    pub async fn start(exposition: &str, awaited: &str, config: Config) -> Self {
        let exporter = Exporter::start(exposition).await;
        let prometheus = Prometheus::scraping(&exporter.url()).await;
        prometheus.wait_for(awaited).await;
        let config = config.prometheus("prometheus", &prometheus.url());
        let leadsman = Leadsman::start(&config).await;
        Self { exporter, prometheus, leadsman }
    }
}
