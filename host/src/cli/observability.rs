//! Flags for traces and for Events on autoscalers.

use anyhow::Context as _;
use clap::Args;

use leadsman_trace::{CollectorEndpoint, Ratio, TraceSettings};

#[derive(Debug, Args)]
pub(crate) struct ObservabilityFlags {
    /// The collector that gets traces, by OTLP over HTTP: `http://otel-collector:4318`. The variables
    /// that OpenTelemetry names do as well (OTEL_EXPORTER_OTLP_ENDPOINT, …_HEADERS, …). Without it
    /// nothing is traced.
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// How many of the traces that begin here are sampled, from 0 to 1. Of a trace that the caller
    /// began, the caller decides. 0.01 if left out, or what OTEL_TRACES_SAMPLER_ARG says.
    #[arg(long, value_name = "RATIO")]
    pub(crate) trace_sampling_ratio: Option<Ratio>,
    /// Write Events on autoscalers when the values that they read turn old, fail, and are there again.
    /// Needs the rights to list autoscalers and to write Events in all namespaces.
    #[arg(long)]
    pub(crate) autoscaler_events: bool,
}

impl ObservabilityFlags {
    /// How traces are made, if they are.
    pub(crate) fn traces(&self) -> anyhow::Result<Option<TraceSettings>> {
        let variable = |name: &str| std::env::var(name).ok();
        let host = variable("HOSTNAME").unwrap_or_else(|| "leadsman".to_owned());
        let endpoint = CollectorEndpoint::new(self.otlp_endpoint.as_deref(), variable, &host);
        let Some(endpoint) = endpoint.context("traces cannot be exported")? else {
            return Ok(None);
        };
        let of_variable = || {
            let text = variable("OTEL_TRACES_SAMPLER_ARG").filter(|text| !text.is_empty());
            let ratio = text.map(|text| text.parse::<Ratio>().map_err(anyhow::Error::msg));
            ratio.transpose().context("OTEL_TRACES_SAMPLER_ARG")
        };
        let ratio = match self.trace_sampling_ratio {
            Some(ratio) => ratio,
            None => of_variable()?.unwrap_or(Ratio::DEFAULT),
        };
        Ok(Some(TraceSettings { endpoint, ratio }))
    }
}
