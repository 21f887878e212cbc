//! All entries of the page, by name. Clients are sent the entries that have changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::autoscalers::Overviews;
use super::{AdminState, mappings, plugins, sources, status, teams};
use crate::hour;
use leadsman_runtime::clock;

/// The most mappings that are listed, those that are worst.
const MAX_MAPPINGS: usize = 2000;

/// Entries by name, each as JSON. The name begins with what it is: `mapping/pods/http_requests`.
pub(super) type Entries = BTreeMap<String, Arc<str>>;

/// What the page and `/status.json` have in common.
pub(super) struct Sections {
    pub(super) autoscalers: Value,
    pub(super) sources: Vec<Value>,
    pub(super) plugins: Vec<Value>,
    pub(super) teams: Vec<Value>,
}

impl AdminState {
    /// What the page and `/status.json` have in common, now.
    pub(super) fn sections(&self) -> Sections {
        let generation = self.served.now();
        let (snapshot, now) = (&generation.snapshot, Instant::now());
        let Overviews { list, about } = self.overviews();
        let mut autoscalers = about;
        autoscalers["items"] = json!(list);
        Sections {
            autoscalers,
            sources: sources::of(snapshot.in_use(), now).into_values().collect(),
            plugins: plugins::of(snapshot.in_use()).into_values().collect(),
            teams: teams::of(snapshot.in_use(), now).into_values().collect(),
        }
    }

    /// All entries now. Not cheap: for all clients together.
    pub(super) fn entries(&self) -> Entries {
        let generation = self.served.now();
        let (snapshot, now) = (&generation.snapshot, Instant::now());
        let mut entries = Entries::new();
        // A rule may serve what a mapping does; the mapping comes first.
        let mut add = |name: String, value: Value| {
            entries.entry(name).or_insert_with(|| Arc::from(value.to_string()));
        };
        let Overviews { list, about } = self.overviews();
        let mut mappings: Vec<_> =
            snapshot.in_use().map(|known| mappings::of(known, &self.moments, now)).collect();
        let total = mappings.len();
        mappings.sort_by_key(|mapping| order(mapping["state"].as_str()));
        mappings.truncate(MAX_MAPPINGS);
        add(
            "head".to_owned(),
            json!({
                "version": env!("CARGO_PKG_VERSION"),
                "generation": snapshot.generation,
                "notLoaded": snapshot.not_loaded().map(ToString::to_string),
                "notReady": self.readiness.check().err(),
                "begun": self.moments.time(self.begun),
                "autoscalers": about,
                "mappings": total,
                "mappingsShown": mappings.len(),
            }),
        );
        for overview in &list {
            add(format!("autoscaler/{}", hour::name(overview)), json!(overview));
        }
        for mapping in mappings {
            let title = mapping["title"].as_str().unwrap_or_default();
            add(format!("mapping/{title}"), mapping);
        }
        for (name, source) in sources::of(snapshot.in_use(), now) {
            add(format!("source/{name}"), source);
        }
        for delegate in snapshot.delegates().into_iter().flat_map(|all| all.all()) {
            let name = format!("delegate/{}", delegate.settings().name);
            add(name, status::delegate(delegate, Some(&self.moments)));
        }
        for ((name, digest), plugin) in plugins::of(snapshot.in_use()) {
            add(format!("plugin/{name}@{digest}"), plugin);
        }
        for (namespace, team) in teams::of(snapshot.in_use(), now) {
            add(format!("team/{namespace}"), team);
        }
        for rejection in snapshot.rejections() {
            let name =
                format!("rejected/{}/{}/{}", rejection.owner, rejection.title, rejection.reason);
            add(name, status::rejected(rejection));
        }
        for lack in mappings::missing_values(&self.served.unserved, &self.moments, now) {
            let reason = lack["reason"].as_str().unwrap_or_default();
            add(format!("unserved/{reason}"), lack);
        }
        for kind in snapshot.kinds() {
            add(format!("kind/{}", kind.resource()), status::objects(&kind));
        }
        entries
    }

    /// The trends of the autoscalers that are shown, by the names of their entries.
    pub(super) fn all_trends(&self) -> Map<String, Value> {
        let now = clock::now();
        let Overviews { list, .. } = self.overviews();
        let reported = |overview: &leadsman_autoscaler::Overview| {
            let name = format!("autoscaler/{}", hour::name(overview));
            (name, self.hours.trends_of(overview, now))
        };
        list.iter().map(reported).collect()
    }
}

/// The place of a mapping's state, the worst first.
fn order(state: Option<&str>) -> usize {
    let states = ["failing", "lastGood", "pending", "ok", "unread"];
    states.iter().position(|known| Some(*known) == state).unwrap_or(states.len())
}
