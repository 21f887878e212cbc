//! cpu and memory: metrics that an autoscaler has itself.

use leadsman_model::quantity::Quantity;

use crate::Context;
use crate::node::Entries;
use crate::note::Notes;
use crate::scaled_object::{ScaledObject, Trigger};
use crate::trigger::{Metadata, Planned};

pub(crate) fn plan(
    object: &ScaledObject,
    index: usize,
    trigger: &Trigger,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Planned> {
    let mut metadata = Metadata::new(object, index, trigger, context);
    let place = metadata.place().to_owned();
    let value = metadata.required("value", notes);
    let container = metadata.get("containerName", notes);
    // The old key; the newer one decides.
    let old = metadata.get("type", notes);
    metadata.finish(&[], notes);
    let (value, container) = (value?, container?.filter(|name| !name.is_empty()));
    let Some(metric_type) = trigger.metric_type.clone().or(old?) else {
        notes.refuse(format!("{place}: its metricType is missing: Utilization or AverageValue"));
        return None;
    };
    let target = Entries::default().with("type", &metric_type);
    let target = match &*metric_type {
        "Utilization" => match value.parse::<i32>() {
            Ok(percent) if percent > 0 => target.with("averageUtilization", i64::from(percent)),
            _ => {
                let value = leadsman_document::excerpt(&value);
                notes.refuse(format!("{place}: its value, \"{value}\", is no percentage above 0"));
                return None;
            }
        },
        "AverageValue" => match value.parse::<Quantity>() {
            Ok(quantity) if quantity > Quantity::ZERO => target.with("averageValue", &value),
            _ => {
                let value = leadsman_document::excerpt(&value);
                notes.refuse(format!("{place}: its value, \"{value}\", is no quantity above 0"));
                return None;
            }
        },
        other => {
            let other = leadsman_document::excerpt(other);
            notes.refuse(format!(
                "{place}: the metricType \"{other}\" is none of a resource: Utilization or AverageValue"
            ));
            return None;
        }
    };
    let source = Entries::default()
        .with("name", &trigger.kind)
        .maybe("container", container.clone())
        .with("target", target);
    let (kind, key) = match container {
        Some(_) => ("ContainerResource", "containerResource"),
        None => ("Resource", "resource"),
    };
    let metric = Entries::default().with("type", kind).with(key, source).into();
    Some(Planned { metric, mapping: None })
}
