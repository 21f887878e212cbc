//! ScaledObjects of all kinds, each with what it becomes or why it does not. The cases are in
//! `tests/corpus`, and everything that is written for them is checked as Leadsman does it.

use std::collections::BTreeSet;
use std::path::Path;

use leadsman_config::{DocumentOrigin, Flags};
use leadsman_convert::{
    Conversion, ConversionOutcome, ConversionSettings, Manifests, ToZero, convert,
};
use leadsman_document::Document;
use leadsman_model::names::Namespace;
use serde_json::Value;

/// The least number of cases that there are.
const MIN_CASES: usize = 60;

/// A case: lines that begin with `#` and a sign say what is expected, the rest is what is converted.
struct Case<'t> {
    title: &'t str,
    settings: ConversionSettings,
    /// `whole shop/web`
    outcomes: Vec<&'t str>,
    /// What stands in the documents, in the report, not in the documents, and nowhere.
    written: Vec<&'t str>,
    said: Vec<&'t str>,
    not_written: Vec<&'t str>,
    nowhere: Vec<&'t str>,
    manifest: String,
}

impl<'t> Case<'t> {
    fn read(text: &'t str) -> Self {
        let (title, rest) = text.split_once('\n').expect("a case");
        let mut case = Self {
            title,
            settings: ConversionSettings::default(),
            outcomes: Vec::new(),
            written: Vec::new(),
            said: Vec::new(),
            not_written: Vec::new(),
            nowhere: Vec::new(),
            manifest: String::new(),
        };
        for line in rest.lines() {
            match line.split_once(' ') {
                Some(("#!", outcome)) => case.outcomes.push(outcome),
                Some(("#+", text)) => case.written.push(text),
                Some(("#?", text)) => case.said.push(text),
                Some(("#-", text)) => case.not_written.push(text),
                Some(("#x", text)) => case.nowhere.push(text),
                Some(("#arg", argument)) => case.set(argument),
                _ => {
                    case.manifest.push_str(line);
                    case.manifest.push('\n');
                }
            }
        }
        case
    }

    fn set(&mut self, argument: &str) {
        let (key, value) = argument.split_once('=').expect("an argument");
        match key {
            "to-zero" => {
                assert_eq!(value, "hpa");
                self.settings.to_zero = ToZero::Autoscaler;
            }
            "keda" => value.clone_into(&mut self.settings.keda_namespace),
            "auth-header" => {
                let (of, name) = value.split_once('=').expect("a header");
                self.settings.header_names.insert(of.to_owned(), name.to_owned());
            }
            other => panic!("{other}"),
        }
    }
}

/// All documents of a conversion, one after the other.
fn documents(conversion: &Conversion) -> Vec<String> {
    let autoscalers = conversion.autoscalers();
    let autoscalers = autoscalers.split("---\n").filter(|text| !text.is_empty()).map(str::to_owned);
    [conversion.config(), conversion.config_map("leadsman-system", "converted")]
        .into_iter()
        .chain(autoscalers)
        .chain(conversion.mounts())
        .collect()
}

/// The paths of the files that are to be mounted.
fn paths(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("path").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| paths(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| paths(value, found)),
        _ => {}
    }
}

fn parsed(text: &str) -> Value {
    let (document, faults) = Document::parse("written", text);
    assert!(faults.is_empty(), "{}\n{text}", document.locate(faults));
    document.value
}

/// Whether Leadsman takes the configuration, with the files that are to be mounted.
fn check(conversion: &Conversion, folder: &Path) {
    if let Some(mounts) = conversion.mounts() {
        let mut files = BTreeSet::new();
        paths(&parsed(&mounts), &mut files);
        for file in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "value").expect("a file");
        }
    }
    let config = conversion.config();
    let checked = leadsman_config::parse(
        "config.yaml",
        &DocumentOrigin::Folder(folder),
        &Flags::default(),
        &config,
    );
    let faults = checked.document.locate(checked.faults);
    assert!(faults.list.is_empty(), "{faults}\n{config}");
    let map = parsed(&conversion.config_map("leadsman-system", "converted"));
    assert_eq!(map["data"]["config.yaml"].as_str(), Some(config.as_str()));
    let keys = BTreeSet::new();
    let origin = DocumentOrigin::ConfigMap(&keys);
    let checked = leadsman_config::parse("config.yaml", &origin, &Flags::default(), &config);
    let faults = checked.document.locate(checked.faults);
    assert!(faults.list.is_empty(), "{faults}\n{config}");
}

/// The same for the operator's part and the mappings of each namespace.
fn check_teams(conversion: &Conversion, folder: &Path) {
    let config = conversion.operator_config();
    let origin = DocumentOrigin::Folder(folder);
    let operator = leadsman_config::parse("config.yaml", &origin, &Flags::default(), &config);
    let faults = operator.document.locate(operator.faults);
    assert!(faults.list.is_empty(), "{faults}\n{config}");
    let keys = BTreeSet::new();
    let maps = conversion.team_config_maps("converted");
    assert_eq!(maps.len(), operator.config.teams.len(), "{config}");
    for (map, team) in maps.iter().zip(&operator.config.teams) {
        let map = parsed(map);
        assert_eq!(map["metadata"]["labels"]["leadsman.dev/config"], "true");
        let namespace = map["metadata"]["namespace"].as_str().expect("a namespace");
        let namespace: Namespace = namespace.parse().expect("a namespace");
        assert!(team.names(&namespace), "{config}");
        let text = map["data"]["config.yaml"].as_str().expect("a configuration");
        let origin = DocumentOrigin::Team { keys: &keys, namespace: &namespace, team };
        let checked = leadsman_config::parse("team.yaml", &origin, &Flags::default(), text);
        let faults = checked.document.locate(checked.faults);
        assert!(faults.list.is_empty(), "{faults}\n{text}");
    }
}

/// Whether an autoscaler asks for metrics that the configuration serves, and has what an HPA must have.
fn check_autoscalers(conversion: &Conversion) {
    let config = parsed(&conversion.config());
    let mappings = config["mappings"].as_array().expect("mappings");
    let served: BTreeSet<_> = mappings.iter().map(|mapping| mapping["metric"].as_str()).collect();
    assert_eq!(served.len(), mappings.len(), "a metric stands twice: {config:#}");
    let mut asked = BTreeSet::new();
    let autoscalers = conversion.autoscalers();
    for text in autoscalers.split("---\n").filter(|text| !text.is_empty()) {
        let autoscaler = parsed(text);
        let spec = &autoscaler["spec"];
        assert_eq!(autoscaler["kind"], "HorizontalPodAutoscaler");
        assert!(spec["scaleTargetRef"]["name"].is_string(), "{autoscaler:#}");
        assert!(spec["maxReplicas"].as_u64() >= spec["minReplicas"].as_u64(), "{autoscaler:#}");
        for metric in spec["metrics"].as_array().expect("metrics") {
            asked.extend(metric["external"]["metric"]["name"].as_str().map(str::to_owned));
        }
    }
    let served: BTreeSet<_> = served.into_iter().flatten().map(str::to_owned).collect();
    assert_eq!(asked, served);
}

#[test]
fn every_scaled_object_becomes_what_is_said_of_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    let mut checked = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        for case in text.split("### ").skip(1).map(Case::read) {
            let title = format!("{}: {}", file.display(), case.title);
            let secrets = tempfile::tempdir().expect("a folder");
            let secrets_dir = secrets.path().display().to_string();
            let mut manifests = Manifests::new("default");
            manifests.read("case.yaml", &case.manifest);
            let settings =
                ConversionSettings { secrets_dir: secrets_dir.clone(), ..case.settings.clone() };
            let conversion = convert(&manifests, &settings);
            assert_eq!(conversion.faults, Vec::<String>::new(), "{title}");
            let report = conversion.to_string();
            let outcomes = conversion.objects.iter().map(|object| {
                let outcome = match object.outcome {
                    ConversionOutcome::Whole => "whole",
                    ConversionOutcome::Differs => "differs",
                    ConversionOutcome::NotWritten => "not-written",
                };
                format!("{outcome} {}/{}", object.namespace, object.name)
            });
            let outcomes: BTreeSet<_> = outcomes.collect();
            let expected: BTreeSet<_> = case.outcomes.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(outcomes, expected, "{title}\n{report}");
            let written = documents(&conversion).join("---\n");
            for text in &case.written {
                let text = text.replace("SECRETS", &secrets_dir);
                assert!(written.contains(&text), "{title}: no {text}\n{written}");
            }
            for text in &case.not_written {
                assert!(!written.contains(text), "{title}: {text} in\n{written}");
            }
            for text in &case.said {
                assert!(report.contains(text), "{title}: no {text}\n{report}");
            }
            for text in &case.nowhere {
                assert!(!written.contains(text) && !report.contains(text), "{title}: {text}");
            }
            check(&conversion, secrets.path());
            check_teams(&conversion, secrets.path());
            check_autoscalers(&conversion);
            let again = convert(&manifests, &settings);
            assert_eq!(documents(&again), documents(&conversion), "{title}: not the same twice");
            checked += 1;
        }
    }
    assert!(checked >= MIN_CASES, "only {checked} cases");
}

/// Everything that is written for the fourth user.
#[test]
fn the_documents_are_as_people_write_them() {
    let mut manifests = Manifests::new("default");
    manifests.read(
        "scaledobject.yaml",
        r#"
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: prometheus-scaledobject, namespace: my-site}
spec:
  scaleTargetRef: {name: my-deployment-apache}
  minReplicaCount: 1
  maxReplicaCount: 8
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring:9090
        metricName: nginx
        threshold: '100'
        query: sum(irate(nginx{namespace="my-site"}[3m])) by (ingress)*10
"#,
    );
    let conversion = convert(&manifests, &ConversionSettings::default());
    let config = r#"# Converted from 1 ScaledObject of KEDA.
apiVersion: leadsman.dev/v1alpha1
kind: Config
sources:
  prometheus-monitoring:
    prometheus:
      url: http://prometheus.monitoring:9090
mappings:
  # my-site/prometheus-scaledobject, trigger 0 (prometheus)
  - metric: my-site.prometheus-scaledobject.s0-nginx
    serve:
      external: {}
    queries:
      query:
        source: prometheus-monitoring
        promql: 'sum(irate(nginx{namespace="my-site"}[3m])) by (ingress)*10'
    plugin: external
    onError:
      lastGood: 2m
    onAbsent:
      default: 0
    onNaN:
      value: 0
"#;
    assert_eq!(conversion.config(), config);
    let autoscaler = r"# In place of the ScaledObject my-site/prometheus-scaledobject
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: keda-hpa-prometheus-scaledobject
  namespace: my-site
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: my-deployment-apache
  minReplicas: 1
  maxReplicas: 8
  metrics:
    - type: External
      external:
        metric:
          name: my-site.prometheus-scaledobject.s0-nginx
        target:
          type: AverageValue
          averageValue: '100'
";
    assert_eq!(conversion.autoscalers(), autoscaler);
    assert_eq!(conversion.mounts(), None);
    let report = "\
OBJECT                           RESULT       METRICS
my-site/prometheus-scaledobject  whole        1
    note: trigger 0 (prometheus): its query may give several series, which KEDA refuses and which are added up \
here; aggregate them in the query, as with sum(…)
1 object: 1 whole, 0 with differences, 0 not written
";
    assert_eq!(conversion.to_string(), report);
}
