//! Policies and stabilization windows while a metric changes several times, beside the real controller.
//!
//! No outcome depends on when the controller looks. Periods and windows are longer than the test, or
//! nothing; and each value leads to one number of replicas, however many there are when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use leadsman_tests::cluster::{ApiClient, Workload};
use leadsman_tests::eventually;
use leadsman_tests::paths::EXTERNAL;
use serde_json::{Value, json};

use super::courses::{Beside, Course, NAMESPACE, STEPS, condition, course};
use super::explained::explained;
use super::{TIMEOUT, admin, stage};

/// How many generated autoscalers there are.
const COURSES: u64 = 40;

const AUTOSCALERS: &str = "/apis/autoscaling/v2/namespaces/over-time/horizontalpodautoscalers";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/over-time/deployments";

/// How long all autoscalers may take for one value: the controller looks after those of other tests, too.
const STEP_TIMEOUT: Duration = Duration::from_secs(180);

/// The objects of a collection, by name.
async fn by_name(admin: &ApiClient, collection: &str) -> BTreeMap<String, Value> {
    let list = admin.get(collection).await;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let named =
        |item: Value| (item["metadata"]["name"].as_str().unwrap_or_default().to_owned(), item);
    items.into_iter().map(named).collect()
}

/// In place of the controller of Deployments and of nodes: as many replicas run as are wanted.
async fn run(admin: &ApiClient) -> BTreeMap<String, Value> {
    let mut targets = by_name(admin, DEPLOYMENTS).await;
    for (name, target) in &mut targets {
        let wanted = target["spec"]["replicas"].clone();
        if target["status"]["replicas"] != wanted {
            let path = format!("{DEPLOYMENTS}/{name}");
            admin.merge_status(&path, &json!({"replicas": wanted})).await;
            target["status"]["replicas"] = wanted;
        }
    }
    targets
}

/// The replicas and the status of each autoscaler, once the controller is done with a step.
async fn settled(admin: &ApiClient, courses: &[Course], step: usize) -> Vec<(Value, Value)> {
    eventually(&format!("decisions about the value {step}"), STEP_TIMEOUT, async || {
        let targets = run(admin).await;
        let autoscalers = by_name(admin, AUTOSCALERS).await;
        let found = courses.iter().map(|of| {
            let target = targets.get(&of.name).ok_or_else(|| format!("no {}", of.name))?;
            let autoscaler = autoscalers.get(&of.name).ok_or_else(|| format!("no {}", of.name))?;
            let status = &autoscaler["status"];
            if of.is_settled(step, target, status) {
                Ok((target["spec"]["replicas"].clone(), status.clone()))
            } else {
                let value = of.values[step];
                Err(format!("{}, at {value}m: {status:#}\n{:#}", of.name, target["status"]))
            }
        });
        found.collect::<Result<Vec<_>, String>>()
    })
    .await
}

/// How a verdict says what the controller says.
fn words(status: &Value, replicas: &Value) -> String {
    let reason = condition(status, "AbleToScale").1;
    if condition(status, "ScalingActive").0 == "False" {
        format!("stays at {replicas}: it would scale down, but not while a metric cannot be read")
    } else if ["ScaleDownStabilized", "ScaleUpStabilized"].contains(&reason) {
        format!("waits at {replicas}: ")
    } else {
        match condition(status, "ScalingLimited") {
            ("True", "ScaleUpLimit") => format!("held at {replicas} by the rate of scaling up"),
            ("True", "ScaleDownLimit") => format!("held at {replicas} by the rate of scaling down"),
            ("True", "TooManyReplicas") => format!("held at {replicas} by maxReplicas"),
            ("True", "TooFewReplicas") => format!("held at {replicas} by minReplicas"),
            _ => format!("stays at {replicas}: "),
        }
    }
}

#[tokio::test]
async fn the_arithmetic_over_time_is_that_of_the_controller() {
    let (stage, admin) = (stage(), admin().await);
    let mut courses: Vec<_> = (0..COURSES).map(course).collect();
    courses.iter().for_each(|of| of.serve(&stage, 0));
    admin.namespace(NAMESPACE).await;
    let created = futures_util::stream::iter(&courses).map(async |of| {
        let workload = Workload::deployment(&admin, NAMESPACE, &of.name, 0).await;
        workload.scale(usize::try_from(of.situation.replicas).expect("few")).await;
    });
    created.buffer_unordered(8).collect::<Vec<_>>().await;
    run(&admin).await;
    let still = courses.iter().filter(|of| matches!(of.beside, Beside::Still(_))).count();
    eventually("all series", TIMEOUT, async || {
        let answer =
            admin.try_read(&format!("{EXTERNAL}/namespaces/{NAMESPACE}/queue_depth")).await?;
        let items = if answer.is_success() { answer.items().len() } else { 0 };
        if items == courses.len() + still { Ok(()) } else { Err(answer.body) }
    })
    .await;
    for of in &courses {
        admin.apply(&of.autoscaler()).await;
    }
    let (mut changes, mut reasons, mut differences) = (0, BTreeSet::new(), Vec::new());
    for step in 0..STEPS {
        courses.iter().for_each(|of| of.serve(&stage, step));
        let found = settled(&admin, &courses, step).await;
        let explanations = futures_util::stream::iter(&courses)
            .map(async |of| explained(&[&format!("{NAMESPACE}/{}", of.name)]).await);
        let explanations: Vec<_> = explanations.buffered(4).collect().await;
        for ((of, (replicas, status)), explanation) in
            courses.iter_mut().zip(&found).zip(&explanations)
        {
            let before = of.situation.replicas;
            let computed = of.settle(step);
            changes += usize::from(computed != before);
            for kind in ["AbleToScale", "ScalingLimited", "ScalingActive"] {
                reasons.insert(condition(status, kind).1.to_owned());
            }
            let proposes = (of.values[step] + of.target - 1) / of.target;
            let told = words(status, replicas);
            let same = *replicas == computed
                && explanation["replicas"] == *replicas
                && explanation["metrics"][0]["proposes"] == proposes
                && explanation["verdict"].as_str().is_some_and(|said| said.contains(&told));
            if !same {
                differences.push(format!(
                    "value {step} of {}: {before} to {replicas}, computed {computed}, told {told:?}\n\
                     {:#}\n{:#?}\n{status:#}\n{explanation:#}",
                    of.name,
                    of.autoscaler()["spec"],
                    of.situation.history,
                ));
            }
        }
    }
    for of in &courses {
        admin.delete(&format!("{AUTOSCALERS}/{}", of.name)).await;
    }
    assert!(
        differences.is_empty(),
        "{} of {COURSES} times {STEPS} differ, the first:\n{}",
        differences.len(),
        differences[0]
    );
    assert!(changes > 40, "only {changes} of the values change anything");
    for reason in [
        "ScaleDownStabilized",
        "ScaleUpStabilized",
        "ScaleDownLimit",
        "ScaleUpLimit",
        "TooFewReplicas",
        "TooManyReplicas",
        "FailedGetExternalMetric",
    ] {
        assert!(reasons.contains(reason), "no {reason} in {reasons:?}");
    }
}
