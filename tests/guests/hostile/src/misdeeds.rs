//! Misdeeds that must not affect others.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use leadsman_plugin_sdk::{Failure, Input, Measure, Measures, Plan, Query, Scope, log};

/// A value that must never be served.
const EVIL: f64 = 666.0;

/// How often [`remember`] was called on this instance.
static CALLS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn turn() -> ! {
    let mut round = 0_u64;
    loop {
        round = black_box(round.wrapping_add(1));
    }
}

pub(crate) fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        black_box(&hoard);
    }
}

/// Fills the native stack: the frames contain nothing that needs an address.
pub(crate) fn descend() -> ! {
    fn deeper(depth: u32) -> u32 {
        if CALLS.load(Ordering::Relaxed) == u32::MAX {
            return depth;
        }
        deeper(depth.wrapping_add(1)).wrapping_mul(3) ^ depth
    }
    black_box(deeper(0));
    turn()
}

/// Fills the stack in the plugin's linear memory, as most endless recursions do.
pub(crate) fn descend_in_memory() -> ! {
    fn deeper(depth: u64) -> u64 {
        let frame = black_box([depth; 64]);
        if black_box(true) { deeper(depth.wrapping_add(1)).wrapping_add(frame[0]) } else { depth }
    }
    black_box(deeper(0));
    turn()
}

pub(crate) fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

/// Asks for what an operating system has.
pub(crate) fn reach(what: &str) -> Result<(), Failure> {
    let refused = |error: std::io::Error| Failure::new(error.to_string());
    match what {
        "files" => std::fs::read("/etc/passwd").map(drop).map_err(refused),
        "network" => std::net::TcpStream::connect(("127.0.0.1", 80)).map(drop).map_err(refused),
        "threads" => std::thread::Builder::new().spawn(|| ()).map(drop).map_err(refused),
        "environment" => {
            std::env::var("PATH").map(drop).map_err(|error| Failure::new(error.to_string()))
        }
        "clock" => {
            black_box(std::time::SystemTime::now());
            Ok(())
        }
        "output" => {
            println!("nobody reads this");
            Ok(())
        }
        other => Err(Failure::new(format!("nobody knows how to reach {other}"))),
    }
}

pub(crate) fn panic() -> ! {
    panic!("as the configuration told me to")
}

pub(crate) fn plan_queries(count: u32, bytes: u32) -> Plan {
    (0..count).fold(Plan::new(), |plan, number| {
        plan.query(Query::instant(format!("q{number}"), "x".repeat(bytes as usize)))
    })
}

pub(crate) fn plan_labels(count: u32) -> Plan {
    Plan::new().with_object_labels((0..count).map(|number| format!("label-{number}")))
}

pub(crate) fn many(count: u32) -> Measures {
    let mut measures = Measures::new();
    for number in 0..count {
        measures.push(Measure::new("web-0", f64::from(number)));
    }
    measures
}

pub(crate) fn long_name(input: &Input, bytes: u32) -> Result<Measures, Failure> {
    let mut measures = crate::behaved::each_pod(input)?;
    measures.push(Measure::new(&"x".repeat(bytes as usize), EVIL));
    Ok(measures)
}

pub(crate) fn long_names(count: u32, bytes: u32) -> Measures {
    let mut measures = Measures::new();
    for number in 0..count {
        let name = format!("{number:0>width$}", width = bytes as usize);
        measures.push(Measure::new(&name, EVIL));
    }
    measures
}

pub(crate) fn in_namespace(input: &Input, namespace: &str) -> Result<Measures, Failure> {
    let mut measures = Measures::new();
    for series in input.only()?.series()? {
        measures.push(Measure::new(series.require("pod")?, EVIL).namespace(namespace));
    }
    Ok(measures)
}

pub(crate) fn unasked(input: &Input) -> Result<Measures, Failure> {
    let mut measures = crate::behaved::each_pod(input)?;
    measures.push(Measure::new("nobody-asked", EVIL));
    Ok(measures)
}

pub(crate) fn flood(lines: u32, bytes: u32) {
    let line = format!("\u{1b}[31mflood\n{}", "x".repeat(bytes as usize));
    for _ in 0..lines {
        log::error(&line);
    }
}

/// The memory is not freed: the instance ends with the call.
pub(crate) fn hold(bytes: u32) {
    let held = black_box(vec![1_u8; bytes as usize]);
    core::mem::forget(held);
}

/// Traps in a third of the namespaces, in every other millisecond: each call has a new instance, so
/// only the time changes from call to call. The other namespaces keep the circuit breaker closed
/// even where many calls have the same time.
pub(crate) fn trap_at_times(input: &Input) {
    let Scope::Namespace(namespace) = input.scope() else { return };
    let third = namespace.bytes().map(u32::from).sum::<u32>() % 3 == 0;
    if third && input.now() % 2 == 0 {
        trap();
    }
}

/// Counts its calls in a static, where a reused instance would find the previous count.
pub(crate) fn remember() -> u32 {
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}
