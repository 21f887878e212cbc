//! What a read of an external metric found, for its explanation.

use super::{ExternalItems, ExternalRead, ExternalReading};
use crate::explanation::findings::{Origin, ReadFindings, ReadValue, Requested, UsedEvaluation};
use leadsman_model::values::{Item, MetricValues};

impl ExternalRead<'_> {
    /// What was found.
    pub(crate) fn findings<'a>(
        &'a self,
        reading: Option<&'a ExternalReading<'_>>,
        items: Option<&ExternalItems<'a>>,
    ) -> ReadFindings<'a> {
        let requested = Requested::Items { namespace: self.request.namespace };
        let (scope, params) = (self.part.scope.clone(), self.part.key.clone());
        let mut values = Vec::new();
        if let (Some(reading), Some(items)) = (reading, items) {
            for &item in &items.items {
                let Origin { from, run, policies } = reading.origin_of(item);
                values.push(ReadValue {
                    namespace: "",
                    object: "",
                    container: "",
                    labels: &item.labels,
                    value: item.value,
                    from,
                    run,
                    policies,
                });
            }
        }
        let evaluations_used = vec![UsedEvaluation { scope, params, requested }];
        ReadFindings {
            evaluations: &self.part.evaluations,
            evaluations_used,
            values,
            missing: None,
        }
    }
}

impl ExternalReading<'_> {
    fn origin_of(&self, item: &Item) -> Origin {
        let evaluated = &self.reading.evaluated;
        let of_run = match &evaluated.values.served {
            MetricValues::Items(served) => {
                served.as_ptr_range().contains(&std::ptr::from_ref(item))
            }
            MetricValues::Objects(_) => false,
        };
        if of_run {
            return Origin::of_run(&self.reading);
        }
        let known = evaluated.last_known.items(|known| std::ptr::eq(known, item));
        match known.and_then(|(_, at)| self.read.part.may_stand(at)) {
            Some(age) => Origin::last_known(age),
            None => Origin::stated(&self.reading, item.value),
        }
    }
}
