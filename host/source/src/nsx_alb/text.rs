//! Metrics in the Prometheus format of a controller: the request, and the parsing of its page. Its samples
//! have no times and no units.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::decode::Row;
use super::query::Entity;
use super::request::Target;
use super::series_cache::Key;
use super::settings::Step;
use crate::exposition::parse::{Format, PageError, PageLimits, PageReader, Sample};

/// What a page may have. A series is that of a metric of a server of a pool.
const LIMITS: PageLimits = PageLimits { series: 200_000, labels: 64 };

/// How many metrics, and how many objects, a URL names: proxies limit it to 2 to 8 KiB.
const MAX_METRICS: usize = 20;
const MAX_OBJECTS: usize = 10;

/// What a controller says where it has no metrics: absence.
const NOTHING: &[u8] = b"Successfully gathered 0 metrics";

/// Metrics of one family, of some objects or of all of a kind. Each server of a pool has series of its
/// own in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextRequest {
    pub(super) entity: Entity,
    /// The uuids; empty for all.
    pub(super) objects: Vec<Arc<str>>,
    pub(super) step: Step,
    pub(super) metrics: Vec<Arc<str>>,
}

/// What is to be asked for some keys: by family, as few requests as there can be.
pub(super) fn requests(keys: &[Key]) -> Vec<TextRequest> {
    let mut groups = BTreeMap::<_, (BTreeSet<_>, Option<BTreeSet<_>>)>::new();
    for key in keys {
        let family = key.metric.split('.').next().unwrap_or_default();
        let single = (!key.entity.takes_many_metrics()).then_some(&key.metric);
        let of = (key.entity, key.step, family, single);
        let none = || (BTreeSet::new(), Some(BTreeSet::new()));
        let (metrics, objects) = groups.entry(of).or_insert_with(none);
        metrics.insert(key.metric.clone());
        match (&key.target, objects.as_mut()) {
            (Target::One(uuid), Some(known)) => {
                known.insert(uuid.clone());
            }
            _ => *objects = None,
        }
    }
    let mut requests = Vec::new();
    for ((entity, step, ..), (metrics, objects)) in groups {
        let objects = objects.filter(|objects| objects.len() <= MAX_OBJECTS).unwrap_or_default();
        let objects: Vec<_> = objects.into_iter().collect();
        let metrics: Vec<_> = metrics.into_iter().collect();
        requests.extend(metrics.chunks(MAX_METRICS).map(|metrics| TextRequest {
            entity,
            objects: objects.clone(),
            step,
            metrics: metrics.to_vec(),
        }));
    }
    requests
}

/// The series of a page that are of the metrics that were requested. `now` is the time of samples,
/// which have none of their own.
pub(super) fn rows(page: &[u8], metrics: &[Arc<str>], now: i64) -> Result<Vec<Row>, String> {
    let names: BTreeMap<String, &Arc<str>> =
        metrics.iter().map(|metric| (name(metric), metric)).collect();
    let mut rows = Vec::new();
    let mut known = HashSet::new();
    let mut fault = None;
    let mut other = None;
    let mut take = |sample: Sample<'_>| {
        if fault.is_some() {
            return;
        }
        let Some(metric) = names.get(&*sample.name) else {
            other.get_or_insert_with(|| sample.name.to_string());
            return;
        };
        match row(&sample, metric, now) {
            Ok(row) => {
                if known.insert((row.metric.clone(), row.entity.clone(), row.server.clone())) {
                    rows.push(row);
                } else {
                    fault = Some(twice(&sample.name, &row));
                }
            }
            Err(reason) => fault = Some(reason),
        }
    };
    let mut reader = PageReader::new(Format::Text, LIMITS);
    let read = reader.feed(page, &mut take).and_then(|()| reader.end(&mut take));
    read.map_err(reported)?;
    match (fault, other) {
        (Some(fault), _) => Err(fault),
        (None, Some(other)) if rows.is_empty() => {
            let asked = names.into_keys().next().unwrap_or_default();
            Err(format!("it has series of {other} and none of {asked}, which was asked for"))
        }
        (None, None) if rows.is_empty() && !says_nothing(page) => Err(
            "it has neither series nor the comment that a controller writes where there are none"
                .to_owned(),
        ),
        _ => Ok(rows),
    }
}

/// The name of a metric's series.
fn name(metric: &str) -> String {
    format!("avi_{}", metric.replace('.', "_"))
}

fn row(sample: &Sample<'_>, metric: &Arc<str>, now: i64) -> Result<Row, String> {
    let label = |wanted: &str| {
        let mut labels = sample.labels.iter();
        let found = labels.find(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.to_string())
    };
    let entity = label("uuid").ok_or_else(|| {
        format!("a series of {} has no label uuid, so it is of no object", sample.name)
    })?;
    Ok(Row {
        entity,
        metric: metric.to_string(),
        server: label("server"),
        unit: None,
        // The text does not say.
        sum_invalid: false,
        time: sample.time.unwrap_or(now),
        value: sample.value,
    })
}

fn twice(name: &str, row: &Row) -> String {
    let of = if row.server.is_some() { "one server of the object" } else { "the object" };
    format!("{name} is there twice for {of} {}", row.entity)
}

/// Why a page cannot be read. Teams read it, so it quotes nothing of the page: a line may be of
/// somebody else.
fn reported(error: PageError) -> String {
    match error {
        PageError::Line { line, reason, excerpt } => {
            tracing::debug!(line, excerpt, "the line of the controller that cannot be read");
            format!("line {line}: {reason}")
        }
        PageError::TooManySeries { limit } => {
            format!("it has more than {limit} series; use a tenant with fewer objects")
        }
        PageError::TooManyLabels { line, limit } => {
            format!("line {line} has more than {limit} labels")
        }
        PageError::LineTooLong { .. }
        | PageError::NoEnd
        | PageError::Family { .. }
        | PageError::CutOff { .. }
        | PageError::TooManyFamilyLabels { .. } => error.to_string(),
    }
}

/// Whether a page without series says itself that there are none.
fn says_nothing(page: &[u8]) -> bool {
    let mut lines = page.split(|byte| *byte == b'\n');
    lines.any(|line| {
        let comment = line.strip_prefix(b"#");
        comment.is_some_and(|text| text.trim_ascii_start().starts_with(NOTHING))
    })
}

#[cfg(test)]
mod tests {
    use super::super::series_cache::tests::key;
    use super::*;

    const ID: &str = "l4_server.avg_open_conns";
    const NOW: i64 = 7000;

    fn read(page: &str) -> Result<Vec<Row>, String> {
        rows(page.as_bytes(), &[ID.into()], NOW)
    }

    #[test]
    fn each_server_has_a_series_and_the_last_line_may_have_no_end() {
        let rows = read(concat!(
            "# Successfully gathered 2 metrics for pool\n",
            "avi_l4_server_avg_open_conns{uuid=\"pool-4d74\", type=\"pool\", tenant=\"admin\", ",
            "server=\"10.142.0.32:8080\", name=\"server-pool-1\"} 3.5\n",
            "avi_l4_server_avg_open_conns{uuid=\"pool-4d74\", type=\"pool\", tenant=\"admin\", ",
            "server=\"\", name=\"server-pool-1\"} NaN",
        ))
        .unwrap();
        let reported: Vec<_> =
            rows.iter().map(|row| (&*row.entity, row.server.as_deref(), row.time)).collect();
        assert_eq!(
            reported,
            [("pool-4d74", Some("10.142.0.32:8080"), NOW), ("pool-4d74", None, NOW)]
        );
        assert_eq!((rows[0].metric.as_str(), rows[0].value), (ID, 3.5));
        // What stands for it is the mapping's to say.
        assert!(rows[1].value.is_nan());
    }

    #[test]
    fn no_metrics_are_absence_and_nothing_at_all_is_an_error() {
        assert_eq!(read("# Successfully gathered 0 metrics for pool").unwrap(), []);
        for page in ["", "\n", "# Successfully gathered 7 metrics for pool\n"] {
            assert!(read(page).unwrap_err().contains("neither series nor the comment"), "{page:?}");
        }
    }

    #[test]
    fn what_is_no_page_is_told() {
        let one = "avi_l4_server_avg_open_conns{uuid=\"pool-1\", server=\"a:1\"} 1\n";
        for (page, reason) in [
            (
                format!("{one}{one}"),
                "avi_l4_server_avg_open_conns is there twice for one server of the object pool-1",
            ),
            (one.replace("uuid", "id"), "no label uuid"),
            (
                one.replace("open_conns", "closed_conns"),
                "it has series of avi_l4_server_avg_closed_conns and none of \
                 avi_l4_server_avg_open_conns",
            ),
            (one.replace("} 1", "} one"), "line 1"),
            (one.replace("\"a:1\"}", "\"a:1}"), "a quoted value has no end"),
        ] {
            let reported = read(&page).unwrap_err();
            assert!(
                reported.contains(reason) && !reported.contains("a:1"),
                "{reason:?} in {reported}"
            );
        }
        // Further metrics do not matter.
        let both = format!("{one}{}", one.replace("open_conns", "closed_conns"));
        assert_eq!(read(&both).unwrap().len(), 1);
    }

    #[test]
    fn series_without_end_are_refused() {
        let mut page = String::new();
        for number in 0..=LIMITS.series {
            page.push_str(&format!("avi_l4_server_avg_open_conns{{uuid=\"p-{number}\"}} 1\n"));
        }
        let reported = read(&page).unwrap_err();
        assert_eq!(reported, "it has more than 200000 series; use a tenant with fewer objects");
    }

    #[test]
    fn a_hundred_objects_are_one_request_that_names_none() {
        let of = |count: usize| {
            let key = |number| key(Entity::Pool, &format!("pool-{number}"), ID);
            requests(&(0..count).map(key).collect::<Vec<_>>())
        };
        let few = of(2);
        let texts = |list: &[Arc<str>]| list.join(" ");
        assert_eq!(texts(&few[0].objects), "pool-0 pool-1");
        assert_eq!((few.len(), texts(&few[0].metrics)), (1, ID.to_owned()));
        let many = of(100);
        assert_eq!((many.len(), many[0].objects.len()), (1, 0));
        let all = requests(&[key(Entity::Pool, "pool-1", ID), key(Entity::Pool, "*", ID)]);
        assert_eq!((all.len(), all[0].objects.len()), (1, 0));
    }

    #[test]
    fn metrics_are_asked_for_by_family_and_those_of_service_engines_one_by_one() {
        let of = |entity, ids: &[&str]| {
            let keys: Vec<_> = ids.iter().map(|id| key(entity, "*", id)).collect();
            requests(&keys).into_iter().map(|one| one.metrics.len()).collect::<Vec<_>>()
        };
        assert_eq!(of(Entity::Pool, &[ID, "l4_server.avg_bandwidth", "l7_server.avg_x"]), [2, 1]);
        assert_eq!(of(Entity::ServiceEngine, &["se_if.avg_a", "se_if.avg_b"]), [1, 1]);
        let many: Vec<_> = (0..50).map(|number| format!("l4_server.avg_{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(of(Entity::Pool, &many), [20, 20, 10]);
    }
}
