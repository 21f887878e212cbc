//! How long a plugin takes and how much memory it needs, at sizes from a small namespace to a large
//! cluster, against its limits.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::origin::{self, Tools};
use super::registry::RegistryOptions;
use super::{PluginError, scale, table};
use leadsman_control as control;
use leadsman_sandbox::{Limits, Plugin};

/// The numbers of series.
const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
/// About how long each size is measured.
const TIME_FOR_SIZE: Duration = Duration::from_secs(1);
/// How often each size is measured at least and at most.
const MIN_RUNS: usize = 5;
const MAX_RUNS: usize = 50;
/// A run that takes more than this share of its limit has too little room on a busy node.
const TIGHT: f64 = 0.5;

/// What is measured.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// The plugin: a file, the name of one that ships with the adapter, or a reference.
    pub plugin: String,
    /// The fixture whose series are multiplied; one that the plugin brings along if left out.
    pub fixture: Option<PathBuf>,
    /// The limit of time; 100 ms if left out, as in a mapping.
    pub time: Option<Duration>,
    /// The limit of memory in bytes; 64 MiB if left out.
    pub memory: Option<usize>,
    /// How registries are accessed.
    pub access: RegistryOptions,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The name of the fixture.
    pub fixture: String,
    /// The limits.
    pub limits: Limits,
    /// Each size.
    pub sizes: Vec<Size>,
}

/// What was measured with so many series in each answer.
#[derive(Debug, Clone)]
pub struct Size {
    /// The number of series.
    pub series: usize,
    /// How often it was run.
    pub runs: usize,
    /// The time in the middle, and the 95th percentile.
    pub time: Option<(Duration, Duration)>,
    /// The most memory, in bytes.
    pub memory: usize,
    /// The number of values, or why there were none.
    pub result: Result<usize, String>,
    /// Whether the plugin itself is at fault for that.
    pub misbehaved: bool,
}

/// Measures a plugin.
pub async fn bench(options: &BenchOptions) -> anyhow::Result<Bench> {
    let tools = Tools::new(None)?;
    let plugin = tools.fetch(&options.plugin, &options.access).await?.plugin;
    let usual = Limits::default();
    let limits = Limits {
        time: options.time.unwrap_or(usual.time),
        memory: options.memory.unwrap_or(usual.memory),
        ..usual
    };
    let (name, fixture) = match &options.fixture {
        Some(file) => {
            let text =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let fixture: Value = serde_json::from_slice(&text)
                .map_err(|error| PluginError(format!("{}: {error}", file.display())))?;
            (file.display().to_string(), fixture)
        }
        None => largest_fixture(&plugin)?,
    };
    if scale::series(&fixture).is_none() {
        let reason = format!("{name} has no answer with series that could be multiplied");
        return Err(PluginError(reason).into());
    }
    let mut sizes = Vec::new();
    for series in SIZES {
        sizes.push(size(&plugin, &scale::scaled(&fixture, series), series, limits).await?);
    }
    Ok(Bench { fixture: name, limits, sizes })
}

/// The fixture of a plugin with the most series, among those that expect measures.
fn largest_fixture(plugin: &Plugin) -> anyhow::Result<(String, Value)> {
    let fixtures = origin::fixtures(plugin)?.into_iter();
    let usable = fixtures.filter(|(_, fixture)| fixture["expect"].get("measures").is_some());
    usable.max_by_key(|(_, fixture)| scale::series(fixture)).ok_or_else(|| {
        let reason = "it brings no fixture that expects measures; name one with --fixture, such as \
                      `leadsman plugin run --record` writes it";
        PluginError(reason.to_owned()).into()
    })
}

async fn size(
    plugin: &Plugin,
    fixture: &Value,
    series: usize,
    limits: Limits,
) -> anyhow::Result<Size> {
    let text = fixture.to_string().into_bytes();
    let run = async |times: usize| {
        let outcomes = control::run_on_fixture(plugin, text.clone(), limits, times).await;
        outcomes.map_err(PluginError)
    };
    // The first run finds cold caches, and says how many more there is time for.
    let first = run(1).await?;
    let took = first.first().map_or(Duration::ZERO, |outcome| outcome.took);
    let failed = first.iter().any(|outcome| outcome.result.is_err());
    let outcomes = if failed {
        first
    } else {
        let fit = TIME_FOR_SIZE.as_nanos() / took.as_nanos().max(1);
        run(usize::try_from(fit).unwrap_or(MAX_RUNS).clamp(MIN_RUNS, MAX_RUNS)).await?
    };
    let mut times: Vec<_> = outcomes.iter().map(|outcome| outcome.took).collect();
    times.sort();
    let at = |percent: usize| times.get(times.len().saturating_sub(1) * percent / 100).copied();
    // One run that fails is what an author has to know of.
    let worst = outcomes.iter().find(|outcome| outcome.result.is_err()).or(outcomes.last());
    let result = match worst.map(|outcome| &outcome.result) {
        Some(Ok(values)) => Ok(values.len()),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err("it was not run".to_owned()),
    };
    Ok(Size {
        series,
        runs: outcomes.len(),
        time: at(50).zip(at(95)),
        memory: outcomes.iter().map(|outcome| outcome.memory).max().unwrap_or(0),
        misbehaved: worst.is_some_and(|outcome| outcome.misbehaved),
        result,
    })
}

impl Bench {
    /// Whether the plugin gives values at each size, within its limits.
    pub fn is_good(&self) -> bool {
        self.sizes.iter().all(|size| size.result.is_ok())
    }
}

impl fmt::Display for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { time, memory, .. } = self.limits;
        writeln!(
            f,
            "{}, its series multiplied; limits: {}, {}\n",
            self.fixture,
            table::time(time),
            table::bytes(memory)
        )?;
        let head = ["series", "values", "time", "95 %", "of limit", "memory", "of limit", "runs"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for size in &self.sizes {
            let (middle, late) = size.time.unwrap_or_default();
            let values = size.result.as_ref().map_or("none".to_owned(), usize::to_string);
            rows.push(vec![
                size.series.to_string(),
                values,
                table::time(middle),
                table::time(late),
                percent(share(late.as_secs_f64(), time.as_secs_f64())),
                table::bytes(size.memory),
                percent(share_of_bytes(size.memory, memory)),
                size.runs.to_string(),
            ]);
        }
        f.write_str(&table::columns(&rows))?;
        for size in &self.sizes {
            let late = size.time.map_or(0.0, |(_, late)| late.as_secs_f64());
            match &size.result {
                Err(reason) => writeln!(f, "\nat {} series: {reason}", size.series)?,
                Ok(_) if share(late, time.as_secs_f64()) > TIGHT => writeln!(
                    f,
                    "\nat {} series it takes more than half of its limit, which is little room on a \
                     busy node: raise limits.time of the mapping, or aggregate in the query",
                    size.series
                )?,
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { f64::INFINITY }
}

#[allow(clippy::cast_precision_loss)] // far below 2^52
fn share_of_bytes(part: usize, whole: usize) -> f64 {
    share(part as f64, whole as f64)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
