//! The lists of what a delegate has, as its discovery says it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::error::ForwardError;
use super::matching::{Matcher, RequestedMetric};
use super::settings::Api;
use leadsman_model::names::MetricName;
use leadsman_model::text::one_line;

/// How many entries of a list are kept. More are left out.
const MAX_ENTRIES: usize = 50_000;

/// The longest name of a resource.
const MAX_RESOURCE_BYTES: usize = 253;

/// An API and one of its versions.
pub(super) type ApiVersion = (Api, &'static str);

/// The last good lists of a delegate, by API and version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    versions: BTreeMap<ApiVersion, Arc<ApiList>>,
}

/// The last good list of one version of an API.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiList {
    /// What it lists; empty if the delegate does not serve the version.
    pub metrics: Vec<ListedMetric>,
    /// Whether the delegate serves the version.
    pub served: bool,
    /// The metrics' names, each once.
    names: HashSet<String>,
    /// When it came.
    at: Instant,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMetric {
    /// The resource: `pods`, or the name of an external metric.
    pub resource: String,
    /// The metric, where it is a subresource.
    pub subresource: Option<String>,
    /// Whether it is in namespaces.
    pub namespaced: bool,
}

/// `metav1.APIResourceList`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    group_version: String,
    #[serde(default)]
    resources: Vec<WrittenResource>,
}

#[derive(Debug, Deserialize)]
struct WrittenResource {
    name: String,
    #[serde(default)]
    namespaced: bool,
}

impl Lists {
    /// What it lists of a version.
    pub fn of(&self, api: Api, version: &str) -> Option<&ApiList> {
        let mut all = self.versions.iter();
        let found = all.find(|((known, named), _)| *known == api && *named == version);
        found.map(|(_, listed)| &**listed)
    }

    /// The age of the oldest list.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.oldest().map(|at| now.saturating_duration_since(at))
    }

    /// When the oldest list came.
    pub fn oldest(&self) -> Option<Instant> {
        self.versions.values().map(|listed| listed.at).min()
    }

    /// How many metrics are listed, of the version with the most for each API.
    pub fn count(&self) -> usize {
        let most = |api: Api| {
            let of = self.versions.iter().filter(|((known, _), _)| *known == api);
            of.map(|(_, listed)| listed.metrics.len()).max().unwrap_or_default()
        };
        Api::ALL.into_iter().map(most).sum()
    }

    /// The APIs of which it serves no version.
    pub fn unserved(&self, apis: &[Api]) -> Vec<Api> {
        let served = |api: &Api| {
            let mut of = self.versions.iter().filter(|((known, _), _)| known == api);
            let first = of.next();
            // What was never listed is not known.
            first.is_none_or(|(_, listed)| listed.served) || of.any(|(_, listed)| listed.served)
        };
        apis.iter().copied().filter(|api| !served(api)).collect()
    }

    /// Whether it lists the metric of a request, for any objects.
    pub(super) fn has(&self, asked: &RequestedMetric<'_>) -> bool {
        let mut of = self.versions.iter().filter(|((api, _), _)| *api == asked.api);
        of.any(|(_, listed)| listed.names.contains(asked.metric))
    }

    /// The same with another list of a version.
    pub(super) fn with(&self, version: ApiVersion, listed: ApiList) -> Self {
        let mut versions = self.versions.clone();
        versions.insert(version, Arc::new(listed));
        Self { versions }
    }

    /// Whether the lists are for the same metrics, whenever they came.
    pub(super) fn lists_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Arc<ApiList>, &Arc<ApiList>)| {
            one.served == other.served && one.metrics == other.metrics
        };
        self.versions.keys().eq(other.versions.keys())
            && self.versions.values().zip(other.versions.values()).all(same)
    }
}

impl ApiList {
    /// A version that the delegate does not serve.
    pub(super) fn unserved(now: Instant) -> Self {
        Self { metrics: Vec::new(), served: false, names: HashSet::new(), at: now }
    }

    /// Reads a list. What the delegate is not for is left out, and what cannot be a metric.
    pub fn read(
        (api, version): (Api, &str),
        body: &[u8],
        matcher: &Matcher,
        now: Instant,
    ) -> Result<Self, ForwardError> {
        let list: Written = serde_json::from_slice(body)
            .map_err(|error| ForwardError::Malformed(one_line(&error.to_string(), 400)))?;
        let wanted = format!("{}/{version}", api.group());
        if list.kind != "APIResourceList" || list.group_version != wanted {
            let found = format!("{} of {}", list.kind, list.group_version);
            let wanted = format!("APIResourceList of {wanted}");
            return Err(ForwardError::Foreign { found: one_line(&found, 400), wanted });
        }
        let entries = list.resources.into_iter().filter_map(|resource| entry(api, resource));
        let mut metrics = Vec::new();
        let mut names = HashSet::new();
        for entry in entries.filter(|entry| matcher.names(entry.metric())).take(MAX_ENTRIES) {
            if !names.contains(entry.metric()) {
                names.insert(entry.metric().to_owned());
            }
            metrics.push(entry);
        }
        Ok(Self { metrics, served: true, names, at: now })
    }
}

impl ListedMetric {
    /// The metric's name.
    pub fn metric(&self) -> &str {
        self.subresource.as_deref().unwrap_or(&self.resource)
    }
}

/// An entry, if its name can be that of a metric of this API.
fn entry(api: Api, written: WrittenResource) -> Option<ListedMetric> {
    let WrittenResource { name, namespaced } = written;
    match api {
        Api::Custom => {
            let (resource, metric) = name.split_once('/')?;
            let is_resource = !resource.is_empty()
                && resource.len() <= MAX_RESOURCE_BYTES
                && resource
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
            metric.parse::<MetricName>().ok().filter(|_| is_resource)?;
            let (resource, subresource) = (resource.to_owned(), Some(metric.to_owned()));
            Some(ListedMetric { resource, subresource, namespaced })
        }
        Api::External => {
            name.parse::<MetricName>().ok()?;
            Some(ListedMetric { resource: name, subresource: None, namespaced })
        }
        Api::Resource if matches!(name.as_str(), "nodes" | "pods") => {
            Some(ListedMetric { resource: name, subresource: None, namespaced })
        }
        Api::Resource => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::matching::Pattern;

    fn matcher(metrics: &[&str]) -> Matcher {
        Matcher {
            apis: Api::ALL.to_vec(),
            metrics: metrics.iter().map(|&text| Pattern::new(text)).collect(),
            namespaces: Vec::new(),
            selector_label: None,
        }
    }

    fn list(group_version: &str, names: &[&str]) -> String {
        let resources: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "namespaced": true, "kind": "MetricValueList"}))
            .collect();
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
               "resources": resources})
        .to_string()
    }

    fn read(api: Api, names: &[&str], metrics: &[&str]) -> ApiList {
        let text = list(&format!("{}/v1beta1", api.group()), names);
        ApiList::read((api, "v1beta1"), text.as_bytes(), &matcher(metrics), Instant::now()).unwrap()
    }

    fn names(listed: &ApiList) -> Vec<&str> {
        listed.metrics.iter().map(ListedMetric::metric).collect()
    }

    #[test]
    fn what_can_be_a_metric_is_listed() {
        let custom =
            ["pods/a", "namespaces/a", "deployments.apps/b", "pods", "Pods/c", "/d", "pods/"];
        let listed = read(Api::Custom, &custom, &[]);
        assert_eq!(names(&listed), ["a", "a", "b"]);
        assert_eq!(names(&read(Api::Custom, &custom, &["b*"])), ["b"], "what it is for");
        assert_eq!(names(&read(Api::External, &["s0-x", "a/b"], &[])), ["s0-x"]);
        assert_eq!(
            names(&read(Api::Resource, &["pods", "nodes", "secrets"], &[])),
            ["pods", "nodes"]
        );
    }

    #[test]
    fn a_list_of_something_else_is_refused() {
        let read = |text: &str| {
            let of = (Api::External, "v1beta1");
            ApiList::read(of, text.as_bytes(), &matcher(&[]), Instant::now()).unwrap_err()
        };
        assert_eq!(read("<html>").reason(), "malformed");
        assert_eq!(read("{}").reason(), "foreign");
        let other = list("custom.metrics.k8s.io/v1beta1", &["pods/a"]);
        assert_eq!(read(&other).reason(), "foreign");
        let half = list("external.metrics.k8s.io/v1beta1", &["a"]);
        assert_eq!(read(&half[..half.len() - 2]).reason(), "malformed");
    }

    #[test]
    fn a_list_that_fails_keeps_its_age_and_the_others_are_new() {
        let (v1, v2) = ((Api::Custom, "v1beta1"), (Api::Custom, "v1beta2"));
        let begun = Instant::now();
        let mut listed = read(Api::Custom, &["pods/a"], &[]);
        listed.at = begun;
        let lists = Lists::default().with(v1, listed);
        let later = begun + Duration::from_secs(60);
        let mut newer = read(Api::Custom, &["pods/a", "pods/b"], &[]);
        newer.at = later;
        let both = lists.with(v2, newer);
        assert_eq!(both.age(later), Some(Duration::from_secs(60)));
        assert_eq!((both.count(), both.of(Api::Custom, "v1beta1").unwrap().metrics.len()), (2, 1));
        assert!(!both.lists_same(&lists) && both.lists_same(&both.clone()));
        let asked = RequestedMetric {
            api: Api::Custom,
            version: "v1beta1",
            metric: "b",
            namespace: None,
            selector: "",
        };
        assert!(both.has(&asked) && !lists.has(&asked));
        assert!(!both.has(&RequestedMetric { api: Api::External, ..asked }));
    }

    #[test]
    fn an_api_of_which_no_version_is_served_is_told() {
        let now = Instant::now();
        let lists = Lists::default().with((Api::Custom, "v1beta1"), ApiList::unserved(now));
        assert_eq!(lists.unserved(&Api::ALL), [Api::Custom]);
        let lists = lists.with((Api::Custom, "v1beta2"), read(Api::Custom, &[], &[]));
        assert_eq!(lists.unserved(&Api::ALL), []);
    }
}
