//! An inspection as text.

use std::fmt;

use super::notes::notes;
use super::unserved::grouped;
use super::{InspectedMetric, InspectedRule, Inspection, count};

/// The maximum number of metrics shown for a rule, without `--all`.
const MAX_METRICS: usize = 12;

/// The maximum number of series shown for a reason, without `--all`.
const MAX_SERIES: usize = 3;

/// An inspection as text.
pub struct InspectionText<'a> {
    /// The inspection.
    pub inspection: &'a Inspection,
    /// Whether everything is shown, or examples only.
    pub all: bool,
}

impl fmt::Display for InspectionText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inspection = self.inspection;
        if let Some(faults) = &inspection.faults {
            writeln!(f, "{faults}\n")?;
        }
        let Some(source) = &inspection.source else {
            return write!(f, "{} has no rules that can be looked at", inspection.document);
        };
        writeln!(
            f,
            "{}: {}, for series with samples in the last {:?} of the source \"{source}\"",
            inspection.document,
            count(inspection.rules.len(), "rule", "rules"),
            inspection.max_age,
        )?;
        for rule in &inspection.rules {
            writeln!(f)?;
            self.rule(f, rule)?;
        }
        if !inspection.resource_queries.is_empty() {
            writeln!(f)?;
            self.resource_rules(f)?;
        }
        writeln!(f, "\nTo know before a switch")?;
        for note in notes(inspection) {
            writeln!(f, "  - {note}")?;
        }
        writeln!(f, "\n{}", self.summary())?;
        match inspection.warnings() {
            0 => Ok(()),
            number => writeln!(f, "{}", count(number, "warning", "warnings")),
        }
    }
}

impl InspectionText<'_> {
    fn rule(&self, f: &mut fmt::Formatter<'_>, rule: &InspectedRule) -> fmt::Result {
        writeln!(f, "{}  {}", rule.place, one_line(&rule.series_query))?;
        for fault in &rule.faults {
            writeln!(f, "  FAULT: {fault}")?;
        }
        for fault in &rule.possible_faults {
            writeln!(f, "  perhaps a fault: {fault}")?;
        }
        match &rule.series {
            Err(reason) => return writeln!(f, "  FAULT: the series cannot be listed: {reason}"),
            Ok(0) => return writeln!(f, "  warning: no series, so no metrics now"),
            Ok(series) => writeln!(
                f,
                "  {}, {}",
                count(*series, "name of series", "names of series"),
                count(rule.metrics.len(), "metric", "metrics"),
            )?,
        }
        if let Some(reason) = &rule.without_metrics {
            writeln!(f, "  warning: {reason}")?;
        }
        for metric in rule.metrics.iter().take(self.limit(MAX_METRICS)) {
            self.metric(f, metric)?;
        }
        write_rest(f, "  ", rule.metrics.len(), self.limit(MAX_METRICS))?;
        if rule.unserved.is_empty() {
            return Ok(());
        }
        writeln!(f, "  not served: {}", count(rule.unserved.len(), "series", "series"))?;
        for group in grouped(&rule.unserved) {
            writeln!(f, "    {}: {}", group.series.len(), group.reason)?;
            for series in group.series.iter().take(self.limit(MAX_SERIES)) {
                writeln!(f, "      {series}")?;
            }
            write_rest(f, "      ", group.series.len(), self.limit(MAX_SERIES))?;
        }
        Ok(())
    }

    fn metric(&self, f: &mut fmt::Formatter<'_>, metric: &InspectedMetric) -> fmt::Result {
        let overridden = if metric.overridden { "  (a mapping serves it)" } else { "" };
        writeln!(f, "  {}{overridden}", metric.title())?;
        match &metric.widened {
            Ok(query) => {
                match self.inspection.exact_queries {
                    true => writeln!(f, "      for each read: {}", one_line(&metric.template))?,
                    false => writeln!(f, "      {}", one_line(query))?,
                }
                let Some(reason) = &metric.invalid else { return Ok(()) };
                let reason = reason.split(" (in ").next().unwrap_or(reason);
                writeln!(f, "      fails if this is Prometheus: {reason}")
            }
            Err(why) => {
                writeln!(f, "      for each read: {}", one_line(&metric.template))?;
                writeln!(f, "      because {why}")
            }
        }
    }

    fn resource_rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "resourceRules")?;
        for query in &self.inspection.resource_queries {
            if let Some(fault) = &query.fault {
                writeln!(f, "  FAULT: {} of {}: {fault}", query.of, query.resource)?;
                continue;
            }
            writeln!(f, "  {} of {}", query.of, query.resource)?;
            match &query.query {
                Ok(text) => writeln!(f, "      {}", one_line(text))?,
                Err((template, why)) => {
                    writeln!(f, "      for each read: {}", one_line(template))?;
                    writeln!(f, "      because {why}")?;
                }
            }
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let inspection = self.inspection;
        let unserved = inspection.rules.iter().map(|rule| rule.unserved.len()).sum();
        let unlisted = inspection.rules.iter().filter(|rule| rule.series.is_err()).count();
        let in_document = inspection.faults.as_ref().map_or(0, |faults| faults.numbers().0);
        let in_queries =
            inspection.resource_queries.iter().filter(|query| query.fault.is_some()).count();
        let in_rules: usize = inspection.rules.iter().map(|rule| rule.faults.len()).sum();
        let mut parts = vec![
            count(inspection.metrics().count(), "metric", "metrics"),
            format!("{} not served", count(unserved, "series", "series")),
        ];
        if unlisted > 0 {
            parts.push(format!("{} could not be listed", count(unlisted, "rule", "rules")));
        }
        parts.push(count(in_document + in_queries + in_rules, "fault", "faults"));
        parts.join(", ")
    }

    fn limit(&self, default: usize) -> usize {
        if self.all { usize::MAX } else { default }
    }
}

fn write_rest(f: &mut fmt::Formatter<'_>, lead: &str, all: usize, shown: usize) -> fmt::Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(f, "{lead}and {more} more; --all shows them"),
    }
}

/// A query on one line.
pub(super) fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}
