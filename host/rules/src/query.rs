//! The query of a rule: the exact query of one read, and the widened query for all objects of a
//! namespace.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::go_template::{GoTemplate, Value};
use super::widen::{self, Joins};
use crate::promql;
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::{Operator, Requirement};

/// A value for examples, where any value will do.
const PLACEHOLDER: &str = "x";

/// The fields that templates can use.
const FIELDS: [&str; 5] =
    ["Series", "LabelMatchers", "LabelValuesByName", "GroupBy", "GroupBySlice"];

/// The fields that a widened query can replace.
const WIDENABLE_FIELDS: [&str; 3] = ["Series", "LabelMatchers", "GroupBy"];

/// The template of a rule's query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryText {
    written: String,
    template: GoTemplate,
}

/// A rule's query for one series and one kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleQuery {
    /// The template.
    pub text: Arc<QueryText>,
    /// The series; empty for resource metrics.
    pub series: String,
    /// The label that names the namespace, if the query selects one.
    pub namespace_label: Option<String>,
    /// The label that names the object; `None` for an external metric.
    pub object_label: Option<String>,
    /// A further label to group by: that of the container.
    pub group_by: Option<String>,
}

/// Shows the template as it is written.
impl fmt::Display for RuleQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.written.trim())
    }
}

impl QueryText {
    /// The template as it is written.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// Whether the matchers of a read are part of the query.
    pub(super) fn uses_matchers(&self) -> bool {
        let uses = self.template.uses();
        ["LabelMatchers", "LabelValuesByName"].iter().any(|field| uses.contains(*field))
    }

    /// The query of an example: for this series, with these matchers, grouped by this label. `None`
    /// where values of a read decide what the query is.
    pub(super) fn of_example(&self, series: &str, matchers: &str, group: &str) -> Option<String> {
        if self.template.uses().contains("LabelValuesByName") {
            return None;
        }
        let mut data = example_data();
        let fields = [("Series", series), ("LabelMatchers", matchers), ("GroupBy", group)];
        for (name, value) in fields {
            data.insert(name.to_owned(), Value::Text(value.to_owned()));
        }
        let groups = vec![Value::Text(group.to_owned())];
        data.insert("GroupBySlice".to_owned(), Value::List(groups));
        self.template.render(&data).ok()
    }

    /// Parses a template.
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.trim().is_empty() {
            return Err(
                "says nothing; write the query, with <<.Series>>{<<.LabelMatchers>>}".to_owned()
            );
        }
        let template = GoTemplate::parse(written, &FIELDS)?;
        template.render(&example_data())?;
        Ok(Self { written: written.to_owned(), template })
    }
}

impl RuleQuery {
    /// The query that prometheus-adapter would send for a read. Values of the request occur in it only
    /// within quotes; the error says why that is not possible.
    pub fn exact(&self, namespace: Option<&str>, params: &QueryParams) -> Result<String, String> {
        let requirements = params.selector.requirements();
        let text = self.fill(requirements, namespace, &params.names)?;
        // The same query with a placeholder for each value: if the two differ outside of quotes, the
        // template writes a value there.
        let requirements: Vec<_> = requirements.iter().map(with_placeholders).collect();
        let names = vec![Arc::from(PLACEHOLDER); params.names.len()];
        let example = self.fill(&requirements, namespace.map(|_| PLACEHOLDER), &names)?;
        if promql::outside_of_quotes(&text) != promql::outside_of_quotes(&example) {
            return Err("its template puts a value of the request outside of quotes".to_owned());
        }
        Ok(text)
    }

    fn fill(
        &self,
        requirements: &[Requirement],
        namespace: Option<&str>,
        names: &[Arc<str>],
    ) -> Result<String, String> {
        let mut matchers = Vec::new();
        let mut values = BTreeMap::new();
        let uses_values = self.text.template.uses().contains("LabelValuesByName");
        for requirement in requirements {
            matchers.push(promql::requirement(requirement)?);
            // The template may write the key as a label name, without quotes.
            if uses_values && !promql::is_label_name(&requirement.key) {
                return Err("its template uses .LabelValuesByName, and a key of the selector has \
                            characters that mean more than themselves there"
                    .to_owned());
            }
            let joined = match &requirement.operator {
                Operator::In(values) | Operator::NotIn(values) => values.join("|"),
                _ => String::new(),
            };
            values.insert(requirement.key.clone(), joined);
        }
        if let (Some(label), Some(namespace)) = (&self.namespace_label, namespace) {
            matchers.push(promql::matcher(label, &[namespace]));
            values.insert(label.clone(), namespace.to_owned());
        }
        if let Some(label) = &self.object_label {
            matchers.push(promql::matcher(label, names));
            // The template may use it as a string or as a regular expression.
            if uses_values && !names.iter().all(|name| promql::is_plain(name)) {
                return Err("its template uses .LabelValuesByName, and the name of an object has \
                            characters that mean more than themselves there"
                    .to_owned());
            }
            values.insert(label.clone(), names.join("|"));
        }
        self.render(&matchers.join(","), values)
    }

    /// Whether the name of the series is only a name in the query. Exporters may use any name; one
    /// that is not a plain identifier must be quoted by the template.
    pub(super) fn quotes_series(&self) -> bool {
        let outside_of_quotes = |series: &str| {
            let query = Self { series: series.to_owned(), ..self.clone() };
            query.render("", BTreeMap::new()).map(|text| promql::outside_of_quotes(&text))
        };
        promql::is_metric_name(&self.series)
            || (promql::is_plain(&self.series)
                && outside_of_quotes(&self.series) == outside_of_quotes(PLACEHOLDER))
    }

    /// The widened query: without the matcher for objects, with placeholders for the namespace and the
    /// selector. The error says why it could give an object another value than the exact query.
    pub fn wider(&self) -> Result<String, String> {
        let widenable = self.text.template.is_plain()
            && self
                .text
                .template
                .uses()
                .iter()
                .all(|field| WIDENABLE_FIELDS.contains(&field.as_str()));
        if !widenable {
            return Err(
                "its template uses more than .Series, .LabelMatchers and .GroupBy".to_owned()
            );
        }
        if self.text.written.contains("${") {
            return Err("its text has \"${\"".to_owned());
        }
        let mut matchers = vec!["${selector}".to_owned()];
        if let Some(label) = &self.namespace_label {
            matchers.push(format!("{}=\"${{namespace}}\"", promql::label_name(label)));
        }
        if let Some(label) = &self.object_label {
            let marked =
                self.render(&format!("{}=\"\"", widen::MATCHERS_MARKER), BTreeMap::new())?;
            if widen::check_separable(&marked, label)? == Joins::Series {
                matchers.push(format!("{}!=\"\"", promql::label_name(label)));
            }
        }
        self.render(&matchers.join(","), BTreeMap::new())
    }

    fn render(&self, matchers: &str, values: BTreeMap<String, String>) -> Result<String, String> {
        let group_by: Vec<_> = self.object_label.iter().chain(&self.group_by).cloned().collect();
        let written: Vec<_> = group_by.iter().map(|label| promql::label_name(label)).collect();
        let text = |text: &str| Value::Text(text.to_owned());
        let values = values.into_iter().map(|(label, value)| (label, Value::Text(value)));
        let fields = [
            ("Series", text(&self.series)),
            ("LabelMatchers", text(matchers)),
            ("LabelValuesByName", Value::Map(values.collect())),
            ("GroupBy", text(&written.join(","))),
            ("GroupBySlice", Value::List(group_by.iter().map(|label| text(label)).collect())),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let query = self.text.template.render(&fields.into())?;
        if query.trim().is_empty() {
            return Err("its template gives an empty query".to_owned());
        }
        Ok(query)
    }
}

/// The same requirement with a placeholder for each value that is not empty.
fn with_placeholders(requirement: &Requirement) -> Requirement {
    let replaced = |values: &[String]| {
        let word = |value: &String| if value.is_empty() { "" } else { PLACEHOLDER }.to_owned();
        values.iter().map(word).collect()
    };
    let operator = match &requirement.operator {
        Operator::In(values) => Operator::In(replaced(values)),
        Operator::NotIn(values) => Operator::NotIn(replaced(values)),
        other => other.clone(),
    };
    Requirement { key: requirement.key.clone(), operator }
}

/// Data of the same types as a read has, so that a template with a type error is refused when it is
/// loaded.
fn example_data() -> BTreeMap<String, Value> {
    let text = || Value::Text(PLACEHOLDER.to_owned());
    FIELDS
        .map(|field| {
            let value = match field {
                "LabelValuesByName" => Value::Map(BTreeMap::new()),
                "GroupBySlice" => Value::List(vec![text(), text()]),
                _ => text(),
            };
            (field.to_owned(), value)
        })
        .into()
}
