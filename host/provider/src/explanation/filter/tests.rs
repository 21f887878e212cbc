//! Nothing of another namespace, or of an object that was not asked for, is shown.

use super::*;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::Value;

const SHOP: &str = "shop";

fn row<'r>(labels: &[(&'r str, &'r str)]) -> CapturedRow<'r> {
    CapturedRow { labels: labels.to_vec(), samples: vec![(0, 1.0)], text: None }
}

fn shop() -> Scope {
    Scope::Namespace(SHOP.parse().unwrap())
}

fn pods<'a>(names: &[&'a str], all: bool) -> Requested<'a> {
    Requested::Objects { namespace: SHOP, names: names.iter().copied().collect(), all }
}

fn filter<'a>(
    scope: &'a Scope,
    requested: &'a Requested<'a>,
    object: Option<&'a str>,
) -> Filter<'a> {
    Filter {
        view: View::OfRead,
        scope,
        requested,
        object_label: object,
        namespace_label: NAMESPACE,
        fixed: None,
    }
}

#[test]
fn rows_of_the_whole_cluster_need_the_namespace_and_an_object_that_was_asked_for() {
    let (scope, requested) = (Scope::Cluster, pods(&["a", "b"], true));
    let filter = filter(&scope, &requested, Some("pod"));
    let of = |labels: &[(&str, &str)]| {
        filter.row(&row(labels), &ServedValues::new(None)).map(str::to_owned)
    };
    assert_eq!(of(&[("namespace", "shop"), ("pod", "a")]), Ok("a".to_owned()));
    assert_eq!(of(&[("namespace", "bank"), ("pod", "a")]), Err(Hidden::OtherNamespace));
    assert_eq!(of(&[("pod", "a")]), Err(Hidden::UnknownNamespace));
    assert_eq!(of(&[("namespace", "shop"), ("pod", "c")]), Err(Hidden::OtherObject));
    assert_eq!(of(&[("namespace", "shop")]), Err(Hidden::UnknownObject));
    let all = Filter { view: View::Everything, ..self::filter(&scope, &requested, Some("pod")) };
    assert_eq!(
        all.row(&row(&[("namespace", "bank"), ("pod", "x")]), &ServedValues::new(None)),
        Ok("x")
    );
    assert!(filter.log().is_err() && all.log().is_ok());
}

#[test]
fn an_evaluation_for_one_namespace_is_of_it_but_for_rows_that_name_another() {
    let (scope, requested) = (shop(), pods(&["a"], true));
    let filter = filter(&scope, &requested, Some("pod"));
    let of = |labels: &[(&str, &str)]| {
        filter.row(&row(labels), &ServedValues::new(None)).map(str::to_owned)
    };
    assert_eq!(of(&[("pod", "a")]), Ok("a".to_owned()));
    assert_eq!(of(&[("namespace", "bank"), ("pod", "a")]), Err(Hidden::OtherNamespace));
    assert!(filter.log().is_ok());
}

#[test]
fn without_a_label_for_objects_rows_are_for_who_may_read_all_of_them() {
    let scope = shop();
    let (all, one) = (pods(&["a"], true), pods(&["a"], false));
    assert_eq!(
        filter(&scope, &all, None).row(&row(&[("le", "1")]), &ServedValues::new(None)),
        Ok("")
    );
    let hidden = filter(&scope, &one, None)
        .row(&row(&[("le", "1")]), &ServedValues::new(None))
        .map(str::to_owned);
    assert_eq!(hidden, Err(Hidden::UnknownObject));
}

#[test]
fn rows_of_a_fixed_object_are_its_own_unless_they_name_another_namespace() {
    let (scope, requested) = (
        Scope::Cluster,
        Requested::Objects { namespace: SHOP, names: HashSet::from(["lb"]), all: false },
    );
    let of = |config: &str, labels: &[(&str, &str)]| {
        let fixed = fixed_object(config);
        let filter = Filter { fixed, ..filter(&scope, &requested, None) };
        filter.row(&row(labels), &ServedValues::new(None)).map(str::to_owned)
    };
    let config = r#"{"object": {"namespace": "shop", "name": "lb"}}"#;
    assert_eq!(of(config, &[("pool", "p")]), Ok("lb".to_owned()));
    assert_eq!(of(config, &[("namespace", "bank")]), Err(Hidden::OtherNamespace));
    let other = r#"{"object": {"namespace": "bank", "name": "lb"}}"#;
    assert_eq!(of(other, &[("pool", "p")]), Err(Hidden::OtherNamespace));
    assert_eq!(of(r#"{"object": {"name": "x"}}"#, &[]), Err(Hidden::OtherObject));
    assert_eq!(fixed_object(r#"{"object": "pod"}"#), None);
}

#[test]
fn objects_without_a_namespace_are_told_by_name() {
    let requested = Requested::Objects { namespace: "", names: HashSet::from(["n1"]), all: false };
    let scope = Scope::Cluster;
    let nodes = filter(&scope, &requested, Some("node"));
    assert_eq!(nodes.row(&row(&[("node", "n1")]), &ServedValues::new(None)), Ok("n1"));
    assert_eq!(
        nodes.row(&row(&[("node", "n2")]), &ServedValues::new(None)),
        Err(Hidden::OtherObject)
    );
    // Namespaces, each with an evaluation of its own.
    let requested = Requested::Objects { namespace: "", names: HashSet::from([SHOP]), all: true };
    let scope = shop();
    let namespaces = filter(&scope, &requested, None);
    assert_eq!(namespaces.row(&row(&[("le", "1")]), &ServedValues::new(None)), Ok(SHOP));
    assert_eq!(
        namespaces.row(&row(&[("namespace", "bank")]), &ServedValues::new(None)),
        Err(Hidden::OtherNamespace)
    );
}

#[test]
fn rows_that_are_items_are_told_to_who_may_read_the_items() {
    let (scope, requested) = (Scope::Cluster, Requested::Items { namespace: SHOP });
    let filter = filter(&scope, &requested, None);
    let value = Value { quantity: Quantity::ZERO, time: 0, window: None };
    let item = Item { labels: vec![("queue".into(), "orders".into())], value };
    let served = MetricValues::Items(vec![item]);
    let values = Values { served, refused: vec![], refused_count: 0, not_numbers: 0 };
    let served = ServedValues::new(Some(&values));
    let of = |labels: &[(&str, &str)]| filter.row(&row(labels), &served).map(str::to_owned);
    assert_eq!(of(&[("__name__", "depth"), ("queue", "orders")]), Ok(String::new()));
    assert_eq!(of(&[("queue", "mails")]), Err(Hidden::UnknownNamespace));
    assert_eq!(of(&[("queue", "orders"), ("namespace", "bank")]), Err(Hidden::OtherNamespace));
    assert_eq!(of(&[("queue", "mails"), ("namespace", "shop")]), Ok(String::new()));
}

#[test]
fn measures_and_readers_are_those_of_what_was_asked_for() {
    let (scope, requested) = (Scope::Cluster, pods(&["a"], true));
    let filter = filter(&scope, &requested, Some("pod"));
    let measure = |namespace, object| CapturedMeasure {
        namespace,
        object,
        labels: vec![],
        value: 1.0,
        time: None,
        window: None,
    };
    assert_eq!(filter.measure(&measure("shop", "a")), Ok(()));
    assert_eq!(filter.measure(&measure("bank", "a")), Err(Hidden::OtherNamespace));
    assert_eq!(filter.measure(&measure("", "a")), Err(Hidden::OtherNamespace));
    assert_eq!(filter.measure(&measure("shop", "b")), Err(Hidden::OtherObject));
    let item = |namespace, pod| CapturedMeasure {
        labels: vec![("container", "app"), ("namespace", namespace), ("pod", pod)],
        ..measure("", "")
    };
    assert_eq!(filter.measure(&item("shop", "a")), Ok(()));
    assert_eq!(filter.measure(&item("bank", "a")), Err(Hidden::OtherNamespace));
    assert_eq!(filter.measure(&item("shop", "b")), Err(Hidden::OtherObject));
    assert!(filter.reader("shop") && !filter.reader("bank"));
}

/// A fixture has the plugin's configuration and all objects that it was given.
#[test]
fn objects_and_configuration_are_told_to_who_may_read_them() {
    let object = |namespace, name| CapturedObject {
        namespace,
        name,
        labels: vec![("tier", "gold")],
        address: "10.0.0.1",
    };
    let (cluster, own) = (Scope::Cluster, shop());
    let (one, all) = (pods(&["a"], false), pods(&["a"], true));
    let of_one = filter(&cluster, &one, Some("pod"));
    assert_eq!(of_one.object(&object(SHOP, "a")), Ok(()));
    assert_eq!(of_one.object(&object(SHOP, "b")), Err(Hidden::OtherObject));
    assert_eq!(of_one.object(&object("bank", "a")), Err(Hidden::OtherNamespace));
    assert_eq!(of_one.object(&object("", "a")), Err(Hidden::UnknownNamespace));
    let of_all = filter(&own, &all, Some("pod"));
    assert_eq!(of_all.object(&object("", "b")), Ok(()));
    assert_eq!(of_all.object(&object("bank", "a")), Err(Hidden::OtherNamespace));
    let items = Requested::Items { namespace: SHOP };
    let of_items = filter(&cluster, &items, None);
    assert_eq!(of_items.object(&object(SHOP, "b")), Ok(()));
    assert_eq!(of_items.object(&object("bank", "b")), Err(Hidden::OtherNamespace));
    let nodes = Requested::Objects { namespace: "", names: HashSet::from(["n1"]), all: false };
    let of_nodes = filter(&cluster, &nodes, Some("node"));
    assert_eq!(of_nodes.object(&object("", "n1")), Ok(()));
    assert_eq!(of_nodes.object(&object("", "n2")), Err(Hidden::OtherObject));
    assert!(of_one.config().is_err() && of_all.config().is_ok());
    let everything = Filter { view: View::Everything, ..of_one };
    assert_eq!(everything.object(&object("bank", "x")), Ok(()));
    assert!(everything.config().is_ok());
}

/// Each row was held against each item, and whoever may read the metric may ask again and again.
#[test]
fn many_rows_are_held_against_many_items_at_once() {
    const MANY: usize = 30_000;
    let (scope, requested) = (Scope::Cluster, Requested::Items { namespace: SHOP });
    let filter = filter(&scope, &requested, None);
    let value = Value { quantity: Quantity::ZERO, time: 0, window: None };
    let item = |at: usize| Item {
        labels: vec![("queue".into(), format!("q{at}").into()), ("tier".into(), "gold".into())],
        value,
    };
    let served = MetricValues::Items((0..MANY).map(item).collect());
    let values = Values { served, refused: vec![], refused_count: 0, not_numbers: 0 };
    let served = ServedValues::new(Some(&values));
    let begun = std::time::Instant::now();
    for at in 0..MANY {
        let (own, other) = (format!("q{at}"), format!("other-{at}"));
        assert_eq!(filter.row(&row(&[("tier", "gold"), ("queue", own.as_str())]), &served), Ok(""));
        let other = row(&[("queue", other.as_str()), ("tier", "gold")]);
        assert_eq!(filter.row(&other, &served), Err(Hidden::UnknownNamespace));
    }
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}
