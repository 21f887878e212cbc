//! `leadsman demo`

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use leadsman::demo::{self, DemoController, DemoOptions};

use super::{failed, run};
use crate::cli::Demo;

/// Plays the embedded recording until a signal ends it, or once.
pub(crate) fn demo(demo: Demo) -> ExitCode {
    let controller = demo.nsx_alb_url.zip(demo.nsx_alb_secret_dir);
    let options = DemoOptions {
        api: SocketAddr::from((Ipv4Addr::LOCALHOST, demo.secure_port)),
        admin: demo.admin_address,
        once: demo.once,
        controller: controller.map(|(url, secret_dir)| DemoController { url, secret_dir }),
    };
    let played = demo::run(options, super::serve::ended_by_signal());
    match run(played).flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}
