//! `leadsman rules`

use std::process::ExitCode;

use leadsman::app::StartError;
use leadsman::inspection::{
    self, CompareError, CompareOptions, InspectError, InspectOptions, Inspection, InspectionText,
    OtherOptions,
};

use super::{FAULTS, failed, print, print_line, run};
use crate::cli::{Output, Rules};

/// Prints what rules give, or a comparison with another adapter.
pub(crate) fn rules(rules: Rules) -> ExitCode {
    let flags = match rules.adapter.flags() {
        Ok(flags) => flags,
        Err(error) => return failed(&error),
    };
    let options = InspectOptions {
        config: rules.config.origin(),
        flags,
        kubeconfig: rules.kubeconfig.clone(),
    };
    if let Some(endpoint) = rules.other.compare {
        let options = CompareOptions {
            ours: options,
            other: OtherOptions {
                endpoint,
                token_file: rules.other.compare_token_file,
                ca_file: rules.other.compare_ca_file,
                insecure: rules.other.compare_insecure,
            },
            namespace: rules.other.namespace,
            tolerance: rules.other.tolerance / 100.0,
        };
        return match run(inspection::compare(&options)) {
            Ok(Ok(comparison)) => {
                print(&comparison);
                exit(!comparison.is_same())
            }
            Ok(Err(CompareError::Start(StartError::Config(error)))) => unreadable(&error.into()),
            Ok(Err(CompareError::Inspect(error))) => not_inspected(error),
            Ok(Err(error)) => failed(&error.into()),
            Err(error) => failed(&error),
        };
    }
    match run(inspection::inspect(&options)) {
        Ok(Ok(inspection)) => show(&inspection, &rules),
        Ok(Err(error)) => not_inspected(error),
        Err(error) => failed(&error),
    }
}

fn show(inspection: &Inspection, rules: &Rules) -> ExitCode {
    match rules.output {
        Output::Text => print(format_args!("{}", InspectionText { inspection, all: rules.all })),
        Output::Json => print_line(format_args!("{:#}", inspection::json(inspection))),
        Output::Mappings => {
            // The standard output is a configuration and nothing else.
            if let Some(faults) = inspection.faults.as_ref().and_then(|faults| faults.only(false)) {
                eprintln!("{faults}");
            }
            print(format_args!("{}", inspection::mappings(inspection)));
        }
    }
    exit(inspection.has_faults() || (rules.deny_warnings && inspection.warnings() > 0))
}

fn exit(wrong: bool) -> ExitCode {
    if wrong { ExitCode::from(FAULTS) } else { ExitCode::SUCCESS }
}

fn not_inspected(error: InspectError) -> ExitCode {
    match error {
        InspectError::Unreadable(_) => unreadable(&error.into()),
        InspectError::Cluster(_) => failed(&error.into()),
    }
}

/// Prints an unreadable configuration as `check` does.
fn unreadable(error: &anyhow::Error) -> ExitCode {
    print_line(format_args!("{error:#}"));
    ExitCode::from(FAULTS)
}
