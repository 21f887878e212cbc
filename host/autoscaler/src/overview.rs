//! What a page says of an autoscaler: its state, the verdict, and each metric.

use leadsman_hpa::{
    Decision, Failure, Limit, MetricTarget, Outcome, Proposal, Replicas, Situation, decide, propose,
};
use leadsman_model::quantity::Quantity;
use serde::Serialize;

use crate::manifest::{Autoscaler, AutoscalerCondition, AutoscalerStatus, MetricSpec, TargetSpec};
use crate::notation::decimal;
use crate::reported::situation;
use crate::stale_status::StaleStatus;
use crate::verdict::{is_held_by_rate, steps, target_words, title, verdict};

/// The state of an autoscaler. The worst is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AutoscalerState {
    /// A metric cannot be read, or the target cannot be scaled.
    Failing,
    /// It wants other replicas, and something but its bounds holds it; or a value that it reads is old.
    Held,
    /// It has as many replicas as it may have.
    AtMax,
    /// The target has no replica, and the autoscaler will not change that.
    PinnedAtZero,
    /// Its controller has not synced it yet.
    New,
    /// Nothing holds it.
    Fine,
}

/// What is known of a metric besides what the autoscaler's status says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownMetric {
    /// The title of the mapping that serves it; `None` if no mapping of this adapter does.
    pub mapping: Option<String>,
    /// The newest value of the object, or of each item, in thousandths; `None` where it is not known.
    pub newest: Option<Vec<i64>>,
    /// Its problem.
    pub trouble: Option<MetricProblem>,
}

/// The problem of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricProblem {
    /// Reads of it fail. Why.
    Failing(String),
    /// Reads of it get an old value, or one that stands for what is not known. Why.
    Old(String),
}

/// What the status page and the demo show of an autoscaler.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Kind and name of what it scales.
    pub target: String,
    /// Its state.
    pub state: AutoscalerState,
    /// In one sentence.
    pub verdict: String,
    /// The present replicas; `None` before the first sync of its controller.
    pub replicas: Option<i32>,
    /// The replicas that its metrics lead to, before anything holds them; `None` where they lead to none.
    pub wants: Option<i32>,
    /// The fewest replicas.
    pub min: i32,
    /// The most replicas.
    pub max: i32,
    /// Each metric, in the order of the autoscaler.
    pub metrics: Vec<MetricOverview>,
    /// What its controller says.
    pub conditions: Vec<AutoscalerCondition>,
    /// When its controller last changed the replicas, as RFC 3339.
    pub last_scale_time: Option<String>,
}

/// What they show of a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricOverview {
    /// Its type and name.
    pub title: String,
    /// Its name.
    pub name: String,
    /// The value that is compared with the target; `None` where it is not known.
    pub value: Option<MetricNumber>,
    /// The target; `None` if there is none.
    pub target: Option<MetricNumber>,
    /// The target in words.
    pub target_words: String,
    /// Whether value and target are for each pod.
    #[serde(skip)]
    pub is_average: bool,
    /// Value by target; `None` where it is no number.
    pub ratio: Option<f64>,
    /// The replicas that it proposes.
    pub proposes: Option<i32>,
    /// Whether it decides.
    pub decides: bool,
    /// The arithmetic, step by step.
    pub arithmetic: Vec<String>,
    /// Why there is no value.
    pub failure: Option<String>,
    /// Why the value is old.
    pub old: Option<String>,
    /// How the mapping is called that serves it.
    pub mapping: Option<String>,
}

/// A number as people write it, and as Kubernetes does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricNumber {
    /// `1013.4`, or `90 %`.
    pub text: String,
    /// `1013400m`; the same as the text where both are written alike.
    pub quantity: String,
    /// For charts.
    pub number: f64,
}

impl MetricNumber {
    fn of_milli(milli: i64) -> Self {
        let quantity = Quantity::from_milli(milli);
        let number = quantity.as_f64();
        Self { text: decimal(milli), quantity: quantity.to_string(), number }
    }

    fn percent(percent: i64) -> Self {
        let text = format!("{percent} %");
        // A utilization is far below what a float counts exactly.
        Self { quantity: text.clone(), text, number: percent as f64 }
    }
}

impl Overview {
    /// What to say of an autoscaler, of whose metrics this is known besides its status, in their order.
    pub fn of(autoscaler: &Autoscaler, known: &[KnownMetric]) -> Self {
        let specs = autoscaler.spec.metrics();
        let titles: Vec<_> = specs.iter().map(title).collect();
        let spec = &autoscaler.spec;
        let looked = autoscaler.status.as_ref();
        // A number of 0 is left out of the status.
        let looked = looked.filter(|status| !status.conditions.is_empty());
        let mut overview = Self {
            namespace: autoscaler.metadata.namespace.clone().unwrap_or_default(),
            name: autoscaler.metadata.name.clone(),
            target: format!("{}/{}", spec.scale_target_ref.kind, spec.scale_target_ref.name),
            state: AutoscalerState::New,
            verdict: "has not been looked at yet by its controller".to_owned(),
            replicas: None,
            wants: None,
            min: spec.min_replicas.unwrap_or(1),
            max: spec.max_replicas,
            metrics: Vec::new(),
            conditions: Vec::new(),
            last_scale_time: None,
        };
        let Some(status) = looked else {
            let unread = |(at, spec): (usize, &MetricSpec)| metric(spec, known.get(at), None);
            overview.metrics = specs.iter().enumerate().map(unread).collect();
            return overview;
        };
        let stale = StaleStatus::of(status, &specs, known);
        let known = stale.as_ref().map_or(known, |stale| stale.known.as_slice());
        let situation = situation(autoscaler, status, &specs, known);
        let decision = decide(&situation);
        let winner = match &decision.outcome {
            Outcome::Recommended { winner, .. } => Some(*winner),
            _ => None,
        };
        let is_off = matches!(decision.outcome, Outcome::Disabled);
        let replicas = Replicas { spec: situation.replicas, status: situation.status_replicas };
        let proposal = |metric| {
            propose(metric, replicas, &situation.pods, &situation.startup, situation.tolerance)
        };
        overview.metrics = { specs.iter().zip(&situation.metrics).enumerate() }
            .map(|(at, (spec, read))| {
                // Of a target that is switched off, nothing is proposed.
                let proposed = (!is_off).then(|| (proposal(read), &situation));
                MetricOverview {
                    decides: winner == Some(at),
                    ..metric(spec, known.get(at), proposed)
                }
            })
            .collect();
        overview.state = state(status, &situation, &decision, known);
        overview.verdict = match trap(status, &situation, &decision) {
            Some(wants) => format!(
                "stays at 0, and wants {wants}: its controller leaves zero only if it went there \
                 itself (condition ScaledToZero); scale the target to 1 or more"
            ),
            None => self::verdict(&titles, &situation, &decision, Some(status)),
        };
        overview.replicas = Some(status.current_replicas.unwrap_or_default());
        overview.wants = wants(&decision);
        let is_recommended = matches!(decision.outcome, Outcome::Recommended { .. });
        if let Some(stale) = stale.filter(|stale| is_recommended || stale.is_without_scale()) {
            // What values from before lead to, nobody wants now.
            overview.verdict = format!("stays at {}: {}", situation.replicas, stale.why());
            overview.wants = None;
        }
        overview.conditions.clone_from(&status.conditions);
        overview.last_scale_time.clone_from(&status.last_scale_time);
        overview
    }
}

/// The replicas that metrics lead to, before anything holds them.
fn wants(decision: &Decision) -> Option<i32> {
    match &decision.outcome {
        Outcome::Recommended { recommended, .. } => Some(*recommended),
        Outcome::AboveMax | Outcome::BelowMin => Some(decision.replicas),
        Outcome::Disabled | Outcome::Held { .. } => None,
    }
}

/// What an autoscaler wants that is at zero and stays there, since its controller did not bring it there.
fn trap(status: &AutoscalerStatus, situation: &Situation, decision: &Decision) -> Option<i32> {
    let at_zero = situation.replicas == 0 && situation.min == 0;
    let by_controller = status.condition("ScaledToZero").is_some_and(|by| by.status == "True");
    // A controller that knows no such condition has none in its status at all, and scales from zero.
    let disabled = status
        .condition("ScalingActive")
        .is_some_and(|active| active.status == "False" && active.reason == "ScalingDisabled");
    wants(decision).filter(|wants| at_zero && *wants > 0 && disabled && !by_controller)
}

fn state(
    status: &AutoscalerStatus,
    situation: &Situation,
    decision: &Decision,
    known: &[KnownMetric],
) -> AutoscalerState {
    let is_false = |kind: &str| status.condition(kind).filter(|known| known.status == "False");
    let inactive = is_false("ScalingActive");
    let disabled = inactive.is_some_and(|condition| condition.reason == "ScalingDisabled");
    if disabled || matches!(decision.outcome, Outcome::Disabled) {
        return AutoscalerState::PinnedAtZero;
    }
    if inactive.is_some() || is_false("AbleToScale").is_some() {
        return AutoscalerState::Failing;
    }
    let (proposals, limit) = match &decision.outcome {
        Outcome::Held { .. } => return AutoscalerState::Failing,
        Outcome::Recommended { proposals, limit, .. } => (proposals, *limit),
        Outcome::AboveMax => return AutoscalerState::AtMax,
        Outcome::BelowMin | Outcome::Disabled => return AutoscalerState::Fine,
    };
    if proposals.iter().any(Result::is_err) {
        return AutoscalerState::Failing;
    }
    let wants = wants(decision).unwrap_or(situation.replicas);
    let old = known.iter().any(|known| matches!(known.trouble, Some(MetricProblem::Old(_))));
    let rate =
        matches!(limit, Some(Limit::Rate(_))) || is_held_by_rate(situation, decision, status);
    let waits = status.condition("AbleToScale").is_some_and(|able| {
        matches!(able.reason.as_str(), "ScaleDownStabilized" | "ScaleUpStabilized")
            && status.desired_replicas != wants
            && wants != situation.replicas
    });
    let at_max = situation.replicas >= situation.max && wants >= situation.max;
    let no_room = at_max && situation.max > situation.min;
    // What waits below the maximum is held by time; at the maximum only more replicas help.
    if old || ((waits || rate) && !at_max) {
        AutoscalerState::Held
    } else if limit == Some(Limit::MaxReplicas) || no_room {
        AutoscalerState::AtMax
    } else {
        AutoscalerState::Fine
    }
}

fn metric(
    spec: &MetricSpec,
    known: Option<&KnownMetric>,
    proposed: Option<(Result<Proposal, Failure>, &Situation)>,
) -> MetricOverview {
    let target = spec.target().and_then(TargetSpec::in_thousandths).ok();
    let percent = matches!(target, Some(MetricTarget::Utilization(_)));
    let number = |value: i64| {
        if percent { MetricNumber::percent(value) } else { MetricNumber::of_milli(value) }
    };
    let target = target.map(|target| match target {
        MetricTarget::Value(milli) | MetricTarget::AverageValue(milli) => number(milli),
        MetricTarget::Utilization(percent) => number(i64::from(percent)),
    });
    let mut overview = MetricOverview {
        title: title(spec),
        name: spec.name().to_owned(),
        value: None,
        target,
        target_words: spec.target().map_or_else(|reason| reason, target_words),
        is_average: spec.target().is_ok_and(|target| target.average_value.is_some()),
        ratio: None,
        proposes: None,
        decides: false,
        arithmetic: Vec::new(),
        failure: None,
        old: None,
        mapping: known.and_then(|known| known.mapping.clone()),
    };
    if let Some(MetricProblem::Old(why)) = known.and_then(|known| known.trouble.as_ref()) {
        overview.old = Some(why.clone());
    }
    match proposed {
        Some((Ok(proposal), situation)) => {
            overview.value = Some(number(proposal.current));
            overview.ratio = Some(proposal.ratio).filter(|ratio| ratio.is_finite());
            overview.proposes = Some(proposal.replicas);
            overview.arithmetic = steps(&proposal, situation);
        }
        Some((Err(failure), _)) => overview.failure = Some(failure.to_string()),
        None => {}
    }
    overview
}

#[cfg(test)]
mod tests;
