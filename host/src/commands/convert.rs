//! `leadsman convert`

use std::process::ExitCode;

use leadsman::conversion;
use leadsman_convert::ConversionOutcome;

use super::{FAULTS, failed, print, run};
use crate::cli::Convert;

/// Converts ScaledObjects, and says what is not kept of each.
pub(crate) fn convert(convert: Convert) -> ExitCode {
    let converted = run(conversion::convert(&convert.options()));
    let conversion = match converted.and_then(|converted| converted.map_err(Into::into)) {
        Ok(conversion) => conversion,
        Err(error) => return failed(&error),
    };
    let form = convert.form();
    match &convert.output {
        Some(folder) => match conversion::to_folder(&conversion, &form, folder) {
            Ok(files) => {
                print(&conversion);
                for file in files {
                    print(format_args!("written: {}\n", file.display()));
                }
            }
            Err(error) => return failed(&error.into()),
        },
        None => match conversion::to_text(&conversion, &form) {
            // The standard output is what can be applied, and nothing else.
            Ok(text) => {
                eprint!("{conversion}");
                if let Some(mounts) = conversion.mounts() {
                    eprint!("{mounts}");
                }
                print(text);
            }
            Err(error) => return failed(&error.into()),
        },
    }
    let is_wrong = !conversion.faults.is_empty()
        || conversion.count(ConversionOutcome::NotWritten) > 0
        || (convert.strict && conversion.count(ConversionOutcome::Differs) > 0);
    if is_wrong { ExitCode::from(FAULTS) } else { ExitCode::SUCCESS }
}
