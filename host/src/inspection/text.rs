//! What rules give, for people.

use std::fmt;

use super::notes::notes;
use super::unserved::grouped;
use super::{Inspection, OfRule, Offer, count};

/// How many metrics of a rule are shown unless all are wanted.
const METRICS: usize = 12;

/// How many series of a reason are shown unless all are wanted.
const SERIES: usize = 3;

/// What rules give, as it is printed.
pub struct Text<'a> {
    /// What was found.
    pub inspection: &'a Inspection,
    /// Whether all of it is shown, or examples.
    pub all: bool,
}

impl fmt::Display for Text<'_> {
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
        if !inspection.usage.is_empty() {
            writeln!(f)?;
            self.usage(f)?;
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

impl Text<'_> {
    fn rule(&self, f: &mut fmt::Formatter<'_>, rule: &OfRule) -> fmt::Result {
        writeln!(f, "{}  {}", rule.place, one_line(&rule.series_query))?;
        for fault in &rule.faults {
            writeln!(f, "  FAULT: {fault}")?;
        }
        for doubt in &rule.doubts {
            writeln!(f, "  perhaps a fault: {doubt}")?;
        }
        match &rule.seen {
            Err(reason) => return writeln!(f, "  FAULT: the series cannot be listed: {reason}"),
            Ok(0) => return writeln!(f, "  warning: no series, so no metrics now"),
            Ok(seen) => writeln!(
                f,
                "  {}, {}",
                count(*seen, "name of series", "names of series"),
                count(rule.offers.len(), "metric", "metrics"),
            )?,
        }
        if let Some(nothing) = &rule.nothing {
            writeln!(f, "  warning: {nothing}")?;
        }
        for offer in rule.offers.iter().take(self.most(METRICS)) {
            self.offer(f, offer)?;
        }
        rest(f, "  ", rule.offers.len(), self.most(METRICS))?;
        if rule.unserved.is_empty() {
            return Ok(());
        }
        writeln!(f, "  not served: {}", count(rule.unserved.len(), "series", "series"))?;
        for reason in grouped(&rule.unserved) {
            writeln!(f, "    {}: {}", reason.series.len(), reason.why)?;
            for series in reason.series.iter().take(self.most(SERIES)) {
                writeln!(f, "      {series}")?;
            }
            rest(f, "      ", reason.series.len(), self.most(SERIES))?;
        }
        Ok(())
    }

    fn offer(&self, f: &mut fmt::Formatter<'_>, offer: &Offer) -> fmt::Result {
        let mapped = if offer.mapped { "  (a mapping serves it)" } else { "" };
        writeln!(f, "  {}{mapped}", offer.title())?;
        match &offer.wider {
            Ok(query) => {
                match self.inspection.exact_queries {
                    true => writeln!(f, "      for each read: {}", one_line(&offer.template))?,
                    false => writeln!(f, "      {}", one_line(query))?,
                }
                let Some(reason) = &offer.unreadable else { return Ok(()) };
                let reason = reason.split(" (in ").next().unwrap_or(reason);
                writeln!(f, "      fails if this is Prometheus: {reason}")
            }
            Err(why) => {
                writeln!(f, "      for each read: {}", one_line(&offer.template))?;
                writeln!(f, "      because {why}")
            }
        }
    }

    fn usage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "resourceRules")?;
        for usage in &self.inspection.usage {
            if let Some(fault) = &usage.fault {
                writeln!(f, "  FAULT: {} of {}: {fault}", usage.of, usage.resource)?;
                continue;
            }
            writeln!(f, "  {} of {}", usage.of, usage.resource)?;
            match &usage.query {
                Ok(query) => writeln!(f, "      {}", one_line(query))?,
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
        let unlisted = inspection.rules.iter().filter(|rule| rule.seen.is_err()).count();
        let in_text = inspection.faults.as_ref().map_or(0, |faults| faults.numbers().0);
        let of_usage = inspection.usage.iter().filter(|usage| usage.fault.is_some()).count();
        let beyond: usize = inspection.rules.iter().map(|rule| rule.faults.len()).sum();
        let mut parts = vec![
            count(inspection.offers().count(), "metric", "metrics"),
            format!("{} not served", count(unserved, "series", "series")),
        ];
        if unlisted > 0 {
            parts.push(format!("{} could not be listed", count(unlisted, "rule", "rules")));
        }
        parts.push(count(in_text + of_usage + beyond, "fault", "faults"));
        parts.join(", ")
    }

    fn most(&self, usual: usize) -> usize {
        if self.all { usize::MAX } else { usual }
    }
}

fn rest(f: &mut fmt::Formatter<'_>, lead: &str, all: usize, shown: usize) -> fmt::Result {
    match all.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(f, "{lead}and {more} more; --all shows them"),
    }
}

/// A query that was written on several lines, on one.
pub(super) fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}
