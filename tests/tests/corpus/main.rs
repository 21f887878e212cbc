//! Rules as real files have them, generated in thousands of variants, with prometheus-adapter and
//! Leadsman side by side: the lists of metrics, the queries that reach Prometheus and the values
//! agree, or the difference is in the documentation.
//!
//! Variants are the same on each run. `LEADSMAN_CORPUS_VARIANTS` raises their number, and
//! `LEADSMAN_CORPUS_SEED` gives others.

mod answers;
mod batch;
mod canonical;
mod differences;
mod model;
mod naming;
mod query;
mod random;
mod reads;
mod report;
mod resources;
mod variant;
mod world;

use std::str::FromStr;

use report::Report;
use variant::Variant;
use world::World;

/// How many variants there are by default.
const VARIANTS: usize = 2000;
/// How many are in one file: one start of the servers for all of them.
const IN_ONE_FILE: usize = 125;
/// From which they are generated.
const SEED: u64 = 20_240_513;

#[tokio::test]
async fn prometheus_adapter_and_leadsman_agree_on_generated_rules() {
    let seed = setting("LEADSMAN_CORPUS_SEED", SEED);
    let count = setting("LEADSMAN_CORPUS_VARIANTS", VARIANTS).max(IN_ONE_FILE);
    println!("{count} variants of seed {seed}");
    let variants: Vec<_> = (0..count).map(|number| Variant::generate(seed, number)).collect();
    let documented = differences::documented();
    let world = World::start(&variants).await;
    let mut report = Report::default();
    for (number, file) in variants.chunks(IN_ONE_FILE).enumerate() {
        batch::run(&world, seed, number, file, &mut report).await;
    }
    report.assert_agreement(count, &documented);
}

fn setting<T: FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Err(_) => usual,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")),
    }
}
