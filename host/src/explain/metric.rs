//! Prints the explanation of a read.

use std::fmt;

use leadsman_model::text::one_line;
use leadsman_provider::explanation::MetricExplanation;

use super::record::{Line, lines, values};

/// How many characters of a line are shown.
const MAX_TEXT: usize = 4000;

/// An explanation of a read, for people.
pub struct MetricText<'a>(pub &'a MetricExplanation);

impl fmt::Display for MetricText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = self.0;
        writeln!(f, "{}", one_line(&document.verdict, MAX_TEXT))?;
        if let Some(failure) = &document.failure {
            let code = failure.code.map_or_else(String::new, |code| format!("{code} "));
            writeln!(f)?;
            write_line(f, &("error", format!("{code}{}", failure.reason)))?;
        }
        if let Some(delegate) = &document.delegate {
            writeln!(f)?;
            write_line(f, &("delegate", delegate.to_string()))?;
        }
        for metric in &document.metrics {
            writeln!(f, "\n{}", one_line(&metric.mapping.title, MAX_TEXT))?;
            for line in values(document, metric).into_iter().chain(lines(document, metric)) {
                write_line(f, &line)?;
            }
        }
        if document.metrics.is_empty() && document.delegate.is_none() {
            writeln!(f)?;
        }
        for warning in &document.warnings {
            write_line(f, &("warning", warning.clone()))?;
        }
        for what in &document.left_out {
            write_line(f, &("left out", what.clone()))?;
        }
        write_line(f, &("request", format!("kubectl get --raw '{}'", document.request.path)))
    }
}

/// One line of a text. What others wrote in it stays in its line.
pub(super) fn write_line(f: &mut fmt::Formatter<'_>, (name, text): &Line) -> fmt::Result {
    writeln!(f, "  {name:<10}{}", one_line(text, MAX_TEXT))
}
