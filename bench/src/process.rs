//! CPU time and memory of a process, from `/proc`.

use std::time::Duration;

/// The CPU time of a process, in user and kernel mode.
///
/// # Panics
/// If there is no such process.
pub fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    // The name, in parentheses, may contain spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|&at| fields[at].parse::<u64>().expect("a number")).sum();
    // The unit is USER_HZ, which is 1/100 s on Linux.
    Duration::from_millis(ticks * 10)
}

/// The resident memory of a process, in bytes.
///
/// # Panics
/// If there is no such process.
pub fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}
