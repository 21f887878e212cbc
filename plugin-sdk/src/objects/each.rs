//! Measures of objects that have one series each, as nearly all have.

use super::indexes::Indexes;
use super::{Combine, ObjectFinder, ObjectKey, ObjectName, ObjectSource, ObjectValue, combined};
use crate::input::{Answer, Scope};
use crate::measures::Measures;
use crate::plan::Failure;

/// The measures of the objects of an answer: the values of [`by_object`](super::by_object), as they are.
///
/// As long as each object has one series, there is no list of values in between: a plugin's memory is
/// fresh in every run, and each page of it that is touched takes time.
pub fn measures_by_object<'a>(
    answer: &Answer<'a>,
    scope: &'a Scope,
    source: &'a ObjectSource,
    namespace: Option<&str>,
    combine: Combine,
) -> Result<Measures, Failure> {
    // Of another type of answer, the labels say nothing.
    let all = answer.series()?;
    let finder = ObjectFinder::new(answer, scope, source, namespace)?;
    let mut met = Met::default();
    let mut measures = Measures::with_capacity(all.len());
    for series in all {
        let Some(object) = finder.object(&series) else { continue };
        if met.again(object) {
            return of_several(answer, &finder, combine);
        }
        measures.push(object.measure(series.value()).at(series.time()));
    }
    Ok(measures)
}

/// The same where several series are for one object.
fn of_several<'a>(
    answer: &Answer<'a>,
    finder: &ObjectFinder<'a>,
    combine: Combine,
) -> Result<Measures, Failure> {
    let values =
        combined(answer, combine, |series| Some((finder.object(series)?, series.sample())))?;
    let mut measures = Measures::with_capacity(values.len());
    for value in values.iter().map(ObjectValue::measure) {
        measures.push(value);
    }
    Ok(measures)
}

/// The objects that were met.
#[derive(Default)]
struct Met {
    /// One bit for each text of the dictionary: those that are the name of an object without a namespace.
    names: Vec<u64>,
    /// All others.
    others: Indexes,
    count: u32,
}

impl Met {
    /// Whether an object was met before. From now on it was.
    fn again(&mut self, object: ObjectKey<'_>) -> bool {
        if let ObjectKey { namespace: None, name: ObjectName::Label(name) } = object {
            if self.names.is_empty() {
                self.names.resize(name.dictionary.len() as usize / 64 + 1, 0);
            }
            if let Some(word) = self.names.get_mut(name.id as usize / 64) {
                let bit = 1_u64 << (name.id % 64);
                let known = *word & bit != 0;
                *word |= bit;
                return known;
            }
        }
        let next = self.count;
        self.count = self.count.saturating_add(1);
        self.others.of(object, next) != next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FixedObject, Input, Row, by_object};

    const COMBINE: [Combine; 7] = [
        Combine::Fail,
        Combine::Sum,
        Combine::Max,
        Combine::Min,
        Combine::Average,
        Combine::Omit,
        Combine::First,
    ];

    /// Series with these labels `namespace`, `pod` and `job`, each with a value and time of its own.
    fn input(scope: Option<&str>, series: &[(&str, &str, &str)]) -> Input {
        let series = series.iter().zip(1..).map(|((namespace, pod, job), number)| {
            let labels = [("namespace", namespace), ("pod", pod), ("job", job)];
            let labels: serde_json::Map<_, _> = labels
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            json!({"metric": labels, "value": [number, number.to_string()]})
        });
        let answer = json!({"resultType": "vector", "result": series.collect::<Vec<_>>()});
        let builder = Input::build();
        let builder = match scope {
            Some(namespace) => builder.namespace(namespace),
            None => builder,
        };
        builder.answer("q", answer).unwrap().finish()
    }

    type Rows = Result<Vec<Row>, String>;

    fn at_once(
        input: &Input,
        source: &ObjectSource,
        namespace: Option<&str>,
        combine: Combine,
    ) -> Rows {
        let answer = input.only().unwrap();
        let measures = measures_by_object(&answer, input.scope(), source, namespace, combine);
        measures.map(|measures| measures.rows(input)).map_err(|failure| failure.to_string())
    }

    fn of_values(
        input: &Input,
        source: &ObjectSource,
        namespace: Option<&str>,
        combine: Combine,
    ) -> Rows {
        let answer = input.only().unwrap();
        let values = by_object(&answer, input.scope(), source, namespace, combine)
            .map_err(|failure| failure.to_string())?;
        let mut measures = Measures::new();
        values.iter().for_each(|value| measures.push(value.measure()));
        Ok(measures.rows(input))
    }

    /// Both ways, whose results must be the same, for each way to combine.
    fn same(input: &Input, source: &ObjectSource, namespace: Option<&str>) -> Vec<usize> {
        COMBINE
            .into_iter()
            .map(|combine| {
                let rows = at_once(input, source, namespace, combine);
                assert_eq!(rows, of_values(input, source, namespace, combine), "{combine:?}");
                rows.map_or(0, |rows| rows.len())
            })
            .collect()
    }

    #[test]
    fn both_ways_give_the_same() {
        let pod = ObjectSource::Label("pod".to_owned());
        let apart = [("shop", "a", "x"), ("shop", "b", "y"), ("", "c", ""), ("shop", "", "z")];
        // Three objects; one of them has no namespace.
        assert_eq!(same(&input(Some("shop"), &apart), &pod, None), [3; 7]);
        assert_eq!(same(&input(None, &apart), &pod, None), [3; 7]);
        // Equal names in two namespaces: two objects of the cluster, one of a namespace.
        let equal =
            [("shop", "a", "x"), ("bank", "a", "x"), ("bank", "b", "x"), ("shop", "b", "x")];
        assert_eq!(same(&input(None, &equal), &pod, None), [4; 7]);
        assert_eq!(same(&input(Some("shop"), &equal), &pod, None), [0, 2, 2, 2, 2, 0, 2]);
        assert_eq!(same(&input(Some("shop"), &equal), &pod, Some("namespace")), [2; 7]);
        // One object has two series, in the beginning and in the end.
        for several in [
            [("shop", "a", "x"), ("shop", "a", "y"), ("shop", "b", "x")],
            [("shop", "b", "x"), ("shop", "a", "y"), ("shop", "a", "x")],
        ] {
            for scope in [None, Some("shop")] {
                assert_eq!(same(&input(scope, &several), &pod, None), [0, 2, 2, 2, 2, 1, 2]);
            }
        }
        assert_eq!(same(&input(None, &[]), &pod, None), [0; 7]);
        let failure = at_once(&input(None, &[("shop", "", "x")]), &pod, None, Combine::Sum);
        assert!(failure.unwrap_err().contains("no series has the label \"pod\""));
    }

    #[test]
    fn a_fixed_object_has_all_series() {
        let fixed = |namespace: Option<&str>| {
            let namespace = namespace.map(str::to_owned);
            ObjectSource::Fixed(FixedObject { name: "web".to_owned(), namespace })
        };
        let series = [("shop", "a", ""), ("bank", "b", ""), ("bank", "c", "")];
        let all = [0, 1, 1, 1, 1, 0, 1];
        assert_eq!(same(&input(Some("shop"), &series), &fixed(None), None), all);
        assert_eq!(same(&input(None, &series), &fixed(Some("shop")), None), all);
        // One for each namespace.
        assert_eq!(same(&input(None, &series), &fixed(None), None), [0, 2, 2, 2, 2, 1, 2]);
    }
}
