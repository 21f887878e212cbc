//! Resource metrics of nodes and pods, as `metrics.k8s.io` has it. Its versions have the same types.

pub(super) mod json;
pub(super) mod protobuf;

use leadsman_model::quantity::Quantity;
use leadsman_provider::Amounts;
use leadsman_provider::snapshot::MeasuredKind;

/// The kind of one, and that of a list of them.
fn kinds(kind: MeasuredKind) -> (&'static str, &'static str) {
    match kind {
        MeasuredKind::Nodes => ("NodeMetrics", "NodeMetricsList"),
        MeasuredKind::Pods => ("PodMetrics", "PodMetricsList"),
    }
}

/// The values of both, by the names of resources, as quantities.
fn usage(amounts: Amounts) -> impl Iterator<Item = (&'static str, String)> {
    let cpu = amounts.cpu.map(|cpu| ("cpu", cpu.to_string()));
    let memory = amounts.memory.map(Quantity::binary);
    cpu.into_iter().chain(memory.map(|memory| ("memory", memory.to_string())))
}

/// Objects for tests of both encodings.
#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::objects::{Object, ObjectList, ObjectStore};
    use leadsman_model::resource::Resource;
    use leadsman_model::selector::Selector;
    use leadsman_provider::{ObjectAmounts, ObjectMetrics};

    pub(super) fn object(name: &str, labels: &[(&str, &str)]) -> Object {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut listing = ObjectList::default();
        listing.add("shop", name, labels);
        let kind = ObjectStore::starting(Resource::known("pods").unwrap());
        kind.replace(listing);
        kind.objects("shop", &Selector::default()).remove(0)
    }

    pub(super) fn amounts(cpu: Option<i64>, memory: Option<i64>) -> Amounts {
        Amounts {
            cpu: cpu.map(Quantity::from_milli),
            memory: memory.map(|bytes| Quantity::from_milli(bytes * 1000)),
        }
    }

    pub(super) fn pod(object: &Object) -> ObjectMetrics<'_> {
        let amounts = ObjectAmounts::Containers(vec![
            ("app", amounts(Some(1500), Some(64 << 20))),
            ("sidecar", amounts(None, Some(1000))),
        ]);
        let (evaluated, measured) = (1_695_018_199_504, 1_695_018_190_999);
        ObjectMetrics { namespace: "shop", object, evaluated, measured, amounts }
    }

    pub(super) fn node(object: &Object) -> ObjectMetrics<'_> {
        let amounts = ObjectAmounts::Whole(amounts(Some(2000), Some(1 << 30)));
        ObjectMetrics { namespace: "", object, evaluated: 5000, measured: 4000, amounts }
    }
}
