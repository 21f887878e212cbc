//! The facts about an evaluation that show why an object has no value.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use leadsman_model::data::{Data, Input, Vector};
use leadsman_model::dictionary::{Dictionary, EMPTY, Text};
use leadsman_model::names::Scope;
use leadsman_model::text;
use leadsman_model::values::MetricValues;
use leadsman_source::{Gap, StaleSeries};

/// How many disputes are kept with their labels.
const MAX_DISPUTES: usize = 20;

/// How many of the series of a dispute are looked at for the labels in which they differ.
const MAX_SERIES: usize = 100;

/// How many labels, and values of each, a dispute names.
const MAX_NAMED: usize = 3;

/// How many characters of a label's value are reported.
const MAX_VALUE: usize = 40;

/// The label that names the namespace where a configuration does not say.
const NAMESPACE: &str = "namespace";

/// What an evaluation was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// Its queries, in order.
    pub queries: Vec<QueryBasis>,
    /// The objects that were left out because their series do not agree: the first few.
    pub disputes: Vec<Dispute>,
    /// How many there were in all.
    pub disputed: usize,
}

impl Basis {
    /// The first warning of a source.
    pub fn warning(&self) -> Option<&str> {
        self.queries.iter().find_map(|query| query.warning.as_deref())
    }
}

/// The answer to one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryBasis {
    /// The query's name.
    pub name: String,
    /// How many series the plugin got.
    pub series: usize,
    /// How many there were before the metric selector picked from them.
    pub before_selection: usize,
    /// Why it has nothing of some objects, as far as the source knows.
    pub gaps: Vec<Gap>,
    /// The first warning of the source, such as that the answer is partial. Without labels of series that
    /// the query does not name.
    pub warning: Option<String>,
}

/// An object whose series do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Its namespace; empty if the evaluation is for one, or the object lives in none.
    pub namespace: String,
    /// Its name.
    pub object: String,
    /// How many series are for it.
    pub series: usize,
    /// The labels in which they differ, each with some of its values; empty is "not set".
    pub labels: Vec<(String, Vec<String>)>,
}

/// The labels that name the objects of the values that a plugin gives, as its configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectNames {
    /// The label with the object's name.
    pub object: String,
    /// The label with its namespace, if the configuration names one.
    pub namespace: Option<String>,
    /// Whether objects whose series do not agree are left out.
    pub omits_disputed: bool,
    /// Whether answers without the label are an error.
    pub required: bool,
}

impl ObjectNames {
    /// Why there is nothing of the objects of series that a source left out.
    pub(super) fn stale(&self, scope: &Scope, series: Vec<StaleSeries>) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        for StaleSeries { labels, reason } in series {
            let label = |name: &str| {
                let found = labels.iter().find(|(label, _)| label == name);
                found.map(|(_, value)| value.clone())
            };
            let Some(object) = label(&self.object) else { continue };
            let named = |name: Option<&str>| name.and_then(label);
            // As in the plugin: where the scope is a namespace, series that name another one are not of
            // it.
            let namespace = match scope {
                Scope::Namespace(asked) => match named(self.namespace.as_deref()) {
                    Some(other) if other != asked.as_str() => continue,
                    _ => asked.as_str().to_owned(),
                },
                Scope::Cluster => {
                    let name = self.namespace.as_deref().unwrap_or(NAMESPACE);
                    named(Some(name)).unwrap_or_default()
                }
            };
            if !gaps.iter().any(|gap| gap.object == object && gap.namespace == namespace) {
                gaps.push(Gap { namespace, object, reason });
            }
        }
        gaps
    }
}

/// Objects whose series do not agree.
#[derive(Debug, Default)]
pub(super) struct Disputes {
    pub(super) list: Vec<Dispute>,
    pub(super) count: usize,
}

/// The series of one object.
struct Group {
    rows: Vec<usize>,
    count: usize,
    value: u64,
    differ: bool,
}

impl Disputes {
    /// The objects with several series whose values are not the same.
    pub(super) fn find(input: &Input, names: &ObjectNames) -> Self {
        let mut found = Self::default();
        if !names.omits_disputed {
            return found;
        }
        for answer in &input.answers {
            if let Data::Vector(vector) = &answer.data {
                found.add(&input.dictionary, vector, names, &input.scope);
            }
        }
        found
    }

    fn add(&mut self, texts: &Dictionary, vector: &Vector, names: &ObjectNames, scope: &Scope) {
        let column = |name: &str| texts.find(name).and_then(|name| vector.labels.column(name));
        let Some(objects) = column(&names.object) else { return };
        // As in the plugin: where the scope is a namespace, series that name another one are not of it.
        let named = names.namespace.as_deref();
        let (namespaces, elsewhere) = match scope {
            Scope::Namespace(asked) => {
                (None, named.and_then(column).map(|column| (column, texts.find(asked.as_str()))))
            }
            Scope::Cluster => (column(named.unwrap_or(NAMESPACE)), None),
        };
        let object_in = |row: usize| {
            let other = elsewhere.is_some_and(|(column, asked)| {
                let named = column.get(row);
                named != EMPTY && Some(named) != asked
            });
            if other { EMPTY } else { objects.get(row) }
        };
        let rows = vector.labels.rows();
        // Most answers have one series for each object, which is seen without a table of them.
        let mut met = vec![0_u64; texts.len() as usize / 64 + 1];
        let mut again = |object: Text| {
            let (word, bit) = (object as usize / 64, 1_u64 << (object % 64));
            let known = met.get(word).is_some_and(|word| word & bit != 0);
            if let Some(word) = met.get_mut(word) {
                *word |= bit;
            }
            known
        };
        if !(0..rows).map(object_in).any(|object| object != EMPTY && again(object)) {
            return;
        }
        let mut groups: HashMap<(Text, Text), Group, RandomState> = HashMap::default();
        for (row, value) in vector.values.iter().enumerate() {
            let object = object_in(row);
            if object == EMPTY {
                continue;
            }
            let namespace = namespaces.map_or(EMPTY, |column| column.get(row));
            let group = groups.entry((namespace, object)).or_insert_with(|| Group {
                rows: Vec::new(),
                count: 0,
                value: value.to_bits(),
                differ: false,
            });
            group.count += 1;
            group.differ |= group.value != value.to_bits();
            if group.rows.len() < MAX_SERIES {
                group.rows.push(row);
            }
        }
        let mut disputed: Vec<_> = groups.into_iter().filter(|(_, group)| group.differ).collect();
        self.count += disputed.len();
        disputed.sort_by_key(|(_, group)| group.rows.first().copied());
        for ((namespace, object), group) in disputed {
            if self.list.len() >= MAX_DISPUTES {
                break;
            }
            self.list.push(Dispute {
                namespace: texts.get(namespace).to_owned(),
                object: texts.get(object).to_owned(),
                series: group.count,
                labels: differing(texts, vector, &group.rows, names),
            });
        }
    }

    /// Without the objects that have a value nevertheless, or are refused for another reason.
    pub(super) fn without_served(mut self, served: &MetricValues, scope: &Scope) -> Self {
        let MetricValues::Objects(objects) = served else { return Self::default() };
        let scope = scope.namespace().map(|namespace| namespace.as_str());
        let before = self.list.len();
        self.list.retain(|dispute| {
            let namespace = scope.unwrap_or(&dispute.namespace);
            objects.get(namespace, &dispute.object).is_none()
                && objects.get("", &dispute.object).is_none()
        });
        self.count -= before - self.list.len();
        if self.list.is_empty() { Self::default() } else { self }
    }
}

/// The labels in which series differ, but for those that name the object.
fn differing(
    texts: &Dictionary,
    vector: &Vector,
    rows: &[usize],
    names: &ObjectNames,
) -> Vec<(String, Vec<String>)> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut set: BTreeMap<&str, usize> = BTreeMap::new();
    for &row in rows {
        for (name, value) in vector.labels.row(row) {
            let name = texts.get(name);
            values.entry(name).or_default().insert(texts.get(value));
            *set.entry(name).or_default() += 1;
        }
    }
    for (name, count) in set {
        if count < rows.len() {
            values.entry(name).or_default().insert("");
        }
    }
    values
        .into_iter()
        .filter(|(name, values)| *name != names.object && values.len() > 1)
        .take(MAX_NAMED)
        .map(|(name, values)| {
            let excerpts = values.iter().map(|value| text::excerpt(value, MAX_VALUE).into_owned());
            let mut shown: Vec<_> = excerpts.take(MAX_NAMED).collect();
            if values.len() > MAX_NAMED {
                shown.push("…".to_owned());
            }
            (name.to_owned(), shown)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::data::Answer;
    use leadsman_model::values::ObjectValues;

    fn input(scope: Scope, rows: &[(&[(&str, &str)], f64)]) -> Input {
        let (mut dictionary, mut vector) = (Dictionary::new(), Vector::default());
        for (labels, value) in rows {
            vector.labels.add_row();
            for (name, text) in *labels {
                let (name, text) = (dictionary.intern(name), dictionary.intern(text));
                vector.labels.set(name, text);
            }
            vector.values.push(*value);
            vector.times.push(1);
        }
        let data = Data::Vector(vector);
        let answer = Answer { dictionary, data, unit: None, warnings: vec![] };
        Input::new(scope, 0, vec![("q".to_owned(), answer)])
    }

    fn names() -> ObjectNames {
        ObjectNames {
            object: "pod".to_owned(),
            namespace: None,
            omits_disputed: true,
            required: true,
        }
    }

    fn shop() -> Scope {
        Scope::Namespace("shop".parse().unwrap())
    }

    #[test]
    fn a_dispute_names_the_labels_in_which_the_series_differ() {
        let rows: &[(&[(&str, &str)], f64)] = &[
            (&[("pod", "a"), ("tube", "mail"), ("job", "x")], 3.0),
            (&[("pod", "b"), ("tube", "mail"), ("job", "x")], 5.0),
            (&[("pod", "a"), ("tube", "push"), ("job", "x"), ("zone", "1")], 40.0),
            (&[("job", "x")], 1.0),
        ];
        let found = Disputes::find(&input(shop(), rows), &names());
        assert_eq!(found.count, 1);
        let [dispute] = found.list.as_slice() else { panic!("{found:?}") };
        assert_eq!((dispute.object.as_str(), dispute.series), ("a", 2));
        let labels = [
            ("tube".to_owned(), vec!["mail".to_owned(), "push".to_owned()]),
            ("zone".to_owned(), vec![String::new(), "1".to_owned()]),
        ];
        assert_eq!(dispute.labels, labels);
    }

    #[test]
    fn series_that_agree_and_objects_of_other_namespaces_are_no_dispute() {
        let equal: &[(&[(&str, &str)], f64)] =
            &[(&[("pod", "a"), ("tube", "x")], 1.0), (&[("pod", "a"), ("tube", "y")], 1.0)];
        assert_eq!(Disputes::find(&input(shop(), equal), &names()).count, 0);
        let apart: &[(&[(&str, &str)], f64)] = &[
            (&[("pod", "a"), ("namespace", "x")], 1.0),
            (&[("pod", "a"), ("namespace", "y")], 2.0),
        ];
        assert_eq!(Disputes::find(&input(Scope::Cluster, apart), &names()).count, 0);
        let summed = ObjectNames { omits_disputed: false, ..names() };
        assert_eq!(Disputes::find(&input(shop(), apart), &summed).count, 0);
        let found = Disputes::find(&input(shop(), apart), &names());
        assert_eq!((found.count, found.list[0].labels[0].0.as_str()), (1, "namespace"));
        // Where the plugin takes those of the namespace that is requested, others are not reported.
        let of_namespace = ObjectNames { namespace: Some("namespace".to_owned()), ..names() };
        assert_eq!(Disputes::find(&input(shop(), apart), &of_namespace).count, 0);
    }

    #[test]
    fn series_that_were_left_out_are_of_objects() {
        let series = |labels: &[(&str, &str)]| StaleSeries {
            labels: labels.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            reason: "old".to_owned(),
        };
        let all = || {
            vec![
                series(&[("pod", "a"), ("namespace", "shop"), ("n", "1")]),
                series(&[("pod", "a"), ("namespace", "shop"), ("n", "2")]),
                series(&[("pod", "a"), ("namespace", "bank")]),
                series(&[("namespace", "shop")]),
            ]
        };
        let reported = |names: &ObjectNames, scope: Scope| {
            let gaps = names.stale(&scope, all());
            assert!(gaps.iter().all(|gap| gap.reason == "old"), "{gaps:?}");
            gaps.into_iter().map(|gap| (gap.namespace, gap.object)).collect::<Vec<_>>()
        };
        let pod_of = |namespace: &str| (namespace.to_owned(), "a".to_owned());
        assert_eq!(reported(&names(), Scope::Cluster), [pod_of("shop"), pod_of("bank")]);
        let of_namespace = ObjectNames { namespace: Some("namespace".to_owned()), ..names() };
        assert_eq!(reported(&of_namespace, shop()), [pod_of("shop")]);
    }

    #[test]
    fn many_disputes_are_counted_and_the_first_kept() {
        let pods: Vec<_> = (0..200).map(|number| format!("p{number}")).collect();
        let rows: Vec<[(&str, &str); 1]> =
            pods.iter().chain(&pods).map(|pod| [("pod", pod.as_str())]).collect();
        let values = (0..400).map(f64::from);
        let rows: Vec<(&[(&str, &str)], f64)> =
            rows.iter().map(|row| &row[..]).zip(values).collect();
        let found = Disputes::find(&input(shop(), &rows), &names());
        assert_eq!((found.count, found.list.len()), (200, MAX_DISPUTES));
        assert_eq!(found.list[0].object, "p0");
    }

    #[test]
    fn what_has_a_value_is_no_dispute() {
        let rows: &[(&[(&str, &str)], f64)] = &[(&[("pod", "a")], 1.0), (&[("pod", "a")], 2.0)];
        let found = || Disputes::find(&input(shop(), rows), &names());
        let mut objects = ObjectValues::default();
        let none = MetricValues::Objects(objects.clone());
        assert_eq!(found().without_served(&none, &shop()).count, 1);
        let value = leadsman_model::values::Value {
            quantity: leadsman_model::quantity::Quantity::ZERO,
            time: 0,
            window: None,
        };
        objects.insert("shop", "a", Ok(value));
        assert_eq!(found().without_served(&MetricValues::Objects(objects), &shop()).count, 0);
    }
}
