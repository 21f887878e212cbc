//! Metrics in the Prometheus format: `GET /api/analytics/prometheus-metrics/pool/`.

use std::fmt::Write as _;

use super::metrics::refusal;
use super::objects::{Kind, Pool};
use crate::reply::Reply;
use crate::wire::Request;

/// The server of a pool that names none.
const SERVER: &str = "10.142.0.32:8080";

/// A line for each server. As a real one: comments that are none of the format, a space after each
/// comma, and no end of the last line.
pub(super) fn page(request: &Request, pools: &[Pool], gaps: bool) -> Reply {
    let list = |name: &str| request.parameter(name).map(|text| text.split(',').collect::<Vec<_>>());
    let metrics = list("metric_id").unwrap_or_default();
    if let Some(refusal) = refusal(&metrics) {
        return refusal;
    }
    let tenants = list("tenant").unwrap_or_else(|| vec!["admin"]);
    let (uuids, names) = (list("entity_id"), list("entity_name"));
    let is_among = |asked: &Option<Vec<&str>>, text: &str| {
        asked.as_ref().is_none_or(|list| list.contains(&text))
    };
    let is_meant = |pool: &&Pool| {
        pool.kind() == Kind::Pool
            && tenants.contains(&pool.tenant())
            && is_among(&uuids, pool.uuid())
            && is_among(&names, pool.name())
    };
    let mut lines = Vec::new();
    for pool in pools.iter().filter(is_meant).filter(|_| !gaps) {
        for metric in &metrics {
            let mut values: Vec<_> = pool.servers(metric).collect();
            if values.is_empty() {
                values.extend(pool.value(metric).map(|value| (SERVER, value)));
            }
            for (server, value) in values {
                lines.push(line(metric, pool, server, value));
            }
        }
    }
    let mut text = format!("# Successfully gathered {} metrics for pool", lines.len());
    for line in lines {
        let _ = write!(text, "\n{line}");
    }
    Reply::new(200, "text/plain", text)
}

fn line(metric: &str, pool: &Pool, server: &str, value: f64) -> String {
    let (uuid, tenant, name) = (pool.uuid(), pool.tenant(), pool.name());
    format!(
        "avi_{}{{uuid=\"{uuid}\", type=\"pool\", tenant=\"{tenant}\", server=\"{server}\", \
         name=\"{name}\"}} {value:?}",
        metric.replace('.', "_")
    )
}
