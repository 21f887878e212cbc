//! `leadsman takeover`

use std::fmt;
use std::process::ExitCode;

use leadsman::takeover::{TakeoverError, take_over, undo};

use super::{FAULTS, failed, print_line, run};
use crate::cli::Takeover;

/// Takes an API group over from another adapter, or gives it back, and says all that it finds and does.
pub(crate) fn takeover(takeover: &Takeover) -> ExitCode {
    let options = takeover.options();
    let mut out = |line: fmt::Arguments<'_>| print_line(line);
    let done = run(async {
        if takeover.undo {
            undo(&options, &mut out).await
        } else {
            take_over(&options, &mut out).await
        }
    });
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error @ (TakeoverError::Refused(_) | TakeoverError::TakenBack { .. }))) => {
            eprintln!("leadsman: {error}");
            ExitCode::from(FAULTS)
        }
        Ok(Err(error)) => failed(&error.into()),
        Err(error) => failed(&error),
    }
}
