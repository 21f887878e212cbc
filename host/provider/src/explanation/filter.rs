//! Filters a record for the requester.
//!
//! An evaluation may cover the whole cluster while the requester may read only one namespace, or one object.
//! So a row is shown only if it is known to belong to the request: by the labels that the mapping names, or
//! because the evaluation itself is for one namespace.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::View;
use super::findings::Requested;
use leadsman_evaluation::Mapping;
use leadsman_evaluation::record::{CapturedMeasure, CapturedObject, CapturedRow};
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::values::{Item, MetricValues, Values};

/// The label that names the namespace where a configuration does not say.
const NAMESPACE: &str = "namespace";

/// The label that Prometheus adds to series with the name of their metric.
const NAME: &str = "__name__";

/// What may be shown of one evaluation.
pub(super) struct Filter<'a> {
    view: View,
    scope: &'a Scope,
    requested: &'a Requested<'a>,
    /// The labels that name an object and its namespace.
    object_label: Option<&'a str>,
    namespace_label: &'a str,
    /// The one object that all values are for, if the configuration names one. Without a namespace it
    /// is of that which is read.
    fixed: Option<(Option<String>, String)>,
}

/// What a run served. Its items are looked at only for rows of which nothing else says whose they are; then
/// there may be many of both.
pub(super) struct ServedValues<'v> {
    values: Option<&'v Values>,
    /// The labels of each item, sorted.
    items: OnceCell<HashSet<Labels<'v>>>,
}

/// Names and values.
type Labels<'v> = Vec<(&'v str, &'v str)>;

/// Why something is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hidden {
    /// It is of another namespace.
    OtherNamespace,
    /// It names no namespace, and the evaluation is for the whole cluster.
    UnknownNamespace,
    /// It is of an object that was not asked for.
    OtherObject,
    /// It names no object, and single objects were requested.
    UnknownObject,
}

impl Hidden {
    /// Why, in words, of so many rows.
    pub(super) fn reported(self, count: usize) -> String {
        let rows = if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
        match self {
            Self::OtherNamespace => format!("{rows} of other namespaces"),
            Self::UnknownNamespace => {
                format!(
                    "{rows} whose namespace is not known, of an evaluation for the whole cluster"
                )
            }
            Self::OtherObject => format!("{rows} of objects that were not asked for"),
            Self::UnknownObject => format!("{rows} whose object is not known"),
        }
    }
}

impl<'a> Filter<'a> {
    /// For an evaluation of a mapping, and what was asked of it.
    pub(super) fn new(
        view: View,
        mapping: &'a Mapping,
        scope: &'a Scope,
        requested: &'a Requested<'a>,
    ) -> Self {
        let names = mapping.object_names.as_ref();
        let of_items = mapping.items.as_ref().map(|items| &*items.object);
        Self {
            view,
            scope,
            requested,
            object_label: names.map(|names| names.object.as_str()).or(of_items),
            namespace_label: names
                .and_then(|names| names.namespace.as_deref())
                .unwrap_or(NAMESPACE),
            fixed: fixed_object(&mapping.config),
        }
    }

    /// The object of a row, empty if that is not known, or why the row is not shown. `served` is what the
    /// run served.
    pub(super) fn row<'r>(
        &'r self,
        row: &CapturedRow<'r>,
        served: &ServedValues<'_>,
    ) -> Result<&'r str, Hidden> {
        let label = |name: &str| {
            let found = row.labels.iter().find(|(label, _)| *label == name);
            found.map(|(_, value)| *value)
        };
        let object = self.object_label.and_then(label);
        if self.view == View::Everything {
            return Ok(object.unwrap_or_default());
        }
        let named = label(self.namespace_label);
        match self.requested {
            Requested::Items { namespace } => match self.namespace_of(named, namespace) {
                Ok(()) => Ok(""),
                // Who may read the metric may read all of its items, and this row is one.
                Err(_) if served.has(&row.labels) => Ok(""),
                Err(hidden) => Err(hidden),
            },
            Requested::Objects { namespace, names, all } => {
                if let Some((fixed, name)) = &self.fixed {
                    // What names another namespace is of that one, whatever is made of it.
                    if named.is_some_and(|named| named != *namespace) {
                        return Err(Hidden::OtherNamespace);
                    }
                    let fixed = fixed.as_deref().unwrap_or(namespace);
                    return object_of(fixed, name, namespace, names).map(|()| name.as_str());
                }
                if !namespace.is_empty() {
                    self.namespace_of(named, namespace)?;
                }
                match object {
                    Some(object) if names.contains(object) => Ok(object),
                    Some(_) => Err(Hidden::OtherObject),
                    // Namespaces, each with an evaluation of its own.
                    None if namespace.is_empty() => self.of_scope(named, names),
                    None if self.object_label.is_none() && *all => Ok(""),
                    None => Err(Hidden::UnknownObject),
                }
            }
        }
    }

    /// Whether a measure may be shown.
    pub(super) fn measure(&self, measure: &CapturedMeasure<'_>) -> Result<(), Hidden> {
        if self.view == View::Everything {
            return Ok(());
        }
        match self.requested {
            // Who may read the metric may read all of its items.
            Requested::Items { .. } => Ok(()),
            Requested::Objects { namespace, names, .. } => {
                let label = |name: &str| {
                    let found = measure.labels.iter().find(|(label, _)| *label == name);
                    found.map(|(_, value)| *value)
                };
                // Items of resource metrics have their object among their labels.
                let object = match measure.object {
                    "" => self.object_label.and_then(label).unwrap_or_default(),
                    object => object,
                };
                let own = self.scope.namespace().map_or("", Namespace::as_str);
                let of = match measure.namespace {
                    "" => label(self.namespace_label).unwrap_or(own),
                    of => of,
                };
                // Objects that live in no namespace have none, whatever the plugin says.
                let of = if namespace.is_empty() { "" } else { of };
                object_of(of, object, namespace, names)
            }
        }
    }

    /// Whether an object that the plugin was given may be shown, with its labels and its address. An
    /// evaluation for the whole cluster has those of all namespaces.
    pub(super) fn object(&self, object: &CapturedObject<'_>) -> Result<(), Hidden> {
        if self.view == View::Everything {
            return Ok(());
        }
        let named = Some(object.namespace).filter(|named| !named.is_empty());
        match self.requested {
            Requested::Items { namespace } => self.namespace_of(named, namespace),
            Requested::Objects { namespace, names, all } => {
                if !namespace.is_empty() {
                    self.namespace_of(named, namespace)?;
                }
                let is_asked = *all || names.contains(object.name);
                if is_asked { Ok(()) } else { Err(Hidden::OtherObject) }
            }
        }
    }

    /// Whether the plugin's configuration may be shown: one for the whole cluster may name what is
    /// nothing to a reader of one namespace.
    pub(super) fn config(&self) -> Result<(), &'static str> {
        match (self.view, self.scope) {
            (View::OfRead, Scope::Cluster) => Err(
                "the evaluation is for the whole cluster, and its configuration may name other namespaces",
            ),
            (View::OfRead, Scope::Namespace(_)) | (View::Everything, _) => Ok(()),
        }
    }

    /// Whether what a plugin logs may be shown: it may be about anything that its input has.
    pub(super) fn log(&self) -> Result<(), &'static str> {
        match (self.view, self.scope) {
            (View::OfRead, Scope::Cluster) => Err(
                "the evaluation is for the whole cluster, and its log may name other namespaces",
            ),
            (View::OfRead, Scope::Namespace(_)) | (View::Everything, _) => Ok(()),
        }
    }

    /// Whether a reader may be shown who read a namespace.
    pub(super) fn reader(&self, namespace: &str) -> bool {
        let own = match self.requested {
            Requested::Objects { namespace, .. } | Requested::Items { namespace } => namespace,
        };
        self.view == View::Everything || *own == namespace
    }

    /// Whether something is of the namespace that was requested. What names none is of that of the
    /// evaluation, as it is for the plugin.
    fn namespace_of(&self, named: Option<&str>, requested: &str) -> Result<(), Hidden> {
        match (named, self.scope) {
            (Some(named), _) if named == requested => Ok(()),
            (Some(_), _) => Err(Hidden::OtherNamespace),
            (None, Scope::Namespace(scope)) if scope.as_str() == requested => Ok(()),
            (None, Scope::Namespace(_)) => Err(Hidden::OtherNamespace),
            (None, Scope::Cluster) => Err(Hidden::UnknownNamespace),
        }
    }

    /// Rows of an evaluation for one namespace, where that is itself the object.
    fn of_scope<'r>(
        &'r self,
        named: Option<&str>,
        names: &HashSet<&'r str>,
    ) -> Result<&'r str, Hidden> {
        let Some(scope) = self.scope.namespace() else { return Err(Hidden::UnknownObject) };
        match names.get(scope.as_str()) {
            Some(name) => self.namespace_of(named, name).map(|()| *name),
            None => Err(Hidden::OtherObject),
        }
    }
}

/// Whether an object is one of those that were requested.
fn object_of(
    namespace: &str,
    name: &str,
    requested: &str,
    names: &HashSet<&str>,
) -> Result<(), Hidden> {
    if namespace != requested {
        return Err(Hidden::OtherNamespace);
    }
    if names.contains(name) { Ok(()) } else { Err(Hidden::OtherObject) }
}

/// The object that a configuration names for all values, as the shipped plugin of load balancers has
/// it: `object: {namespace: …, name: …}`.
fn fixed_object(config: &str) -> Option<(Option<String>, String)> {
    let config: serde_json::Value = serde_json::from_str(config).ok()?;
    let object = config.get("object")?;
    let text = |key: &str| object.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some((text("namespace"), text("name")?))
}

impl<'v> ServedValues<'v> {
    /// Of a run with these values, if it has some.
    pub(super) fn new(values: Option<&'v Values>) -> Self {
        Self { values, items: OnceCell::new() }
    }

    /// Whether the labels of a row are those of an item.
    fn has(&self, labels: &[(&str, &str)]) -> bool {
        let items = self.items.get_or_init(|| {
            let Some(MetricValues::Items(items)) = self.values.map(|values| &values.served) else {
                return HashSet::new();
            };
            let labels = |item: &'v Item| {
                sorted(item.labels.iter().map(|(name, value)| (&**name, &**value)))
            };
            items.iter().map(labels).collect()
        });
        let own = sorted(labels.iter().copied().filter(|(name, _)| *name != NAME));
        items.contains(&own)
    }
}

fn sorted<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Labels<'l> {
    let mut labels: Labels<'l> = labels.collect();
    labels.sort_unstable();
    labels
}

#[cfg(test)]
mod tests;
