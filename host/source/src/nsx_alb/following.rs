//! Follows the real-time metrics of requested objects: their newest samples, and a report when they end.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use super::NsxAlb;
use super::decode::Row;
use super::objects::{AlbObject, Objects};
use super::query::{NsxAlbQuery, Pick};
use super::real_time::{self, RealTimeState, Watch};
use super::request::Target;
use super::series_cache::Key;
use super::settings::Step;
use crate::error::shortened;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;

impl NsxAlb {
    /// The same with the newest samples of objects that have real time metrics. Those whose have ended go on
    /// with the averages that there are of all.
    pub(super) async fn in_real_time(
        &self,
        key: &Key,
        averages: Arc<Vec<Row>>,
        tenant: &Tenant,
    ) -> Arc<Vec<Row>> {
        let key = Key { step: Step::FiveSeconds, ..key.clone() };
        let admitted = self.cache().admit(&key, tenant, Instant::now());
        let newest = match admitted {
            Ok(()) => self.rows(&key).await,
            Err(error) => Err(error),
        };
        match newest {
            Ok(newest) => real_time::preferred(&newest, averages, clock::now()),
            Err(error) => {
                tracing::debug!(%error, "real time metrics cannot be had; averages go on");
                averages
            }
        }
    }

    /// What may be the cause if samples are older: of one object, by uuid, or of all that a query is
    /// for.
    pub(crate) fn why_old(&self, query: &NsxAlbQuery, uuid: Option<&str>) -> &'static str {
        if query.step.unwrap_or(self.settings.step) != Step::FiveSeconds {
            return "";
        }
        let list = self.list_for(query);
        let objects = list.and_then(|list| self.lists().get(&list)?.good.clone());
        let watch = self.real_time();
        let state = |uuid: &str, switched_on: Option<bool>| match switched_on {
            _ if watch.has_ended(uuid) => RealTimeState::Ended,
            Some(false) => RealTimeState::Off,
            _ => RealTimeState::Unknown,
        };
        let named = match &query.pick {
            Pick::Uuid(uuid) => Some(uuid.as_str()),
            Pick::Name(_) | Pick::Ako(_) => uuid,
        };
        match (named, &objects) {
            (Some(uuid), objects) => {
                let object = objects.as_ref().and_then(|objects| objects.get(uuid));
                real_time::why_old(std::iter::once(state(uuid, object.and_then(|it| it.real_time))))
            }
            (None, Some(objects)) => {
                let is_named = |object: &&AlbObject| match &query.pick {
                    Pick::Name(name) => object.name == *name,
                    Pick::Uuid(_) | Pick::Ako(_) => true,
                };
                let meant = objects.all().filter(is_named);
                real_time::why_old(meant.map(|object| state(&object.uuid, object.real_time)))
            }
            (None, None) => real_time::why_old(std::iter::empty()),
        }
    }

    /// Counts the objects with real time metrics, and reports those whose have ended.
    pub(super) fn watch_real_time(&self, keys: &[Key], rows: &[Row], time: i64) {
        let mut watch = self.real_time();
        let Some(ended) = watch.answered(keys, rows, time) else { return };
        let (current, _) = watch.counts();
        drop(watch);
        self.metrics.real_time(current, ended.len());
        if let Some(first) = ended.first() {
            let name = self
                .lists()
                .values()
                .find_map(|list| Some(shortened(&list.good.as_ref()?.get(first)?.name)));
            tracing::warn!(
                source = self.metrics.source(),
                objects = ended.len(),
                first = name.as_deref().unwrap_or(first),
                "real time metrics have ended: the controller goes over to averages of five minutes"
            );
        }
    }

    pub(super) fn real_time(&self) -> MutexGuard<'_, Watch> {
        self.real_time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether some of the objects that are requested have real time metrics switched on.
pub(super) fn has_real_time(objects: &Objects, target: &Target) -> bool {
    let is_on = |object: &AlbObject| object.real_time == Some(true);
    match target {
        Target::One(uuid) => objects.get(uuid).is_some_and(is_on),
        Target::All => objects.all().any(is_on),
    }
}
