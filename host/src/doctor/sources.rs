//! Do the sources of a configuration answer?

use super::Finding;
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_source::{ControllerReport, FilledQuery, Request, Source, SourceSettings};

/// Asks each source of a configuration for a number that every Prometheus knows.
pub(super) async fn look(origin: &ConfigOrigin, flags: &Flags, cluster: &Cluster) -> Vec<Finding> {
    let parsed = match control::read(origin, flags, Some(cluster)).await {
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
    for (name, source) in &parsed.config.sources {
        if matches!(source, SourceSettings::Recording(_)) {
            continue;
        }
        let asked = match Source::new(source) {
            Ok(source) => ask(&source).await,
            Err(error) => Err(error.to_string()),
        };
        findings.push(match asked {
            Ok(more) => Finding::good(format!("the source \"{name}\" answers{more}")),
            Err(reason) => Finding::bad(
                format!("the source \"{name}\" {reason}"),
                "an address inside the cluster can be reached from a pod only: try it there, with \
                 kubectl exec deployment/leadsman -- /leadsman doctor --config-map NAMESPACE/NAME",
            ),
        });
    }
    findings
}

/// Whether a source answers, and what else there is to say.
async fn ask(source: &Source) -> Result<String, String> {
    if let Some(report) = source.report().await {
        return report.map(|report| described(&report)).map_err(|error| error.to_string());
    }
    let (now, tenant) = (clock::now(), &Tenant::default());
    let query = FilledQuery::instant("vector(1)");
    let request = Request { query: &query, max_sample_age: None, now, tenant };
    source.fetch(&request).await.map(|_| String::new()).map_err(|error| error.to_string())
}

fn described(report: &ControllerReport) -> String {
    let ControllerReport { address, version, pools, of_clusters, newest, listing, metrics } =
        report;
    let version = version.as_deref().unwrap_or("unknown");
    let clusters: Vec<_> = of_clusters
        .iter()
        .map(|(cluster, count)| format!("{count} of cluster {cluster}"))
        .collect();
    let made = match clusters.as_slice() {
        [] => "none with markers of AKO".to_owned(),
        clusters => format!("with markers of AKO: {}", clusters.join(", ")),
    };
    let newest = match newest {
        Some(age) => format!("its newest sample is {}s old", age.as_secs()),
        None => "it has no sample of a pool".to_owned(),
    };
    format!(
        " at {address}, version {version}: {pools} pools, {made}; {newest}; the list of pools took \
         {listing:.1?}, a metric of all pools {metrics:.1?}"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_controller_is_described_in_a_sentence() {
        let report = ControllerReport {
            address: "https://lb".to_owned(),
            version: Some("22.1.3".to_owned()),
            pools: 7,
            of_clusters: BTreeMap::from([("a".to_owned(), 4), ("b".to_owned(), 2)]),
            newest: Some(Duration::from_secs(61)),
            listing: Duration::from_millis(120),
            metrics: Duration::from_millis(80),
        };
        assert_eq!(
            described(&report),
            " at https://lb, version 22.1.3: 7 pools, with markers of AKO: 4 of cluster a, 2 of \
             cluster b; its newest sample is 61s old; the list of pools took 120.0ms, a metric of \
             all pools 80.0ms"
        );
    }
}
