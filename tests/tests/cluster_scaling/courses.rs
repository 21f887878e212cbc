//! Generated autoscalers whose metrics change, and what the arithmetic makes of them.

use std::time::Duration;

use leadsman_hpa::{
    Behavior, History, Metric, MetricTarget, Outcome, PolicyAmount, Reading, Recommendation,
    ScalingPolicy, ScalingRules, SelectPolicy, Situation, Startup, Tolerance, decide,
};
use leadsman_tests::cluster::ClusterStack;
use leadsman_tests::parse_quantity;
use serde_json::{Value, json};

use super::explained::{Numbers, external};

/// How many values each sees, one after the other.
pub(crate) const STEPS: usize = 4;

/// The namespace of all of them.
pub(crate) const NAMESPACE: &str = "over-time";

/// The period of policies, as long as the API allows.
const PERIOD: Duration = Duration::from_secs(1800);

/// The age of everything that happened in the test: within each period and window that is not 0.
const AGE: Duration = Duration::from_secs(60);

/// The most replicas. Up to here, no whole number of replicas is within the tolerance of another one.
const MOST: u64 = 9;

/// How many looks at one value may change the replicas: into the bounds, and to what the value leads to.
const MAX_LOOKS: usize = 5;

/// An autoscaler whose metric takes one value after the other.
pub(crate) struct Course {
    pub(crate) name: String,
    behavior: Value,
    /// The target of the metric for each replica, and its values, in thousandths.
    pub(crate) target: i64,
    pub(crate) values: Vec<i64>,
    pub(crate) beside: Beside,
    /// What the controller knows of it.
    pub(crate) situation: Situation,
}

/// A metric beside the one that changes.
#[derive(Clone, Copy)]
pub(crate) enum Beside {
    Nothing,
    /// One that always wants so many replicas.
    Still(i64),
    /// One that nobody serves.
    Unread,
}

fn few(number: u64) -> i32 {
    i32::try_from(number).expect("few")
}

/// One of them, the same in each run.
pub(crate) fn course(at: u64) -> Course {
    let mut numbers = Numbers((at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let replicas = few(1 + numbers.below(MOST));
    let min = numbers.one_of(&[1, 1, 2, 4]);
    let max = few((min + numbers.below(MOST)).min(MOST));
    let target = numbers.one_of(&[10_000, 7_500, 100_000]);
    let mut wanted: Vec<i64> = Vec::new();
    for _ in 0..STEPS {
        let next = i64::from(few(numbers.below(MOST + 2)));
        // Another one than the last, so that it can be seen that the controller has read it.
        let is_last = wanted.last() == Some(&next);
        wanted.push(if is_last { (next + 4) % 11 } else { next });
    }
    let values = wanted.into_iter().map(|replicas| {
        // A little less is rounded up.
        let less = if replicas > 0 && numbers.below(2) == 0 { target / 20 } else { 0 };
        replicas * target - less
    });
    let values = values.collect();
    let beside = numbers.one_of(&[
        Beside::Nothing,
        Beside::Nothing,
        Beside::Still(2),
        Beside::Still(5),
        Beside::Unread,
    ]);
    let ((up_spec, up), (down_spec, down)) = (rules(&mut numbers), rules(&mut numbers));
    // The controller's first look at an autoscaler takes the present replicas as recommended.
    let first = Recommendation { age: AGE, replicas };
    Course {
        name: format!("course{at}"),
        behavior: json!({"scaleUp": up_spec, "scaleDown": down_spec}),
        target,
        values,
        beside,
        situation: Situation {
            min: few(min),
            max,
            replicas,
            status_replicas: replicas,
            tolerance: Tolerance::default(),
            behavior: Some(Behavior { up, down }),
            default_window: Duration::ZERO,
            pods: Vec::new(),
            startup: Startup::at(0),
            metrics: Vec::new(),
            history: History { recommendations: vec![first], ..History::default() },
        },
    }
}

/// The rules of one direction, as they are written and as they are computed with.
fn rules(numbers: &mut Numbers) -> (Value, ScalingRules) {
    let window = numbers.one_of(&[0, 0, 0, 3600]);
    let (name, select) = numbers.one_of(&[
        ("Max", SelectPolicy::Max),
        ("Max", SelectPolicy::Max),
        ("Max", SelectPolicy::Max),
        ("Min", SelectPolicy::Min),
        ("Min", SelectPolicy::Min),
        ("Disabled", SelectPolicy::Disabled),
    ]);
    let count = 1 + numbers.below(2);
    let (written, policies): (Vec<_>, Vec<_>) = (0..count).map(|_| policy(numbers)).unzip();
    let spec = json!({
        "stabilizationWindowSeconds": window,
        "selectPolicy": name,
        "policies": written,
    });
    (spec, ScalingRules { window: Some(Duration::from_secs(window)), select, policies })
}

fn policy(numbers: &mut Numbers) -> (Value, ScalingPolicy) {
    let value = numbers.one_of(&[1, 2, 3, 50]);
    let (kind, amount) = match numbers.below(2) {
        0 => ("Pods", PolicyAmount::Pods(value)),
        _ => ("Percent", PolicyAmount::Percent(value)),
    };
    let spec = json!({"type": kind, "value": value, "periodSeconds": PERIOD.as_secs()});
    (spec, ScalingPolicy { amount, period: PERIOD })
}

impl Course {
    /// The object.
    pub(crate) fn autoscaler(&self) -> Value {
        // Whole thousandths are a quantity.
        let by = |queue: &str, target: i64| {
            let target = format!("{target}m");
            external(queue, json!({"type": "AverageValue", "averageValue": target}))
        };
        let mut metrics = vec![by(&self.name, self.target)];
        match self.beside {
            Beside::Nothing => {}
            Beside::Still(_) => metrics.push(by(&self.still(), self.target)),
            Beside::Unread => {
                let target = json!({"type": "Value", "value": "1"});
                let metric = json!({"metric": {"name": "nobody_serves_it"}, "target": target});
                metrics.push(json!({"type": "External", "external": metric}));
            }
        }
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name});
        json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"namespace": NAMESPACE, "name": self.name},
            "spec": {
                "scaleTargetRef": target,
                "minReplicas": self.situation.min,
                "maxReplicas": self.situation.max,
                "metrics": metrics,
                "behavior": self.behavior,
            },
        })
    }

    /// The queue of a metric that does not change.
    fn still(&self) -> String {
        format!("{}-still", self.name)
    }

    /// Sets the value of a step.
    pub(crate) fn serve(&self, stage: &ClusterStack, step: usize) {
        let set = |queue: &str, thousandths: i64| {
            let labels = format!(r#"namespace="{NAMESPACE}",queue="{queue}""#);
            stage.traffic.set(&format!("queue_depth{{{labels}}}"), thousandths as f64 / 1000.0);
        };
        set(&self.name, self.values[step]);
        if let Beside::Still(replicas) = self.beside {
            set(&self.still(), replicas * self.target);
        }
    }

    /// The metrics as they are read in a step.
    fn metrics(&self, step: usize) -> Vec<Metric> {
        let metric = |reading| Metric { target: MetricTarget::AverageValue(self.target), reading };
        let of = |thousandths| metric(Ok(Reading::External(vec![thousandths])));
        let mut metrics = vec![of(self.values[step])];
        match self.beside {
            Beside::Nothing => {}
            Beside::Still(replicas) => metrics.push(of(replicas * self.target)),
            Beside::Unread => metrics.push(metric(Err("nobody serves it".to_owned()))),
        }
        metrics
    }

    /// The replicas that the arithmetic comes to in a step, after as many looks as it takes. What it
    /// recommends and changes is history from then on.
    pub(crate) fn settle(&mut self, step: usize) -> i32 {
        self.situation.metrics = self.metrics(step);
        for _ in 0..MAX_LOOKS {
            let decision = decide(&self.situation);
            let history = &mut self.situation.history;
            if let Outcome::Recommended { recommended: replicas, .. } = decision.outcome {
                history.recommendations.push(Recommendation { age: AGE, replicas });
            }
            let change = decision.replicas - self.situation.replicas;
            match change {
                0 => return decision.replicas,
                1.. => history.added.push((AGE, change)),
                _ => history.removed.push((AGE, -change)),
            }
            self.situation.replicas = decision.replicas;
            self.situation.status_replicas = decision.replicas;
        }
        panic!("it comes to no number of replicas: {:#?}", self.situation);
    }

    /// Whether the controller has read the value of a step, and leaves the target as it is.
    pub(crate) fn is_settled(&self, step: usize, target: &Value, status: &Value) -> bool {
        let wanted = &target["spec"]["replicas"];
        let Some(count) = wanted.as_i64().filter(|count| *count > 0) else { return false };
        // As the controller reports it: for each of the replicas, rounded up.
        let expected = (self.values[step] + count - 1) / count;
        let average = &status["currentMetrics"][0]["external"]["current"]["averageValue"];
        let read = average.as_str().map(|text| (parse_quantity(text) * 1000.0).round());
        // A failed change keeps the number that was desired before.
        let able = condition(status, "AbleToScale").0 == "True";
        let held = condition(status, "ScalingActive").0 == "False";
        let stays = held || status["desiredReplicas"] == *wanted;
        let counts = [&target["status"]["replicas"], &status["currentReplicas"]];
        able && stays && counts.iter().all(|of| **of == *wanted) && read == Some(expected as f64)
    }
}

/// Status and reason of a condition; empty if there is none.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let all = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    let found = all.iter().find(|condition| condition["type"] == kind);
    found.map_or(("", ""), |found| (text(&found["status"]), text(&found["reason"])))
}
