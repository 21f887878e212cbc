//! What a read of a custom metric found, for its explanation.

use std::collections::HashMap;
use std::sync::Arc;

use super::{CustomRead, CustomReading, CustomValues, ObjectSelection, ObjectValue, ValueGroup};
use crate::explanation::findings::{Origin, ReadFindings, ReadValue, Requested, UsedEvaluation};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::query_params::QueryParams;
use leadsman_model::values::MetricValues;

impl CustomRead<'_> {
    /// What was found. `names` are those of the objects, where nothing could be read of them.
    pub(crate) fn findings<'a>(
        &'a self,
        reading: Option<&'a CustomReading<'_>>,
        values: Option<&'a CustomValues<'_>>,
        names: &'a [Arc<str>],
    ) -> ReadFindings<'a> {
        let groups = reading.map_or(&[][..], |reading| &reading.groups);
        let mut evaluations_used: Vec<_> =
            groups.iter().filter_map(|group| self.used_evaluation(&group.names)).collect();
        if evaluations_used.is_empty() {
            evaluations_used.extend(self.used_evaluation(names));
        }
        let values = values.into_iter().flat_map(|values| &values.values);
        let of_objects: HashMap<_, _> = groups.iter().flat_map(ValueGroup::by_object).collect();
        let values = values.map(|value| {
            let group = of_objects.get(&(value.namespace, value.name)).copied();
            self.value(value, group)
        });
        ReadFindings {
            evaluations: &self.part.evaluations,
            evaluations_used,
            values: values.collect(),
            missing: None,
        }
    }

    /// Evaluates although there are no objects that the values could be for.
    pub(crate) async fn evaluate(&self) {
        if self.of_namespaces() {
            return;
        }
        // How it ends is recorded.
        drop(self.part.read(self.reader, std::iter::empty()).await);
    }

    /// The objects that are requested, for the explanation of a read that failed.
    pub(crate) fn requested(&self) -> Vec<Arc<str>> {
        self.names().unwrap_or_default()
    }

    /// The evaluation behind the values of these objects.
    fn used_evaluation<'a>(&'a self, names: &'a [Arc<str>]) -> Option<UsedEvaluation<'a>> {
        let selector = self.part.key.selector.clone();
        let params = match self.part.mapping().names_objects() {
            true => {
                let mut names = names.to_vec();
                names.sort();
                QueryParams { selector, names }
            }
            false => QueryParams { selector, names: Vec::new() },
        };
        let scope = match names {
            [name] if self.of_namespaces() => Scope::Namespace(name.parse().ok()?),
            _ if self.of_namespaces() => return None,
            _ => self.part.scope.clone(),
        };
        let requested = Requested::Objects {
            namespace: self.namespace.as_ref().map_or("", Namespace::as_str),
            names: names.iter().map(AsRef::as_ref).collect(),
            all: matches!(self.request.target, ObjectSelection::All),
        };
        Some(UsedEvaluation { scope, params, requested })
    }

    fn value<'a>(&self, value: &ObjectValue<'a>, group: Option<&ValueGroup>) -> ReadValue<'a> {
        let ObjectValue { namespace, name, value } = *value;
        let origin = group.map(|group| self.origin_of(value, namespace, name, group));
        let (from, run, policies) = match origin {
            Some(Origin { from, run, policies }) => (from, run, policies),
            None => (crate::explanation::ValueFrom::Run, None, Vec::new()),
        };
        ReadValue {
            namespace,
            object: name,
            container: "",
            labels: &[],
            value,
            from,
            run,
            policies,
        }
    }

    fn origin_of(
        &self,
        value: leadsman_model::values::Value,
        namespace: &str,
        name: &str,
        group: &ValueGroup,
    ) -> Origin {
        let reading = &group.reading;
        let evaluated = &reading.evaluated;
        let of_run = match &evaluated.values.served {
            MetricValues::Objects(served) => matches!(served.get(namespace, name), Some(Ok(_))),
            MetricValues::Items(_) => false,
        };
        if of_run {
            return Origin::of_run(reading);
        }
        match self.part.last_known(evaluated.last_known.object(namespace, name)) {
            Some((known, age)) if known == value => Origin::last_known(age),
            _ => Origin::stated(reading, value),
        }
    }
}

impl CustomReading<'_> {
    /// Whether there is no object that could have a value, so that nothing was evaluated.
    pub(crate) fn is_of_nothing(&self) -> bool {
        self.groups.is_empty()
    }
}

impl ValueGroup {
    /// This group, for the namespace and the name of each of its objects.
    fn by_object(&self) -> impl Iterator<Item = ((&str, &str), &Self)> {
        let namespace = self.namespace.as_ref().map_or("", Namespace::as_str);
        self.names.iter().map(move |name| ((namespace, &**name), self))
    }
}
