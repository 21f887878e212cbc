//! The Events on an autoscaler within the last hour, of its controller and of the adapter: when it was
//! scaled and why, and since when a metric could not be read. kube-apiserver keeps Events for about an hour.

use k8s_openapi::jiff::Timestamp;
use leadsman_cluster::Cluster;
use serde::Serialize;
use serde_json::Value;

use super::readings;
use super::requests::segment;

/// How far back, in milliseconds.
const LOOKBACK_MS: i64 = 3600 * 1000;

/// The most Events that are requested, and of these the newest that are shown.
const MAX_LISTED: usize = 500;
const MAX_SHOWN: usize = 30;

/// Something that was reported, perhaps several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PastEvent {
    /// When it was reported last.
    pub(super) time: String,
    /// How often.
    pub(super) times: u64,
    /// In one word.
    pub(super) reason: String,
    /// In words.
    pub(super) message: String,
}

/// What was reported on an autoscaler, the oldest first. The error is for people.
pub(super) async fn past(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    now: i64,
) -> Result<Vec<PastEvent>, String> {
    let path = format!(
        "/api/v1/namespaces/{}/events?limit={MAX_LISTED}&fieldSelector=involvedObject.kind%3D\
         HorizontalPodAutoscaler%2CinvolvedObject.name%3D{}",
        segment(namespace),
        segment(name)
    );
    readings::get(cluster, &path).await.map(|answer| of_list(&answer.body, now))
}

fn of_list(list: &Value, now: i64) -> Vec<PastEvent> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut reported: Vec<_> = items.iter().filter_map(of_event).collect();
    reported.retain(|(at, _)| now.saturating_sub(*at) <= LOOKBACK_MS);
    reported.sort_by_key(|(at, _)| *at);
    let older = reported.len().saturating_sub(MAX_SHOWN);
    reported.into_iter().skip(older).map(|(_, past)| past).collect()
}

/// An Event, as either API writes it, with its last time in milliseconds since 1970.
fn of_event(event: &Value) -> Option<(i64, PastEvent)> {
    let series = &event["series"];
    let times = [
        &series["lastObservedTime"],
        &event["lastTimestamp"],
        &event["eventTime"],
        &event["metadata"]["creationTimestamp"],
    ];
    let time = times.into_iter().find_map(Value::as_str)?;
    let at = time.parse::<Timestamp>().ok()?.as_millisecond();
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let count = series["count"].as_u64().or_else(|| event["count"].as_u64());
    let past = PastEvent {
        time: time.to_owned(),
        times: count.unwrap_or(1).max(1),
        reason: text("reason"),
        message: text("message"),
    };
    Some((at, past))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_hour_is_told_from_its_beginning() {
        let event = |reason: &str, times: Value| {
            let mut event = json!({"reason": reason, "message": format!("{reason} happened")});
            if let (Some(event), Value::Object(times)) = (event.as_object_mut(), times) {
                event.extend(times);
            }
            event
        };
        let list = json!({"items": [
            event("New", json!({"eventTime": "2026-01-01T10:59:00.123456Z", "lastTimestamp": null})),
            event("Often", json!({"lastTimestamp": "2026-01-01T10:30:00Z", "count": 4})),
            event("Series", json!({
                "eventTime": "2026-01-01T08:00:00.000000Z",
                "series": {"count": 7, "lastObservedTime": "2026-01-01T10:40:00.000000Z"},
            })),
            event("Old", json!({"lastTimestamp": "2026-01-01T09:59:59Z"})),
            event("Never", json!({})),
        ]});
        let now = "2026-01-01T11:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        let reported = of_list(&list, now);
        let short: Vec<_> =
            reported.iter().map(|past| (past.reason.as_str(), past.times)).collect();
        assert_eq!(short, [("Often", 4), ("Series", 7), ("New", 1)]);
        assert_eq!(reported[2].message, "New happened");
        let many: Vec<_> = (0..100)
            .map(|_| event("Many", json!({"lastTimestamp": "2026-01-01T10:30:00Z"})))
            .collect();
        assert_eq!(of_list(&json!({"items": many}), now).len(), MAX_SHOWN);
    }
}
