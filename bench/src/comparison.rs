//! Two builds of the adapter under the same reads, in turns. On a machine that is shared, the speed of one
//! run says little; the ratio of neighbouring turns does.

use std::path::Path;
use std::time::Duration;

use leadsman_tests::Leadsman;

use crate::load::{Connection, Reader};
use crate::process;
use crate::scene::{CONCURRENCY, mib};

/// How often each build takes a turn, and for how long.
const TURNS: usize = 24;
const TURN: Duration = Duration::from_secs(2);

/// A build that is compared.
struct Build {
    name: &'static str,
    leadsman: Leadsman,
    idle: u64,
    turns: Vec<Turn>,
}

/// What was measured in one turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// CPU time of a read, in microseconds.
    cpu: f64,
    /// The response time that half of the reads do not exceed, in microseconds.
    p50: f64,
}

/// Compares this build with another one, and prints what both cost.
pub async fn compare(other: &Path, config: &str, paths: &[String]) {
    let mut builds = [
        Build::new("this build", Leadsman::start(config).await),
        Build::new("the other build", Leadsman::start_build(other, config).await),
    ];
    for turn in 0..TURNS {
        // Each is the first as often as the second.
        for at in [turn % 2, 1 - turn % 2] {
            builds[at].take_turn(paths).await;
        }
    }
    println!("{TURNS} turns of {TURN:?} each, medians\n");
    println!("{:<18}{:>14}{:>12}{:>12}{:>12}", "", "CPU µs a read", "p50 µs", "idle MiB", "MiB");
    for build in &builds {
        let Build { name, leadsman, idle, turns } = build;
        let (cpu, p50) = (
            quartiles(turns.iter().map(|turn| turn.cpu)),
            quartiles(turns.iter().map(|turn| turn.p50)),
        );
        let loaded = process::memory(leadsman.pid());
        println!(
            "{name:<18}{:>14.1}{:>12.0}{:>12.1}{:>12.1}",
            cpu[1],
            p50[1],
            mib(*idle),
            mib(loaded)
        );
    }
    let [this, other] = &builds;
    for (name, of) in
        [("CPU of a read", (|turn| turn.cpu) as fn(&Turn) -> f64), ("p50", |turn| turn.p50)]
    {
        let ratios = this.turns.iter().zip(&other.turns).map(|(this, other)| of(this) / of(other));
        let [lower, median, upper] = quartiles(ratios);
        println!("{name}, this to the other: {median:.2} (quartiles {lower:.2} and {upper:.2})");
    }
}

impl Build {
    fn new(name: &'static str, leadsman: Leadsman) -> Self {
        let idle = process::memory(leadsman.pid());
        Self { name, leadsman, idle, turns: Vec::new() }
    }

    async fn take_turn(&mut self, paths: &[String]) {
        let (address, pid) = (self.leadsman.api(), self.leadsman.pid());
        let connection = Connection::open_as(address, Reader::default()).await;
        let before = process::cpu(pid);
        let measured = connection.load(paths, CONCURRENCY, TURN).await;
        let cpu = process::cpu(pid) - before;
        assert_eq!(measured.failed, 0, "reads of {} failed", self.name);
        let reads = u32::try_from(measured.reads).unwrap_or(u32::MAX);
        let cpu = cpu.as_secs_f64() * 1e6 / f64::from(reads);
        self.turns.push(Turn { cpu, p50: measured.p50.as_secs_f64() * 1e6 });
    }
}

/// The quartiles of values.
fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
