//! The states of an autoscaler: how each comes about, and what the controller and the explanation are to
//! say.

use leadsman_tests::cluster::Workload;
use serde_json::{Value, json};

use super::stage::Stage;
use super::user::User;

/// A state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Inside the tolerance.
    Within,
    /// Held by the stabilization window.
    Stabilized,
    /// Held by a policy, after a change.
    Limited,
    AtMax,
    /// One of two metrics cannot be read.
    HalfRead,
    /// The last good values are served.
    Old,
    NotANumber,
    /// The series of a second metric disagree.
    Disagreeing,
    /// A pod is not ready.
    Starting,
    /// Pinned at zero.
    AtZero,
}

/// What is expected of an autoscaler.
#[derive(Debug)]
pub(crate) struct Expected {
    /// The replicas of the target.
    pub(crate) replicas: usize,
    /// Type, status and reason of a condition that the controller reports.
    pub(crate) condition: (&'static str, &'static str, &'static str),
    /// How the verdict begins.
    pub(crate) verdict: String,
    /// What the explanation has somewhere.
    pub(crate) told: Vec<String>,
    /// Reasons of events, and what their messages have.
    pub(crate) events: Vec<(&'static str, String)>,
}

impl State {
    pub(crate) const ALL: [Self; 10] = [
        Self::Within,
        Self::Stabilized,
        Self::Limited,
        Self::AtMax,
        Self::HalfRead,
        Self::Old,
        Self::NotANumber,
        Self::Disagreeing,
        Self::Starting,
        Self::AtZero,
    ];

    /// The namespace of everything that is in this state.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Stabilized => "stabilized",
            Self::Limited => "limited",
            Self::AtMax => "at-max",
            Self::HalfRead => "half-read",
            Self::Old => "old",
            Self::NotANumber => "no-number",
            Self::Disagreeing => "disagreeing",
            Self::Starting => "starting",
            Self::AtZero => "at-zero",
        }
    }

    /// The replicas before the controller looks.
    pub(crate) fn replicas(self) -> usize {
        if self == Self::AtZero { 0 } else { 3 }
    }

    /// Whether the record of the user's metric is of a run that gave values to the controller.
    pub(crate) fn is_joined(self) -> bool {
        !matches!(self, Self::Old | Self::NotANumber | Self::AtZero)
    }

    /// How many times its target the metric of a user is. Times three, each is far from a whole number, as
    /// values are cut off to thousandths.
    fn factor(self, user: User) -> f64 {
        match self {
            Self::Within | Self::Old => 0.95,
            Self::Stabilized | Self::HalfRead => 0.4,
            Self::Limited => 2.3,
            Self::AtMax => 4.3,
            Self::NotANumber => f64::NAN,
            Self::Disagreeing => 1.4,
            // Pods do not matter to an external metric with an average: a second metric is of them.
            Self::Starting if user == User::WebSite => 0.95,
            Self::Starting => 1.9,
            Self::AtZero => 2.0,
        }
    }

    /// Sets what the metrics of a workload are of.
    pub(crate) async fn prepare(self, stage: &Stage, user: User, workload: &Workload) {
        let (namespace, name) = (workload.namespace(), workload.name());
        let replicas = self.replicas();
        let with_values = if self == Self::Starting { replicas - 1 } else { replicas };
        user.load(stage, workload, (with_values, replicas), self.factor(user)).await;
        if self == Self::Disagreeing {
            for (container, value) in [("app", 5.0), ("proxy", 7.0)] {
                let labels =
                    format!(r#"namespace="{namespace}",pod="{name}-0",container="{container}""#);
                stage.set(&format!("noisy{{{labels}}}"), value);
            }
        }
        if self == Self::Starting {
            let path = format!("/api/v1/namespaces/{namespace}/pods/{name}-{with_values}");
            stage.admin.merge_status(&path, &json!({"phase": "Pending"})).await;
            for pod in 0..with_values {
                let labels = format!(r#"namespace="{namespace}",pod="{name}-{pod}""#);
                stage.set(&format!("published{{{labels}}}"), 19.0);
            }
        }
    }

    /// Changes the `spec` of a user's autoscaler to what leads to this state.
    pub(crate) fn change(self, user: User, spec: &mut Value) {
        let pods = |metric: &str| {
            let target = json!({"type": "AverageValue", "averageValue": "10"});
            json!({"type": "Pods", "pods": {"metric": {"name": metric}, "target": target}})
        };
        let policies = |pods: u32, period: u32| {
            let policy = json!({"type": "Pods", "value": pods, "periodSeconds": period});
            json!({"policies": [policy]})
        };
        let second = match self {
            Self::Stabilized => {
                spec["behavior"]["scaleDown"] = json!({"stabilizationWindowSeconds": 3600});
                return;
            }
            Self::Limited => {
                spec["behavior"]["scaleUp"] = policies(1, 1800);
                return;
            }
            Self::AtMax => {
                spec["behavior"]["scaleUp"] = policies(1000, 1);
                return;
            }
            Self::HalfRead => {
                let target = json!({"type": "Value", "value": "1"});
                let metric = json!({"metric": {"name": "nobody_serves_it"}, "target": target});
                json!({"type": "External", "external": metric})
            }
            Self::Disagreeing => pods("noisy"),
            Self::Starting if user == User::WebSite => pods("published"),
            Self::Starting | Self::Within | Self::Old | Self::NotANumber | Self::AtZero => return,
        };
        spec["metrics"].as_array_mut().expect("metrics").push(second);
    }

    pub(crate) fn expected(self, user: User, workload: &Workload) -> Expected {
        let active = |reason| ("ScalingActive", "True", reason);
        let inactive = |reason| ("ScalingActive", "False", reason);
        let resized = |replicas: usize| ("SuccessfulRescale", format!("New size: {replicas}"));
        let (max, name) = (user.max(), workload.name());
        let strings = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (replicas, condition, verdict, told, events) = match self {
            Self::Within => (
                3,
                ("ScalingLimited", "False", "DesiredWithinRange"),
                "stays at 3: ".to_owned(),
                strings(&[" is inside the tolerance (0.9", "within the tolerance, 0.9 to 1.1"]),
                vec![],
            ),
            Self::Stabilized => (
                3,
                ("AbleToScale", "True", "ScaleDownStabilized"),
                "wants 2, waits at 3: ".to_owned(),
                strings(&["(ScaleDownStabilized); "]),
                vec![],
            ),
            Self::Limited => (
                4,
                ("ScalingLimited", "True", "ScaleUpLimit"),
                "wants 7, held at 4 by the rate of scaling up (behavior.scaleUp".to_owned(),
                vec![],
                vec![resized(4)],
            ),
            Self::AtMax => (
                max,
                ("ScalingLimited", "True", "TooManyReplicas"),
                format!("wants 13, held at {max} by maxReplicas ({max}); "),
                vec![],
                vec![resized(max)],
            ),
            Self::HalfRead => (
                3,
                inactive("FailedGetExternalMetric"),
                "stays at 3: it would scale down, but not while a metric cannot be read: external \
                 metric nobody_serves_it: "
                    .to_owned(),
                vec![],
                vec![("FailedGetExternalMetric", "nobody_serves_it".to_owned())],
            ),
            Self::Old => (
                3,
                active("ValidMetricFound"),
                "stays at 3: ".to_owned(),
                strings(&[
                    " is inside the tolerance (0.9",
                    r#""state":"lastGood""#,
                    r#""from":"lastGood""#,
                    "onError.lastGood",
                    "refused by a test",
                ]),
                vec![],
            ),
            Self::NotANumber => (
                3,
                inactive(user.unread()),
                "stays at 3: none of its metrics can be read; the first is ".to_owned(),
                strings(&["the value is NaN", r#""raw":"NaN""#]),
                vec![(user.unread(), "NaN".to_owned())],
            ),
            Self::Disagreeing => (
                5,
                active("ValidMetricFound"),
                "stays at 5: ".to_owned(),
                strings(&[r#""container":"app""#, r#""container":"proxy""#]),
                vec![resized(5), ("FailedGetPodsMetric", "noisy".to_owned())],
            ),
            Self::Starting => (
                4,
                active("ValidMetricFound"),
                "stays at 4: ".to_owned(),
                vec![match user {
                    // Ready pods are counted.
                    User::LoadBalancer => "1.9 × 2 pods, rounded up: 4".to_owned(),
                    _ => format!("2 with a value, 1 pending or starting ({name}-2)"),
                }],
                vec![resized(4)],
            ),
            Self::AtZero => (
                0,
                inactive("ScalingDisabled"),
                "is switched off: the target has 0 replicas".to_owned(),
                vec![],
                vec![],
            ),
        };
        Expected { replicas, condition, verdict, told, events }
    }
}

impl Expected {
    /// Whether the controller's status has the condition.
    pub(crate) fn reports(&self, status: &Value) -> bool {
        self.is_among(&status["conditions"])
    }

    /// Whether the condition is in a list of conditions.
    pub(crate) fn is_among(&self, conditions: &Value) -> bool {
        let (kind, status, reason) = self.condition;
        let all = conditions.as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().any(|of| of["type"] == kind && of["status"] == status && of["reason"] == reason)
    }
}
