//! What a comparison found, for people.

use std::fmt;

use super::super::count;
use super::differences::{Difference, What};

/// The most differences that are shown.
const SHOWN: usize = 200;

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Comparison {
    /// With whom.
    pub with: String,
    /// What is wrong with our configuration.
    pub faults: Vec<String>,
    /// How many metrics both have.
    pub both: usize,
    /// How many values of the other one were looked at.
    pub values: usize,
    /// Metrics that only ours has.
    pub only_here: Vec<String>,
    /// Metrics that only the other one has, each with why ours does not.
    pub only_there: Vec<(String, String)>,
    pub(super) differences: Vec<Difference>,
}

impl Comparison {
    /// Whether both answer the same.
    pub fn is_same(&self) -> bool {
        self.faults.is_empty()
            && self.only_here.is_empty()
            && self.only_there.is_empty()
            && !self.differences.iter().any(|difference| difference.what.is_difference())
    }

    fn summary(&self) -> String {
        let many = |which: &dyn Fn(&What) -> bool| {
            self.differences.iter().filter(|difference| which(&difference.what)).count()
        };
        let neither = many(&|what| !what.is_difference());
        let disagree = many(&|what| matches!(what, What::OnlyThere { disagree: true, .. }));
        let parts = [
            (many(&|what| matches!(what, What::Values { .. })), "value differs", "values differ"),
            (
                many(&|what| matches!(what, What::OnlyHere { .. })),
                "value only here",
                "values only here",
            ),
            (
                many(&|what| matches!(what, What::OnlyThere { .. })),
                "value only there",
                "values only there",
            ),
            (
                many(&|what| matches!(what, What::Unread { .. }) && what.is_difference()),
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
            for (metric, why) in self.only_there.iter().take(SHOWN) {
                writeln!(f, "  {metric}\n      {why}")?;
            }
            rest(f, self.only_there.len())?;
        }
        if !self.only_here.is_empty() {
            writeln!(f, "\nMetrics only here")?;
            for metric in self.only_here.iter().take(SHOWN) {
                writeln!(f, "  {metric}")?;
            }
            rest(f, self.only_here.len())?;
        }
        let mut shown = 0;
        let mut left = self.differences.as_slice();
        while let Some(Difference { metric, place, what }) = left.first() {
            shown += 1;
            if shown > SHOWN {
                break;
            }
            let is_alike = |other: &&Difference| {
                other.metric == *metric
                    && (what.is_unread() && other.what.is_unread())
                    && what.is_difference() == other.what.is_difference()
            };
            let alike = left.iter().take_while(is_alike).count();
            let is_here = |other: &&Difference| other.metric == *metric && other.place == *place;
            let here = left.iter().take_while(is_here).count();
            let at = place.namespace.as_ref();
            let at = at.map_or(String::new(), |namespace| format!(" in {namespace}"));
            writeln!(f, "\n{metric}{at}")?;
            for Difference { what, .. } in &left[..here] {
                writeln!(f, "{what}")?;
            }
            // An answer that fails fails alike in all namespaces.
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

impl What {
    fn is_unread(&self) -> bool {
        matches!(self, Self::Unread { .. })
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread { ours, theirs } => {
                let told = |side: &Result<usize, String>| match side {
                    Ok(values) => count(*values, "value", "values"),
                    Err(reason) => reason.clone(),
                };
                write!(f, "  here   {}\n  there  {}", told(ours), told(theirs))
            }
            Self::OnlyHere { of, value } => write!(f, "  {of}: only here, {value}"),
            Self::OnlyThere { of, value, why, .. } => {
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
    match all.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}
