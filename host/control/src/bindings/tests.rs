//! What reads of the metrics of rules get while the plugins that rules run are not loaded.

use std::path::{Path, PathBuf};

use super::super::assembly::Assembly;
use super::super::document::DocumentLocation;
use super::super::publication::{Contribution, Publication};
use super::super::runtime::ObjectSource;
use super::*;
use leadsman_config::{DocumentOrigin, Flags, Parsed, parse};
use leadsman_provider::snapshot::{MeasuredKind, Snapshot};
use leadsman_provider::{
    Caller, CustomRead, CustomRequest, ExternalRead, ExternalRequest, ObjectSelection, ReadError,
    ResourceRead, ResourceRequest,
};
use leadsman_sandbox::Engine;

const CONFIG: &str = "apiVersion: leadsman.dev/v1alpha1
kind: Config
sources: {prometheus: {prometheus: {url: 'http://prometheus'}}}
rules:
- seriesQuery: busy
  resources: {template: <<.Resource>>}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
- seriesQuery: queue_depth
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
resourceRules:
  cpu:
    containerQuery: sum by (<<.GroupBy>>) (cpu{<<.LabelMatchers>>})
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
  memory:
    containerQuery: sum by (<<.GroupBy>>) (memory{<<.LabelMatchers>>})
    resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
    containerLabel: container
";

const DELEGATES: &str = "delegates:
- {name: other, url: 'http://127.0.0.1:1', auth: {serviceAccount: {}}, apis: [custom, resource]}
";

/// The operator's document, whose plugins cannot be used for this reason.
fn job(why: &Cause) -> BindJob {
    job_of(CONFIG, why)
}

fn job_of(text: &str, why: &Cause) -> BindJob {
    let origin = DocumentOrigin::Folder(Path::new("."));
    let Parsed { document, config, faults, .. } =
        parse("config.yaml", &origin, &Flags::default(), text);
    assert_eq!(faults, []);
    let written = Document {
        name: "config.yaml".to_owned(),
        text: text.to_owned(),
        location: DocumentLocation::Folder(PathBuf::new()),
    };
    BindJob {
        owner: Owner::Operator,
        source_map: Arc::new(document.source_map),
        written: Arc::new(written),
        config: Arc::new(config),
        plugins: ["per-object", "external"].map(|name| (name.to_owned(), Err(why.clone()))).into(),
        sources: Sources::new(),
        kinds: Kinds::new(&ObjectSource::Listed, &Arc::default(), None),
        delegates: None,
        budget: None,
        team: None,
        before: None,
        listed: Some(Arc::default()),
        runtime: Runtime::without_cluster(Engine::new(1).unwrap()),
    }
}

/// What is served once it is bound.
fn assembly(bindings: Bindings) -> Assembly {
    let contribution = Contribution {
        owner: Owner::Operator,
        rejections: Vec::new(),
        product: Some(Arc::new(bindings)),
        served: true,
        conflicts: Vec::new(),
        document: "config.yaml".to_owned(),
        bound_document: "config.yaml".to_owned(),
    };
    Assembly::of(&Publication { contributions: vec![contribution], teams_fault: None })
}

async fn custom(snapshot: &Snapshot, metric: &str) -> ReadError {
    let request = CustomRequest {
        caller: Caller::default(),
        namespace: Some("shop"),
        resource: "pods",
        target: ObjectSelection::All,
        metric,
        label_selector: "",
        metric_selector: "",
    };
    CustomRead::new(snapshot, &request).await.err().unwrap()
}

async fn external(snapshot: &Snapshot, metric: &str) -> ReadError {
    let caller = Caller::default();
    let request = ExternalRequest { caller, namespace: "shop", metric, metric_selector: "" };
    ExternalRead::new(snapshot, &request).await.err().unwrap()
}

async fn resource(snapshot: &Snapshot, kind: MeasuredKind) -> ReadError {
    let request = ResourceRequest {
        caller: Caller::default(),
        kind,
        namespace: None,
        target: ObjectSelection::All,
        label_selector: "",
        field_selector: "",
    };
    ResourceRead::new(snapshot, &request).await.err().unwrap()
}

#[tokio::test]
async fn reads_of_the_metrics_of_rules_are_told_that_a_plugin_is_being_loaded() {
    let why = Cause::new(Reason::Loading, "/plugins/per-object", "the plugin is being loaded");
    let Assembly { contents, faults } = assembly(job(&why).bind().0);
    assert!(faults.is_empty(), "what is being loaded is no fault");
    let snapshot = Snapshot::new(1, contents);
    for error in [
        custom(&snapshot, "busy").await,
        external(&snapshot, "queue_depth").await,
        resource(&snapshot, MeasuredKind::Pods).await,
    ] {
        assert_eq!(error.reason(), "loading", "{error}");
        let message = error.to_string();
        assert!(message.contains("not served yet"), "{message}");
        assert!(message.contains("the plugin is being loaded"), "{message}");
    }
    // No rule may give these, whatever is loaded.
    for error in [
        custom(&snapshot, "idle").await,
        external(&snapshot, "busy").await,
        resource(&snapshot, MeasuredKind::Nodes).await,
    ] {
        assert_eq!(error.reason(), "unknown_metric", "{error}");
    }
}

#[tokio::test]
async fn what_delegates_serve_goes_on_while_a_plugin_is_being_loaded() {
    let why = Cause::new(Reason::Loading, "/plugins/per-object", "the plugin is being loaded");
    let mut job = job_of(&format!("{CONFIG}{DELEGATES}"), &why);
    let delegation = &job.runtime.delegation;
    let none = Delegates::none(delegation);
    let (delegates, changes) = Delegates::replaced(&none, &job.config.delegates, delegation);
    assert!(changes.faults.is_empty(), "{:?}", changes.faults);
    job.delegates = Some(delegates);
    let snapshot = Snapshot::new(1, assembly(job.bind().0).contents);
    // What is unknown here is for them.
    for error in [custom(&snapshot, "busy").await, resource(&snapshot, MeasuredKind::Pods).await] {
        assert!(error.is_unknown(), "{error}");
    }
}

#[tokio::test]
async fn a_plugin_of_rules_that_is_refused_makes_no_metric_wait_for_it() {
    let why = Cause::new(Reason::NotAllowed, "/plugins/per-object", "it is not signed");
    let Assembly { contents, faults } = assembly(job(&why).bind().0);
    assert!(!faults.is_empty());
    let snapshot = Snapshot::new(1, contents);
    // Whether a rule would give it will not be known, and a delegate may have it.
    for error in [custom(&snapshot, "busy").await, external(&snapshot, "queue_depth").await] {
        assert!(error.is_unknown(), "{error}");
        assert_eq!(error.reason(), "unknown_metric", "{error}");
    }
    // These are named one by one.
    let pods = resource(&snapshot, MeasuredKind::Pods).await;
    assert_eq!(pods.reason(), "rejected", "{pods}");
    assert!(pods.to_string().contains("it is not signed"), "{pods}");
}

#[tokio::test]
async fn what_is_missing_says_why_rules_are_not_served() {
    let loading = Cause::new(Reason::Loading, "/plugins/external", "the plugin is being loaded");
    let mut job = job(&Cause::new(Reason::NotAllowed, "/plugins/per-object", "it is not signed"));
    job.plugins.insert("external".to_owned(), Err(loading));
    let snapshot = Snapshot::new(1, assembly(job.bind().0).contents);
    assert!(custom(&snapshot, "busy").await.is_unknown(), "the first one will not be loaded");
}
