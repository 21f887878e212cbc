//! Series that give nothing, grouped by why.

use leadsman_rules::{Unserved, Why};

/// The series that give nothing for one reason.
pub(super) struct Reason {
    /// The reason.
    pub(super) why: String,
    /// Each series, with what is said of it alone.
    pub(super) series: Vec<String>,
}

/// Groups series by why they give nothing, the most frequent reason first.
pub(super) fn grouped(unserved: &[Unserved]) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for Unserved { series, why, .. } in unserved {
        let (reason, about) = parts(why);
        let series = match about {
            Some(about) => format!("{series} ({about})"),
            None => series.to_string(),
        };
        match reasons.iter_mut().find(|known| known.why == reason) {
            Some(known) => known.series.push(series),
            None => reasons.push(Reason { why: reason, series: vec![series] }),
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.series.len()));
    reasons
}

/// What is the same for all series of a reason, and what is said of this one.
fn parts(why: &Why) -> (String, Option<String>) {
    match why {
        Why::Name(reason) => ("the metric cannot be called so".to_owned(), Some(reason.clone())),
        Why::NoObject(labels) => {
            ("none of its labels names an object".to_owned(), Some(labels.clone()))
        }
        Why::Hidden { by, metric } => (
            "another series gives the same metric, and the later one holds".to_owned(),
            Some(format!("{metric} is that of {by}")),
        ),
        Why::Filtered(_)
        | Why::SeriesName
        | Why::NoNamespace { .. }
        | Why::NoNamespaceOfExternal => (why.to_string(), None),
    }
}
