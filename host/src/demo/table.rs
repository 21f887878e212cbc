//! The table in the terminal.

use super::autoscaler::Autoscaler;

const HEADINGS: [&str; 6] =
    ["WORKLOAD", "METRIC", "VALUE/TARGET", "REPLICAS", "VALUES", "REPLICAS"];

/// How many frames of a trend are shown.
const SHOWN: usize = 24;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// All autoscalers, a line each.
pub(super) fn render(autoscalers: &[Autoscaler]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(autoscalers.iter().map(|autoscaler| {
        [
            autoscaler.workload(),
            autoscaler.metric().to_owned(),
            autoscaler.value_and_target(),
            format!("{:>2} of {}", autoscaler.replicas(), autoscaler.max()),
            trend(autoscaler.values(), None),
            trend(autoscaler.history(), Some(f64::from(autoscaler.max()))),
        ]
    }));
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADINGS.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    for autoscaler in autoscalers {
        if let Some(message) = autoscaler.message() {
            text.push_str(&format!("{}: {message}\n", autoscaler.workload()));
        }
    }
    text
}

/// A line of bars; a gap where there was no value.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 7
fn trend(points: impl Iterator<Item = Option<f64>>, highest: Option<f64>) -> String {
    let points: Vec<_> = points.collect();
    let points = &points[points.len().saturating_sub(SHOWN)..];
    let highest = highest.unwrap_or_else(|| points.iter().flatten().copied().fold(0.0, f64::max));
    let bar = |value: f64| {
        let share = if highest > 0.0 { (value / highest).clamp(0.0, 1.0) } else { 0.0 };
        BARS[(share * 7.0).round() as usize]
    };
    points.iter().map(|point| point.map_or(' ', bar)).collect()
}
