//! Notes on what changes when prometheus-adapter is replaced.

use std::collections::BTreeSet;

use super::{Inspection, count};
use leadsman_model::resource::Resource;
use leadsman_rules::{NoMetricReason, OnSeveral};

/// The kinds that prometheus-adapter treats as not namespaced.
const ROOT_SCOPED: [&str; 3] = ["namespaces", "nodes", "persistentvolumes"];

/// The notes, as sentences.
pub(super) fn notes(inspection: &Inspection) -> Vec<String> {
    let mut notes = Vec::new();
    let metrics = || inspection.metrics().map(|(_, metric)| metric);
    let exact = metrics().filter(|metric| metric.widened.is_err()).count();
    if inspection.exact_queries && metrics().next().is_some() {
        notes.push(
            "exact queries are set: each read asks a query of its own, as with prometheus-adapter. \
             Without them one query answers for all objects of a namespace."
                .to_owned(),
        );
    } else if exact > 0 {
        notes.push(format!(
            "{} cannot be asked for once for all objects: each read asks a query of its own, as with \
             prometheus-adapter. The reason stands with each.",
            count(exact, "metric", "metrics")
        ));
    }
    let unserved = || inspection.rules.iter().flat_map(|rule| &rule.unserved);
    let hidden =
        unserved().filter(|series| matches!(series.why, NoMetricReason::Hidden { .. })).count();
    if hidden > 0 {
        notes.push(format!(
            "{} the same metric as another series, of which the last one holds, as with \
             prometheus-adapter.",
            count(hidden, "series gives", "series give")
        ));
    }
    let overridden = metrics().filter(|metric| metric.overridden).count();
    if overridden > 0 {
        notes.push(format!(
            "{} served by a mapping of the configuration, which comes before rules.",
            count(overridden, "metric is", "metrics are")
        ));
    }
    let kinds: BTreeSet<&Resource> =
        metrics().filter_map(|metric| metric.resource.as_ref()).collect();
    if !kinds.is_empty() {
        let names: Vec<_> = kinds.iter().map(|kind| kind.to_string()).collect();
        notes.push(format!(
            "Metrics are for {}. To read all objects of a kind the adapter needs the rights to list \
             and watch it.",
            names.join(", ")
        ));
    }
    for kind in kinds.iter().filter(|kind| !kind.namespaced()) {
        let plural = kind.to_string();
        if !ROOT_SCOPED.contains(&plural.as_str()) {
            notes.push(format!(
                "{plural} live in no namespace and are asked for at the root; prometheus-adapter \
                 asks for them in a namespace."
            ));
        }
    }
    if metrics().any(|metric| metric.resource.is_some())
        && inspection.on_several == OnSeveral::Refuse
    {
        notes.push(
            "Whether several series disagree about one object shows only when it is read: it is left \
             out then, with a reason, unless `discovery.onSeveral` says which value it has. --compare \
             reads all."
                .to_owned(),
        );
    }
    match &inspection.discovery {
        Some(Ok(())) => {}
        Some(Err(reason)) => notes.push(format!(
            "Which kinds of objects the cluster has is not known ({reason}): only those of every \
             cluster were looked for."
        )),
        None => notes.push(
            "No cluster was asked: only kinds of objects that every cluster has were looked for. Name \
             one with --kubeconfig if rules are for custom resources."
                .to_owned(),
        ),
    }
    notes
}
