//! The objects that exist, by kind, namespace and name, with their labels.
//!
//! Everything that asks which objects there are asks a [`Kind`]. It is filled from the
//! configuration's list or by the watch of a cluster.

mod index;
mod kind;

use std::collections::HashMap;
use std::sync::Arc;

pub use index::{Labels, Object};
pub use kind::{Kind, KindState, Listing, NotSynced};

use crate::config::valid;
use crate::model::resource::Resource;

/// The kinds of the objects that a configuration lists.
pub fn listed(list: &[valid::Object]) -> HashMap<Resource, Arc<Kind>> {
    let mut listings: HashMap<&Resource, Listing> = HashMap::new();
    for object in list {
        let namespace = object.namespace.as_ref().map_or("", |namespace| namespace.as_str());
        let labels = object.labels.iter().map(|(key, value)| (key.clone(), value.clone()));
        let listing = listings.entry(&object.resource).or_default();
        listing.add(namespace, &object.name, labels.collect());
    }
    listings
        .into_iter()
        .map(|(resource, listing)| {
            let kind = Kind::starting(resource.clone());
            kind.replace(listing);
            (resource.clone(), Arc::new(kind))
        })
        .collect()
}
