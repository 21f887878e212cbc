//! The metrics endpoint of a load balancer's controller.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::certificates::Authority;
use crate::reply::Reply;
use crate::upstream::Upstream;
use crate::wire::Request;

/// A controller with one pool and one metric. It has a self-signed certificate and requires basic
/// authentication.
pub struct LoadBalancer {
    pool: &'static str,
    metric: &'static str,
    /// The value of each server of the pool.
    values: Arc<Mutex<BTreeMap<String, f64>>>,
    server: Upstream,
}

const PATH: &str = "/api/analytics/prometheus-metrics/pool/";
const NAME: &str = "prometheus";
const PASSWORD: &str = "not-a-secret";

impl LoadBalancer {
    /// A controller whose pool has no servers.
    pub async fn start(pool: &'static str, metric: &'static str) -> Self {
        let values = Arc::new(Mutex::new(BTreeMap::new()));
        let identity = Authority::new("controller-ca").server("controller");
        let nothing = Reply::new(404, "text/plain", "");
        let server = Upstream::start_tls(nothing, identity.server_config(None)).await;
        let credentials = STANDARD.encode(format!("{NAME}:{PASSWORD}"));
        server.require_header("authorization", &format!("Basic {credentials}"));
        let shared = values.clone();
        server.reply_with(move |request| page(request, pool, metric, &shared));
        Self { pool, metric, values, server }
    }

    /// Sets the value of a server of the pool.
    pub fn set(&self, server: &str, value: f64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(server.to_owned(), value);
    }

    /// The entry of a Prometheus' `scrape_configs` for its pool, with the labels of its Service,
    /// given as the inside of a flow mapping.
    pub fn job(&self, labels: &str) -> String {
        let Self { pool, metric, .. } = self;
        let target = self.server.url().replace("https://", "");
        format!(
            "{{job_name: balancer, scheme: https, metrics_path: {PATH}, \
             params: {{entity_name: ['{pool}'], metric_id: ['{metric}']}}, \
             basic_auth: {{username: {NAME}, password: {PASSWORD}}}, \
             tls_config: {{insecure_skip_verify: true}}, \
             static_configs: [{{targets: ['{target}'], labels: {{{labels}}}}}]}}"
        )
    }
}

/// One line for each server. As in the controller's exposition, a comment is not `HELP`, and a
/// space follows each comma.
fn page(
    request: &Request,
    pool: &str,
    metric: &str,
    values: &Mutex<BTreeMap<String, f64>>,
) -> Reply {
    let requested = ["entity_name", "metric_id"].map(|name| request.parameter(name));
    if request.path != PATH {
        return Reply::new(404, "text/plain", "Not Found\n");
    }
    let values = values.lock().unwrap_or_else(PoisonError::into_inner);
    let found = if requested == [Some(pool), Some(metric)] { values.len() } else { 0 };
    let mut text = format!("# Successfully gathered {found} metrics for pool\n");
    let name = format!("avi_{}", metric.replace('.', "_"));
    for (server, value) in values.iter().take(found) {
        let _ = writeln!(
            text,
            r#"{name}{{uuid="pool-4d74", type="pool", tenant="admin", server="{server}", name="{pool}"}} {value:?}"#
        );
    }
    Reply::new(200, "text/plain", text)
}
