//! Validation of a plugin's output.

use std::ops::RangeInclusive;

use super::bindings::leadsman::plugin::types;
use super::run_limits::Limits;
use leadsman_model::dictionary::{EMPTY, Text};
use leadsman_model::names::Scope;
use leadsman_model::quantity::{NotServable, Quantity};
use leadsman_model::serve::Serve;
use leadsman_model::values::{Item, MetricValues, ObjectValues, OnNan, Refusal, Value, Values};

/// The maximum length of a name or label, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

/// The times that RFC 3339 can express, in milliseconds since the epoch: the years 0 to 9999.
const VALID_TIMES: RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// The maximum number of refusals that are recorded with their reasons.
const MAX_REFUSALS: usize = 20;

/// The expectations that a plugin's output is validated against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The API, which decides whether measures describe objects or items.
    pub serve: &'a Serve,
    /// The scope of the evaluation.
    pub scope: &'a Scope,
    /// Values below this are served as exactly 0.
    pub activation: Option<f64>,
    /// The policy for NaN and infinite values.
    pub on_nan: OnNan,
}

/// Validates a plugin's output. Fails if the output is inconsistent as a whole. A single value that
/// cannot be served is refused with its reason and does not affect the others.
pub(super) fn check(
    raw: &types::Measures,
    input: &types::Dictionary,
    now: i64,
    limits: &Limits,
    expected: &Expected<'_>,
) -> Result<Values, String> {
    let rows = raw.values.len();
    if rows > limits.measures {
        return Err(format!("{rows} measures, and the limit is {}", limits.measures));
    }
    let texts = Texts::new(input, &raw.dictionary)?;
    column("namespaces", raw.namespaces.len(), rows)?;
    column("times", raw.times.len(), rows)?;
    column("windows", raw.windows.len(), rows)?;
    let labels = raw.labels.names.len();
    if labels > 0 && (raw.labels.rows as usize != rows || raw.labels.cells.len() != labels * rows) {
        return Err(format!(
            "{} label cells for {rows} measures with {labels} labels",
            raw.labels.cells.len()
        ));
    }
    let refused = Refusals::default();
    let mut validator = Validator { raw, texts, now, expected, refused, not_numbers: 0 };
    let served = match expected.serve {
        Serve::Custom(resource) => {
            MetricValues::Objects(validator.objects(rows, resource.namespaced())?)
        }
        Serve::External | Serve::ResourceMetrics(_) => MetricValues::Items(validator.items(rows)?),
    };
    let Refusals { first, count } = validator.refused;
    let not_numbers = validator.not_numbers;
    Ok(Values { served, refused: first, refused_count: count, not_numbers })
}

/// Checks that an optional column is empty or has all rows.
fn column(name: &str, length: usize, rows: usize) -> Result<(), String> {
    if length == 0 || length == rows {
        Ok(())
    } else {
        Err(format!("{length} {name} for {rows} measures"))
    }
}

struct Validator<'a> {
    raw: &'a types::Measures,
    texts: Texts<'a>,
    now: i64,
    expected: &'a Expected<'a>,
    refused: Refusals,
    /// The number of NaN and infinite values that the policy has replaced or dropped.
    not_numbers: usize,
}

impl Validator<'_> {
    fn objects(&mut self, rows: usize, namespaced: bool) -> Result<ObjectValues, String> {
        if self.raw.objects.len() != rows {
            return Err(format!("{} objects for {rows} measures", self.raw.objects.len()));
        }
        let mut values = ObjectValues::with_capacity(rows);
        for row in 0..rows {
            let object = self.texts.get(self.raw.objects[row])?;
            if object.is_empty() {
                return Err("a measure without an object".to_owned());
            }
            let given = match self.raw.namespaces.get(row) {
                Some(&given) => self.texts.get(given)?,
                None => "",
            };
            let namespace = match (self.expected.scope, given) {
                _ if !namespaced => "",
                (Scope::Namespace(scope), "") => scope.as_str(),
                (Scope::Namespace(scope), other) if other != scope.as_str() => {
                    let reason =
                        format!("it is not of {}, which was asked for", self.expected.scope);
                    self.refused.add(other, object, reason);
                    continue;
                }
                (Scope::Cluster, "") => {
                    let reason = "it has no namespace; an evaluation for the whole cluster must \
                                  name one (keep the label in the query, or use ${namespace})";
                    self.refused.add("", object, reason.to_owned());
                    continue;
                }
                (_, given) => given,
            };
            let value = match self.value(row) {
                Ok(Some(value)) => Ok(value),
                Ok(None) => {
                    self.not_numbers += 1;
                    continue;
                }
                Err(reason) => {
                    self.refused.add(namespace, object, reason.to_string());
                    Err(reason)
                }
            };
            self.not_numbers += usize::from(value.is_ok() && self.is_replaced(row));
            if !values.insert(namespace, object, value) {
                return Err(format!("two measures for the object \"{object}\""));
            }
        }
        Ok(values)
    }

    fn items(&mut self, rows: usize) -> Result<Vec<Item>, String> {
        let mut items: Vec<Item> = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut labels: Vec<(Box<str>, Box<str>)> = Vec::new();
            for (at, &name) in self.raw.labels.names.iter().enumerate() {
                let value = self.raw.labels.cells[at * rows + row];
                if value != EMPTY {
                    labels.push((self.texts.get(name)?.into(), self.texts.get(value)?.into()));
                }
            }
            labels.sort();
            match self.value(row) {
                Ok(Some(value)) => {
                    self.not_numbers += usize::from(self.is_replaced(row));
                    items.push(Item { labels, value });
                }
                Ok(None) => self.not_numbers += 1,
                Err(reason) => self.refused.add_item(labels, reason.to_string()),
            }
        }
        items.sort_by(|a, b| a.labels.cmp(&b.labels));
        // The HPA adds up items: a duplicate would count twice.
        match items.windows(2).find(|pair| pair[0].labels == pair[1].labels) {
            Some(pair) if pair[0].labels.is_empty() => Err("two items without labels".to_owned()),
            Some(pair) => Err(format!("two items with the labels {{{}}}", joined(&pair[0].labels))),
            None => Ok(items),
        }
    }

    /// Whether the policy replaces the value of a row by another one.
    fn is_replaced(&self, row: usize) -> bool {
        !self.raw.values[row].is_finite() && matches!(self.expected.on_nan, OnNan::Value(_))
    }

    /// The value of a row; `None` if the policy drops it.
    fn value(&self, row: usize) -> Result<Option<Value>, NotServable> {
        let value = self.raw.values[row];
        let Some(quantity) = self.expected.on_nan.quantity(value)? else { return Ok(None) };
        // For a replaced value, the replacement is compared with the activation.
        let number = if value.is_finite() { value } else { quantity.as_f64() };
        let quantity = match self.expected.activation {
            Some(activation) if number < activation => Quantity::ZERO,
            _ => quantity,
        };
        let time = self.raw.times.get(row).copied().unwrap_or(self.now);
        if !VALID_TIMES.contains(&time) {
            return Err(NotServable::Time);
        }
        let window = self.raw.windows.get(row).copied().filter(|&seconds| seconds > 0);
        Ok(Some(Value { quantity, time, window }))
    }
}

/// The first refusals, and the number of all refusals.
#[derive(Default)]
struct Refusals {
    first: Vec<Refusal>,
    count: usize,
}

impl Refusals {
    fn add(&mut self, namespace: &str, object: &str, reason: String) {
        self.record(|| Refusal {
            namespace: namespace.to_owned(),
            object: object.to_owned(),
            labels: Vec::new(),
            reason,
        });
    }

    fn add_item(&mut self, labels: Vec<(Box<str>, Box<str>)>, reason: String) {
        self.record(|| Refusal {
            namespace: String::new(),
            object: joined(&labels),
            labels,
            reason,
        });
    }

    fn record(&mut self, refusal: impl FnOnce() -> Refusal) {
        self.count += 1;
        if self.first.len() < MAX_REFUSALS {
            self.first.push(refusal());
        }
    }
}

/// Labels in the form `name=value,…`, for messages.
fn joined(labels: &[(Box<str>, Box<str>)]) -> String {
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    labels.join(",")
}

/// The dictionary of the input, followed by that of the output.
struct Texts<'a> {
    input: &'a types::Dictionary,
    own: &'a types::Dictionary,
}

impl<'a> Texts<'a> {
    fn new(input: &'a types::Dictionary, own: &'a types::Dictionary) -> Result<Self, String> {
        let text = std::str::from_utf8(&own.bytes)
            .map_err(|_| "its dictionary is not UTF-8".to_owned())?;
        let at_boundaries = own.ends.iter().all(|&end| text.is_char_boundary(end as usize));
        if !own.ends.is_sorted() || !at_boundaries {
            return Err("the ends of its dictionary are not those of texts".to_owned());
        }
        Ok(Self { input, own })
    }

    fn get(&self, id: Text) -> Result<&str, String> {
        let at = id as usize;
        let (dictionary, at) = match at.checked_sub(self.input.ends.len()) {
            None => (self.input, at),
            Some(at) => (self.own, at),
        };
        let end = *dictionary
            .ends
            .get(at)
            .ok_or_else(|| format!("the text {id}, which is in no dictionary"))?;
        let start = if at == 0 { 0 } else { dictionary.ends[at - 1] };
        let text = &dictionary.bytes[start as usize..end as usize];
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!("a text of {} bytes; the limit is {MAX_TEXT_BYTES}", text.len()));
        }
        // Both dictionaries are known to be UTF-8 with ends at character boundaries.
        Ok(std::str::from_utf8(text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::resource::Resource;

    fn measures(objects: &[&str], values: &[f64]) -> types::Measures {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for object in objects {
            bytes.extend_from_slice(object.as_bytes());
            ends.push(u32::try_from(bytes.len()).unwrap());
        }
        types::Measures {
            dictionary: types::Dictionary { bytes, ends },
            // The input's dictionary has only the empty string, so the output's strings begin at 1.
            objects: (1..=u32::try_from(objects.len()).unwrap()).collect(),
            namespaces: vec![],
            values: values.to_vec(),
            times: vec![],
            windows: vec![],
            labels: types::Labels { names: vec![], rows: 0, cells: vec![] },
        }
    }

    fn validated(raw: types::Measures) -> Result<Values, String> {
        validated_with(raw, OnNan::Refuse)
    }

    fn validated_with(raw: types::Measures, on_nan: OnNan) -> Result<Values, String> {
        let scope = Scope::Namespace("shop".parse().unwrap());
        let serve = Serve::Custom(Resource::known("pods").unwrap());
        let expected = Expected { serve: &serve, scope: &scope, activation: Some(0.5), on_nan };
        let input = types::Dictionary { bytes: vec![], ends: vec![0] };
        check(&raw, &input, 7, &Limits::default(), &expected)
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused_without_affecting_others() {
        let raw = measures(&["a", "b", "c", "d"], &[1.5, f64::NAN, f64::INFINITY, 0.4]);
        let values = validated(raw).unwrap();
        let MetricValues::Objects(objects) = &values.served else { panic!() };
        assert_eq!(objects.get("shop", "a").unwrap().unwrap().quantity.to_string(), "1500m");
        assert_eq!(objects.get("shop", "a").unwrap().unwrap().time, 7);
        assert_eq!(objects.get("shop", "d").unwrap().unwrap().quantity, Quantity::ZERO);
        assert_eq!((objects.len(), values.refused_count), (2, 2));
        assert_eq!(values.refused[0].reason, "the value is NaN");
    }

    #[test]
    fn a_policy_says_what_stands_for_what_is_no_number() {
        let raw = || measures(&["a", "b", "c"], &[1.5, f64::NAN, f64::NEG_INFINITY]);
        let of = |on_nan| {
            let values = validated_with(raw(), on_nan).unwrap();
            let MetricValues::Objects(objects) = values.served else { panic!() };
            let text = |name| objects.get("shop", name).map(|v| v.unwrap().quantity.to_string());
            (text("a"), text("b"), text("c"), values.refused_count, values.not_numbers)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(OnNan::Absent), (some("1500m"), None, None, 0, 2));
        let two = OnNan::Value(Quantity::from_milli(2000));
        assert_eq!(of(two), (some("1500m"), some("2"), some("2"), 0, 2));
        // A replacement below the activation is 0, like any other value.
        let little = OnNan::Value(Quantity::from_milli(100));
        assert_eq!(of(little), (some("1500m"), some("0"), some("0"), 0, 2));
    }

    #[test]
    fn what_is_beyond_milli_precision_is_refused_by_every_policy() {
        let raw = measures(&["a"], &[1e300]);
        let values = validated_with(raw, OnNan::Value(Quantity::ZERO)).unwrap();
        assert_eq!((values.served.len(), values.refused_count, values.not_numbers), (0, 1, 0));
    }

    #[test]
    fn a_time_outside_of_rfc_3339_is_refused_without_affecting_others() {
        let mut raw = measures(&["a", "b", "c", "d"], &[1.0; 4]);
        raw.times =
            vec![i64::MAX, *VALID_TIMES.end(), *VALID_TIMES.start(), VALID_TIMES.start() - 1];
        let values = validated(raw).unwrap();
        let MetricValues::Objects(objects) = &values.served else { panic!() };
        assert_eq!(objects.get("shop", "b").unwrap().unwrap().time, 253_402_300_799_999);
        assert!(objects.get("shop", "c").unwrap().is_ok());
        assert_eq!((objects.len(), values.refused_count), (2, 2));
        assert_eq!(values.refused[0].reason, "the time is not in the years 0 to 9999");
    }

    #[test]
    fn inconsistent_output_is_refused_as_a_whole() {
        let twice = measures(&["a", "a"], &[1.0, 2.0]);
        assert!(validated(twice).unwrap_err().contains("two measures for the object \"a\""));
        let fewer = measures(&["a"], &[1.0, 2.0]);
        assert!(validated(fewer).unwrap_err().contains("1 objects for 2 measures"));
        let mut unknown = measures(&["a"], &[1.0]);
        unknown.objects = vec![9];
        assert!(validated(unknown).unwrap_err().contains("the text 9"));
        let mut broken = measures(&["ä"], &[1.0]);
        broken.dictionary.ends = vec![1];
        assert!(validated(broken).unwrap_err().contains("not those of texts"));
        let long = "x".repeat(2000);
        assert!(validated(measures(&[&long], &[1.0])).unwrap_err().contains("2000 bytes"));
        let mut times = measures(&["a", "b"], &[1.0, 2.0]);
        times.times = vec![1];
        assert!(validated(times).unwrap_err().contains("1 times for 2 measures"));
    }

    #[test]
    fn values_of_another_namespace_are_refused() {
        let mut raw = measures(&["a", "other"], &[1.0, 2.0]);
        raw.objects = vec![1, 1];
        raw.namespaces = vec![0, 2];
        let values = validated(raw).unwrap();
        assert_eq!((values.served.len(), values.refused_count), (1, 1));
        assert_eq!(values.refused[0].namespace, "other");
    }
}
