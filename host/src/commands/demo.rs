//! `leadsman demo`

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use leadsman::demo::{self, DemoOptions};

use super::{failed, runtime};
use crate::cli::Demo;

/// Plays the embedded recording until a signal ends it, or once.
pub(crate) fn demo(demo: Demo) -> ExitCode {
    let options = DemoOptions {
        api: SocketAddr::from((Ipv4Addr::LOCALHOST, demo.secure_port)),
        admin: demo.admin_address,
        once: demo.once,
    };
    let run = demo::run(options, super::serve::ended_by_signal());
    match runtime().and_then(|runtime| runtime.block_on(run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}
