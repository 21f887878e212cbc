//! What a series is for, where plugins put several series, or series of a range, together themselves.

use crate::input::{Answer, Range, Scope, Series};
use crate::measures::Measure;
use crate::objects::{Labelled, ObjectFinder, ObjectKey, ObjectSource};
use crate::plan::Failure;
use crate::text::Label;

/// What a series is for: an object, or an item of an external metric. Those of one input may be
/// compared with each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target<'a>(Kind<'a>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind<'a> {
    Object(ObjectKey<'a>),
    /// By its labels, in the order of their names.
    Item(Vec<(Label<'a>, Label<'a>)>),
}

impl<'a> Target<'a> {
    /// A value for it.
    pub fn measure(&self, value: f64) -> Measure<'a> {
        match &self.0 {
            Kind::Object(object) => object.measure(value),
            Kind::Item(labels) => {
                labels.iter().fold(Measure::item(value), |item, (name, of)| item.label(*name, *of))
            }
        }
    }

    /// How messages call it.
    pub fn called(&self) -> String {
        match &self.0 {
            Kind::Object(object) => format!("the object \"{}\"", object.name().escape_debug()),
            Kind::Item(labels) => {
                let labels: Vec<_> =
                    labels.iter().map(|(name, of)| format!("{name}={:?}", of.as_str())).collect();
                format!("the item {{{}}}", labels.join(", "))
            }
        }
    }
}

/// Finds what the series of an answer are for, by the rules of [`by_object`](crate::by_object) for
/// objects.
#[derive(Debug)]
pub struct Targets<'a> {
    /// `None` where series are items.
    objects: Option<ObjectFinder<'a>>,
    /// Labels that do not distinguish items.
    without: &'a [&'a str],
}

impl<'a> Targets<'a> {
    /// For an answer: with `source` its series are for objects, without they are items. Fails if
    /// there are series and none has the object's label.
    pub fn new(
        answer: &Answer<'_>,
        scope: &'a Scope,
        source: Option<&'a ObjectSource>,
        namespace: Option<&str>,
    ) -> Result<Self, Failure> {
        let finder = |source| ObjectFinder::new(answer, scope, source, namespace);
        Ok(Self { objects: source.map(finder).transpose()?, without: &[] })
    }

    /// Labels that do not distinguish items, as `le` of the buckets of a histogram. The name of the
    /// series never does.
    pub fn without(self, labels: &'a [&'a str]) -> Self {
        Self { without: labels, ..self }
    }

    /// What a series is for: nothing if it lacks the object's label, or is of another namespace.
    pub fn of(&self, series: &Series<'a>) -> Option<Target<'a>> {
        self.find(series, series.labels())
    }

    /// The same for a series of a range query.
    pub fn of_range(&self, range: &Range<'a>) -> Option<Target<'a>> {
        self.find(range, range.labels())
    }

    fn find(
        &self,
        series: &impl Labelled<'a>,
        labels: impl Iterator<Item = (Label<'a>, Label<'a>)>,
    ) -> Option<Target<'a>> {
        if let Some(objects) = &self.objects {
            return objects.of(series).map(|object| Target(Kind::Object(object)));
        }
        let kept = |name: &Label<'_>| {
            *name != "__name__" && !self.without.iter().any(|without| name == without)
        };
        let mut labels: Vec<_> = labels.filter(|(name, _)| kept(name)).collect();
        labels.sort_by_key(|(name, _)| name.as_str());
        Some(Target(Kind::Item(labels)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{FixedObject, Input, Measures, ObjectSource, Targets};

    fn input(scope: Option<&str>) -> Input {
        let builder = Input::build();
        let builder = match scope {
            Some(namespace) => builder.namespace(namespace),
            None => builder,
        };
        let answer = r#"{"resultType": "vector", "result": [
            {"metric": {"__name__": "x", "namespace": "shop", "pod": "a", "le": "1"}, "value": [1, "1"]},
            {"metric": {"namespace": "bank", "pod": "a", "le": "1"}, "value": [1, "2"]},
            {"metric": {"le": "1"}, "value": [1, "3"]}]}"#;
        builder.answer_json("q", answer).unwrap().finish()
    }

    /// Namespace, object and labels of what each series is for.
    fn found(
        input: &Input,
        source: Option<&ObjectSource>,
        namespace: Option<&str>,
    ) -> Vec<(Option<String>, String, String)> {
        let answer = input.answer("q").unwrap();
        let targets = Targets::new(&answer, input.scope(), source, namespace).unwrap();
        let targets = targets.without(&["le"]);
        let mut measures = Measures::new();
        for series in answer.series().unwrap() {
            if let Some(target) = targets.of(&series) {
                measures.push(target.measure(series.value()));
            }
        }
        let labels =
            |row: &crate::Row| row.labels.keys().map(String::as_str).collect::<Vec<_>>().join(",");
        let rows = measures.rows(input).into_iter();
        rows.map(|row| (row.namespace.clone(), row.object.clone(), labels(&row))).collect()
    }

    fn object(namespace: Option<&str>, name: &str) -> (Option<String>, String, String) {
        (namespace.map(str::to_owned), name.to_owned(), String::new())
    }

    #[test]
    fn objects_by_label() {
        let pod = ObjectSource::Label("pod".to_owned());
        let cluster = input(None);
        let expected = [object(Some("shop"), "a"), object(Some("bank"), "a")];
        assert_eq!(found(&cluster, Some(&pod), None), expected);
        // No label but the one that is named says anything of namespaces.
        let expected = [object(None, "a"), object(None, "a")];
        assert_eq!(found(&cluster, Some(&pod), Some("")), expected);
        let shop = input(Some("shop"));
        assert_eq!(found(&shop, Some(&pod), None), expected);
        assert_eq!(found(&shop, Some(&pod), Some("namespace")), [object(None, "a")]);
    }

    #[test]
    fn a_fixed_object_and_items() {
        let fixed = FixedObject { name: "web".to_owned(), namespace: Some("shop".to_owned()) };
        let fixed = ObjectSource::Fixed(fixed);
        let three = vec![object(Some("shop"), "web"); 3];
        assert_eq!(found(&input(None), Some(&fixed), None), three);
        let items = found(&input(None), None, None);
        let labels: Vec<_> = items.iter().map(|(_, _, labels)| labels.as_str()).collect();
        assert_eq!(labels, ["namespace,pod", "namespace,pod", ""]);
    }

    #[test]
    fn a_label_that_no_series_has_is_a_failure() {
        let input = input(None);
        let answer = input.answer("q").unwrap();
        let node = ObjectSource::Label("node".to_owned());
        let failure = Targets::new(&answer, input.scope(), Some(&node), None).unwrap_err();
        assert!(failure.to_string().contains("no series has the label \"node\""), "{failure}");
    }
}
