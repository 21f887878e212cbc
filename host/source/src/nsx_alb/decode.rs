//! Decodes metrics of a controller.

use std::collections::HashMap;

use serde::Deserialize;

use super::timestamp;

/// The newest sample of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The uuid of the object.
    pub(super) entity: String,
    /// The id of the metric.
    pub(super) metric: String,
    /// The server of the pool, if the series is of one.
    pub(super) server: Option<String>,
    /// What the value is counted in, e.g. `BITS_PER_SECOND`.
    pub(super) unit: Option<String>,
    /// Whether the controller says that values of the metric must not be added.
    pub(super) sum_invalid: bool,
    /// When it was taken, in milliseconds since the epoch.
    pub(super) time: i64,
    pub(super) value: f64,
}

#[derive(Deserialize)]
struct EntityResponse {
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct CollectionResponse {
    series: HashMap<String, Vec<Series>>,
}

#[derive(Deserialize)]
struct Series {
    header: Header,
    #[serde(default)]
    data: Vec<Point>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    entity_uuid: Option<String>,
    server: Option<String>,
    obj_id: Option<String>,
    units: Option<String>,
    metrics_sum_agg_invalid: Option<bool>,
}

#[derive(Deserialize)]
struct Point {
    timestamp: String,
    value: Option<f64>,
    #[serde(default)]
    is_null: bool,
    num_samples: Option<f64>,
}

/// The answer for one object.
pub(super) fn one(body: &[u8], uuid: &str, now: i64) -> Result<Vec<Row>, String> {
    let one: EntityResponse = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    rows(one.series.into_iter().map(|series| (uuid.to_owned(), series)), now)
}

/// The answer of a collection. The key of its map is the uuid, or an id that a request chose; none
/// does.
pub(super) fn many(body: &[u8], now: i64) -> Result<Vec<Row>, String> {
    let many: CollectionResponse =
        serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let all = many.series.into_iter();
    rows(all.flat_map(|(uuid, list)| list.into_iter().map(move |one| (uuid.clone(), one))), now)
}

fn rows(series: impl Iterator<Item = (String, Series)>, now: i64) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (uuid, Series { header, data }) in series {
        let Some((time, value)) = newest(&data, now)? else { continue };
        let server = [header.server, header.obj_id].into_iter().flatten();
        rows.push(Row {
            entity: header.entity_uuid.filter(|uuid| !uuid.is_empty()).unwrap_or(uuid),
            metric: header.name,
            server: server.into_iter().find(|server| !server.is_empty()),
            unit: header.units.filter(|unit| !unit.is_empty()),
            sum_invalid: header.metrics_sum_agg_invalid.unwrap_or_default(),
            time,
            value,
        });
    }
    Ok(rows)
}

/// The newest sample that was taken. What a controller makes up is none: points without a sample,
/// null ones, and predictions, which lie in the future.
fn newest(data: &[Point], now: i64) -> Result<Option<(i64, f64)>, String> {
    let mut newest = None;
    for point in data {
        let made_up = point.is_null || point.num_samples.is_some_and(|count| count <= 0.0);
        let Some(value) = point.value.filter(|_| !made_up) else { continue };
        let time = timestamp::parse(&point.timestamp)
            .ok_or_else(|| format!("\"{}\" is not a time", point.timestamp))?;
        if time <= now.saturating_add(CLOCK_SKEW) && newest.is_none_or(|(last, _)| last < time) {
            newest = Some((time, value));
        }
    }
    Ok(newest)
}

/// How far the controller's clock may be ahead, in milliseconds. Predictions are further.
const CLOCK_SKEW: i64 = 120_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2026-01-01T00:10:00Z.
    const NOW: i64 = 1_767_226_200_000;

    fn body(data: serde_json::Value) -> Vec<u8> {
        let header = json!({
            "name": "l4_server.avg_open_conns", "entity_uuid": "pool-1", "tenant_uuid": "admin",
            "units": "METRIC_COUNT", "metrics_sum_agg_invalid": false,
        });
        json!({"entity_uuid": "pool-1", "metric_id": "l4_server.avg_open_conns", "series": [
            {"header": header, "data": data}]})
        .to_string()
        .into_bytes()
    }

    fn point(time: &str, value: f64) -> serde_json::Value {
        json!({"timestamp": format!("2026-01-01T00:{time}:00+00:00"), "value": value})
    }

    #[test]
    fn the_newest_sample_is_taken_with_its_time_and_unit() {
        let rows = one(&body(json!([point("05", 2.5), point("00", 1.0)])), "pool-1", NOW).unwrap();
        let expected = Row {
            entity: "pool-1".to_owned(),
            metric: "l4_server.avg_open_conns".to_owned(),
            server: None,
            unit: Some("METRIC_COUNT".to_owned()),
            sum_invalid: false,
            time: NOW - 300_000,
            value: 2.5,
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn what_a_controller_makes_up_is_absence() {
        let mut nulled = point("05", 0.0);
        nulled["is_null"] = true.into();
        let mut padded = point("05", 0.0);
        padded["num_samples"] = 0.into();
        let mut without = point("05", 0.0);
        without["value"] = serde_json::Value::Null;
        let prediction = point("59", 7.0);
        for data in
            [json!([nulled]), json!([padded]), json!([without]), json!([prediction]), json!([])]
        {
            assert_eq!(one(&body(data.clone()), "pool-1", NOW).unwrap(), [], "{data}");
        }
        // The point before such a one is what there is.
        let rows =
            one(&body(json!([point("00", 3.0), nulled, prediction])), "pool-1", NOW).unwrap();
        assert_eq!((rows[0].value, rows[0].time), (3.0, NOW - 600_000));
    }

    #[test]
    fn a_collection_is_a_map_by_uuid_with_a_series_for_each_server() {
        let series =
            |header: serde_json::Value| json!({"header": header, "data": [point("05", 1.0)]});
        let metric = "l4_server.avg_open_conns";
        let body = json!({"series": {
            "pool-1": [
                series(json!({"name": metric, "server": "10.0.0.1:80"})),
                series(json!({"name": metric, "obj_id": "10.0.0.2:80"})),
                series(json!({"name": metric, "obj_id": ""})),
            ],
            "pool-2": [],
        }});
        let mut rows = many(body.to_string().as_bytes(), NOW).unwrap();
        rows.sort_by(|one, other| one.server.cmp(&other.server));
        let servers: Vec<_> =
            rows.iter().map(|row| (row.entity.as_str(), row.server.as_deref())).collect();
        assert_eq!(
            servers,
            [("pool-1", None), ("pool-1", Some("10.0.0.1:80")), ("pool-1", Some("10.0.0.2:80"))]
        );
    }

    #[test]
    fn what_must_not_be_summed_is_marked() {
        let text = String::from_utf8(body(json!([point("05", 1.0)]))).unwrap();
        for (mark, expected) in [("true", true), ("false", false), ("null", false)] {
            let marked = text.replace("invalid\":false", &format!("invalid\":{mark}"));
            let rows = one(marked.as_bytes(), "pool-1", NOW).unwrap();
            assert_eq!(rows[0].sum_invalid, expected, "{marked}");
        }
    }

    #[test]
    fn what_is_no_result_is_told() {
        assert!(one(b"{}", "pool-1", NOW).unwrap_err().contains("series"));
        assert!(many(b"[]", NOW).is_err());
        let wrong = body(json!([{"timestamp": "yesterday", "value": 1}]));
        assert_eq!(one(&wrong, "pool-1", NOW).unwrap_err(), "\"yesterday\" is not a time");
    }
}
