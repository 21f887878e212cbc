//! Attacks on the release binary, on the loopback and limited in number and time. Measures the
//! memory during each attack, the latency of other readers, and the time to recover, and compares
//! them with the documented bounds.
//!
//! Each attack is an entry of [`ATTACKS`](attacks::ATTACKS).

mod attacks;
mod clients;
mod configs;
mod edits;
mod measure;
mod scene;
mod sources;
mod teams;

use std::process::ExitCode;

use attacks::{ATTACKS, Attack};
use leadsman_bench::scene::mib;
use measure::{MAX_P99, MAX_RECOVERY, Measured};

fn main() -> ExitCode {
    let only: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>12}{:>12}{:>10}{:>12}  bound",
        "attack",
        "before",
        "peak MiB",
        "after",
        "p99 before",
        "p99 during",
        "failed",
        "recovers in"
    );
    let selected = |attack: &&Attack| {
        only.is_empty() || only.iter().any(|filter| attack.name.contains(filter.as_str()))
    };
    let mut broken = 0;
    for attack in ATTACKS.iter().filter(selected) {
        let measured = runtime.block_on(measure::measure(attack));
        broken += usize::from(!report(attack, &measured));
    }
    if broken > 0 {
        println!("\n{broken} bounds do not hold");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints a row. Returns whether the bound holds.
fn report(attack: &Attack, measured: &Measured) -> bool {
    let Measured { before, peak, after, baseline, during, recovery } = measured;
    let holds = *peak <= attack.memory
        && during.failed == 0
        && during.p99 <= MAX_P99
        && *recovery < MAX_RECOVERY;
    println!(
        "{:<34}{:>10.0}{:>10.0}{:>10.0}{:>10} µs{:>10} µs{:>10}{:>9} ms  {} MiB, p99 {:?}, recovery {:?}; {}{}",
        attack.name,
        mib(*before),
        mib(*peak),
        mib(*after),
        baseline.p99.as_micros(),
        during.p99.as_micros(),
        during.failed,
        recovery.as_millis(),
        attack.memory >> 20,
        MAX_P99,
        MAX_RECOVERY,
        attack.bound,
        if holds { "" } else { "  BROKEN" },
    );
    holds
}
