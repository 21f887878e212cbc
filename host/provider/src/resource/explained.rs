//! What a read of resource metrics found, for its explanation.

use std::collections::HashMap;
use std::sync::Arc;

use super::evaluations::ResourceEvaluations;
use super::{
    Amounts, Measured, ObjectAmounts, ResourceGroup, ResourceRead, ResourceReading, ResourceValues,
};
use crate::explanation::ValueFrom;
use crate::explanation::findings::{Origin, ReadFindings, ReadValue, Requested, UsedEvaluation};
use leadsman_evaluation::Reading;
use leadsman_model::names::Namespace;
use leadsman_model::objects::Object;
use leadsman_model::quantity::Quantity;
use leadsman_model::query_params::QueryParams;
use leadsman_model::values::Value;

/// What belongs to one of cpu and memory.
#[derive(Clone, Copy)]
struct Side {
    amount: fn(&Amounts) -> Option<Quantity>,
    reading: fn(&ResourceGroup) -> &Reading,
}

const CPU: Side = Side { amount: |amounts| amounts.cpu, reading: |of| &of.readings.cpu };
const MEMORY: Side = Side { amount: |amounts| amounts.memory, reading: |of| &of.readings.memory };

impl ResourceRead<'_> {
    /// What was found: cpu, then memory. `names` are those of the objects, where nothing could be read
    /// of them.
    pub(crate) fn findings<'a>(
        &'a self,
        reading: Option<&'a ResourceReading<'_>>,
        values: Option<&'a ResourceValues<'_>>,
        names: &'a [Object],
    ) -> [ReadFindings<'a>; 2] {
        let groups = reading.map_or(&[][..], |reading| &reading.groups);
        let of_namespaces: HashMap<_, _> = groups
            .iter()
            .map(|group| (group.namespace.as_ref().map_or("", Namespace::as_str), group))
            .collect();
        [(&self.both.cpu, CPU), (&self.both.memory, MEMORY)].map(|(of, side)| {
            let mut evaluations_used: Vec<_> = groups
                .iter()
                .map(|group| self.used_evaluation(of, group.namespace.as_ref(), &group.objects))
                .collect();
            if let (Some(evaluations), true) = (&self.evaluations, evaluations_used.is_empty()) {
                let namespace = evaluations.namespace.as_ref();
                evaluations_used.push(self.used_evaluation(of, namespace, names));
            }
            let values = values.into_iter().flat_map(|values| &values.values);
            let values = values.flat_map(|object| {
                let group = of_namespaces.get(object.namespace).copied();
                let amounts = match &object.amounts {
                    ObjectAmounts::Whole(amounts) => vec![("", *amounts)],
                    ObjectAmounts::Containers(containers) => containers.clone(),
                };
                let of_one = amounts.into_iter().filter_map(move |(container, amounts)| {
                    let quantity = (side.amount)(&amounts)?;
                    let (time, window) = (object.measured, None);
                    let value = Value { quantity, time, window };
                    let origin = group.map(|group| Origin::of_run((side.reading)(group)));
                    let Origin { from, run, policies } = origin.unwrap_or(Origin {
                        from: ValueFrom::Run,
                        run: None,
                        policies: Vec::new(),
                    });
                    Some(ReadValue {
                        namespace: object.namespace,
                        object: &object.object.name,
                        container,
                        labels: &[],
                        value,
                        from,
                        run,
                        policies,
                    })
                });
                of_one.collect::<Vec<_>>()
            });
            let values = values.collect();
            ReadFindings { evaluations: &of.evaluations, evaluations_used, values, missing: None }
        })
    }

    /// The objects that are requested, for the explanation of a read that failed.
    pub(crate) fn requested(&self) -> Vec<Object> {
        let evaluations: Option<&ResourceEvaluations> = self.evaluations.as_ref();
        evaluations.and_then(|evaluations| self.objects(evaluations).ok()).unwrap_or_default()
    }

    fn used_evaluation<'a>(
        &self,
        of: &Measured,
        namespace: Option<&'a Namespace>,
        objects: &'a [Object],
    ) -> UsedEvaluation<'a> {
        let mapping = of.evaluations.mapping();
        let scope = match namespace {
            Some(namespace) => mapping.scope(namespace),
            None => leadsman_model::names::Scope::Cluster,
        };
        let mut names: Vec<Arc<str>> = Vec::new();
        if mapping.names_objects() {
            names.extend(objects.iter().map(|object| object.name.clone()));
            names.sort();
        }
        let params = QueryParams { names, ..QueryParams::default() };
        let requested = Requested::Objects {
            namespace: namespace.map_or("", Namespace::as_str),
            names: objects.iter().map(|object| object.name.as_ref()).collect(),
            all: matches!(self.request.target, super::ObjectSelection::All),
        };
        UsedEvaluation { scope, params, requested }
    }
}
