//! Explanations of reads, as a text that a person reads from the top.

use std::fmt;

use leadsman_provider::explanation::MetricExplanation;

use super::record::{Line, lines, values};

/// An explanation of a read, for people.
pub struct MetricText<'a>(pub &'a MetricExplanation);

impl fmt::Display for MetricText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = self.0;
        writeln!(f, "{}", document.verdict)?;
        if let Some(failure) = &document.failure {
            let code = failure.code.map_or_else(String::new, |code| format!("{code} "));
            writeln!(f, "\n  {:<10}{code}{}", "error", failure.reason)?;
        }
        for metric in &document.metrics {
            writeln!(f, "\n{}", metric.mapping.title)?;
            for line in values(document, metric).into_iter().chain(lines(document, metric)) {
                write_line(f, &line)?;
            }
        }
        if document.metrics.is_empty() {
            writeln!(f)?;
        }
        for warning in &document.warnings {
            writeln!(f, "  {:<10}{warning}", "warning")?;
        }
        for what in &document.left_out {
            writeln!(f, "  {:<10}{what}", "left out")?;
        }
        writeln!(f, "  {:<10}kubectl get --raw '{}'", "request", document.request.path)
    }
}

/// One line of a text.
pub(super) fn write_line(f: &mut fmt::Formatter<'_>, (name, text): &Line) -> fmt::Result {
    writeln!(f, "  {name:<10}{text}")
}
