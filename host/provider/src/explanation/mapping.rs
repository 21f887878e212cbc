//! What serves a metric, as an explanation shows it.

use super::{ExplainedMapping, ExplainedPlugin, ExplainedPolicy, View, WrittenAt, WrittenQuery};
use crate::snapshot::{EntryState, Place, Snapshot};
use leadsman_evaluation::{Evaluations, Mapping, Policy};
use leadsman_model::values::OnNan;

/// The mapping behind evaluations, as far as a view goes.
pub(super) fn mapping(
    snapshot: &Snapshot,
    evaluations: &Evaluations,
    view: View,
) -> ExplainedMapping {
    let mapping = &**evaluations.mapping();
    // One for the whole cluster may name what is nothing to a reader of one namespace.
    let config = |config: &str| match view {
        View::OfRead if mapping.is_for_all_namespaces() => None,
        View::OfRead | View::Everything => serde_json::from_str(config).ok(),
    };
    let then = mapping.then.iter().map(|link| ExplainedPlugin {
        name: link.plugin_name.clone(),
        version: link.plugin.description().version.clone(),
        digest: format!("sha256:{}", link.plugin.digest()),
        config: config(&link.config),
    });
    let queries = mapping.queries.iter().map(|query| WrittenQuery {
        name: query.name.clone(),
        source: query.source_name.clone(),
        text: query.kind.to_string(),
    });
    ExplainedMapping {
        title: mapping.title(),
        metric: mapping.metric.to_string(),
        served: mapping.serve.described(),
        owner: mapping.owner.to_string(),
        of_rule: mapping.of_rule,
        written: written(snapshot, evaluations),
        plugin: ExplainedPlugin {
            name: mapping.plugin_name.clone(),
            version: mapping.plugin.description().version.clone(),
            digest: format!("sha256:{}", mapping.plugin.digest()),
            config: config(&mapping.config),
        },
        then: then.collect(),
        queries: queries.collect(),
        policy: policy(&mapping.policy),
    }
}

/// Where a mapping, or the rule that gives it, is written.
fn written(snapshot: &Snapshot, evaluations: &Evaluations) -> Option<WrittenAt> {
    let (mapping, places) = (&**evaluations.mapping(), snapshot.places());
    // Resource metrics are of rules that have a place of their own.
    let place = match mapping.of_rule && mapping.items.is_none() {
        true => places.rules.get(rule(snapshot, mapping)?),
        false => places.mappings.get(&mapping.title()),
    };
    place.map(|Place { document, revision, pointer, line }| WrittenAt {
        document: document.to_string(),
        place: pointer.clone(),
        line: *line,
        revision: format!("sha256:{revision}"),
    })
}

/// The number of the rule that gives a metric.
fn rule(snapshot: &Snapshot, mapping: &Mapping) -> Option<usize> {
    let mut entries = snapshot.of_name(mapping.metric.as_str());
    entries.find_map(|entry| match &entry.state {
        EntryState::Lazy(metric) if entry.serve == mapping.serve => Some(metric.rule),
        _ => None,
    })
}

fn policy(policy: &Policy) -> ExplainedPolicy {
    ExplainedPolicy {
        deadline: policy.deadline.as_secs_f64(),
        max_age: policy.max_age.as_secs_f64(),
        refresh_at_most_every: policy.refresh_at_most_every.as_secs_f64(),
        last_good: policy.last_good.map(|time| time.as_secs_f64()),
        otherwise: policy.otherwise.as_ref().map(ToString::to_string),
        last_known: policy.last_known.map(|time| time.as_secs_f64()),
        default: policy.default.as_ref().map(ToString::to_string),
        activation: policy.activation,
        on_nan: match policy.on_nan {
            OnNan::Refuse => "refuse".to_owned(),
            OnNan::Absent => "absent".to_owned(),
            OnNan::Value(value) => value.to_string(),
        },
    }
}
