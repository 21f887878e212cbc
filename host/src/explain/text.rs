//! Prints an explanation.

use std::fmt;

use leadsman_model::text::one_line;
use leadsman_provider::explanation::ExplainedMetric;

use super::metric::write_line;
use super::notation::ratio;
use super::record::lines;
use super::{Controller, Explanation, Metric, stand_in};

/// How many characters are shown of a text that others wrote, which stays in its line.
const MAX_TEXT: usize = 2000;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.autoscaler, one_line(&self.verdict, MAX_TEXT))?;
        if !self.assumed.is_empty() {
            writeln!(f, "\nassumed: {}", self.assumed.join("; "))?;
        }
        let target = &self.target;
        writeln!(
            f,
            "\ntarget      {} {}: {} replicas, {} running, {} pods with {}",
            target.kind, target.name, target.replicas, target.running, target.pods, target.selector
        )?;
        let bounds = &self.bounds;
        writeln!(
            f,
            "bounds      {} to {} replicas; no change between {} and {} times the target",
            bounds.min,
            bounds.max,
            ratio(1.0 - bounds.tolerance_down),
            ratio(1.0 + bounds.tolerance_up)
        )?;
        if let Some(waits) = &self.waits {
            let [first, second] = waits.lines();
            writeln!(f, "waits       {first}\n            {second}")?;
        }
        for metric in &self.metrics {
            writeln!(f)?;
            metric.fmt(f)?;
        }
        match &self.controller {
            Some(controller) => controller.fmt(f)?,
            None => writeln!(f, "\ncontroller  it has not looked at this autoscaler")?,
        }
        if let Some(reason) = &self.past_unknown {
            writeln!(f, "\npast        it is not known: {}", one_line(reason, MAX_TEXT))?;
        }
        for (number, past) in self.past.iter().enumerate() {
            let begin = if number == 0 { "\npast        " } else { "            " };
            let times =
                if past.times > 1 { format!(" ({} times)", past.times) } else { String::new() };
            let reported = format!("{} {}: {}{times}", past.time, past.reason, past.message);
            writeln!(f, "{begin}{}", one_line(&reported, MAX_TEXT))?;
        }
        Ok(())
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decides = if self.decides { ", and decides" } else { "" };
        match self.proposes {
            Some(replicas) => writeln!(f, "{} proposes {replicas}{decides}", self.title)?,
            None => writeln!(f, "{} proposes nothing", self.title)?,
        }
        writeln!(f, "  target    {}", self.target)?;
        if let Some(value) = &self.value {
            writeln!(f, "  value     {value}")?;
        }
        for item in &self.items {
            writeln!(f, "            {}", one_line(item, MAX_TEXT))?;
        }
        for step in &self.arithmetic {
            writeln!(f, "  then      {step}")?;
        }
        if let Some(failure) = &self.failure {
            writeln!(f, "  failed    {}", one_line(failure, MAX_TEXT))?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning   {}", one_line(warning, MAX_TEXT))?;
        }
        for clock in &self.clocks {
            writeln!(f, "  clock     {clock}")?;
        }
        for line in self.hour.lines() {
            write_line(f, &line)?;
        }
        if let Some(document) = &self.record {
            // cpu and memory are read together.
            let of = |metric: &&ExplainedMetric| metric.mapping.metric == self.name;
            for metric in document.metrics.iter().filter(of) {
                for line in stand_in::lines(metric).into_iter().chain(lines(document, metric)) {
                    write_line(f, &line)?;
                }
            }
            if let Some(delegate) = &document.delegate {
                write_line(f, &("delegate", delegate.to_string()))?;
            }
            for what in &document.left_out {
                write_line(f, &("left out", what.clone()))?;
            }
        }
        if let Some(request) = &self.request {
            writeln!(f, "  request   kubectl get --raw '{request}'")?;
        }
        Ok(())
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last_scale_time.as_deref();
        let last = last.map_or_else(|| "never scaled".to_owned(), |at| format!("last scaled {at}"));
        writeln!(
            f,
            "\ncontroller  {} replicas, {} desired, {last}",
            self.current_replicas, self.desired_replicas
        )?;
        for condition in &self.conditions {
            let super::AutoscalerCondition { kind, status, reason, message, .. } = condition;
            let reported = format!("{kind} {status}: {reason}: {message}");
            writeln!(f, "            {}", one_line(&reported, MAX_TEXT))?;
        }
        Ok(())
    }
}
