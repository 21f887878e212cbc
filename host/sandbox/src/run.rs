//! Calls of a plugin, each on a fresh instance within limits.

use std::time::Duration;

use serde_json::{Value, json};
use wasmtime::{Store, Trap};

use super::bindings::leadsman::plugin::types;
use super::bindings::{Mapping, MappingPre};
use super::convert;
use super::engine::Engine;
use super::error::RunError;
use super::load::Plugin;
use super::output::{self, Expected};
use super::plan;
use super::run_limits::{Limits, MAX_MEMORY};
use super::store::{StoreState, log_ended, store};
use super::trace::{Capture, Trace};
use leadsman_model::data::Input;
use leadsman_model::object_table::ObjectColumns;
use leadsman_model::serve::Serve;
use leadsman_model::text;
use leadsman_model::values::Values;

/// The limits of `describe` and `configure`.
const LOADING_LIMITS: Limits =
    Limits { time: Duration::from_secs(1), memory: MAX_MEMORY, measures: 0 };

/// The maximum size of the schema of a plugin's configuration, in bytes. It is kept for as long as the
/// plugin is in use.
const MAX_SCHEMA_BYTES: usize = 256 << 10;

/// A plugin's description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub about: String,
    /// The JSON schema of its configuration.
    pub config_schema: serde_json::Value,
}

/// The result of `configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planning {
    /// The configuration is valid.
    Accepted {
        /// The additional queries of the plugin.
        queries: Vec<PlannedQuery>,
        /// What it requests of the objects; `None` if it does not request them.
        objects: Option<ObjectColumns>,
    },
    /// The configuration is invalid.
    Refused(Vec<PluginFault>),
}

/// The mapping that a configuration belongs to.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The API of the metric.
    pub serve: &'a Serve,
    /// The queries of the mapping.
    pub queries: Vec<OwnQuery>,
}

/// A query of the mapping, as an input of `configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnQuery {
    /// Its name.
    pub name: String,
    /// Whether it is a range query.
    pub range: bool,
    /// What it asks, as JSON with the keys of a query in a configuration.
    pub written: String,
}

/// A query that a plugin adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedQuery {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub asked: PlannedAsk,
}

/// What a query that a plugin adds asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedAsk {
    /// A query in PromQL.
    PromQl {
        /// The text, with placeholders.
        text: String,
        /// Duration and step of a range query; `None` for an instant query.
        range: Option<(Duration, Duration)>,
    },
    /// A query to any kind of source: JSON with the keys of a query in a configuration.
    Written(String),
}

impl PlannedQuery {
    /// What it asks, with the keys of a query in a configuration.
    pub fn keys(&self) -> Result<Value, serde_json::Error> {
        let seconds = |time: &Duration| format!("{}s", time.as_secs());
        Ok(match &self.asked {
            PlannedAsk::PromQl { text, range: None } => json!({"promql": text}),
            PlannedAsk::PromQl { text, range: Some((duration, step)) } => {
                let range = json!({"duration": seconds(duration), "step": seconds(step)});
                json!({"promql": text, "range": range})
            }
            PlannedAsk::Written(keys) => serde_json::from_str(keys)?,
        })
    }
}

/// A fault that a plugin found in its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFault {
    /// A JSON pointer into the configuration.
    pub path: String,
    /// The plugin's message.
    pub message: String,
}

/// An evaluation to run.
pub struct Run<'a> {
    /// The name of the mapping in log lines.
    pub name: &'a str,
    /// The plugin's configuration as JSON.
    pub config: &'a str,
    /// The limits.
    pub limits: &'a Limits,
    /// The expectations that its output is validated against.
    pub expected: Expected<'a>,
}

pub(super) fn describe(
    engine: &Engine,
    pre: &MappingPre<StoreState>,
) -> Result<Description, RunError> {
    let mut store = store(engine, "", &LOADING_LIMITS);
    let raw =
        call(&mut store, pre, &LOADING_LIMITS, |mapping, store| mapping.call_describe(store))?;
    let refused = |reason| RunError::Output(format!("its configuration's schema: {reason}"));
    let bytes = raw.config_schema.len();
    if bytes > MAX_SCHEMA_BYTES {
        return Err(refused(format!("{bytes} bytes; the limit is {MAX_SCHEMA_BYTES}")));
    }
    let config_schema =
        serde_json::from_str(&raw.config_schema).map_err(|error| refused(error.to_string()))?;
    let [name, version, about] = [raw.name, raw.version, raw.about].map(one_line);
    Ok(Description { name, version, about, config_schema })
}

impl Plugin {
    /// Calls `configure` with a configuration in JSON, in the context of its mapping.
    pub fn configure(
        &self,
        name: &str,
        config: &str,
        context: &Context<'_>,
    ) -> Result<Planning, RunError> {
        let (api, served_for) = match context.serve {
            Serve::Custom(resource) => (types::Api::Custom, Some(resource.to_string())),
            Serve::External | Serve::ResourceMetrics(_) => (types::Api::External, None),
        };
        let own = |query: &OwnQuery| types::OwnQuery {
            name: query.name.clone(),
            range: query.range,
            written: query.written.clone(),
        };
        let queries = context.queries.iter().map(own).collect();
        let context = types::Context { api, served_for, queries };
        let mut store = store(self.engine(), name, &LOADING_LIMITS);
        let planned = call(&mut store, self.pre(), &LOADING_LIMITS, |mapping, store| {
            mapping.call_configure(store, config, &context)
        })?;
        plan::planning(planned)
    }

    /// Calls `evaluate`. Blocks while the plugin runs. The caller must hold a permit of
    /// [`Plugin::slots`].
    pub fn evaluate(&self, run: &Run<'_>, input: Input) -> Result<Values, RunError> {
        self.evaluate_traced(run, input).0
    }

    /// The same, with what the plugin was given, gave and logged, however the run ended.
    pub fn evaluate_traced(
        &self,
        run: &Run<'_>,
        input: Input,
    ) -> (Result<Values, RunError>, Trace) {
        let now = input.now;
        let input = convert::input(input);
        let mut store = store(self.engine(), run.name, run.limits);
        let returned = call(&mut store, self.pre(), run.limits, |mapping, store| {
            mapping.call_evaluate(store, run.config, &input)
        });
        log_ended(self.engine(), store.data());
        let (result, measures) = match returned {
            Ok(Ok(measures)) => {
                let texts = &input.dictionary;
                let values = output::check(&measures, texts, now, run.limits, &run.expected);
                (values.map_err(RunError::Output), Some(measures))
            }
            Ok(Err(failure)) => {
                let (message, query) = (one_line(failure.message), failure.query.map(one_line));
                (Err(RunError::Failure { message, query }), None)
            }
            Err(error) => (Err(error), None),
        };
        let (log, log_dropped, memory) = store.into_data().into_parts();
        let capture = Capture::new(input, measures);
        (result, Trace { capture, log, log_dropped, memory })
    }
}

/// Instantiates the plugin, calls a function, and maps traps to errors.
fn call<T>(
    store: &mut Store<StoreState>,
    pre: &MappingPre<StoreState>,
    limits: &Limits,
    function: impl FnOnce(&Mapping, &mut Store<StoreState>) -> wasmtime::Result<T>,
) -> Result<T, RunError> {
    let mapping = match pre.instantiate(&mut *store) {
        Ok(mapping) => mapping,
        Err(error) => return Err(call_error(store, limits, &error, RunError::Host)),
    };
    match function(&mapping, store) {
        Ok(value) => Ok(value),
        Err(error) => Err(call_error(store, limits, &error, RunError::Output)),
    }
}

/// The error of a call. `without_trap` is the kind of an error without a trap: during instantiation
/// the host has failed, during a call the output cannot be read.
fn call_error(
    store: &mut Store<StoreState>,
    limits: &Limits,
    error: &wasmtime::Error,
    without_trap: fn(String) -> RunError,
) -> RunError {
    let state = store.data_mut();
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => RunError::Timeout(limits.time),
        Some(Trap::StackOverflow) => RunError::Stack,
        // Most plugins trap after a refused allocation.
        Some(trap) => state.exceeded.take().unwrap_or_else(|| {
            RunError::Trap(match (state.last_error.take(), trap) {
                (Some(message), _) => one_line(message),
                // Compiled languages have a second stack in linear memory. Infinite recursion
                // overflows it first.
                (None, Trap::MemoryOutOfBounds) => {
                    format!("{trap} (endless recursion ends like this, too)")
                }
                (None, trap) => trap.to_string(),
            })
        }),
        None => state.exceeded.take().unwrap_or_else(|| without_trap(format!("{error:#}"))),
    }
}

/// How many characters of a plugin's message are kept: conditions of autoscalers show it.
const MAX_MESSAGE_CHARS: usize = 500;

/// A plugin's message as one readable line.
pub(super) fn one_line(message: String) -> String {
    text::one_line(&message, MAX_MESSAGE_CHARS)
}
