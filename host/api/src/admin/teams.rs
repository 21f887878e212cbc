//! The teams of the page: the budget of each, and how much of it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use leadsman_evaluation::{Budget, BudgetUse, Evaluations, TeamLimits};

/// What one namespace has.
#[derive(Default)]
struct Team<'e> {
    budget: Option<&'e Arc<Budget>>,
    mappings: usize,
    plugins: BTreeSet<&'e str>,
}

/// Each namespace with mappings of its own.
pub(super) fn of<'e>(
    all: impl Iterator<Item = &'e Arc<Evaluations>>,
    now: Instant,
) -> BTreeMap<String, Value> {
    let mut teams: BTreeMap<String, Team<'e>> = BTreeMap::new();
    for evaluations in all {
        let mapping = evaluations.mapping();
        let Some(namespace) = mapping.owner.namespace() else { continue };
        let team = teams.entry(namespace.to_string()).or_default();
        team.budget = team.budget.or(mapping.budget.as_ref());
        team.mappings += 1;
        team.plugins.insert(mapping.plugin.digest());
        team.plugins.extend(mapping.then.iter().map(|link| link.plugin.digest()));
    }
    let reported = |(namespace, team): (String, Team<'e>)| {
        let value = self::team(&namespace, &team, now);
        (namespace, value)
    };
    teams.into_iter().map(reported).collect()
}

fn team(namespace: &str, team: &Team<'_>, now: Instant) -> Value {
    let mut reported = json!({
        "namespace": namespace,
        "mappings": team.mappings,
        "plugins": team.plugins.len(),
    });
    let Some(budget) = team.budget else { return reported };
    let TeamLimits { mappings, evaluations_per_minute, plugin_time_per_minute, memory, .. } =
        *budget.limits();
    let used: BudgetUse = budget.used(now);
    let most = plugin_time_per_minute.as_secs_f64();
    let is_spent =
        used.plugin_time >= most || f64::from(evaluations_per_minute) - used.evaluations < 1.0;
    let state = if is_spent { "spent" } else { "ok" };
    reported["state"] = state.into();
    reported["mappingsMost"] = mappings.into();
    reported["evaluations"] = used.evaluations.max(0.0).round().into();
    reported["evaluationsMost"] = evaluations_per_minute.into();
    // To the hundredth: what is used comes back bit by bit, and each bit would be sent.
    reported["pluginSeconds"] = ((used.plugin_time.max(0.0) * 100.0).round() / 100.0).into();
    reported["pluginSecondsMost"] = most.into();
    reported["memory"] = used.memory.into();
    reported["memoryMost"] = memory.into();
    reported
}
