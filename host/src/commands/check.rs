//! `leadsman check`

use std::process::ExitCode;

use leadsman::app::{self, ClusterOptions, StartError};

use super::{FAULTS, count, failed, print_line, run};
use crate::cli::Check;
use leadsman_document::Faults;
use leadsman_provider::snapshot::RejectionReason;

/// Loads a configuration as `serve` does, without serving it, and prints its faults.
pub(crate) fn check(check: Check) -> ExitCode {
    let origin = check.config.origin();
    let cluster = match (&check.kubeconfig, &check.config.config_map) {
        (None, None) => ClusterOptions::Never,
        (kubeconfig, _) => {
            ClusterOptions::Connect { kubeconfig: kubeconfig.clone(), service: None }
        }
    };
    let checked = check.adapter.flags().map_err(StartError::from).and_then(|flags| {
        run(app::check(origin.clone(), &flags, &cluster)).map_err(StartError::from).flatten()
    });
    let loaded = match checked {
        Ok(loaded) => loaded,
        Err(error @ StartError::Config(_)) => {
            print_line(format_args!("{:#}", anyhow::Error::from(error)));
            return ExitCode::from(FAULTS);
        }
        Err(error) => return failed(&error.into()),
    };
    let faults: Vec<_> = loaded.faults.into_iter().map(|(_, faults)| faults).collect();
    faults.iter().for_each(print_line);
    let (number_of_faults, warnings) = faults
        .iter()
        .map(Faults::numbers)
        .fold((0, 0), |sum, numbers| (sum.0 + numbers.0, sum.1 + numbers.1));
    let unlisted = loaded
        .snapshot
        .rejections()
        .iter()
        .any(|of| of.reason == RejectionReason::SeriesUnavailable);
    let warned = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        many => format!(", {many} warnings"),
    };
    if number_of_faults > 0 {
        print_line(format_args!("{}{warned}", count(&faults)));
        return ExitCode::from(FAULTS);
    }
    let (number, of_rules) = loaded.snapshot.counts();
    let mappings = if number == 1 { "mapping" } else { "mappings" };
    let of_rules = match of_rules {
        0 if unlisted => ", metrics of rules unknown: series could not be listed".to_owned(),
        0 => String::new(),
        1 => ", 1 metric of rules".to_owned(),
        many => format!(", {many} metrics of rules"),
    };
    print_line(format_args!("{origin}: {number} {mappings}{of_rules}, no faults{warned}"));
    if warnings > 0 && check.deny_warnings { ExitCode::from(FAULTS) } else { ExitCode::SUCCESS }
}
