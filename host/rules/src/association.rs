//! The association between labels and kinds of objects, in both directions.

use std::collections::{BTreeMap, HashMap};

use regex::Regex;

use super::go_template::{GoTemplate, Value};
use super::written::{GroupResource, Resources};
use super::{ReportFault, go_regex};
use leadsman_model::resource::Resource;

/// Resolves a group, which may be empty, and a singular or plural resource name to a kind of objects.
pub type Resolve<'a> = dyn Fn(&str, &str) -> Option<Resource> + 'a;

/// The labels that name objects, by kind.
#[derive(Debug, Clone)]
pub struct Association {
    overrides: BTreeMap<String, (String, String)>,
    template: Option<LabelTemplate>,
}

/// The template of label names, and its inverse.
#[derive(Debug, Clone)]
struct LabelTemplate {
    template: GoTemplate,
    /// Matches the label names that the template gives, with the groups `group` and `resource`.
    pattern: Regex,
}

impl Association {
    pub(super) fn new(written: &Resources, report: &mut ReportFault<'_>) -> Option<Self> {
        let template = match written.template.as_str() {
            "" => None,
            text => match LabelTemplate::new(text) {
                Ok(template) => Some(template),
                Err(reason) => {
                    report("/resources/template", reason);
                    return None;
                }
            },
        };
        let overrides = written.overrides.iter().flatten();
        let overrides = overrides
            .map(|(label, GroupResource { group, resource })| {
                (label.clone(), (group.clone(), resource.clone()))
            })
            .collect();
        Some(Self { overrides, template })
    }

    /// Whether no label can name an object.
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty() && self.template.is_none()
    }

    /// Whether there is an override for a label.
    pub(super) fn overrides(&self, label: &str) -> bool {
        self.overrides.contains_key(label)
    }

    /// The overrides whose kind does not exist: the label and the name of the kind.
    pub fn unknown<'a>(
        &'a self,
        resolve: &'a Resolve<'_>,
    ) -> impl Iterator<Item = (&'a str, String)> + 'a {
        self.overrides
            .iter()
            .filter(|(_, (group, resource))| resolve(group, resource).is_none())
            .map(|(label, (group, resource))| {
                let name = match group.as_str() {
                    "" => resource.clone(),
                    group => format!("{resource}.{group}"),
                };
                (label.as_str(), name)
            })
    }

    /// The kinds of objects that labels may name; `None` if that depends on the labels there are, or
    /// on kinds that are not known.
    pub(super) fn kinds(&self, resolve: &Resolve<'_>) -> Option<Vec<Resource>> {
        if self.template.is_some() {
            return None;
        }
        self.overrides.values().map(|(group, resource)| resolve(group, resource)).collect()
    }

    /// The kind of objects that a label names, if it names any.
    pub fn resource_of(&self, label: &str, resolve: &Resolve<'_>) -> Option<Resource> {
        if let Some((group, resource)) = self.overrides.get(label) {
            return resolve(group, resource);
        }
        let groups = self.template.as_ref()?.pattern.captures(label)?;
        let part = |name: &str| groups.name(name).map_or("", |part| part.as_str());
        resolve(part("group"), part("resource"))
    }

    /// The label that names the objects of a kind.
    pub fn label_of(&self, resource: &Resource, resolve: &Resolve<'_>) -> Option<String> {
        // The last of several labels for one kind is used; prometheus-adapter picks any of them.
        let overriding = self
            .overrides
            .iter()
            .rfind(|(_, (group, name))| resolve(group, name).as_ref() == Some(resource));
        match (overriding, &self.template) {
            (Some((label, _)), _) => Some(label.clone()),
            (None, Some(template)) => template.label(resource),
            (None, None) => None,
        }
    }
}

/// The fields of the template.
const FIELDS: [&str; 2] = ["Group", "Resource"];

impl LabelTemplate {
    fn new(text: &str) -> Result<Self, String> {
        let template = GoTemplate::parse(text, &FIELDS)?;
        let pattern = fill(&template, "(?P<group>.+?)", "(?P<resource>.+?)")?;
        if !pattern.contains("(?P<resource>") {
            return Err("does not name the resource; write <<.Resource>> in it".to_owned());
        }
        let pattern = go_regex::compile(&format!("^{pattern}$"))?;
        Ok(Self { template, pattern })
    }

    fn label(&self, resource: &Resource) -> Option<String> {
        let details = resource.details()?;
        let group = sanitized(resource.group());
        fill(&self.template, &group, &details.singular).ok().filter(|label| !label.is_empty())
    }
}

/// A lookup among the kinds that every cluster has and those of this cluster, by singular or plural
/// name. An empty group matches any group; a group may also be written in its form for labels.
pub fn resolver(cluster: &[Resource]) -> impl Fn(&str, &str) -> Option<Resource> + use<> {
    let mut names: HashMap<String, Vec<Resource>> = HashMap::new();
    for resource in Resource::all_known().chain(cluster.iter().cloned()) {
        let singular = resource.details().map(|details| details.singular.clone());
        let mut name = |name: String| {
            let known = names.entry(name).or_default();
            if !known.contains(&resource) {
                known.push(resource.clone());
            }
        };
        name(resource.plural().to_owned());
        singular.into_iter().for_each(name);
    }
    move |group, name| {
        let fits = |resource: &&Resource| {
            group.is_empty() || group == resource.group() || group == sanitized(resource.group())
        };
        names.get(name)?.iter().find(fits).cloned()
    }
}

/// A group in the form that label names can contain.
fn sanitized(group: &str) -> String {
    group.replace(['.', '-'], "_")
}

fn fill(template: &GoTemplate, group: &str, resource: &str) -> Result<String, String> {
    let text = |text: &str| Value::Text(text.to_owned());
    let fields = [("Group".to_owned(), text(group)), ("Resource".to_owned(), text(resource))];
    template.render(&fields.into())
}

impl PartialEq for Association {
    fn eq(&self, other: &Self) -> bool {
        let template =
            |association: &Self| association.template.as_ref().map(|known| known.template.clone());
        self.overrides == other.overrides && template(self) == template(other)
    }
}

impl Eq for Association {}
