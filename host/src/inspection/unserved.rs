//! Groups series that give no metric by reason.

use leadsman_rules::{NoMetricReason, Unserved};

/// The series that give no metric for one reason.
pub(super) struct Group {
    /// The reason.
    pub(super) reason: String,
    /// The series, each with its own details.
    pub(super) series: Vec<String>,
}

/// Groups series by reason, the most frequent one first.
pub(super) fn grouped(unserved: &[Unserved]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Unserved { series, why, .. } in unserved {
        let (reason, details) = parts(why);
        let series = match details {
            Some(details) => format!("{series} ({details})"),
            None => series.to_string(),
        };
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.series.push(series),
            None => groups.push(Group { reason, series: vec![series] }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.series.len()));
    groups
}

/// The reason, which is the same for all series of a group, and the details of this series.
fn parts(why: &NoMetricReason) -> (String, Option<String>) {
    match why {
        NoMetricReason::Name(reason) => {
            ("the metric cannot be called so".to_owned(), Some(reason.clone()))
        }
        NoMetricReason::NoObject(labels) => {
            ("none of its labels names an object".to_owned(), Some(labels.clone()))
        }
        NoMetricReason::Hidden { by, metric } => (
            "another series gives the same metric, and the later one holds".to_owned(),
            Some(format!("{metric} is that of {by}")),
        ),
        NoMetricReason::Filtered(_)
        | NoMetricReason::SeriesName
        | NoMetricReason::NoNamespace { .. }
        | NoMetricReason::NoNamespaceOfExternal => (why.to_string(), None),
    }
}
