//! The autoscalers of the examples ask for what the configurations beside them serve.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use leadsman_document::Document;
use serde_json::Value;

/// The least number of metrics that there are in the autoscalers of all examples.
const MIN_METRICS: usize = 14;

/// What is asked for or served: a metric, of the objects of a resource; `None` for an external one.
type Served = (String, Option<String>);

/// The YAML files of a folder whose names begin so.
fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).expect("an example");
    let all = all.map(|entry| entry.expect("a file").path());
    let is_meant = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && name.ends_with(".yaml")
    };
    all.filter(is_meant).collect()
}

fn document(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file");
    let (document, faults) = Document::parse(&path.display().to_string(), &text);
    assert!(faults.is_empty(), "{}: {faults:?}", path.display());
    document.value
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// What a configuration serves.
fn served(config: &Value) -> impl Iterator<Item = Served> {
    items(&config["mappings"]).iter().map(|mapping| {
        let serve = &mapping["serve"];
        let resource = serve.get("custom").map(|custom| text(&custom["resource"]));
        assert!(resource.is_some() || serve.get("external").is_some(), "{mapping}");
        (text(&mapping["metric"]), resource)
    })
}

/// What an autoscaler asks for of the custom and external metrics APIs.
fn asked(autoscaler: &Value) -> Vec<Served> {
    let of_type = |metric: &Value| match metric["type"].as_str() {
        Some("Pods") => Some((text(&metric["pods"]["metric"]["name"]), Some("pods".to_owned()))),
        Some("Object") => {
            let object = &metric["object"];
            Some((text(&object["metric"]["name"]), Some(resource(&object["describedObject"]))))
        }
        Some("External") => Some((text(&metric["external"]["metric"]["name"]), None)),
        Some("Resource") => None,
        _ => panic!("{metric} has no type that is known here"),
    };
    items(&autoscaler["spec"]["metrics"]).iter().filter_map(of_type).collect()
}

/// The resource of an object, as `serve` names it: `ingresses.networking.k8s.io`.
fn resource(object: &Value) -> String {
    let kind = text(&object["kind"]).to_lowercase();
    let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
    match text(&object["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{plural}.{group}"),
        None => plural,
    }
}

#[test]
fn every_autoscaler_of_the_examples_asks_for_what_is_served() {
    let folders = std::fs::read_dir(super::root().join("examples")).expect("the examples");
    let mut known = 0;
    for folder in folders.map(|entry| entry.expect("a folder").path()).filter(|path| path.is_dir())
    {
        let configs = files(&folder, "config");
        let served: BTreeSet<Served> =
            configs.iter().flat_map(|path| served(&document(path)).collect::<Vec<_>>()).collect();
        let autoscalers = files(&folder, "hpa");
        assert!(!configs.is_empty() && !autoscalers.is_empty(), "{}", folder.display());
        for path in autoscalers {
            let asked = asked(&document(&path));
            assert!(!asked.is_empty(), "{} asks for nothing", path.display());
            for metric in asked {
                let path = path.display();
                assert!(served.contains(&metric), "{path}: {metric:?} is not among {served:#?}");
                known += 1;
            }
        }
    }
    assert!(known >= MIN_METRICS, "only {known} found");
}
