//! Scaling to zero and from zero, which KEDA's operator does, and here the activator or the autoscaler.

use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::policy;
use crate::prometheus::duration;
use crate::scaled_object::ScaledObject;
use crate::trigger::Target;
use leadsman_model::quantity::Quantity;

/// How a workload gets to zero and back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToZero {
    /// Leadsman's activator scales it, and the autoscaler has at least one replica, as with KEDA.
    #[default]
    Activator,
    /// The autoscaler does, in a cluster with the feature HPAScaleToZero.
    Autoscaler,
}

/// The annotation with which KEDA holds a workload active.
const FORCED: &str = "autoscaling.keda.sh/force-activation";

/// The annotations with which KEDA takes a workload in one direction alone, zero included.
const ONE_WAY: [&str; 2] =
    ["autoscaling.keda.sh/paused-scale-in", "autoscaling.keda.sh/paused-scale-out"];

/// The bounds of the activator, in seconds and replicas.
const COOLDOWN_SECONDS: (i64, i64) = (1, 86_400);
const EVERY_SECONDS: (i64, i64) = (1, 300);
const MAX_FROM_ZERO: i64 = 1000;

/// The window of an autoscaler that says nothing of it, and its longest one, in seconds.
const DEFAULT_WINDOW: i64 = 300;
const MAX_WINDOW: i64 = 3600;

/// What an object does at zero.
pub(crate) enum Zero {
    /// It never goes there.
    Never,
    Activator(Entries),
    Autoscaler,
}

impl Zero {
    pub(crate) fn of(object: &ScaledObject, to_zero: ToZero, notes: &mut Notes) -> Self {
        if object.is_annotated(FORCED) {
            return Self::Never;
        }
        match object.idle {
            Some(0) => {}
            Some(idle) => {
                notes.differs(format!(
                    "idleReplicaCount: {idle} replicas without activity are not kept: there is 0, or \
                     minReplicaCount; it stays at {} replicas",
                    object.min.max(1)
                ));
                return Self::Never;
            }
            None if object.min > 0 => return Self::Never,
            None => {}
        }
        let has_activity =
            object.triggers.iter().any(|trigger| !matches!(&*trigger.kind, "cpu" | "memory"));
        if !has_activity {
            notes.todo(
                "cpu and memory alone take nothing to zero, with KEDA neither; it has at least one replica",
            );
            return Self::Never;
        }
        match to_zero {
            ToZero::Activator => {
                if let Some(held) = ONE_WAY.iter().find(|name| object.is_annotated(name)) {
                    notes.differs(format!(
                        "{held}: nothing takes it to zero or from zero, since the activator goes both ways; \
                         convert it again without the annotation"
                    ));
                    return Self::Never;
                }
                differences_at_zero(object, notes);
                Self::Activator(activator(object, notes))
            }
            ToZero::Autoscaler => {
                if object.idle.is_some() && object.min > 1 {
                    notes.differs(format!(
                        "idleReplicaCount: the autoscaler goes to 0 and back through every number below {}; \
                         the activator does not (--to-zero activator)",
                        object.min
                    ));
                }
                Self::Autoscaler
            }
        }
    }

    /// The replicas below which the autoscaler does not go.
    pub(crate) fn min_replicas(&self, object: &ScaledObject) -> i64 {
        match self {
            Self::Never | Self::Activator(_) => object.min.max(1),
            Self::Autoscaler => 0,
        }
    }

    /// Whether only a value that is known takes the workload to zero.
    pub(crate) fn needs_known_values(&self) -> bool {
        matches!(self, Self::Activator(_))
    }

    /// Says what differs where a trigger counts as inactive at values for which its autoscaler wants more
    /// replicas than zero is reached from.
    pub(crate) fn compare(
        &self,
        activation: f64,
        target: &Target,
        object: &ScaledObject,
        place: &str,
        notes: &mut Notes,
    ) {
        let Ok(each) = target.quantity.parse::<Quantity>() else { return };
        let replicas = object.min.clamp(1, MAX_FROM_ZERO);
        let most = if target.per_pod { each.as_f64() * replicas as f64 } else { each.as_f64() };
        if matches!(self, Self::Activator(_)) && activation > most {
            notes.differs(format!(
                "{place}: its activationThreshold, {activation}, is above what is enough for {replicas} of its \
                 replicas, {most}: KEDA takes the workload to 0 from any number of them, and the activator \
                 waits until its autoscaler has come down to {replicas}"
            ));
        }
    }

    /// The key `activation` of a mapping for KEDA's threshold, above which a trigger is active.
    pub(crate) fn activation(&self, threshold: f64, place: &str, notes: &mut Notes) -> Entries {
        match self {
            Self::Never => Entries::default(),
            Self::Activator(settings) => {
                let threshold = (threshold != 0.0).then_some(threshold);
                let activation = Entries::default().maybe("threshold", threshold);
                Entries::default().with("activation", activation.extended(settings.clone()))
            }
            Self::Autoscaler if threshold > 0.0 => {
                // Values have three places.
                let above = ((threshold * 1000.0).floor() + 1.0) / 1000.0;
                Entries::default().with("activation", above)
            }
            Self::Autoscaler => {
                if threshold < 0.0 {
                    notes.differs(format!(
                        "{place}: an activationThreshold below 0 holds it active at a value of 0; the autoscaler \
                         goes to zero there (--to-zero activator does not)"
                    ));
                }
                Entries::default()
            }
        }
    }

    /// The seconds for which the autoscaler waits before it scales down, if that is to be set.
    pub(crate) fn window(&self, object: &ScaledObject, notes: &mut Notes) -> Option<i64> {
        let window = object.behavior.as_ref();
        let window = window.map(|behavior| &behavior["scaleDown"]["stabilizationWindowSeconds"]);
        let written = window.and_then(serde_json::Value::as_i64);
        if !matches!(self, Self::Autoscaler) || object.cooldown == written.unwrap_or(DEFAULT_WINDOW)
        {
            return None;
        }
        let cooldown = object.cooldown;
        if written.is_some() || cooldown < DEFAULT_WINDOW {
            notes.differs(format!(
                "cooldownPeriod: an autoscaler has one time for every scale down, which is {} s here, and not \
                 {cooldown} s towards 0 alone (--to-zero activator has it)",
                written.unwrap_or(DEFAULT_WINDOW)
            ));
            return None;
        }
        notes.differs(format!(
            "cooldownPeriod: an autoscaler has one time for every scale down, which becomes {} s \
             (--to-zero activator has it towards 0 alone)",
            cooldown.min(MAX_WINDOW)
        ));
        Some(cooldown.min(MAX_WINDOW))
    }
}

/// What KEDA does at zero and the activator does not.
fn differences_at_zero(object: &ScaledObject, notes: &mut Notes) {
    let is_query = |kind: &str| kind == "prometheus";
    let fallback = object.fallback.as_ref();
    let is_of_replicas =
        fallback.is_some_and(|of| of.behavior.as_deref() != Some("scalingModifiers"));
    if is_of_replicas && object.triggers.iter().any(|trigger| is_query(&trigger.kind)) {
        notes.differs(
            "fallback: KEDA also starts a workload that is at 0 once its fallback counts; the activator starts \
             and stops nothing while a value is not known",
        );
    }
    let scale_down = object.behavior.as_ref().map(|behavior| &behavior["scaleDown"]);
    if scale_down.is_some_and(|rules| rules["selectPolicy"] == "Disabled") {
        notes.differs(format!(
            "behavior: with scaleDown disabled KEDA takes the workload to 0 from any number of replicas, and the \
             activator from {} alone, to which its autoscaler does not come down",
            object.min.max(1)
        ));
    }
}

/// The activator of a workload, as each of its mappings names it.
fn activator(object: &ScaledObject, notes: &mut Notes) -> Entries {
    let mut bounded = |key: &str, seconds: i64, (least, most): (i64, i64)| {
        let kept = seconds.clamp(least, most);
        // A cooldown of 0 is over with the next look in any case.
        if kept != seconds && seconds != 0 {
            notes.differs(format!("{key}: {seconds} s become {kept} s"));
        }
        duration(u64::try_from(kept).unwrap_or(1) * 1000)
    };
    let cooldown = bounded("cooldownPeriod", object.cooldown, COOLDOWN_SECONDS);
    let every = bounded("pollingInterval", object.polling, EVERY_SECONDS);
    let initial = object.initial_cooldown.unwrap_or_default();
    if initial > object.cooldown {
        notes.differs(format!(
            "initialCooldownPeriod: a new workload is kept for the cooldown of {cooldown}, and not for {initial} s"
        ));
    }
    let from_zero = object.min.clamp(1, MAX_FROM_ZERO);
    let target = policy::workload(object).with("namespace", &object.namespace);
    Entries::default()
        .with("target", target)
        .with("cooldown", Node::duration(cooldown))
        .maybe("minReplicas", (from_zero > 1).then_some(from_zero))
        .with("every", Node::duration(every))
        // KEDA scales up from any zero, and a workload that it took there waits for that.
        .with("takeOver", true)
}
