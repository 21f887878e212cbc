//! What is joined, what is missing, and what is refused, with the reasons.

use std::sync::LazyLock;

use super::*;
use leadsman_model::objects::{ObjectList, ObjectStore};
use leadsman_model::resource::Resource;
use leadsman_model::selector::Selector;
use leadsman_model::values::Refusal;

fn objects(names: &[&str]) -> Vec<Object> {
    let mut listing = ObjectList::default();
    names.iter().for_each(|name| listing.add("shop", name, Vec::new()));
    let kind = ObjectStore::starting(Resource::known("pods").unwrap());
    kind.replace(listing);
    kind.objects("shop", &Selector::default())
}

/// Items as `pod/container`, each with its value in thousandths and its time.
fn values(items: &[(&str, i64, i64)], refused: &[(&str, &str)]) -> Values {
    let items = items.iter().map(|(of, milli, time)| {
        let (pod, container) = of.split_once('/').unwrap();
        let labels = vec![("container".into(), container.into()), ("pod".into(), pod.into())];
        let quantity = Quantity::from_milli(*milli);
        Item { labels, value: Value { quantity, time: *time, window: None } }
    });
    let refused = refused.iter().map(|(object, reason)| Refusal {
        namespace: String::new(),
        object: (*object).to_owned(),
        labels: object
            .split(',')
            .filter_map(|label| label.split_once('='))
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        reason: (*reason).to_owned(),
    });
    let refused: Vec<_> = refused.collect();
    let refused_count = refused.len();
    let served = MetricValues::Items(items.collect());
    Values { served, refused, refused_count, not_numbers: 0 }
}

static PODS: LazyLock<Resource> = LazyLock::new(|| Resource::known("pods").unwrap());

fn joined<'a>(objects: &'a [Object], cpu: &'a Values, memory: &'a Values) -> Joined<'a> {
    let part = |metric, values| {
        let labels = Labels { metric, object: "pod", container: Some("container") };
        Part::new(labels, values, objects).unwrap()
    };
    Joined {
        objects,
        cpu: part("cpu", cpu),
        memory: part("memory", memory),
        resource: &PODS,
        evaluated: 9,
        containers: true,
    }
    .without_pods_own()
}

fn missing(joined: &Joined<'_>) -> Option<String> {
    joined.missing().map(|missing| missing.message)
}

/// `web-0@4: app 1m 2, sidecar - 3`
fn reported(joined: &Joined<'_>) -> Vec<String> {
    let each = joined.all("shop").map(|metrics| {
        let ObjectAmounts::Containers(containers) = &metrics.amounts else { panic!() };
        let text = |quantity: Option<Quantity>| {
            quantity.map_or_else(|| "-".to_owned(), |quantity| quantity.to_string())
        };
        let containers: Vec<_> = containers
            .iter()
            .map(|(name, used)| format!("{name} {} {}", text(used.cpu), text(used.memory)))
            .collect();
        format!("{}@{}: {}", metrics.object.name, metrics.measured, containers.join(", "))
    });
    each.collect()
}

#[test]
fn containers_are_brought_together_and_the_oldest_sample_counts() {
    let objects = objects(&["web-0", "web-1"]);
    let cpu = values(
        &[("web-0/app", 1, 5), ("web-0/proxy", 2, 6), ("web-1/app", 3, 7), ("x/app", 4, 1)],
        &[],
    );
    let memory =
        values(&[("web-0/app", 1000, 4), ("web-0/proxy", 2000, 8), ("web-1/app", 3000, 9)], &[]);
    let joined = joined(&objects, &cpu, &memory);
    assert_eq!(reported(&joined), ["web-0@4: app 1m 1, proxy 2m 2", "web-1@7: app 3m 3"]);
    assert_eq!(joined.missing(), None);
}

#[test]
fn what_is_missing_is_not_zero() {
    let objects = objects(&["both", "cpu", "memory", "none", "part"]);
    let cpu = values(
        &[("both/app", 1, 1), ("cpu/app", 1, 1), ("part/app", 1, 1), ("part/init", 1, 1)],
        &[],
    );
    let memory =
        values(&[("both/app", 1000, 1), ("memory/app", 1000, 1), ("part/app", 1000, 1)], &[]);
    let joined = joined(&objects, &cpu, &memory);
    assert_eq!(reported(&joined), ["both@1: app 1m 1", "part@1: app 1m 1, init 1m -"]);
    assert_eq!(
        missing(&joined).unwrap(),
        "memory of container init of pods part is missing: there is cpu alone"
    );
    let why = |name: &str| joined.nothing_for(name, "it").to_string();
    let memory = "it not found: the query for memory has values for 3 pods and none for this \
                  one, whose name is looked for in the label \"pod\"";
    assert_eq!(why("cpu"), memory);
    assert!(why("memory").contains("the query for cpu has values for 3 pods"));
    assert!(why("none").contains("the query for cpu"));
}

#[test]
fn what_cannot_be_right_is_refused_and_said() {
    let objects = objects(&["nan", "negative", "twice", "well"]);
    let cpu = values(
        &[("negative/app", -1, 1), ("twice/app", 1, 1), ("twice/app", 2, 1), ("well/app", 1, 1)],
        &[("container=app,pod=nan", "the value is NaN")],
    );
    let each = ["nan/app", "negative/app", "twice/app", "well/app"];
    let memory = values(&each.map(|of| (of, 1000, 1)), &[]);
    let joined = joined(&objects, &cpu, &memory);
    assert_eq!(reported(&joined), ["well@1: app 1m 1"]);
    let why = |name: &str| joined.nothing_for(name, "").to_string();
    assert_eq!(why("nan"), "cpu of container app of pods nan is not served: the value is NaN");
    assert!(why("negative").ends_with("the value is negative (-1m)"), "{}", why("negative"));
    assert!(why("twice").contains("several values"), "{}", why("twice"));
    assert_eq!(missing(&joined).as_deref(), Some(why("nan").as_str()));
}

/// An HPA leaves out a pod with a container that it knows nothing of, but only if it is reported
/// that there is such a container.
#[test]
fn a_container_whose_values_are_all_refused_is_there() {
    let objects = objects(&["web-0"]);
    let refused = [("container=app,pod=web-0", "the value is NaN")];
    let cpu = values(&[("web-0/proxy", 1, 1)], &refused);
    let memory = values(&[("web-0/proxy", 1000, 1)], &refused);
    assert_eq!(reported(&joined(&objects, &cpu, &memory)), ["web-0@1: app - -, proxy 1m 1"]);
}

/// The series of a pod's own cgroup, and of its sandbox, hold what its containers use, too.
#[test]
fn a_pod_as_a_whole_is_not_counted_beside_its_containers() {
    let objects = objects(&["web-0", "whole-0", "alone-0"]);
    let all = [
        ("web-0/", 10, 1),
        ("web-0/POD", 1, 1),
        ("web-0/app", 8, 1),
        ("web-0/reloader", 2, 1),
        ("whole-0/", 5, 1),
        ("whole-0/POD", 1, 1),
        ("alone-0/POD", 1, 1),
    ];
    let both = values(&all, &[]);
    let joined = joined(&objects, &both, &both);
    assert_eq!(
        reported(&joined),
        ["alone-0@1: POD 1m 1m", "web-0@1: app 8m 8m, reloader 2m 2m", "whole-0@1:  5m 5m"]
    );
    assert_eq!(joined.missing(), None);
}

#[test]
fn objects_that_are_left_out_of_a_list_are_told() {
    let objects = objects(&["a", "b"]);
    let one = values(&[("a/app", 1, 1)], &[]);
    let joined = joined(&objects, &one, &one);
    assert_eq!(
        missing(&joined).unwrap(),
        "nothing is known of 1 of 2 pods, b among them: the query for cpu has values for 1 pod \
         and none for this one, whose name is looked for in the label \"pod\""
    );
}
