//! The table of autoscalers in the terminal: 80 columns.

use super::autoscaler::Autoscaler;
use leadsman_autoscaler::MetricOverview;

/// The width of a terminal, and of the columns in it.
const WIDTH: usize = 80;
const NAME: usize = 32;
const NUMBERS: usize = 18;
const SPARKLINE: usize = 12;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Renders the autoscalers: a line for each, one for each of its metrics, and why one has no value.
pub(super) fn render(autoscalers: &[Autoscaler]) -> String {
    let mut lines = vec![
        line(["WORKLOAD", "REPLICAS", "STATE", ""]),
        line(["  METRIC", "VALUE/TARGET", "VALUES", "REPLICAS"]),
    ];
    let mut failures = Vec::new();
    for autoscaler in autoscalers {
        let (replicas, min, max) = autoscaler.replicas();
        let workload = autoscaler.workload();
        let replicas = format!("{replicas:>2} of {min} to {max}");
        lines.push(line([&workload, &replicas, &autoscaler.state(), ""]));
        for (number, (metric, values)) in autoscaler.metrics().enumerate() {
            let name = format!("  {}", metric.name);
            let values = sparkline(values.iter().copied(), None);
            // The replicas are those of all metrics together.
            let history = match number {
                0 => sparkline(autoscaler.history().iter().copied(), Some(f64::from(max))),
                _ => String::new(),
            };
            lines.push(line([&name, &value_and_target(metric), &values, &history]));
            if let Some(failure) = &metric.failure {
                failures.push(wrapped(&format!("{workload}: {failure}")));
            }
        }
    }
    lines.append(&mut failures);
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Value and target as people write them: `34.858/100 (avg)`.
fn value_and_target(metric: &MetricOverview) -> String {
    let text = |number: &Option<leadsman_autoscaler::MetricNumber>| {
        number.as_ref().map_or_else(|| "–".to_owned(), |number| number.text.clone())
    };
    let average = if metric.is_average { " (avg)" } else { "" };
    format!("{}/{}{average}", text(&metric.value), text(&metric.target))
}

fn line([name, numbers, third, fourth]: [&str; 4]) -> String {
    let (name, numbers) = (fitted(name, NAME), fitted(numbers, NUMBERS));
    let third = match fourth {
        "" => fitted(third, WIDTH - NAME - NUMBERS - 4),
        _ => fitted(third, SPARKLINE),
    };
    format!("{name}  {numbers}  {third}  {fourth}").trim_end().to_owned()
}

/// A text of exactly this width, without its middle if it is longer.
fn fitted(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    let end = (width - 1) / 2;
    let start: String = text.chars().take(width - 1 - end).collect();
    let end: String = text.chars().skip(length - end).collect();
    format!("{start}…{end}")
}

/// A text in lines of the terminal's width, but for words that are longer.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > WIDTH {
            lines.push(format!("  {word}"));
        } else if let Some(line) = lines.last_mut() {
            let space = if line.is_empty() { "" } else { " " };
            line.push_str(space);
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// A line of bars, with gaps for missing values. `max` is the value of a full bar; `None` for the
/// maximum of the points.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 7
fn sparkline(points: impl Iterator<Item = Option<f64>>, max: Option<f64>) -> String {
    let points: Vec<_> = points.collect();
    let points = &points[points.len().saturating_sub(SPARKLINE)..];
    let max = max.unwrap_or_else(|| points.iter().flatten().copied().fold(0.0, f64::max));
    let bar = |value: f64| {
        let fraction = if max > 0.0 { (value / max).clamp(0.0, 1.0) } else { 0.0 };
        BARS[(fraction * 7.0).round() as usize]
    };
    points.iter().map(|point| point.map_or(' ', bar)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_demo_fits_a_terminal() {
        let mut autoscalers = Autoscaler::all(super::super::AUTOSCALERS).unwrap();
        for frame in 0..30 {
            for autoscaler in &mut autoscalers {
                let why = "the source \"prometheus\" cannot be reached: ".repeat(8);
                let value = leadsman_model::quantity::Quantity::from_milli(1_013_400 * frame);
                let reads = autoscaler.requests().into_iter().map(|_| match frame % 7 {
                    6 => Err(why.clone()),
                    _ => Ok(vec![value]),
                });
                autoscaler.decide(&reads.collect::<Vec<_>>()).unwrap();
            }
            let table = render(&autoscalers);
            for line in table.lines() {
                assert!(line.chars().count() <= WIDTH, "{} columns: {line}", line.chars().count());
            }
            assert!(table.contains("  avi_l4_server_avg_open_conns "), "{table}");
        }
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        assert_eq!(fitted("abc", 5), "abc  ");
        assert_eq!(fitted("abcdefgh", 5), "ab…gh");
    }
}
