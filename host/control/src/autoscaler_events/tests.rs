//! Tests of what counts as a change, and of whom it concerns.

use leadsman_cluster::{MetricOf, NamedMetric};
use leadsman_evaluation::{Condition, ReadCondition};
use leadsman_model::names::Scope;
use leadsman_model::owner::Owner;
use leadsman_model::query_params::QueryParams;
use leadsman_model::resource::Resource;
use leadsman_model::selector::Selector;
use leadsman_model::serve::Serve;

use super::change::{Changes, Subject};

fn subject(serve: Serve) -> Subject {
    Subject {
        owner: Owner::Operator,
        serve,
        metric: "depth".parse().unwrap(),
        scope: Scope::Namespace("shop".parse().unwrap()),
        params: QueryParams::default(),
        is_of_selector: true,
    }
}

fn external() -> Subject {
    subject(Serve::External)
}

fn custom(resource: &str) -> Subject {
    subject(Serve::Custom(Resource::known(resource).unwrap()))
}

fn named(of: MetricOf, selector: &str) -> NamedMetric {
    NamedMetric { of, name: "depth".to_owned(), selector: selector.to_owned() }
}

fn object(kind: &str, name: &str) -> NamedMetric {
    named(MetricOf::Object { kind: kind.to_owned(), name: name.to_owned() }, "")
}

fn condition(served: ReadCondition) -> Condition {
    let error = (served != ReadCondition::Current).then(|| "no connection".to_owned());
    Condition { served, error }
}

#[test]
fn what_reads_get_is_told_when_it_changes() {
    let mut changes = Changes::default();
    let mut reported = |served| {
        let changes = changes.since_last([(external(), condition(served))]);
        let [change] = &changes[..] else { return None };
        let (reason, bad) = change.reason();
        Some((reason, bad, change.message()))
    };
    assert_eq!(reported(ReadCondition::Current), None, "it is well from the beginning");
    let (reason, bad, message) = reported(ReadCondition::Old).unwrap();
    assert_eq!((reason, bad), ("MetricOld", true));
    assert!(message.starts_with("external/depth: old values are served"), "{message}");
    assert!(message.ends_with(": no connection"), "{message}");
    assert_eq!(reported(ReadCondition::Old), None);
    let (reason, bad, message) = reported(ReadCondition::Nothing).unwrap();
    assert_eq!((reason, bad), ("MetricFailing", true));
    assert_eq!(message, "external/depth: reads get an error: no connection");
    assert_eq!(reported(ReadCondition::Stated).unwrap().0, "MetricStated");
    let (reason, bad, message) = reported(ReadCondition::Current).unwrap();
    assert_eq!((reason, bad), ("MetricRecovered", false));
    assert_eq!(message, "external/depth: newly evaluated values are served again");
}

#[test]
fn one_that_fails_from_the_beginning_is_told_and_one_that_is_gone_is_forgotten() {
    let mut changes = Changes::default();
    let failing = || [(external(), condition(ReadCondition::Nothing))];
    assert_eq!(changes.since_last(failing()).len(), 1);
    assert_eq!(changes.since_last(failing()).len(), 0);
    assert_eq!(changes.since_last([]).len(), 0);
    assert_eq!(changes.since_last(failing()).len(), 1);
}

#[test]
fn a_change_that_nobody_was_told_of_is_told_next_time() {
    let mut changes = Changes::default();
    let failing = || [(external(), condition(ReadCondition::Nothing))];
    let change = changes.since_last(failing()).remove(0);
    changes.unreported(&change);
    assert_eq!(changes.since_last(failing()), [change]);
}

#[test]
fn an_autoscaler_is_concerned_by_what_it_reads() {
    assert!(external().is(&named(MetricOf::External, "")));
    assert!(!external().is(&named(MetricOf::Pods, "")));
    assert!(!external().is(&NamedMetric { name: "d".to_owned(), ..named(MetricOf::External, "") }));
    assert!(custom("pods").is(&named(MetricOf::Pods, "")));
    assert!(custom("pods").is(&object("pod", "web-0")));
    assert!(!custom("services").is(&named(MetricOf::Pods, "")));
    assert!(custom("services").is(&object("service", "web")));
    assert!(!custom("services").is(&object("ingress", "web")));
    let mut of_names = custom("services");
    of_names.params.names = vec!["web".into()];
    assert!(of_names.is(&object("service", "web")));
    assert!(!of_names.is(&object("service", "db")));
}

#[test]
fn an_autoscaler_that_picks_other_series_is_not_concerned() {
    let mut of_web = external();
    of_web.params.selector = "queue=web,tier in (a,b)".parse::<Selector>().unwrap();
    assert!(of_web.is(&named(MetricOf::External, "tier in (b,a),queue=web")));
    assert!(!of_web.is(&named(MetricOf::External, "queue=db")));
    assert!(!of_web.is(&named(MetricOf::External, "")));
    let mut of_all = external();
    of_all.is_of_selector = false;
    assert!(of_all.is(&named(MetricOf::External, "queue=db")), "it is picked from one evaluation");
}

#[test]
fn a_teams_mapping_concerns_its_namespace_alone() {
    let mut of_team = external();
    of_team.scope = Scope::Cluster;
    assert_eq!(of_team.namespace(), None);
    of_team.owner = Owner::Team { namespace: "bank".parse().unwrap(), name: "c".into() };
    assert_eq!(of_team.namespace(), Some("bank"));
    assert_eq!(external().namespace(), Some("shop"));
}
