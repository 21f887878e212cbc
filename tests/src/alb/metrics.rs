//! Metrics of a controller: of one object, and of many.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::not_found;
use super::objects::{Kind, Pool};
use crate::reply::Reply;
use crate::wire::Request;

/// What a request asks of one object.
struct MetricRequest<'a> {
    metrics: Vec<&'a str>,
    step: u64,
    limit: u64,
    /// Whether points that are missing are made up.
    pads: bool,
    servers: bool,
    gaps: bool,
    behind: u64,
}

/// The families that it knows.
const FAMILIES: [&str; 6] =
    ["l4_server", "l7_server", "l4_client", "l7_client", "healthscore", "se_if"];

/// `GET /api/analytics/metrics/pool/UUID/`, and of other kinds.
pub(super) fn one(
    request: &Request,
    pools: &[Pool],
    (kind, uuid): (Kind, &str),
    gaps: bool,
    behind: u64,
) -> Reply {
    let number = |name: &str, usual: u64| {
        request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let ids = request.parameter("metric_id").unwrap_or_default();
    let asked = MetricRequest {
        metrics: ids.split(',').collect(),
        step: number("step", 5),
        limit: number("limit", 60),
        pads: request.parameter("pad_missing_data") != Some("false"),
        servers: request.parameter("obj_id").is_some(),
        gaps,
        behind,
    };
    if let Some(refusal) = refusal(&asked.metrics).or_else(|| refusal_of_several(kind, &asked)) {
        return refusal;
    }
    let is_meant = |pool: &&Pool| pool.kind() == kind && pool.uuid() == uuid;
    let Some(pool) = pools.iter().find(is_meant) else { return not_found() };
    let series = asked.series(pool);
    Reply::json(200, &json!({"entity_uuid": uuid, "metric_id": ids, "series": series}))
}

/// `POST /api/analytics/metrics/collection`.
pub(super) fn collection(request: &Request, pools: &[Pool], gaps: bool, behind: u64) -> Reply {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let Some(requests) = body["metric_requests"].as_array() else { return not_found() };
    let mut series = serde_json::Map::new();
    for one in requests {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        let asked = MetricRequest {
            metrics: text("metric_id").split(',').collect(),
            step: one["step"].as_u64().unwrap_or(5),
            limit: one["limit"].as_u64().unwrap_or(60),
            pads: one["pad_missing_data"] != false
                && request.parameter("pad_missing_data") != Some("false"),
            servers: text("obj_id") == "*",
            gaps,
            behind,
        };
        if let Some(refusal) = refusal(&asked.metrics) {
            return refusal;
        }
        let Some(kind) = Kind::of_metric_entity(text("metric_entity")) else { continue };
        if let Some(refusal) = refusal_of_several(kind, &asked) {
            return refusal;
        }
        let uuid = text("entity_uuid");
        let is_meant = |pool: &&Pool| pool.kind() == kind && (uuid == "*" || uuid == pool.uuid());
        for pool in pools.iter().filter(is_meant) {
            let list = series.entry(pool.uuid()).or_insert_with(|| json!([]));
            list.as_array_mut().expect("a list").extend(asked.series(pool));
        }
    }
    Reply::json(200, &json!({"series": series}))
}

/// A controller refuses everything for one id that it does not know.
pub(super) fn refusal(metrics: &[&str]) -> Option<Reply> {
    let is_known = |metric: &&str| match metric.split_once('.') {
        Some((family, name)) => FAMILIES.contains(&family) && !name.contains("nonsense"),
        None => false,
    };
    let unknown = metrics.iter().find(|metric| !is_known(metric))?;
    let error = format!("Invalid metric_id {unknown}");
    Some(Reply::json(400, &json!({"error": error})))
}

/// One request is for one metric of service engines, and for several of other kinds.
fn refusal_of_several(kind: Kind, asked: &MetricRequest<'_>) -> Option<Reply> {
    let is_refused = kind == Kind::ServiceEngine && asked.metrics.len() > 1;
    let error = "Only one metric_id is supported for serviceengine";
    is_refused.then(|| Reply::json(400, &json!({"error": error})))
}

impl MetricRequest<'_> {
    fn series(&self, pool: &Pool) -> Vec<Value> {
        let mut all = Vec::new();
        for metric in &self.metrics {
            if self.servers {
                for (server, value) in pool.servers(metric) {
                    let mut header = header(metric, pool);
                    header["server"] = server.into();
                    header["obj_id"] = server.into();
                    all.push(json!({"header": header, "data": self.data(pool, value)}));
                }
            } else if let Some(value) = pool.value(metric) {
                all.push(json!({"header": header(metric, pool), "data": self.data(pool, value)}));
            }
        }
        all
    }

    /// The newest points, oldest first.
    fn data(&self, pool: &Pool, value: f64) -> Vec<Value> {
        let step = self.step.max(1);
        let newest = (now() - self.behind.max(pool.behind())) / step * step;
        let times = (0..self.limit.min(3)).rev().map(|before| newest - before * step);
        let point = |time| match (self.gaps, self.pads) {
            (true, true) => json!({"timestamp": written(time), "value": 0.0, "is_null": true}),
            (true, false) => json!({"timestamp": written(time), "value": null, "is_null": true}),
            (false, _) => json!({"timestamp": written(time), "value": value, "num_samples": 60}),
        };
        times.map(point).collect()
    }
}

fn header(metric: &str, pool: &Pool) -> Value {
    json!({
        "name": metric, "entity_uuid": pool.uuid(), "tenant_uuid": pool.tenant(),
        "units": units(metric), "metrics_sum_agg_invalid": pool.is_sum_invalid(),
    })
}

fn units(metric: &str) -> &'static str {
    match metric {
        metric if metric.ends_with("bandwidth") => "BITS_PER_SECOND",
        metric if metric.ends_with("latency") => "MILLISECONDS",
        _ => "METRIC_COUNT",
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time as a controller writes it: days since the epoch as a date, and the rest.
fn written(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}+00:00", month + 1, days + 1)
}
