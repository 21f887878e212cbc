//! A plugin that misbehaves as configured.

mod behaved;
mod misdeeds;

use std::collections::BTreeMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::serde_json::Value;
use leadsman_plugin_sdk::{Context, Failure, Fault, Input, Measures, Plan, Query};

/// The misdeed, and the call that commits it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(crate = "schemars")]
pub struct Config {
    /// The misdeed.
    r#do: Deed,
    /// The call that misbehaves; the other one does not.
    #[serde(default)]
    r#in: Call,
    /// How many measures, log lines, or queries of one name.
    #[serde(default)]
    n: u32,
    /// The length of a name or a log line, or an amount of memory.
    #[serde(default)]
    bytes: u32,
    /// The labels that `count-objects` asks for; all if left out.
    #[serde(default)]
    labels: Option<Vec<String>>,
    /// The message of `fail`, the namespace of `other-namespace`, or what `reach` asks for.
    #[serde(default)]
    message: String,
    /// The keys of the query that `ask` brings.
    #[serde(default)]
    ask: BTreeMap<String, Value>,
    /// Has no effect here; the adapter looks at it.
    #[serde(default, rename = "combine")]
    _combine: Option<String>,
}

/// The misdeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "kebab-case")]
#[schemars(crate = "schemars")]
pub enum Deed {
    /// Never returns.
    Loop,
    /// Allocates until it fails.
    Allocate,
    /// Recurses endlessly.
    Recurse,
    /// The same with frames in its linear memory.
    RecurseInMemory,
    /// Executes `unreachable`.
    Trap,
    /// Panics.
    Panic,
    /// Returns NaN for every object.
    Nan,
    /// Returns +Inf for every object.
    Infinity,
    /// Returns `n` measures.
    ManyOutputs,
    /// Names an object with `bytes` bytes.
    LongName,
    /// Returns `n` measures for objects that do not exist, each named with `bytes` bytes.
    LongNames,
    /// Returns 666 for the pods it sees, as those of the namespace `message`.
    OtherNamespace,
    /// Returns 666 for an object that does not exist, beside the right measures.
    UnaskedObject,
    /// Fails with `message`.
    Fail,
    /// Logs `n` lines of `bytes` bytes with control characters, then behaves.
    LogFlood,
    /// Allocates `bytes` bytes, writes to all of them, and then behaves.
    Hold,
    /// Executes `unreachable` in a third of the milliseconds, and behaves in the others.
    TrapAtTimes,
    /// Plans `n` queries of its own of `bytes` bytes.
    PlanQueries,
    /// Asks for `n` labels of objects.
    PlanLabels,
    /// Asks the operating system for `message`, of which there is none, and then behaves.
    Reach,
    /// Returns how often this instance was called, which is once.
    Remember,
    /// Behaves: the value of each series for its pod.
    WellBehaved,
    /// Behaves: the largest value of each range for its pod.
    RangeMax,
    /// Behaves: for each object of the scope the number of objects of the scope.
    CountObjects,
    /// Behaves: brings its only query, `ask`, and returns the sum of the answer for one object. With
    /// `n` it brings so many of the name.
    Ask,
}

/// A call of the contract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "kebab-case")]
#[schemars(crate = "schemars")]
pub enum Call {
    /// `configure`.
    Configure,
    /// `evaluate`.
    #[default]
    Evaluate,
}

fn plan(config: &Config, _: &Context) -> Result<Plan, Vec<Fault>> {
    let plan = match (config.r#do, &config.labels) {
        (Deed::CountObjects, None) => Plan::new().with_objects(),
        (Deed::CountObjects, Some(labels)) => Plan::new().with_object_labels(labels),
        (Deed::Ask, _) => (0..config.n.max(1))
            .fold(Plan::new(), |plan, _| plan.query(Query::written("ask", config.ask.clone()))),
        _ => Plan::new(),
    };
    if config.r#in == Call::Evaluate {
        return Ok(plan);
    }
    match config.r#do {
        Deed::Loop => misdeeds::turn(),
        Deed::Allocate => misdeeds::hoard(),
        Deed::Recurse => misdeeds::descend(),
        Deed::RecurseInMemory => misdeeds::descend_in_memory(),
        Deed::Trap => misdeeds::trap(),
        Deed::Panic => misdeeds::panic(),
        Deed::PlanQueries => Ok(misdeeds::plan_queries(config.n, config.bytes)),
        Deed::PlanLabels => Ok(misdeeds::plan_labels(config.n)),
        Deed::Fail => Err(vec![Fault::at("/message", config.message.clone())]),
        _ => Ok(plan),
    }
}

/// Does what the configuration says.
pub fn evaluate(config: &Config, input: &Input) -> Result<Measures, Failure> {
    if config.r#in == Call::Configure {
        return behaved::each_pod(input);
    }
    match config.r#do {
        Deed::Loop => misdeeds::turn(),
        Deed::Allocate => misdeeds::hoard(),
        Deed::Recurse => misdeeds::descend(),
        Deed::RecurseInMemory => misdeeds::descend_in_memory(),
        Deed::Trap => misdeeds::trap(),
        Deed::Panic => misdeeds::panic(),
        Deed::Nan => behaved::with_value(input, f64::NAN),
        Deed::Infinity => behaved::with_value(input, f64::INFINITY),
        Deed::ManyOutputs => Ok(misdeeds::many(config.n)),
        Deed::LongName => misdeeds::long_name(input, config.bytes),
        Deed::LongNames => Ok(misdeeds::long_names(config.n, config.bytes)),
        Deed::OtherNamespace => misdeeds::in_namespace(input, &config.message),
        Deed::UnaskedObject => misdeeds::unasked(input),
        Deed::Fail => Err(Failure::new(config.message.clone())),
        Deed::LogFlood => {
            misdeeds::flood(config.n, config.bytes);
            behaved::each_pod(input)
        }
        Deed::Hold => {
            misdeeds::hold(config.bytes);
            behaved::each_pod(input)
        }
        Deed::TrapAtTimes => {
            misdeeds::trap_at_times(input);
            behaved::each_pod(input)
        }
        Deed::Reach => {
            misdeeds::reach(&config.message)?;
            behaved::each_pod(input)
        }
        Deed::Remember => behaved::with_value(input, f64::from(misdeeds::remember())),
        Deed::WellBehaved | Deed::PlanQueries | Deed::PlanLabels => behaved::each_pod(input),
        Deed::RangeMax => behaved::range_max(input),
        Deed::CountObjects => Ok(behaved::count_objects(input)),
        Deed::Ask => behaved::sum(input),
    }
}

leadsman_plugin_sdk::export!(evaluate, plan = plan);
