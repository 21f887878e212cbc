//! The child process of the adapter that compiles plugins, by itself.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::leadsman::binary;
use crate::process::PROCESS_TIMEOUT;

/// Compiles a component with a limit of processor time in seconds, and says how the process ended.
/// The component is held back for a time, in which the process has nothing to do.
///
/// # Panics
/// If the process does not end in time.
pub async fn compile(component: &[u8], cpu_seconds: u32, held_back: Duration) -> ExitStatus {
    let mut child = Command::new(binary())
        .args(["compile-plugin", &cpu_seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("leadsman can be run");
    let mut input = child.stdin.take().expect("its input");
    sleep(held_back).await;
    // One that has ended reads nothing; how it ended is what counts.
    let _ = input.write_all(component).await;
    drop(input);
    let ended = timeout(PROCESS_TIMEOUT, child.wait()).await.expect("the compiler ends");
    ended.expect("leadsman can be waited for")
}
