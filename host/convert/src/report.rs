//! The report of a conversion: a table, and what is said of each object.

use std::fmt;

use leadsman_model::text::one_line;

use crate::{Conversion, ConversionOutcome, Weight};

/// The widest name that the table makes room for.
const MAX_WIDTH: usize = 60;

impl fmt::Display for ConversionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Whole => "whole",
            Self::Differs => "differs",
            Self::NotWritten => "not written",
        })
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .objects
            .iter()
            .map(|object| {
                let kind = match &*object.kind {
                    "ScaledObject" => String::new(),
                    kind => format!("{kind} "),
                };
                one_line(&format!("{kind}{}/{}", object.namespace, object.name), 200)
            })
            .collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let width = width.clamp("OBJECT".len(), MAX_WIDTH);
        if !names.is_empty() {
            writeln!(f, "{:width$}  {:11}  METRICS", "OBJECT", "RESULT")?;
        }
        for (object, name) in self.objects.iter().zip(&names) {
            writeln!(f, "{name:width$}  {:11}  {}", object.outcome, object.metrics)?;
            for note in &object.notes {
                let weight = match note.weight {
                    Weight::Todo => "note",
                    Weight::Differs => "differs",
                    Weight::Refused => "cannot be kept",
                };
                writeln!(f, "    {weight}: {}", note.text)?;
            }
            if object.outcome != ConversionOutcome::Whole {
                writeln!(f, "    of {}", one_line(&object.origin, 400))?;
            }
        }
        for fault in &self.faults {
            writeln!(f, "{}", one_line(fault, 1000))?;
        }
        let faults = match self.faults.len() {
            0 => String::new(),
            1 => ", 1 document that cannot be read".to_owned(),
            many => format!(", {many} documents that cannot be read"),
        };
        let objects = match self.objects.len() {
            1 => "1 object".to_owned(),
            many => format!("{many} objects"),
        };
        writeln!(
            f,
            "{objects}: {} whole, {} with differences, {} not written{faults}",
            self.count(ConversionOutcome::Whole),
            self.count(ConversionOutcome::Differs),
            self.count(ConversionOutcome::NotWritten),
        )
    }
}
