//! The result of the arithmetic as a sentence.

use leadsman_hpa::{
    Calculation, Decision, Direction, Failure, Limit, Outcome, Proposal, Situation, Stabilized,
};

use crate::manifest::{AutoscalerCondition, AutoscalerStatus, MetricSpec, TargetSpec};
use crate::notation::ratio;

/// What a decision means, in one sentence. `titles` are those of the metrics, in the order of the
/// situation; `reported` is what the controller says of the same situation, which alone knows what was
/// recommended before.
pub fn verdict(
    titles: &[String],
    situation: &Situation,
    decision: &Decision,
    reported: Option<&AutoscalerStatus>,
) -> String {
    let Situation { min, max, replicas: current, .. } = *situation;
    match &decision.outcome {
        Outcome::Disabled => format!(
            "is switched off: the target has 0 replicas, and minReplicas is {min}; scale it to 1 or more"
        ),
        Outcome::AboveMax => {
            format!("goes from {current} to {max}: there are more replicas than maxReplicas")
        }
        Outcome::BelowMin => {
            format!("goes from {current} to {min}: there are fewer replicas than minReplicas")
        }
        Outcome::Held { proposals } => held(titles, current, proposals),
        Outcome::Recommended { proposals, winner, .. } => {
            let proposal = proposals.get(*winner).and_then(|proposal| proposal.as_ref().ok());
            let why = proposal.map_or_else(String::new, |proposal| {
                reason(titles.get(*winner).map_or("a metric", String::as_str), proposal)
            });
            Recommendation::of(situation, decision)
                .map_or_else(String::new, |of| of.verdict(&why, (min, max), reported))
        }
    }
}

/// The replicas that a decision comes to. What was recommended and changed before, the controller alone
/// knows: where it reports that this holds the recommendation, its own number counts.
pub fn replicas(
    situation: &Situation,
    decision: &Decision,
    reported: Option<&AutoscalerStatus>,
) -> i32 {
    let held = reported.zip(Recommendation::of(situation, decision));
    let held = held.filter(|(status, of)| of.held(status).is_some());
    held.map_or(decision.replicas, |(status, _)| status.desired_replicas)
}

/// Whether the controller reports that what it recommended or changed before holds a decision.
pub fn is_held(situation: &Situation, decision: &Decision, status: &AutoscalerStatus) -> bool {
    Recommendation::of(situation, decision).is_some_and(|of| of.held(status).is_some())
}

/// Whether the controller reports that the rules of a behavior hold a decision where it is.
pub(crate) fn is_held_by_rate(
    situation: &Situation,
    decision: &Decision,
    status: &AutoscalerStatus,
) -> bool {
    let held = Recommendation::of(situation, decision).and_then(|of| of.held(status));
    matches!(held, Some(Hold::Rate(_)))
}

/// Metrics that could not be read keep everything as it is.
fn held(titles: &[String], current: i32, proposals: &[Result<Proposal, Failure>]) -> String {
    let mut titled = titles.iter().zip(proposals);
    let failed = titled.find_map(|(title, proposal)| Some((title, proposal.as_ref().err()?)));
    let Some((metric, failure)) = failed else {
        return format!("stays at {current}: it has no metric");
    };
    if proposals.iter().all(Result::is_err) {
        format!(
            "stays at {current}: none of its metrics can be read; the first is {metric}: {failure}"
        )
    } else {
        format!(
            "stays at {current}: it would scale down, but not while a metric cannot be read: {metric}: {failure}"
        )
    }
}

/// What is recommended, and what became of it.
struct Recommendation {
    current: i32,
    recommended: i32,
    replicas: i32,
    stabilized: Option<Stabilized>,
    limit: Option<Limit>,
    /// Whether there are rules of a behavior. Without any, the rate depends on no earlier change.
    behaves: bool,
}

/// What the controller reports to hold a recommendation.
enum Hold<'a> {
    /// Recent recommendations, in this condition.
    Stabilized(&'a AutoscalerCondition),
    /// The rules of this direction, after what was changed within the periods of their policies.
    Rate(Direction),
}

impl Recommendation {
    /// That of a decision; `None` if it has none.
    fn of(situation: &Situation, decision: &Decision) -> Option<Self> {
        let Outcome::Recommended { recommended, stabilized, limit, .. } = &decision.outcome else {
            return None;
        };
        Some(Self {
            current: situation.replicas,
            recommended: *recommended,
            replicas: decision.replicas,
            stabilized: *stabilized,
            limit: *limit,
            behaves: situation.behavior.is_some(),
        })
    }

    fn verdict(
        &self,
        why: &str,
        bounds: (i32, i32),
        reported: Option<&AutoscalerStatus>,
    ) -> String {
        let Self { current, recommended, replicas, .. } = *self;
        match reported.and_then(|status| self.held(status).map(|hold| (status, hold))) {
            Some((status, Hold::Stabilized(condition))) => {
                return format!(
                    "wants {recommended}, waits at {}: {} ({}); {why}",
                    status.desired_replicas, condition.message, condition.reason
                );
            }
            Some((_, Hold::Rate(direction))) => {
                let rate = words(Limit::Rate(direction), bounds);
                return format!("wants {recommended}, held at {current} by {rate}; {why}");
            }
            None => {}
        }
        if let Some(Stabilized { to, .. }) = self.stabilized {
            return format!(
                "wants {recommended}, waits at {replicas}: {to} was recommended within the \
                 stabilization window; {why}"
            );
        }
        match self.limit {
            Some(limit) => {
                let held = if replicas == current { "held at" } else { "goes to" };
                format!("wants {recommended}, {held} {replicas} by {}; {why}", words(limit, bounds))
            }
            None if replicas == current => format!("stays at {current}: {why}"),
            None => format!("goes from {current} to {replicas}: {why}"),
        }
    }

    /// What the controller reports to hold this recommendation. Only it knows what was recommended and
    /// changed before.
    fn held<'a>(&self, status: &'a AutoscalerStatus) -> Option<Hold<'a>> {
        let Self { current, recommended, .. } = *self;
        if recommended == current {
            return None;
        }
        let direction = if recommended < current { Direction::Down } else { Direction::Up };
        let (stabilized, limited) = match direction {
            Direction::Down => ("ScaleDownStabilized", "ScaleDownLimit"),
            Direction::Up => ("ScaleUpStabilized", "ScaleUpLimit"),
        };
        let found = status.conditions.iter().find(|condition| condition.reason == stabilized);
        if let Some(condition) = found.filter(|_| status.desired_replicas != recommended) {
            return Some(Hold::Stabilized(condition));
        }
        let by_rate = status
            .condition("ScalingLimited")
            .is_some_and(|found| found.status == "True" && found.reason == limited);
        // What it reports of a change that it has just made says nothing of the next one, unless it left
        // the replicas where they are.
        (by_rate && self.behaves && status.desired_replicas == current)
            .then_some(Hold::Rate(direction))
    }
}

fn words(limit: Limit, (min, max): (i32, i32)) -> String {
    match limit {
        Limit::MaxReplicas => format!("maxReplicas ({max})"),
        Limit::MinReplicas => format!("minReplicas ({min})"),
        Limit::Rate(Direction::Up) => {
            "the rate of scaling up (behavior.scaleUp; without one, at most twice the replicas)"
                .to_owned()
        }
        Limit::Rate(Direction::Down) => "the rate of scaling down (behavior.scaleDown)".to_owned(),
    }
}

/// Why a metric proposes what it proposes, for the verdict.
fn reason(metric: &str, proposal: &Proposal) -> String {
    let of = ratio(proposal.ratio);
    match &proposal.calculation {
        Calculation::Within => format!("{metric} is inside the tolerance ({of})"),
        Calculation::WithinAssumed { ratio: assumed } => format!(
            "{metric} is inside the tolerance once pods without a value are counted ({})",
            ratio(*assumed)
        ),
        Calculation::Reversed { .. } => {
            format!("{metric} would go the other way once pods without a value are counted")
        }
        Calculation::Scaled { .. }
        | Calculation::Divided
        | Calculation::FromZero
        | Calculation::Assumed { .. } => format!("{metric} is {of} times its target"),
    }
}

/// Type and name of a metric.
pub fn title(metric: &MetricSpec) -> String {
    if let Some(pods) = &metric.pods {
        return format!("pods metric {}", pods.metric.name);
    }
    if let Some(object) = &metric.object {
        let name = &object.metric.name;
        return match &object.described_object {
            Some(of) => format!("metric {name} of {} {}", of.kind, of.name),
            None => format!("object metric {name}"),
        };
    }
    if let Some(external) = &metric.external {
        return format!("external metric {}", external.metric.name);
    }
    if let Some(resource) = metric.resource.as_ref().or(metric.container_resource.as_ref()) {
        return match &resource.container {
            Some(container) => format!("{} of the container {container}", resource.name),
            None => resource.name.clone(),
        };
    }
    format!("metric of the type {}", metric.kind)
}

/// A target in words.
pub fn target_words(target: &TargetSpec) -> String {
    match target {
        TargetSpec { average_value: Some(value), .. } => format!("{value} for each pod"),
        TargetSpec { value: Some(value), .. } => value.clone(),
        TargetSpec { average_utilization: Some(percent), .. } => {
            format!("{percent} % of what pods request")
        }
        _ => "none".to_owned(),
    }
}

/// The arithmetic of a proposal.
pub fn steps(proposal: &Proposal, situation: &Situation) -> Vec<String> {
    let mut steps = Vec::new();
    if let Some(groups) = &proposal.pods {
        let mut parts = vec![format!("{} with a value", groups.counted.len())];
        for (group, what) in [
            (&groups.missing, "without a value"),
            (&groups.unready, "pending or starting"),
            (&groups.ignored, "failed or being deleted, left out"),
        ] {
            if !group.is_empty() {
                parts.push(format!("{} {what} ({})", group.len(), names(group)));
            }
        }
        steps.push(format!("pods: {}", parts.join(", ")));
    }
    steps.push(format!("value / target = {}", ratio(proposal.ratio)));
    let tolerance = situation.tolerance;
    let range = format!("{} to {}", ratio(1.0 - tolerance.down), ratio(1.0 + tolerance.up));
    let replicas = proposal.replicas;
    steps.push(match &proposal.calculation {
        Calculation::Within => format!("within the tolerance, {range}: {replicas} as now"),
        Calculation::Scaled { pods } => {
            format!("{} × {pods} pods, rounded up: {replicas}", ratio(proposal.ratio))
        }
        Calculation::Divided => {
            format!("the value divided by the target for each pod, rounded up: {replicas}")
        }
        Calculation::FromZero => format!("from zero: {} rounded up: {replicas}", ratio(proposal.ratio)),
        Calculation::Assumed { ratio: assumed, pods } => format!(
            "with {} for pods without a value: {} × {pods} pods, rounded up: {replicas}",
            assumption(proposal.ratio),
            ratio(*assumed)
        ),
        Calculation::WithinAssumed { ratio: assumed } => format!(
            "with {} for pods without a value: {}, within the tolerance, {range}: {replicas} as now",
            assumption(proposal.ratio),
            ratio(*assumed)
        ),
        Calculation::Reversed { ratio: assumed } => format!(
            "with {} for pods without a value: {}, the other direction: {replicas} as now",
            assumption(proposal.ratio),
            ratio(*assumed)
        ),
    });
    steps
}

/// What pods without a value are assumed to have.
fn assumption(ratio: f64) -> &'static str {
    if ratio > 1.0 { "0" } else { "the target" }
}

fn names(group: &std::collections::BTreeSet<String>) -> String {
    const MAX_SHOWN: usize = 5;
    let mut names: Vec<_> = group.iter().take(MAX_SHOWN).map(String::as_str).collect();
    if group.len() > MAX_SHOWN {
        names.push("…");
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
