//! Manifests of a cluster, page by page.

use std::time::Duration;

use leadsman_cluster::Cluster;
use leadsman_convert::{API_VERSIONS, Manifests};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::ConvertError;

/// How many objects a page has, and how many pages there are at most.
const PAGE_SIZE: usize = 500;
const MAX_PAGES: usize = 1000;

/// How long a page may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads ScaledObjects and what they refer to. Only the ScaledObjects have to be readable; what else is not
/// is a fault.
pub(super) async fn read(
    cluster: &Cluster,
    namespace: Option<&str>,
    manifests: &mut Manifests,
) -> Result<(), ConvertError> {
    let within = namespace.map_or(String::new(), |name| format!("namespaces/{}/", encoded(name)));
    for version in API_VERSIONS {
        let path = format!("/apis/{version}/{within}scaledobjects");
        if let Err(reason) = list(cluster, &path, manifests).await {
            return Err(ConvertError::Read { what: "ScaledObjects".to_owned(), reason });
        }
        for (plural, within) in [
            ("triggerauthentications", &*within),
            ("clustertriggerauthentications", ""),
            ("scaledjobs", &*within),
        ] {
            let path = format!("/apis/{version}/{within}{plural}");
            if let Err(reason) = list(cluster, &path, manifests).await {
                manifests.fault(format!("cluster: cannot read {plural}: {reason}"));
            }
        }
    }
    let mut has_all = true;
    for plural in ["deployments", "statefulsets"] {
        let path = format!("/apis/apps/v1/{within}{plural}");
        if let Err(reason) = list(cluster, &path, manifests).await {
            has_all = false;
            if manifests.has_environments() {
                manifests.fault(format!("cluster: cannot read {plural}: {reason}"));
            }
        }
    }
    if has_all {
        manifests.has_all_workloads();
    }
    Ok(())
}

/// All objects at a path; none if the cluster has no such kind.
async fn list(cluster: &Cluster, path: &str, manifests: &mut Manifests) -> Result<(), String> {
    let mut next = String::new();
    for _ in 0..MAX_PAGES {
        let page = format!("{path}?limit={PAGE_SIZE}{next}");
        let answer = tokio::time::timeout(TIMEOUT, cluster.get(&page)).await;
        let answer = answer.map_err(|_| format!("no answer within {TIMEOUT:?}"))??;
        let status = answer.status();
        if status == http::StatusCode::NOT_FOUND {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(answer.body())
            .map_err(|_| format!("{status} with an answer that is no JSON"))?;
        if status != http::StatusCode::OK {
            let message = body["message"].as_str().unwrap_or_default();
            return Err(format!("{}: {message}", status.as_u16()));
        }
        let token = body["metadata"]["continue"].as_str().filter(|token| !token.is_empty());
        next = token.map_or(String::new(), |token| format!("&continue={}", encoded(token)));
        manifests.add("cluster", body);
        if next.is_empty() {
            return Ok(());
        }
    }
    Err(format!("there are more than {} of them", MAX_PAGES * PAGE_SIZE))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
