//! The work on one owner's document: which plugins it names, what they say of its mappings, and
//! what of it can be served. What has not changed is not made again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::bind::{Ingredients, Sources};
use super::listing::Listed;
use super::offers::{Context, OF_RULES, OfRules};
use super::parts::{Kinds, Parts};
use super::plugins::Handle;
use leadsman_config::valid;
use leadsman_document::{Document, Fault, segment};
use leadsman_evaluation::{self as evaluation, Budget, Evaluations};
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::serve::Serve;
use leadsman_sandbox::Plugin;

/// How long a new mapping may take to begin the evaluations of the one whose place it takes.
const BEGIN: Duration = Duration::from_secs(1);

/// How long objects of a kind that was not served before may take to be listed.
const LIST: Duration = Duration::from_secs(2);

/// A plugin that was not looked at yet.
pub(super) const LOADING: &str = "Loading";

/// A document to be worked on.
pub(super) struct Job {
    pub(super) owner: Owner,
    pub(super) document: Arc<Document>,
    pub(super) config: Arc<valid::Config>,
    /// The plugins that the document names, or why they may not be used.
    pub(super) plugins: BTreeMap<String, Result<Arc<Handle>, Refused>>,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    pub(super) budget: Option<Arc<Budget>>,
    pub(super) before: Option<Arc<Set>>,
    /// The series that there are for its rules.
    pub(super) listed: Option<Arc<Listed>>,
    pub(super) parts: Parts,
}

/// Why something is not served as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: &'static str,
    pub(super) faults: Vec<Fault>,
}

/// What a document gives.
pub(super) struct Set {
    pub(super) slots: Vec<Slot>,
    /// What is wrong with plugins that no mapping uses.
    pub(super) unused: Vec<(String, Refused)>,
    /// What its rules give.
    pub(super) of_rules: OfRules,
    /// Whether every plugin was looked at once.
    pub(super) settled: bool,
    /// Where the faults stand.
    pub(super) document: Arc<Document>,
    // Plugins are looked after for as long as they are named.
    _plugins: Vec<Arc<Handle>>,
}

impl Set {
    /// Whether all that the document says is served.
    pub(super) fn is_whole(&self) -> bool {
        self.settled
            && self.unused.is_empty()
            && self.of_rules.refused.is_empty()
            && self.of_rules.refused_usage.is_empty()
            && self.slots.iter().all(|slot| slot.refused.is_none())
    }
}

/// A mapping, as it is configured and as it is served.
pub(super) struct Slot {
    pub(super) owner: Owner,
    pub(super) metric: MetricName,
    pub(super) serve: Serve,
    /// What was tried last.
    tried: Option<Ingredients>,
    /// What is served.
    pub(super) serving: Option<(Ingredients, Arc<Evaluations>)>,
    /// Why that is not what is configured.
    pub(super) refused: Option<Refused>,
    /// What is wrong, although what is configured is served.
    pub(super) noted: Option<Refused>,
}

impl Slot {
    pub(super) fn title(&self) -> String {
        evaluation::title(&self.owner, &self.serve, &self.metric)
    }
}

/// A mapping that takes the place of another one.
pub(super) struct Succession {
    pub(super) new: Arc<Evaluations>,
    pub(super) old: Option<Arc<Evaluations>>,
}

impl Job {
    /// Does the work. New mappings have begun when this returns.
    pub(super) async fn run(self) -> Set {
        let turn = self.parts.engine.loading().await;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            self.make()
        });
        let (set, successions) = match made.await {
            Ok(made) => made,
            // A panic of ours ends this attempt and nothing else; the next change tries again.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        join_all(successions.into_iter().map(Succession::begin)).await;
        set
    }

    fn make(self) -> (Set, Vec<Succession>) {
        let mut successions = Vec::new();
        let mut slots = Vec::with_capacity(self.config.mappings.len());
        for mapping in &self.config.mappings {
            let (slot, succession) = self.slot(mapping);
            successions.extend(succession);
            slots.push(slot);
        }
        let used = |name: &str| self.config.mappings.iter().any(|mapping| mapping.runs(name));
        let unused = self
            .plugins
            .keys()
            .filter(|name| !used(name))
            .filter_map(|name| Some((name.clone(), self.plugin(name).1?)))
            .filter(|(_, refused)| refused.reason != LOADING)
            .collect();
        let handles: Vec<_> = self.plugins.values().flatten().cloned().collect();
        let settled = handles.iter().all(|handle| handle.now().settled);
        let (of_rules, of_rules_begin) = self.of_rules().unwrap_or_default();
        successions.extend(of_rules_begin);
        let document = self.document;
        let set = Set { slots, unused, of_rules, settled, document, _plugins: handles };
        (set, successions)
    }

    /// What the document's rules give, once their plugins are there.
    fn of_rules(&self) -> Option<(OfRules, Vec<Succession>)> {
        let rules = self.config.rules.as_ref()?;
        let listed = self.listed.as_ref()?;
        let before = self.before.as_ref().map(|set| &set.of_rules);
        let [Some(per_object), Some(external)] = OF_RULES.map(|name| self.plugin(name).0) else {
            // They ship with the adapter, and are still being compiled.
            return before.map(|before| (before.clone(), Vec::new()));
        };
        let context = Context {
            rules: rules.clone(),
            document: self.document.clone(),
            plugins: [per_object, external],
            sources: self.sources.clone(),
            kinds: self.kinds.clone(),
            parts: self.parts.clone(),
        };
        Some(context.offers(listed, before))
    }

    /// A plugin as far as it can be used, and why there is none or no newer one.
    fn plugin(&self, name: &str) -> (Option<Plugin>, Option<Refused>) {
        let place = self.config.plugins.get(name).map_or_else(
            || format!("/plugins/{}", segment(name)),
            |plugin| match plugin.location {
                valid::Location::Oci(_) => format!("{}/oci", plugin.place),
                valid::Location::File(_) | valid::Location::Key(_) => {
                    format!("{}/file", plugin.place)
                }
            },
        );
        match self.plugins.get(name) {
            // The document has said already that there is no such plugin.
            None => (None, None),
            Some(Err(refused)) => (None, Some(refused.clone())),
            Some(Ok(handle)) => {
                let now = handle.now();
                let refused = match (&now.fault, now.settled) {
                    (Some(problem), _) => Some(Refused {
                        reason: problem.reason,
                        faults: vec![Fault::at(place, problem.message.clone())],
                    }),
                    (None, false) => Some(Refused {
                        reason: LOADING,
                        faults: vec![Fault::at(place, "the plugin is being loaded")],
                    }),
                    (None, true) => None,
                };
                (now.plugin.clone(), refused)
            }
        }
    }

    fn slot(&self, mapping: &valid::Mapping) -> (Slot, Option<Succession>) {
        let before = self.before.as_ref().and_then(|set| {
            set.slots
                .iter()
                .find(|slot| slot.metric == mapping.metric && slot.serve == mapping.serve)
        });
        let served = before.and_then(|slot| slot.serving.clone());
        let mut slot = Slot {
            owner: self.owner.clone(),
            metric: mapping.metric.clone(),
            serve: mapping.serve.clone(),
            tried: None,
            serving: served.clone(),
            refused: None,
            noted: None,
        };
        let (plugin, mut noted) = self.plugin(&mapping.plugin);
        let Some(plugin) = plugin else {
            slot.refused = noted;
            return (slot, None);
        };
        let candidate = mapping.candidate.as_ref().and_then(|(name, _)| {
            let (candidate, problem) = self.plugin(name);
            noted = noted.take().or(problem);
            candidate
        });
        slot.noted = noted;
        let ingredients = self.ingredients(mapping, plugin, candidate);
        if let Some((known, _)) = &served
            && *known == ingredients
        {
            return (slot, None);
        }
        // What was refused before is refused again without asking.
        if let Some(before) = before
            && before.tried.as_ref() == Some(&ingredients)
            && before.refused.is_some()
        {
            slot.refused.clone_from(&before.refused);
            slot.tried = Some(ingredients);
            return (slot, None);
        }
        let bound = ingredients.bind(&self.parts);
        slot.tried = Some(ingredients.clone());
        match bound {
            Ok(new) => {
                slot.serving = Some((ingredients, new.clone()));
                let old = served.map(|(_, old)| old);
                (slot, Some(Succession { new, old }))
            }
            Err(faults) => {
                slot.refused = Some(Refused { reason: "ConfigInvalid", faults });
                (slot, None)
            }
        }
    }

    fn ingredients(
        &self,
        mapping: &valid::Mapping,
        plugin: Plugin,
        candidate: Option<Plugin>,
    ) -> Ingredients {
        // Only those that it may use: others may change without it.
        let own = mapping.queries.iter().map(|query| &query.source).chain(&mapping.source);
        let sources =
            own.filter_map(|name| Some((name.clone(), self.sources.get(name)?.clone()))).collect();
        Ingredients {
            owner: self.owner.clone(),
            mapping: mapping.clone(),
            plugin,
            candidate,
            sources,
            kinds: self.kinds.clone(),
            budget: self.budget.clone(),
            items: None,
        }
    }
}

impl Succession {
    async fn begin(self) {
        if let Some(kind) = &self.new.mapping().kind {
            // Without them its first reads say that they are not known yet.
            let _ = tokio::time::timeout(LIST, kind.settled()).await;
        }
        if let Some(old) = &self.old {
            self.new.take_over(old, BEGIN).await;
        }
    }
}
