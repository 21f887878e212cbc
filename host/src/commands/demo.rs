//! `leadsman demo`

use std::process::ExitCode;

use super::failed;
use crate::cli::Demo;

/// Plays the embedded recording.
pub(crate) fn demo(_demo: Demo) -> ExitCode {
    failed(&anyhow::anyhow!("placeholder"))
}
