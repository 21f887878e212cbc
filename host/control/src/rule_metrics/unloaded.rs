//! Rules while the plugins that they run are not loaded: reads of what they may give are told so.

use std::sync::Arc;

use super::super::listing::SeriesIndex;
use super::super::reason::{Cause, Reason};
use super::super::rule_gaps;
use super::RuleOutput;
use leadsman_config::valid;
use leadsman_delegate::{Api, Delegates};
use leadsman_model::names::MetricName;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::RuleGaps;
use leadsman_rules::{Resolve, resolver};

impl RuleOutput {
    /// What there is of rules whose plugins are not loaded, and why they are not: what was served
    /// `before`, and nothing else. What delegates serve goes on, too, so nothing is claimed of their APIs.
    pub(crate) fn unloaded(
        rules: &valid::Rules,
        listed: &SeriesIndex,
        why: &Cause,
        before: Option<&Self>,
        delegates: Option<&Delegates>,
    ) -> Self {
        let delegated = |api| delegates.is_some_and(|delegates| delegates.serve(api));
        let resolve = resolver(&listed.resources);
        let before = before.filter(|before| before.rules().is_some());
        let claims = !delegated(Api::Custom) && !delegated(Api::External);
        let gaps = if why.reason == Reason::Loading && claims {
            let messages: Vec<_> = why.faults.iter().map(|fault| fault.message.as_str()).collect();
            rule_gaps::unloaded(rules, &resolve, &messages.join("; "))
        } else {
            // It may never be loaded. What a rule might give is unknown then, as without rules, so that
            // others may give it.
            let known = before.map(|before| RuleGaps::clone(&before.gaps)).unwrap_or_default();
            Arc::new(RuleGaps { unloaded: Vec::new(), ..known })
        };
        let mut output = before.cloned().unwrap_or_default();
        output.gaps = gaps;
        // They are named one by one, unless they were served before.
        if output.resource_specs.is_empty() && !delegated(Api::Resource) {
            output.resource_errors = resource_metrics(rules, &resolve, why);
        }
        output
    }
}

/// The resource metrics that are configured, each with why it is not served.
fn resource_metrics(
    rules: &valid::Rules,
    resolve: &Resolve<'_>,
    why: &Cause,
) -> Vec<(MetricName, Serve, Cause)> {
    let Some(of) = &rules.resource_metrics else { return Vec::new() };
    let (cpu, memory) = (&of.rules.cpu, &of.rules.memory);
    let queries = [
        ("pods", "cpu", cpu.pods(resolve)),
        ("pods", "memory", memory.pods(resolve)),
        ("nodes", "cpu", cpu.nodes(resolve)),
        ("nodes", "memory", memory.nodes(resolve)),
    ];
    let unserved = queries.into_iter().filter_map(|(resource, metric, query)| {
        if matches!(query, Ok(None)) {
            return None;
        }
        let (metric, resource): (MetricName, _) =
            (metric.parse().ok()?, Resource::known(resource)?);
        Some((metric, Serve::ResourceMetrics(resource), why.clone()))
    });
    unserved.collect()
}
