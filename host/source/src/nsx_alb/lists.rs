//! Lists of a controller's objects: which list a query needs, and when it is renewed.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::NsxAlb;
use super::decode_bounded;
use super::error::AlbError;
use super::objects::{Listing, Objects};
use super::query::{Entity, NsxAlbQuery, Pick};
use super::request::{self, Call, Filter};

/// The kind of the objects of a list, and the filter on them.
pub(super) type ListKey = (Entity, Filter);

/// A list of objects, and when it is made anew.
pub(super) struct List {
    known: Result<Arc<Objects>, AlbError>,
    /// The last one that could be had.
    pub(super) good: Option<Arc<Objects>>,
    pub(super) made: Instant,
    pub(super) due: Instant,
}

/// After how long a list without an object is requested again, and one that failed.
pub(super) const EMPTY_LIST_INTERVAL: Duration = Duration::from_secs(30);
const FAILED_LIST_INTERVAL: Duration = Duration::from_secs(1);

/// How many objects are searched for by name, and of how many clusters what AKO made is. With more of them a
/// list of all is fewer calls.
const MAX_NAMES: usize = 10;
const MAX_CLUSTERS: usize = 10;

/// A list that nobody has asked for in so many of its intervals is dropped.
const MAX_UNUSED_INTERVALS: u32 = 4;

impl NsxAlb {
    /// The list that the objects of a query are found in; none is needed for a uuid.
    pub(super) fn list_for(&self, query: &NsxAlbQuery) -> Option<ListKey> {
        match &query.pick {
            Pick::Uuid(_) => None,
            Pick::Name(name) => {
                let is_name = |filter: &Filter| matches!(filter, Filter::Name(_));
                Some(self.list_of(query.entity, Filter::Name(name.clone()), is_name, MAX_NAMES))
            }
            Pick::Ako(cluster) => {
                let is_cluster = |filter: &Filter| matches!(filter, Filter::Ako(_));
                let own = Filter::Ako(cluster.clone());
                Some(self.list_of(query.entity, own, is_cluster, MAX_CLUSTERS))
            }
        }
    }

    /// The list of a filter; that of all where there are many of its kind already.
    fn list_of(
        &self,
        entity: Entity,
        own: Filter,
        is_alike: impl Fn(&Filter) -> bool,
        limit: usize,
    ) -> ListKey {
        let own = (entity, own);
        let lists = self.lists();
        let alike = lists.keys().filter(|(of, filter)| *of == entity && is_alike(filter));
        if lists.contains_key(&own) || alike.count() < limit {
            return own;
        }
        (entity, Filter::All)
    }

    /// The objects of the list that a query needs, if it needs one. While it cannot be made anew, the last
    /// one goes on.
    pub(super) async fn objects(
        &self,
        query: &NsxAlbQuery,
    ) -> Result<Option<(ListKey, Arc<Objects>)>, AlbError> {
        let known = |key: &ListKey, now: Instant| {
            let lists = self.lists();
            let list = lists.get(key).filter(|list| now < list.due)?;
            Some(list.known.clone())
        };
        let Some(key) = self.list_for(query) else { return Ok(None) };
        if let Some(known) = known(&key, Instant::now()) {
            return known.map(|objects| Some((key, objects)));
        }
        let _turn = self.turn().await?;
        // Many may have waited, and there may be many lists by now.
        let Some(key) = self.list_for(query) else { return Ok(None) };
        if let Some(known) = known(&key, Instant::now()) {
            return known.map(|objects| Some((key, objects)));
        }
        let known = self.made_anew(&key).await;
        known.map(|objects| Some((key, objects)))
    }

    async fn made_anew(&self, key: &ListKey) -> Result<Arc<Objects>, AlbError> {
        let listed = self.list(key).await;
        let now = Instant::now();
        let mut lists = self.lists();
        let every = self.settings.list_every;
        lists.retain(|_, list| now < list.due + MAX_UNUSED_INTERVALS * every);
        let good = lists.remove(key).and_then(|list| list.good);
        let list = match (listed, good) {
            (Ok(objects), _) => {
                let objects = Arc::new(objects);
                let wait = if objects.is_empty() { every.min(EMPTY_LIST_INTERVAL) } else { every };
                let good = Some(objects.clone());
                List { known: Ok(objects), good, made: now, due: now + wait }
            }
            (Err(error), Some(good)) => {
                let reason = error.to_string();
                tracing::warn!(
                    reason,
                    "objects of the controller cannot be listed; the last list goes on"
                );
                let wait = every.min(EMPTY_LIST_INTERVAL);
                List { known: Ok(good.clone()), good: Some(good), made: now, due: now + wait }
            }
            (Err(error), None) => {
                List { known: Err(error), good: None, made: now, due: now + FAILED_LIST_INTERVAL }
            }
        };
        let known = list.known.clone();
        lists.insert(key.clone(), list);
        known
    }

    pub(super) async fn list(&self, (entity, filter): &ListKey) -> Result<Objects, AlbError> {
        let mut listing = Listing::of(*entity);
        loop {
            let call: Call = request::objects(*entity, filter, listing.next_page());
            let body = self.controller.call(&call).await?;
            let decoded =
                decode_bounded(body.len(), move || listing.add(&body).map(|more| (listing, more)));
            let decoded = decoded.await.map_err(|error| AlbError::Decode(error.to_string()))?;
            let (next, more) = decoded?;
            if !more {
                return Ok(next.end().of_all(*filter == Filter::All));
            }
            listing = next;
        }
    }

    pub(super) fn lists(&self) -> MutexGuard<'_, HashMap<ListKey, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
