//! `leadsman explain`

use std::process::ExitCode;

use leadsman::explain;

use super::{failed, print, print_line, run};
use crate::cli::{Explain, ExplainOutput};

/// Explains why an autoscaler wants the replicas that it wants.
pub(crate) fn explain(explain: Explain) -> ExitCode {
    let Explain::Hpa(hpa) = explain;
    let explained =
        run(explain::hpa(&hpa.options())).and_then(|explained| explained.map_err(Into::into));
    let explanation = match explained {
        Ok(explanation) => explanation,
        Err(error) => return failed(&error),
    };
    match hpa.output {
        ExplainOutput::Text => print(&explanation),
        ExplainOutput::Json => match serde_json::to_string_pretty(&explanation) {
            Ok(text) => print_line(text),
            Err(error) => return failed(&error.into()),
        },
    }
    ExitCode::SUCCESS
}
