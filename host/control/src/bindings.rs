//! Binding one owner's document: each mapping gets its plugin, its sources and its objects. What has
//! not changed is taken over, and a changed mapping takes over the evaluations in use.

mod mapping_status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

pub(super) use self::mapping_status::MappingStatus;
use super::document::Document;
use super::last_good_rules::with_last_good;
use super::listing::SeriesIndex;
use super::mapping_spec::{MappingSpec, Sources};
use super::plugins::PluginHandle;
use super::reason::{Cause, Reason};
use super::rule_metrics::{Context, RuleOutput, plugins_of};
use super::runtime::{Kinds, Runtime};
use super::state::{MetricKey, Outcome};
use leadsman_config::valid;
use leadsman_delegate::Delegates;
use leadsman_document::{SourceMap, segment};
use leadsman_evaluation::{self as evaluation, Budget, Evaluations};
use leadsman_model::names::MetricName;
use leadsman_model::owner::Owner;
use leadsman_model::reference::Digest;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Place, Places};
use leadsman_sandbox::Plugin;

/// How long a new mapping may take to begin the evaluations that it takes over.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the objects of a kind that was not served before may take to be listed.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);

/// A document to be bound.
pub(super) struct BindJob {
    pub(super) owner: Owner,
    pub(super) source_map: Arc<SourceMap>,
    /// The document as it was written.
    pub(super) written: Arc<Document>,
    pub(super) config: Arc<valid::Config>,
    /// The plugins that the document names, or why they may not be used.
    pub(super) plugins: BTreeMap<String, Result<Arc<PluginHandle>, Cause>>,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    /// Other adapters; none of a team.
    pub(super) delegates: Option<Arc<Delegates>>,
    pub(super) budget: Option<Arc<Budget>>,
    /// What was open to the team when the document was read; `None` for the operator.
    pub(super) team: Option<valid::Team>,
    pub(super) before: Option<Arc<Bindings>>,
    /// The series that were listed for its rules.
    pub(super) listed: Option<Arc<SeriesIndex>>,
    pub(super) runtime: Runtime,
}

/// What binding a document gave. Equal ones serve the same and are rejected for the same.
pub(super) struct Bindings {
    pub(super) mappings: Vec<MappingStatus>,
    /// What is wrong with plugins that no mapping uses.
    pub(super) unused: Vec<(String, Cause)>,
    pub(super) rules: RuleOutput,
    pub(super) delegates: Option<Arc<Delegates>>,
    /// Whether every plugin was loaded, or failed to, at least once.
    settled: bool,
    /// What was open to the team.
    team: Option<valid::Team>,
    /// Where it is written.
    pub(super) places: Places,
    // Plugins are followed for as long as they are named.
    _plugins: Vec<Arc<PluginHandle>>,
}

impl Bindings {
    /// Whether all that the document says is served.
    fn is_complete(&self) -> bool {
        self.settled
            && self.unused.is_empty()
            && self.rules.errors.is_empty()
            && self.rules.kept.is_empty()
            && self.rules.resource_errors.is_empty()
            && self.mappings.iter().all(|mapping| mapping.error.is_none())
    }

    /// What the state machine is to know of it.
    fn outcome(self) -> Outcome<Arc<Self>> {
        let claims = |mapping: &MappingStatus| (mapping.metric.clone(), mapping.serve.clone());
        Outcome {
            settled: self.settled,
            complete: self.is_complete(),
            claims: self.mappings.iter().map(claims).collect::<Vec<MetricKey>>(),
            product: Arc::new(self),
        }
    }

    /// Gives all faults their lines: they are shown without the document that they are in.
    fn locate(&mut self, source_map: &SourceMap) {
        let mappings = self.mappings.iter_mut();
        mappings
            .flat_map(|mapping| mapping.error.iter_mut().chain(&mut mapping.warning))
            .chain(self.unused.iter_mut().map(|(_, cause)| cause))
            .chain(self.rules.causes_mut())
            .for_each(|cause| {
                cause.faults = source_map.locate(std::mem::take(&mut cause.faults)).list;
            });
    }
}

impl PartialEq for Bindings {
    fn eq(&self, other: &Self) -> bool {
        self.mappings == other.mappings
            && self.unused == other.unused
            && self.rules.serves_same(&other.rules)
            && self.delegates.as_ref().map(Arc::as_ptr) == other.delegates.as_ref().map(Arc::as_ptr)
            && self.places == other.places
    }
}

/// A new mapping, and the one whose evaluations it takes over.
pub(super) struct Handover {
    pub(super) new: Arc<Evaluations>,
    pub(super) old: Option<Arc<Evaluations>>,
}

impl BindJob {
    /// Binds the document. The evaluations of new mappings have begun when this returns.
    pub(super) async fn run(self) -> Outcome<Arc<Bindings>> {
        // What a mapping replaces ends with the rights that it had.
        let same_rights = self.before.as_ref().is_none_or(|before| before.team == self.team);
        let permit = self.runtime.engine.loading().await;
        let bound = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            self.bind()
        });
        let (bindings, handovers) = match bound.await {
            Ok(bound) => bound,
            // Ends this attempt: whoever waits for its result reports it.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        join_all(handovers.into_iter().map(Handover::begin)).await;
        if !same_rights {
            let active = bindings.mappings.iter().filter_map(|mapping| mapping.active.as_ref());
            active.for_each(|(_, evaluations)| evaluations.end_handovers());
        }
        bindings.outcome()
    }

    fn bind(self) -> (Bindings, Vec<Handover>) {
        let mut handovers = Vec::new();
        let mut mappings = Vec::with_capacity(self.config.mappings.len());
        for mapping in &self.config.mappings {
            let (status, handover) = self.mapping(mapping);
            handovers.extend(handover);
            mappings.push(status);
        }
        let used = |name: &str| self.config.mappings.iter().any(|mapping| mapping.runs(name));
        let unused = self
            .plugins
            .keys()
            .filter(|name| !used(name))
            .filter_map(|name| Some((name.clone(), self.plugin(name).1?)))
            .filter(|(_, cause)| cause.reason != Reason::Loading)
            .collect();
        let handles: Vec<_> = self.plugins.values().flatten().cloned().collect();
        let settled = handles.iter().all(|handle| handle.status().settled);
        let (rules, rule_handovers) = self.rules().unwrap_or_default();
        handovers.extend(rule_handovers);
        let team = self.team.clone();
        let delegates = self.delegates.clone();
        let places = self.places(&rules);
        let mut bindings = Bindings {
            mappings,
            unused,
            rules,
            delegates,
            settled,
            team,
            places,
            _plugins: handles,
        };
        bindings.locate(&self.source_map);
        (bindings, handovers)
    }

    /// Where in the document what is bound is written.
    fn places(&self, rules: &RuleOutput) -> Places {
        let name: Arc<str> = self.source_map.name.as_str().into();
        let revision: Arc<str> = Digest::of(self.written.text.as_bytes()).hex().into();
        let place = |pointer: &str| Place {
            document: name.clone(),
            revision: revision.clone(),
            pointer: pointer.to_owned(),
            line: self.source_map.line(pointer),
        };
        let own = self.config.mappings.iter();
        let own = own.map(|mapping| (&mapping.serve, &mapping.metric, mapping.place.as_str()));
        let titled = |(serve, metric, pointer): (&Serve, &MetricName, &str)| {
            (evaluation::title(&self.owner, serve, metric), place(pointer))
        };
        Places {
            mappings: own.chain(rules.resource_places()).map(titled).collect(),
            rules: match rules.rules() {
                Some(rules) => rules.rules.iter().map(|rule| place(&rule.place)).collect(),
                None => Vec::new(),
            },
        }
    }

    /// The metrics of the document's rules. Until their plugins are loaded, there are none but those
    /// before, and what may be read of the others is told so.
    fn rules(&self) -> Option<(RuleOutput, Vec<Handover>)> {
        let rules = self.config.rules.as_ref()?;
        let listed = self.listed.as_ref()?;
        let before = self.before.as_ref().map(|before| &before.rules);
        let (mut plugins, mut missing) = (BTreeMap::new(), Vec::new());
        for name in plugins_of(rules) {
            // One that can be used may have a problem, too, and is not what is missing.
            match self.plugin(name) {
                (Some(plugin), _) => drop(plugins.insert(name, plugin)),
                (None, why) => missing.push(why),
            }
        }
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().flatten().collect();
            // What will not be loaded is said rather than what is being loaded.
            let lasting = missing.iter().find(|why| why.reason != Reason::Loading);
            let why = lasting.or(missing.first())?;
            let delegates = self.delegates.as_deref();
            let output = RuleOutput::unloaded(rules, listed, why, before, delegates);
            return Some((output, Vec::new()));
        }
        let known = before.and_then(RuleOutput::rules);
        let (rules, kept) = with_last_good(rules, known);
        let context = Context {
            rules,
            source_map: self.source_map.clone(),
            plugins,
            sources: self.sources.clone(),
            kinds: self.kinds.clone(),
            runtime: self.runtime.clone(),
        };
        let (mut output, handovers) = context.rule_metrics(listed, before);
        output.warnings.extend(kept);
        Some((output, handovers))
    }

    /// The newest version of a plugin that can be used, and why there is none or no newer one.
    fn plugin(&self, name: &str) -> (Option<Plugin>, Option<Cause>) {
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
            Some(Err(cause)) => (None, Some(cause.clone())),
            Some(Ok(handle)) => {
                let status = handle.status();
                let cause = match (&status.problem, status.settled) {
                    (Some(problem), _) => {
                        Some(Cause::new(problem.reason, place, problem.message.clone()))
                    }
                    (None, false) => {
                        Some(Cause::new(Reason::Loading, place, "the plugin is being loaded"))
                    }
                    (None, true) => None,
                };
                (status.plugin.clone(), cause)
            }
        }
    }

    fn mapping(&self, mapping: &valid::Mapping) -> (MappingStatus, Option<Handover>) {
        let before = self.before.as_ref().and_then(|before| {
            before
                .mappings
                .iter()
                .find(|known| known.metric == mapping.metric && known.serve == mapping.serve)
        });
        let active = before.and_then(|before| before.active.clone());
        let instead = match active {
            Some(_) => None,
            None => self
                .rule_metric(mapping)
                .or_else(|| before.and_then(|before| before.instead.clone())),
        };
        let mut status = MappingStatus {
            metric: mapping.metric.clone(),
            serve: mapping.serve.clone(),
            activates: mapping.activation.as_ref().map(|of| of.workload.clone()),
            last_attempt: None,
            active: active.clone(),
            instead,
            error: None,
            warning: None,
        };
        let (plugin, mut warning) = self.plugin(&mapping.plugin);
        let Some(plugin) = plugin else {
            status.error = warning;
            return (status, None);
        };
        let mut then = Vec::with_capacity(mapping.then.len());
        for link in &mapping.then {
            let (plugin, problem) = self.plugin(&link.plugin);
            let Some(plugin) = plugin else {
                status.error = problem;
                return (status, None);
            };
            warning = warning.take().or(problem);
            then.push(plugin);
        }
        let candidate = mapping.candidate.as_ref().and_then(|(name, _)| {
            let (candidate, problem) = self.plugin(name);
            warning = warning.take().or(problem);
            candidate
        });
        status.warning = warning;
        let spec = self.spec(mapping, plugin, then, candidate);
        if let Some((known, _)) = &active
            && *known == spec
        {
            return (status, None);
        }
        // What was refused before is refused again without asking the plugin.
        if let Some(before) = before
            && let Some(error) = before.error_of(&spec)
        {
            (status.error, status.last_attempt) = (Some(error), Some(spec));
            return (status, None);
        }
        let bound = spec.bind(&self.runtime);
        status.last_attempt = Some(spec.clone());
        match bound {
            Ok(new) => {
                status.active = Some((spec, new.clone()));
                let old = active.map(|(_, old)| old).or(status.instead.take());
                (status, Some(Handover { new, old }))
            }
            Err(faults) => {
                status.error = Some(Cause { reason: Reason::ConfigInvalid, faults });
                (status, None)
            }
        }
    }

    /// The metric of a rule that a mapping replaces, if it was read.
    fn rule_metric(&self, mapping: &valid::Mapping) -> Option<Arc<Evaluations>> {
        self.before.as_ref()?.rules.bound(&mapping.metric, &mapping.serve)
    }

    fn spec(
        &self,
        mapping: &valid::Mapping,
        plugin: Plugin,
        then: Vec<Plugin>,
        candidate: Option<Plugin>,
    ) -> MappingSpec {
        // Only those that it may use: others may change without it.
        let own = mapping.queries.iter().map(|query| &query.source).chain(&mapping.source);
        let sources =
            own.filter_map(|name| Some((name.clone(), self.sources.get(name)?.clone()))).collect();
        MappingSpec {
            owner: self.owner.clone(),
            mapping: mapping.clone(),
            plugin,
            then,
            candidate,
            sources,
            kinds: self.kinds.clone(),
            budget: self.budget.clone(),
            items: None,
            of_rule: false,
        }
    }
}

impl Handover {
    async fn begin(self) {
        if let Some(kind) = &self.new.mapping().kind {
            // Without them its first reads say that they are not known yet.
            let _ = tokio::time::timeout(LIST_TIMEOUT, kind.first_list()).await;
        }
        if let Some(old) = &self.old {
            self.new.take_over(old, HANDOVER_TIMEOUT).await;
        }
    }
}

#[cfg(test)]
mod tests;
