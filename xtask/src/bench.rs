//! `cargo xtask bench`: the measurements in the documentation.

use crate::cargo;
use crate::failure::Failure;
use crate::programs;
use crate::setup;

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Benchmark {
    /// Reads of the metrics APIs against a running adapter.
    Reads,
    /// Shapes of the data between host and plugin.
    Shapes,
    /// One evaluation, from the answer of a source to values.
    Evaluation,
    /// What the record of evaluations and readers costs.
    Recording,
    /// Reads in a cluster: authenticated, authorized, with watched objects.
    Cluster,
    /// Selecting objects, and their memory.
    Objects,
    /// How soon an edit is served, and what reads cost meanwhile.
    Reload,
    /// CPU and memory of a long list of series.
    Relist,
    /// What a misbehaving mapping costs its neighbours.
    Neighbours,
    /// What attacks take, beside the bounds that are stated for them.
    Bounds,
    /// What delegates cost reads of our own metrics.
    Delegates,
    /// A hundred mappings and 5,000 pools on one NSX ALB controller.
    NsxAlb,
    /// Polls of a thousand ScaledObjects of KEDA.
    Scaler,
}

impl Benchmark {
    const ALL: [Self; 13] = [
        Self::Reads,
        Self::Shapes,
        Self::Evaluation,
        Self::Recording,
        Self::Cluster,
        Self::Objects,
        Self::Reload,
        Self::Relist,
        Self::Neighbours,
        Self::Bounds,
        Self::Delegates,
        Self::NsxAlb,
        Self::Scaler,
    ];

    /// The benchmark of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|benchmark| benchmark.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Shapes => "shapes",
            Self::Evaluation => "evaluation",
            Self::Recording => "recording",
            Self::Cluster => "cluster",
            Self::Objects => "objects",
            Self::Reload => "reload",
            Self::Relist => "relist",
            Self::Neighbours => "neighbours",
            Self::Bounds => "bounds",
            Self::Delegates => "delegates",
            Self::NsxAlb => "nsx_alb",
            Self::Scaler => "scaler",
        }
    }
}

/// Runs one benchmark, or all.
pub(crate) fn run(name: Option<Benchmark>, arguments: &[String]) -> Result<(), Failure> {
    setup::plugins()?;
    // Benchmarks from outside measure the release build.
    cargo::run(&["build", "--release", "--package", "leadsman"])?;
    for benchmark in name.map_or_else(|| Benchmark::ALL.to_vec(), |name| vec![name]) {
        let mut line = vec!["bench", "--package", "leadsman-bench", "--bench", benchmark.name()];
        if !arguments.is_empty() {
            line.push("--");
            line.extend(arguments.iter().map(String::as_str));
        }
        programs::run(&mut cargo::cargo(&line), &cargo::shown(&line))?;
    }
    Ok(())
}
