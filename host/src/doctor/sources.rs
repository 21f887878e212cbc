//! Do the sources of a configuration answer?

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Finding, controllers, targets};
use leadsman_cluster::{Cluster, Reflectors};
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_runtime::telemetry::SourceMetrics;
use leadsman_source::{FilledQuery, QueryError, Request, Source, SourceSettings};

/// What to do about a source that is not reached.
pub(super) const FROM_A_POD: &str = "\
    an address inside the cluster can be reached from a pod only: try it there, with kubectl exec \
    deployment/leadsman -- /leadsman doctor --config-map NAMESPACE/NAME";

/// Asks each source of a configuration: a Prometheus for a number that every one knows, and a controller
/// for all that queries need.
pub(super) async fn look(
    origin: &ConfigOrigin,
    flags: &Flags,
    cluster: Option<&Cluster>,
) -> Vec<Finding> {
    let parsed = match control::read(origin, flags, cluster).await {
        Ok(parsed) => parsed,
        Err(reason) => {
            return vec![Finding::bad(reason, "give a configuration that can be read")];
        }
    };
    let mut findings = Vec::new();
    if parsed.faults.iter().any(|fault| !fault.is_warning()) {
        let faults = parsed.document.locate(parsed.faults);
        findings.push(Finding::bad(
            format!("the configuration has {}", faults.count()),
            "see `leadsman check`".to_owned(),
        ));
    }
    let end = CancellationToken::new();
    let reflectors =
        cluster.map(|cluster| Reflectors::new(cluster, TaskTracker::new(), end.clone()));
    let _end_on_drop = end.drop_guard();
    for (name, settings) in &parsed.config.sources {
        if matches!(settings, SourceSettings::Recording(_)) {
            continue;
        }
        let source = match &reflectors {
            Some(reflectors) => Source::in_cluster(settings, SourceMetrics::uncounted(), &|pick| {
                reflectors.endpoints(pick)
            }),
            None => Source::new(settings),
        };
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                let what = format!("the source \"{name}\" {error}");
                findings.push(Finding::bad(what, "see `leadsman check`"));
                continue;
            }
        };
        if let Some(report) = source.scrape_report().await {
            findings.extend(targets::findings(name.as_str(), report));
            continue;
        }
        match source.report().await {
            Some(report) => findings.extend(controllers::findings(name.as_str(), report)),
            None => findings.push(match ask(&source).await {
                Ok(()) => Finding::good(format!("the source \"{name}\" answers")),
                Err(error) => Finding::bad(format!("the source \"{name}\" {error}"), FROM_A_POD),
            }),
        }
    }
    findings
}

/// What a Prometheus answers.
async fn ask(source: &Source) -> Result<(), QueryError> {
    let (now, tenant) = (clock::now(), &Tenant::default());
    let query = FilledQuery::instant("vector(1)");
    let request = Request { query: &query, max_sample_age: None, now, tenant };
    source.fetch(&request).await.map(drop)
}
