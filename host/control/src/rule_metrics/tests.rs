//! Binding at the first read, as one of those that run plugins beside evaluations.

use std::iter;
use std::path::Path;
use std::pin::pin;
use std::sync::mpsc;

use tokio::sync::OwnedSemaphorePermit;

use super::super::runtime::ObjectSource;
use super::*;
use leadsman_config::{DocumentOrigin, Flags, Parsed, parse};
use leadsman_provider::snapshot::{NotGiven, ReadKind};
use leadsman_rules::ListedSeries;
use leadsman_sandbox::Engine;
use leadsman_shipped_plugins::SHIPPED_PLUGINS;
use leadsman_source::Source;

const CONFIG: &str = "apiVersion: leadsman.dev/v1alpha1
kind: Config
sources: {prometheus: {prometheus: {url: 'http://prometheus'}}}
rules:
  - seriesQuery: all
    resources: {template: <<.Resource>>}
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
";

/// Metrics that a rule gives and that were never read, and the engine that they are bound by.
fn metrics_of_a_rule() -> (Engine, RuleMetrics) {
    let (engine, _, output) = output_of_a_rule();
    (engine, output.metrics)
}

/// The same, with what was listed.
fn output_of_a_rule() -> (Engine, SeriesIndex, RuleOutput) {
    let origin = DocumentOrigin::Folder(Path::new("."));
    let Parsed { document, config, faults, .. } =
        parse("config.yaml", &origin, &Flags::default(), CONFIG);
    assert_eq!(faults, []);
    let engine = Engine::new(1).unwrap();
    let shipped = SHIPPED_PLUGINS.iter().find(|shipped| shipped.name == "per-object").unwrap();
    let per_object = Plugin::load_trusted(&engine, shipped.component).unwrap();
    let context = Context {
        rules: config.rules.clone().unwrap(),
        source_map: Arc::new(document.source_map),
        plugins: [("per-object", per_object)].into(),
        sources: config
            .sources
            .iter()
            .map(|(name, of)| (name.clone(), (of.clone(), Arc::new(Source::new(of).unwrap()))))
            .collect(),
        kinds: Kinds::new(&ObjectSource::Listed, &Arc::default(), None),
        runtime: Runtime::without_cluster(engine.clone()),
    };
    let mut listed = SeriesIndex::default();
    let labels: BTreeSet<Arc<str>> = ["namespace".into(), "pod".into()].into();
    let seen = ListedSeries::from([("busy".into(), labels.clone()), ("idle".into(), labels)]);
    listed.answered("all", Ok(seen));
    let (output, handovers) = context.rule_metrics(&listed, None);
    assert!(output.metrics.len() > 1 && handovers.is_empty());
    (engine, listed, output)
}

/// With one thread for what blocks, which does one after the other in order of arrival.
fn with_one_blocking_thread(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.max_blocking_threads(1).build().unwrap().block_on(test);
}

/// Waits until all that was begun before on the thread for what blocks is done.
async fn all_begun_is_done() {
    tokio::task::spawn_blocking(|| ()).await.unwrap();
}

/// All permits that are left.
fn left(engine: &Engine) -> Vec<OwnedSemaphorePermit> {
    iter::from_fn(|| engine.loading().now_or_never()?).collect()
}

#[test]
fn the_first_read_of_a_rules_metric_waits_for_a_permit_to_bind_it() {
    let (engine, metrics) = metrics_of_a_rule();
    with_one_blocking_thread(async {
        // As many as plugins that are loaded, and documents that are bound.
        let mut others = left(&engine);
        assert!(!others.is_empty());
        let mut read = pin!(metrics[0].evaluations());
        assert!(read.as_mut().now_or_never().is_none());
        all_begun_is_done().await;
        assert!(read.as_mut().now_or_never().is_none(), "it was bound without a permit");
        others.pop();
        read.await.unwrap();
        assert!(metrics[0].bound().is_some());
        assert_eq!(left(&engine).len(), 1, "it gives its permit back");
    });
}

#[test]
fn binding_a_rules_metric_keeps_its_permit_when_its_reader_leaves() {
    let (engine, metrics) = metrics_of_a_rule();
    with_one_blocking_thread(async {
        let all = left(&engine).len();
        // Until this ends, the binding is begun and not done.
        let (end, ended) = mpsc::sync_channel::<()>(1);
        let before = tokio::task::spawn_blocking(move || ended.recv());
        {
            let mut read = pin!(metrics[0].evaluations());
            assert!(read.as_mut().now_or_never().is_none());
        }
        assert_eq!(left(&engine).len(), all - 1);
        end.send(()).unwrap();
        before.await.unwrap().unwrap();
        all_begun_is_done().await;
        assert_eq!(left(&engine).len(), all);
    });
}

#[tokio::test]
async fn all_that_a_plugin_is_bound_for_share_the_schema_that_it_was_loaded_with() {
    let (_engine, metrics) = metrics_of_a_rule();
    let mut schemas = BTreeSet::new();
    for metric in metrics.iter() {
        let bound = metric.evaluations().await.unwrap();
        let schema = &bound.mapping().plugin.description().config_schema;
        assert!(schema.is_object());
        schemas.insert(std::ptr::from_ref(schema));
    }
    assert_eq!(schemas.len(), 1);
}

#[test]
fn resource_metrics_that_are_new_are_named_while_their_plugin_is_loaded() {
    let (_engine, listed, before) = output_of_a_rule();
    let text = format!(
        "{CONFIG}resourceRules:
  cpu: &of
    containerQuery: sum by (<<.GroupBy>>) (cpu{{<<.LabelMatchers>>}})
    resources: {{overrides: {{namespace: {{resource: namespace}}, pod: {{resource: pod}}}}}}
    containerLabel: container
  memory: *of
"
    );
    let origin = DocumentOrigin::Folder(Path::new("."));
    let rules = parse("config.yaml", &origin, &Flags::default(), &text).config.rules.unwrap();
    let why = Cause::new(Reason::Loading, "/plugins/external", "the plugin is being loaded");
    let now = RuleOutput::unloaded(&rules, &listed, &why, Some(&before), None);
    assert!(same(&now.metrics, &before.metrics));
    let unserved = now.resource_errors.iter().map(|(metric, _, cause)| (metric.as_str(), cause));
    assert_eq!(unserved.collect::<Vec<_>>(), [("cpu", &why), ("memory", &why)]);
}

#[test]
fn what_rules_gave_before_goes_on_while_their_plugins_are_loaded_anew() {
    let (_engine, listed, before) = output_of_a_rule();
    let why = Cause::new(Reason::Loading, "/plugins/per-object", "the plugin is being loaded");
    let rules = before.rules().unwrap().clone();
    let now = RuleOutput::unloaded(&rules, &listed, &why, Some(&before), None);
    assert!(same(&now.metrics, &before.metrics) && now.rules().is_some());
    let pods = ReadKind::Custom("pods");
    let loading = NotGiven::Unloaded("rules[0]: the plugin is being loaded".to_owned());
    assert_eq!(now.gaps.of("all", pods), loading, "a rule for this series may give it");
    assert_eq!(before.gaps.of("all", pods), NotGiven::Unknown);
    // Once it is refused, nothing is being loaded any more.
    let why = Cause::new(Reason::NotAllowed, "/plugins/per-object", "it is not signed");
    let refused = RuleOutput::unloaded(&rules, &listed, &why, Some(&now), None);
    assert!(same(&refused.metrics, &before.metrics));
    assert_eq!(refused.gaps.of("all", pods), NotGiven::Unknown);
}
