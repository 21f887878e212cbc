//! The operator's settings, which hold for all documents: sources, objects, and teams' budgets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fetch::chain;
use super::mapping_spec::Sources;
use super::policy::Policy;
use super::runtime::{Kinds, ObjectSource, Runtime};
use leadsman_config::valid;
use leadsman_delegate::{Delegate, Delegates};
use leadsman_document::{Fault, segment};
use leadsman_evaluation::Budget;
use leadsman_model::names::Namespace;
use leadsman_runtime::supervise::until_it_ends;
use leadsman_source::{Source, SourceError, SourceSettings};

/// The operator's settings in force.
#[derive(Clone)]
pub(super) struct OperatorSettings {
    runtime: Runtime,
    pub(super) policy: Policy,
    pub(super) sources: Sources,
    pub(super) kinds: Kinds,
    pub(super) delegates: Arc<Delegates>,
    budgets: BTreeMap<Namespace, Arc<Budget>>,
}

impl OperatorSettings {
    /// None so far.
    pub(super) fn new(runtime: Runtime) -> Self {
        Self {
            policy: Policy::default(),
            sources: Sources::new(),
            kinds: Kinds::new(&runtime.objects, &Arc::default(), None),
            delegates: Delegates::none(&runtime.delegation),
            budgets: BTreeMap::new(),
            runtime,
        }
    }

    /// Those of another configuration, with what is wrong with them beyond their text. What has
    /// not changed is the same as before. Blocks: sources read files.
    pub(super) fn replaced(&self, config: Arc<valid::Config>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let sources = self.sources_of(&config, &mut faults);
        if matches!(self.runtime.objects, ObjectSource::Watched(_)) && !config.objects.is_empty() {
            let message = "a cluster is asked which objects there are, so a list of them would \
                           have no effect; remove it";
            faults.push(Fault::at("/objects", message));
        }
        let kinds = Kinds::new(&self.runtime.objects, &config.objects, Some(&self.kinds));
        let delegates = self.delegates_of(&config, &mut faults);
        let policy = Policy(config);
        let unchanged = |(namespace, budget): (&Namespace, &Arc<Budget>)| {
            let team = policy.team(namespace)?;
            let same = team.limits == *budget.limits();
            same.then(|| (namespace.clone(), budget.clone()))
        };
        let budgets = self.budgets.iter().filter_map(unchanged).collect();
        let runtime = self.runtime.clone();
        (Self { runtime, policy, sources, kinds, delegates, budgets }, faults)
    }

    fn sources_of(&self, config: &valid::Config, faults: &mut Vec<Fault>) -> Sources {
        let mut sources = Sources::new();
        for (name, config) in &config.sources {
            // The same one keeps its connections, and its count of queries under way.
            let known = self.sources.get(name).filter(|(known, _)| known == config);
            let source = match known {
                Some(known) => known.clone(),
                None => match self.source(name, config) {
                    Ok(source) => (config.clone(), Arc::new(self.begun(source))),
                    Err(error) => {
                        let place = format!("/sources/{}", segment(name));
                        faults.push(Fault::at(place, chain(&error)));
                        continue;
                    }
                },
            };
            sources.insert(name.clone(), source);
        }
        sources
    }

    fn source(&self, name: &str, config: &SourceSettings) -> Result<Source, SourceError> {
        let metrics = self.runtime.metrics.source(name);
        match &self.runtime.objects {
            ObjectSource::Listed => Source::counted(config, metrics),
            ObjectSource::Watched(reflectors) => {
                Source::in_cluster(config, metrics, &|pick| reflectors.endpoints(pick))
            }
        }
    }

    fn delegates_of(&self, config: &valid::Config, faults: &mut Vec<Fault>) -> Arc<Delegates> {
        let delegation = &self.runtime.delegation;
        let (delegates, changes) =
            Delegates::replaced(&self.delegates, &config.delegates, delegation);
        for (at, error) in changes.faults {
            faults.push(Fault::at(format!("/delegates/{at}"), chain(&error)));
        }
        for delegate in changes.new {
            let (end, delegation) = (self.runtime.end.clone(), delegation.clone());
            let metrics = self.runtime.metrics.clone();
            // It ends with the delegate.
            let delegate = Arc::downgrade(&delegate);
            self.runtime.tasks.spawn(async move {
                let follow = || Delegate::follow(delegate.clone(), delegation.clone());
                let failed = |_| {
                    metrics.task_panicked("delegate");
                    std::future::ready(())
                };
                tokio::select! {
                    () = until_it_ends("listing the metrics of a delegate", follow, failed) => {}
                    () = end.cancelled() => {}
                }
            });
        }
        delegates
    }

    /// A source whose session, if it has one, ends with it or with the process.
    fn begun(&self, source: Source) -> Source {
        let end = self.runtime.end.clone();
        if let Some(logged_out) = source.log_out_after(async move { end.cancelled().await }) {
            self.runtime.tasks.spawn(logged_out);
        }
        source
    }

    /// The budget that all mappings of a namespace share.
    pub(super) fn budget(&mut self, namespace: &Namespace) -> Option<Arc<Budget>> {
        let limits = self.policy.team(namespace)?.limits;
        let known = self.budgets.entry(namespace.clone());
        Some(known.or_insert_with(|| Arc::new(Budget::new(limits))).clone())
    }
}
