//! The report of a comparison.

use std::fmt;

use super::super::count;
use super::differences::{Difference, DifferenceKind};

/// The maximum number of differences that are shown.
const MAX_SHOWN: usize = 200;

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The other adapter.
    pub with: String,
    /// The faults of our configuration.
    pub faults: Vec<String>,
    /// The number of metrics that both have.
    pub both: usize,
    /// The number of values of the other adapter that were compared.
    pub values: usize,
    /// Metrics that only we have.
    pub only_here: Vec<String>,
    /// Metrics that only the other adapter has, each with the reason why we do not.
    pub only_there: Vec<(String, String)>,
    pub(super) differences: Vec<Difference>,
}

impl Comparison {
    /// Whether there is no difference.
    pub fn is_same(&self) -> bool {
        self.faults.is_empty()
            && self.only_here.is_empty()
            && self.only_there.is_empty()
            && !self.differences.iter().any(|difference| difference.what.is_difference())
    }

    fn summary(&self) -> String {
        let many = |which: &dyn Fn(&DifferenceKind) -> bool| {
            self.differences.iter().filter(|difference| which(&difference.what)).count()
        };
        let neither = many(&|what| !what.is_difference());
        let disagree =
            many(&|what| matches!(what, DifferenceKind::OnlyTheirs { disagree: true, .. }));
        let parts = [
            (
                many(&|what| matches!(what, DifferenceKind::Values { .. })),
                "value differs",
                "values differ",
            ),
            (
                many(&|what| matches!(what, DifferenceKind::OnlyOurs { .. })),
                "value only here",
                "values only here",
            ),
            (
                many(&|what| matches!(what, DifferenceKind::OnlyTheirs { .. })),
                "value only there",
                "values only there",
            ),
            (
                many(&|what| matches!(what, DifferenceKind::Failed { .. }) && what.is_difference()),
                "read fails on one side",
                "reads fail on one side",
            ),
            (
                neither,
                "read without a value on either side",
                "reads without a value on either side",
            ),
            (self.only_here.len(), "metric only here", "metrics only here"),
            (self.only_there.len(), "metric only there", "metrics only there"),
        ];
        let parts = parts.into_iter().filter(|(number, ..)| *number > 0);
        let mut parts: Vec<_> = parts.map(|(number, one, many)| count(number, one, many)).collect();
        if self.is_same() {
            parts.insert(0, "no difference".to_owned());
        }
        let mut summary = format!(
            "{} and {} of both read: {}",
            count(self.both, "metric", "metrics"),
            count(self.values, "value", "values"),
            parts.join(", ")
        );
        if disagree > 0 {
            summary.push_str(&format!(
                "\n{} of several series that disagree, of which the other one takes any; \
                 `discovery.onSeveral` says which one is taken here",
                count(disagree, "value only there is", "values only there are")
            ));
        }
        summary
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Compared with {}", self.with)?;
        for faults in &self.faults {
            writeln!(f, "\n{faults}")?;
        }
        if !self.only_there.is_empty() {
            writeln!(f, "\nMetrics only there")?;
            for (metric, why) in self.only_there.iter().take(MAX_SHOWN) {
                writeln!(f, "  {metric}\n      {why}")?;
            }
            rest(f, self.only_there.len())?;
        }
        if !self.only_here.is_empty() {
            writeln!(f, "\nMetrics only here")?;
            for metric in self.only_here.iter().take(MAX_SHOWN) {
                writeln!(f, "  {metric}")?;
            }
            rest(f, self.only_here.len())?;
        }
        let mut shown = 0;
        let mut left = self.differences.as_slice();
        while let Some(Difference { metric, scope, what }) = left.first() {
            shown += 1;
            if shown > MAX_SHOWN {
                break;
            }
            let is_alike = |other: &&Difference| {
                other.metric == *metric
                    && (what.is_failed() && other.what.is_failed())
                    && what.is_difference() == other.what.is_difference()
            };
            let alike = left.iter().take_while(is_alike).count();
            let is_same_read =
                |other: &&Difference| other.metric == *metric && other.scope == *scope;
            let here = left.iter().take_while(is_same_read).count();
            let at = scope.namespace.as_ref();
            let at = at.map_or(String::new(), |namespace| format!(" in {namespace}"));
            writeln!(f, "\n{metric}{at}")?;
            for Difference { what, .. } in &left[..here] {
                writeln!(f, "{what}")?;
            }
            // A read that fails usually fails in the same way in all namespaces.
            if alike > here {
                let more = alike - here;
                writeln!(f, "  and in {}", count(more, "namespace more", "namespaces more"))?;
            }
            left = &left[alike.max(here)..];
        }
        if !left.is_empty() {
            writeln!(f, "\nand {} more", count(left.len(), "difference", "differences"))?;
        }
        writeln!(f, "\n{}", self.summary())
    }
}

impl DifferenceKind {
    fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { ours, theirs } => {
                let reported = |side: &Result<usize, String>| match side {
                    Ok(values) => count(*values, "value", "values"),
                    Err(reason) => reason.clone(),
                };
                write!(f, "  here   {}\n  there  {}", reported(ours), reported(theirs))
            }
            Self::OnlyOurs { of, value } => write!(f, "  {of}: only here, {value}"),
            Self::OnlyTheirs { of, value, why, .. } => {
                write!(f, "  {of}: only there, {value}")?;
                why.iter().try_for_each(|why| write!(f, "\n      here: {why}"))
            }
            Self::Values { of, ours: [before, after], theirs } if before == after => {
                write!(f, "  {of}: here {before}, there {theirs}")
            }
            Self::Values { of, ours: [before, after], theirs } => {
                write!(f, "  {of}: here {before}, then {after}; there {theirs}")
            }
        }
    }
}

fn rest(f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    match all.saturating_sub(MAX_SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}
