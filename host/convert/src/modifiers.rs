//! `scalingModifiers`: a formula over the triggers, for the plugin of that name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::Context;
use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::policy;
use crate::prometheus;
use crate::scaled_object::{Modifiers, ScaledObject};
use crate::trigger::{MAX_NUMBER, Mapping, Planned, Query, Target};
use crate::zero::Zero;

/// The metric that takes the place of those of all triggers, as KEDA calls it.
const COMPOSITE: &str = "composite-metric";

/// The formula of an object as a metric. `None` if it cannot be kept; the notes say why.
pub(crate) fn plan(
    object: &ScaledObject,
    modifiers: &Modifiers,
    zero: &Zero,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Planned> {
    let place = "scalingModifiers";
    let mut triggers = Vec::new();
    for (index, trigger) in object.triggers.iter().enumerate() {
        match &*trigger.kind {
            // They are metrics of their own beside the formula.
            "cpu" | "memory" => {}
            "prometheus" => match &trigger.name {
                None => notes.refuse(format!(
                    "{}: it has no name, which a formula needs; KEDA refuses it, too",
                    crate::trigger::place(index, trigger)
                )),
                Some(name) => {
                    let read = prometheus::read(object, index, trigger, context, notes);
                    triggers.push((name.clone(), read));
                }
            },
            other => notes.refuse(format!(
                "{place}: its formula has a trigger of the type {}, and only those of the type prometheus can be \
                 queries of a formula; leave the object with KEDA, whose metrics Leadsman passes on",
                leadsman_document::excerpt(other)
            )),
        }
    }
    let used = match formula::queries(&modifiers.formula) {
        Ok(used) => used,
        Err(reason) => {
            notes.refuse(format!("{place}: its formula cannot be kept: {reason}"));
            return None;
        }
    };
    for name in &used {
        if !triggers.iter().any(|(known, _)| known == name) {
            notes.refuse(format!(
                "{place}: its formula names \"{name}\", and no trigger has this name"
            ));
        }
    }
    let target = number(&modifiers.target, "target", notes);
    let activation = match &modifiers.activation_target {
        Some(text) => number(text, "activationTarget", notes),
        None => Some(0.0),
    };
    if notes.are_refusal() {
        return None;
    }
    let target = Target::new(target?, modifiers.metric_type.as_deref(), place, notes)?;
    let activation = activation?;
    // KEDA reads this number as a whole one, and counts a fallback with any other as none.
    if object.fallback.is_some() && modifiers.target.trim().parse::<i64>().is_err() {
        notes.differs(format!(
            "fallback: KEDA has none where the target of {place} is no whole number; here it counts"
        ));
    }
    zero.compare(activation, &target, object, place, notes);
    let (mut queries, mut null_is_zero, mut deadline) = (Vec::new(), BTreeSet::new(), None);
    for (name, trigger) in triggers.into_iter().filter(|(name, _)| used.contains(name)) {
        let trigger = trigger?;
        if trigger.ignores_null {
            null_is_zero.insert(name.clone());
        }
        deadline = deadline.or(trigger.deadline);
        let (promql, is_known) = (trigger.query.unlabelled(), trigger.query.is_known());
        queries.push(Query { name, source: trigger.source, promql, is_known });
    }
    let metric = crate::names::metric(&object.namespace, &object.name, COMPOSITE);
    let written = with_zeros(&modifiers.formula, &null_is_zero);
    // What was added must be understood as well; a formula near the limits may grow beyond them.
    if let Err(reason) = formula::queries(&written) {
        notes.refuse(format!(
            "{place}: with 0 in place of what is absent its formula cannot be kept: {reason}"
        ));
        return None;
    }
    let has_no_null = used.iter().all(|name| null_is_zero.contains(name));
    let policies = Entries::default()
        .maybe("deadline", deadline.map(Node::duration))
        .extended(policy::of(object, &target, has_no_null, false, notes))
        .extended(zero.activation(activation, place, notes));
    Some(Planned {
        metric: target.external(&metric),
        mapping: Some(Mapping {
            metric,
            about: format!("{place} over {}", used.join(", ")),
            queries,
            plugin: "formula",
            config: Entries::default().with("formula", written),
            policies,
        }),
    })
}

fn number(text: &str, key: &str, notes: &mut Notes) -> Option<f64> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.abs() < MAX_NUMBER);
    if number.is_none() {
        let text = leadsman_document::excerpt(text);
        notes.refuse(format!(
            "scalingModifiers: its {key}, \"{text}\", is not a number that can be served"
        ));
    }
    number
}

/// A formula with 0 in place of what is absent, NaN or infinite, for the triggers that ignore that.
fn with_zeros(formula: &str, names: &BTreeSet<String>) -> String {
    let mut written = String::with_capacity(formula.len());
    let mut rest = formula;
    while let Some(first) = rest.chars().next() {
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let end = if is_of_word(first) {
            rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        let is_call = after.trim_start().starts_with('(');
        if names.contains(word) && !is_call {
            // Writing to a string cannot fail.
            let _ = write!(written, "(finite({word}) ?? 0)");
        } else {
            written.push_str(word);
        }
        rest = after;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_zero_in_a_formula() {
        let names = ["trig_one", "trig_two", "max"].map(str::to_owned).into();
        for (formula, expected) in [
            ("trig_one + trig_three", "(finite(trig_one) ?? 0) + trig_three"),
            (
                "trig_one > 2 ? trig_one : trig_two",
                "(finite(trig_one) ?? 0) > 2 ? (finite(trig_one) ?? 0) : (finite(trig_two) ?? 0)",
            ),
            ("max(trig_one, 1e6) + max", "max((finite(trig_one) ?? 0), 1e6) + (finite(max) ?? 0)"),
            ("trig_one_more + 0.5", "trig_one_more + 0.5"),
            ("count([trig_one], {# > 1})", "count([(finite(trig_one) ?? 0)], {# > 1})"),
        ] {
            assert_eq!(with_zeros(formula, &names), expected);
        }
    }
}
