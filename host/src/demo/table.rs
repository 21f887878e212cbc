//! The table of autoscalers in the terminal.

use super::autoscaler::Autoscaler;

const HEADINGS: [&str; 6] =
    ["WORKLOAD", "METRIC", "VALUE/TARGET", "REPLICAS", "VALUES", "REPLICAS"];

/// The number of frames in a sparkline.
const SPARKLINE_FRAMES: usize = 24;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Renders the autoscalers, one line for each.
pub(super) fn render(autoscalers: &[Autoscaler]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(autoscalers.iter().map(|autoscaler| {
        [
            autoscaler.workload(),
            autoscaler.metric().to_owned(),
            autoscaler.value_and_target(),
            format!("{:>2} of {}", autoscaler.replicas(), autoscaler.max()),
            sparkline(autoscaler.values(), None),
            sparkline(autoscaler.history(), Some(f64::from(autoscaler.max()))),
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

/// A line of bars, with gaps for missing values. `max` is the value of a full bar; `None` for the
/// maximum of the points.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 7
fn sparkline(points: impl Iterator<Item = Option<f64>>, max: Option<f64>) -> String {
    let points: Vec<_> = points.collect();
    let points = &points[points.len().saturating_sub(SPARKLINE_FRAMES)..];
    let max = max.unwrap_or_else(|| points.iter().flatten().copied().fold(0.0, f64::max));
    let bar = |value: f64| {
        let fraction = if max > 0.0 { (value / max).clamp(0.0, 1.0) } else { 0.0 };
        BARS[(fraction * 7.0).round() as usize]
    };
    points.iter().map(|point| point.map_or(' ', bar)).collect()
}
