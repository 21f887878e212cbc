//! Do the sources of a configuration answer?

use super::Finding;
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_source::SourceSettings;
use leadsman_source::{Request, Source};

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
        if !matches!(source, SourceSettings::Prometheus(_)) {
            continue;
        }
        let asked = match Source::new(source) {
            Ok(source) => {
                let (now, tenant) = (clock::now(), &Tenant::default());
                let request = Request { promql: "vector(1)", range: None, now, tenant };
                source.fetch(&request).await.map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        findings.push(match asked {
            Ok(()) => Finding::good(format!("the source \"{name}\" answers")),
            Err(reason) => Finding::bad(
                format!("the source \"{name}\" {reason}"),
                "an address inside the cluster can be reached from a pod only: try it there, with \
                 kubectl exec deployment/leadsman -- /leadsman doctor --config-map NAMESPACE/NAME",
            ),
        });
    }
    findings
}
