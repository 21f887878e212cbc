//! `leadsman doctor`

use std::process::ExitCode;

use leadsman::doctor::{self, DoctorOptions, Section, Verdict};

use super::{FAULTS, failed, print_line, run};
use crate::cli::Doctor;

/// Looks at the whole way from an autoscaler to a value and says what is in it.
pub(crate) fn doctor(doctor: Doctor) -> ExitCode {
    let flags = match doctor.adapter.flags() {
        Ok(flags) => flags,
        Err(error) => return failed(&error),
    };
    let options = DoctorOptions {
        config: doctor.origin(),
        kubeconfig: doctor.kubeconfig,
        flags,
        namespace: doctor.namespace,
    };
    let examined = run(doctor::examine(&options)).and_then(|examined| examined.map_err(Into::into));
    let sections = match examined {
        Ok(sections) => sections,
        Err(error) => return failed(&error),
    };
    for section in &sections {
        print_line(section);
    }
    let bad = |section: &Section| {
        section.findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count()
    };
    match sections.iter().map(bad).sum::<usize>() {
        0 => {
            print_line("nothing stands in the way");
            ExitCode::SUCCESS
        }
        count => {
            match count {
                1 => print_line("1 thing stands in the way"),
                count => print_line(format_args!("{count} things stand in the way")),
            }
            ExitCode::from(FAULTS)
        }
    }
}
