//! A controller of NSX ALB that plays a scenario; see `tests/src/alb/recorded`.

use std::process::ExitCode;

fn main() -> ExitCode {
    leadsman_tests::recorded_controller(std::env::args_os().skip(1))
}
