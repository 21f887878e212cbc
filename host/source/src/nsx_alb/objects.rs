//! Objects of a controller: pools, virtual services and service engines, listed page by page.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::AlbError;
use super::markers::{self, Marker, MarkerLabels};
use super::query::Entity;
use super::real_time;
use crate::error::shortened;

/// The most objects of a list.
pub(super) const MAX_OBJECTS: usize = 100_000;

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AlbObject {
    pub(super) uuid: String,
    pub(super) name: String,
    /// The tenant's name, or its uuid where the controller gives no name.
    pub(super) tenant: String,
    /// What AKO says of it; empty for what AKO did not make.
    pub(super) labels: MarkerLabels,
    /// The cluster that AKO made it for, by who created it.
    pub(super) made_for: Option<String>,
    /// What its analytics policy says of real time metrics.
    pub(super) real_time: Option<bool>,
}

/// The objects of a list, by uuid.
#[derive(Debug, Default)]
pub(super) struct Objects {
    by_uuid: HashMap<String, AlbObject>,
    /// Whether it is the list of all, and not of what AKO made for a cluster or of a name.
    of_all: bool,
}

impl Objects {
    /// The same as the list of all, or not.
    pub(super) fn of_all(self, of_all: bool) -> Self {
        Self { of_all, ..self }
    }

    pub(super) fn get(&self, uuid: &str) -> Option<&AlbObject> {
        self.by_uuid.get(uuid)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &AlbObject> {
        self.by_uuid.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_uuid.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_uuid.is_empty()
    }

    /// Whether AKO made an object of the list for a cluster. Its markers say so, or who created it; without
    /// either, that it is in the list.
    pub(super) fn is_of_cluster(&self, object: &AlbObject, cluster: &str) -> bool {
        let marker = object.labels.iter().find(|(label, _)| *label == "cluster");
        let named = marker.map(|(_, value)| value.as_str()).or(object.made_for.as_deref());
        named.map_or(!self.of_all, |named| named == cluster)
    }
}

#[derive(Deserialize)]
struct Page {
    results: Vec<Listed>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    uuid: String,
    name: String,
    tenant_ref: Option<String>,
    #[serde(default)]
    markers: Option<Vec<Marker>>,
    service_metadata: Option<Value>,
    created_by: Option<String>,
    analytics_policy: Option<Value>,
}

/// A list under construction.
pub(super) struct Listing {
    entity: Entity,
    objects: Objects,
    page: u32,
}

impl Listing {
    pub(super) fn of(entity: Entity) -> Self {
        Self { entity, objects: Objects::default(), page: 0 }
    }

    /// The number of the page that comes next, from 1.
    pub(super) fn next_page(&self) -> u32 {
        self.page + 1
    }

    /// Adds a page, and says whether there are more. A page without anything new would be asked
    /// for without end.
    pub(super) fn add(&mut self, body: &[u8]) -> Result<bool, AlbError> {
        let page: Page = serde_json::from_slice(body)
            .map_err(|error| AlbError::Decode(shortened(&error.to_string())))?;
        self.page += 1;
        let before = self.objects.len();
        for listed in page.results {
            let object = AlbObject {
                tenant: listed.tenant_ref.as_deref().map(tenant).unwrap_or_default(),
                labels: markers::labels(
                    &listed.markers.unwrap_or_default(),
                    listed.service_metadata.as_ref(),
                ),
                made_for: listed.created_by.as_deref().and_then(made_for),
                real_time: real_time::switched_on(self.entity, listed.analytics_policy.as_ref()),
                name: listed.name,
                uuid: listed.uuid,
            };
            self.objects.by_uuid.insert(object.uuid.clone(), object);
        }
        if self.objects.len() > MAX_OBJECTS {
            return Err(AlbError::TooManyObjects { limit: MAX_OBJECTS });
        }
        let more = page.next.is_some_and(|next| !next.is_empty());
        if more && self.objects.len() == before {
            return Err(AlbError::PageRepeats { page: self.page });
        }
        Ok(more)
    }

    pub(super) fn end(self) -> Objects {
        self.objects
    }
}

/// The cluster in the name by which AKO creates objects.
fn made_for(created_by: &str) -> Option<String> {
    created_by.strip_prefix("ako-").map(str::to_owned)
}

/// The name in a reference such as `https://controller/api/tenant/admin#admin`.
fn tenant(reference: &str) -> String {
    let name = match reference.split_once('#') {
        Some((_, name)) if !name.is_empty() => name,
        Some((reference, _)) => reference.rsplit('/').next().unwrap_or_default(),
        None => reference.trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(range: std::ops::Range<u32>, next: bool) -> Vec<u8> {
        let object = |number: u32| {
            json!({"uuid": format!("pool-{number}"), "name": format!("web-{number}"),
                   "tenant_ref": "https://10.0.0.1/api/tenant/tenant-7#shop"})
        };
        let results: Vec<_> = range.map(object).collect();
        let next = next.then_some("https://10.0.0.1/api/pool?page=2");
        json!({"count": 10_000, "results": results, "next": next}).to_string().into_bytes()
    }

    #[test]
    fn pages_are_joined_until_there_is_no_next() {
        let mut listing = Listing::of(Entity::Pool);
        for number in 0..50 {
            assert_eq!(listing.next_page(), number + 1);
            let more = listing.add(&page(number * 200..number * 200 + 200, number < 49)).unwrap();
            assert_eq!(more, number < 49);
        }
        let objects = listing.end();
        assert_eq!(objects.len(), 10_000);
        let object = objects.get("pool-9999").unwrap();
        assert_eq!((object.name.as_str(), object.tenant.as_str()), ("web-9999", "shop"));
    }

    #[test]
    fn a_page_that_repeats_is_told() {
        let mut listing = Listing::of(Entity::Pool);
        assert!(listing.add(&page(0..200, true)).unwrap());
        assert!(listing.add(&page(200..400, true)).unwrap());
        let error = listing.add(&page(200..400, true)).unwrap_err();
        assert_eq!(error, AlbError::PageRepeats { page: 3 });
        let error = Listing::of(Entity::Pool).add(&page(0..0, true)).unwrap_err();
        assert_eq!(error, AlbError::PageRepeats { page: 1 });
    }

    #[test]
    fn a_list_has_an_end() {
        let mut listing = Listing::of(Entity::Pool);
        let last = u32::try_from(MAX_OBJECTS).unwrap() + 1;
        let error = listing.add(&page(0..last, true)).unwrap_err();
        assert_eq!(error, AlbError::TooManyObjects { limit: MAX_OBJECTS });
    }

    #[test]
    fn what_ako_made_for_a_cluster_is_known_in_every_list() {
        let marked = |cluster: &str| json!([{"key": "clustername", "values": [cluster]}]);
        let page = json!({"results": [
            {"uuid": "marked", "name": "a", "markers": marked("k8s"), "created_by": "ako-k8s"},
            {"uuid": "created", "name": "b", "created_by": "ako-k8s"},
            {"uuid": "of-another", "name": "c", "markers": marked("other")},
            {"uuid": "by-hand", "name": "d", "created_by": "admin"},
            {"uuid": "unknown", "name": "e"},
        ]});
        let of = |of_all: bool| {
            let mut listing = Listing::of(Entity::Pool);
            listing.add(page.to_string().as_bytes()).unwrap();
            let objects = listing.end().of_all(of_all);
            let mut found: Vec<_> = objects
                .all()
                .filter(|object| objects.is_of_cluster(object, "k8s"))
                .map(|object| object.uuid.clone())
                .collect();
            found.sort();
            found
        };
        assert_eq!(of(true), ["created", "marked"]);
        // A list of what AKO made for the cluster has nothing else.
        assert_eq!(of(false), ["by-hand", "created", "marked", "unknown"]);
    }

    #[test]
    fn tenants_have_names_where_the_reference_has_one() {
        assert_eq!(tenant("https://h/api/tenant/admin#admin"), "admin");
        assert_eq!(tenant("https://h/api/tenant/tenant-1-2"), "tenant-1-2");
        assert_eq!(tenant("/api/tenant/tenant-1/"), "tenant-1");
        assert_eq!(tenant("https://h/api/tenant/tenant-1#"), "tenant-1");
    }

    #[test]
    fn what_is_no_page_is_told() {
        assert!(matches!(Listing::of(Entity::Pool).add(b"[]"), Err(AlbError::Decode(_))));
        assert!(matches!(
            Listing::of(Entity::Pool).add(b"{\"count\": 1}"),
            Err(AlbError::Decode(_))
        ));
    }
}
