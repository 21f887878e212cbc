//! `leadsman check`

use std::process::ExitCode;

use leadsman::app::{self, ClusterOptions, StartError};

use super::{FAULTS, count, failed, print_line, run};
use crate::cli::Check;

/// Does all that `serve` does with a configuration, short of serving it.
pub(crate) fn check(check: Check) -> ExitCode {
    let origin = check.config.origin();
    let cluster = match (&check.kubeconfig, &check.config.config_map) {
        (None, None) => ClusterOptions::Never,
        (kubeconfig, _) => ClusterOptions::Around { kubeconfig: kubeconfig.clone(), service: None },
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
    if !loaded.faults.is_empty() {
        let faults: Vec<_> = loaded.faults.into_iter().map(|(_, faults)| faults).collect();
        faults.iter().for_each(print_line);
        print_line(format_args!("{}", count(&faults)));
        return ExitCode::from(FAULTS);
    }
    let (number, of_rules) = loaded.snapshot.counts();
    let mappings = if number == 1 { "mapping" } else { "mappings" };
    let of_rules = match of_rules {
        0 => String::new(),
        1 => ", 1 metric of rules".to_owned(),
        many => format!(", {many} metrics of rules"),
    };
    print_line(format_args!("{origin}: {number} {mappings}{of_rules}, no faults"));
    ExitCode::SUCCESS
}
