//! What may be made of the metrics of an NSX ALB controller. The adapter compiles this file, too, so
//! that both say the same.

/// Whether values of a metric may be added, over servers or over pools: connections, rates and
/// bytes may; averages, latencies, percentages, maxima and scores give a number that means nothing.
pub fn may_be_summed(metric: &str) -> bool {
    let (family, name) = metric.split_once('.').unwrap_or(("", metric));
    let starts =
        ["pct_", "apdex", "max_", "min_", "health_score", "avg_health", "avg_server_count"];
    let within = ["_pool_", "latency", "response_time", "rtt", "_pct", "apdex", "health_score"];
    family != "apdex"
        && !is_health_score(metric)
        && !starts.iter().any(|start| name.starts_with(start))
        && !within.iter().any(|part| name.contains(part))
}

/// Whether a metric is a score of health, which weighs other values and is no load itself.
pub fn is_health_score(metric: &str) -> bool {
    matches!(metric.split('.').next(), Some("healthscore" | "health_score"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_summed_is_told_from_what_must_not() {
        for metric in [
            "l4_server.avg_open_conns",
            "l4_server.avg_bandwidth",
            "l4_client.avg_complete_conns",
            "l7_client.avg_total_requests",
            "l7_server.avg_total_requests",
            "l4_server.avg_rx_bytes",
        ] {
            assert!(may_be_summed(metric), "{metric}");
        }
        for metric in [
            "l4_server.avg_pool_open_conns",
            "l4_server.pct_connection_saturation",
            "l4_server.avg_total_rtt",
            "l7_server.avg_resp_latency",
            "l7_server.avg_application_response_time",
            "l7_server.max_concurrent_sessions",
            "l7_server.apdexr",
            "l4_server.avg_server_count",
            "healthscore.health_score_value",
        ] {
            assert!(!may_be_summed(metric), "{metric}");
        }
    }
}
