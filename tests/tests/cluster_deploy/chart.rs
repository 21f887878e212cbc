//! The chart, as helm renders it.

use std::collections::BTreeSet;

use leadsman_tests::cluster::{CommandOutput, ControlPlane};
use leadsman_tests::{Example, Leadsman};
use serde_json::{Value, json};

use super::choices::{certificates, choices};
use super::manifests::{Manifest, accepted, configuration, file, manifests, names};
use super::security::assert_secure;
use super::site::{helm, mappings, resource_rules};

/// The namespace of all renderings.
const PLACE: (&str, &str) = ("rendered", "leadsman");

async fn template(values: &Value) -> CommandOutput {
    let plane = ControlPlane::shared().await;
    helm(plane, "template", PLACE, values, &["--kube-version", "1.34.1"]).await
}

async fn rendered(values: &Value) -> BTreeSet<Manifest> {
    manifests(template(values).await.ok())
}

#[tokio::test]
async fn kube_apiserver_accepts_every_combination_of_values() {
    let plane = ControlPlane::shared().await;
    super::others::define(plane).await;
    let mut all = BTreeSet::new();
    for choice in choices() {
        let rendered = rendered(&choice.values).await;
        assert_eq!(names(&rendered), choice.expected(), "{:#}", choice.values);
        all.extend(rendered);
    }
    let objects = accepted(plane, "rendered", &all).await;
    assert_eq!(objects.len(), all.len());
    let deployments: Vec<_> =
        objects.iter().filter(|object| object["kind"] == "Deployment").collect();
    assert!(deployments.len() >= 6, "{deployments:#?}");
    for deployment in deployments {
        assert_secure(plane, deployment).await;
    }
}

#[tokio::test]
async fn lint_reports_nothing() {
    let plane = ControlPlane::shared().await;
    let defaults = ("none", json!({}));
    for (certificate, values) in certificates().into_iter().chain([defaults]) {
        let arguments = ["--strict", "--kube-version", "1.34.1"];
        let ran = super::site::lint(plane, &values, &arguments).await;
        assert!(ran.ok().contains("0 chart(s) failed"), "{certificate}: {ran:#?}");
    }
}

#[tokio::test]
async fn unknown_values_are_refused() {
    for (values, said) in [
        (json!({"replcias": 3}), "replcias"),
        (json!({"tls": {"typ": "helm"}}), "typ"),
        (json!({"tls": {"type": "hlem"}}), "/tls/type"),
        (json!({"tls": {"existingSecret": {"secretName": "a"}}}), "secretName"),
        (json!({"prometheus": {"prot": 9090}}), "prot"),
        (json!({"prometheus": {"port": "http"}}), "/prometheus/port"),
        (json!({"config": {"mapings": []}}), "mapings"),
        (json!({"config": {"mappings": [{"onEror": "fail"}]}}), "onEror"),
        (json!({"config": {"mappings": [{"metric": "a"}]}}), "/config/mappings/0"),
        (json!({"config": {"sources": {"a": {"prometheus": {"ulr": "http://a"}}}}}), "ulr"),
        (json!({"config": {"rules": [{"metricQuery": "a"}]}}), "metricQuery"),
        (json!({"rules": {"custom": [{"metricQuery": "a"}]}}), "metricQuery"),
        (json!({"rules": {"external": [{"name": {"ass": "a"}}]}}), "ass"),
        (json!({"rules": {"resource": {"cpuu": {}}}}), "/rules/resource"),
        (json!({"metricsRelistInterval": "often"}), "/metricsRelistInterval"),
        (json!({"config": {"kind": "Konfig"}}), "/config/kind"),
        (json!({"apiService": {"externals": false}}), "externals"),
        (json!({"apiService": {"resource": {}}}), "/apiService/resource"),
        (json!({"teams": {"enable": true}}), "enable"),
        (json!({"config": {"teams": {}}}), "/config/teams"),
        (json!({"rbac": {"resources": [{"resource": "pods"}]}}), "group"),
        (json!({"rbac": {"resources": [{"group": "*", "resource": "*"}]}}), "/rbac/resources/0"),
        (json!({"certManager": {"issuerRef": {"kind": "ClusterIssuer"}}}), "name"),
        (json!({"shutdownDelay": "five seconds"}), "/shutdownDelay"),
        (json!({"shutdownDelay": "1.5s"}), "/shutdownDelay"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "/image/pullPolicy"),
        (json!({"listenPort": 70000}), "/listenPort"),
        (json!({"service": {"type": "ExternalName"}}), "/service/type"),
    ] {
        let ran = template(&values).await;
        assert!(ran.failed().contains(said), "{said:?} in {ran:#?}");
    }
}

#[tokio::test]
async fn the_page_is_for_the_pod_itself_unless_users_of_the_cluster_are_named() {
    let arguments = |all: &BTreeSet<Manifest>| {
        let deployment = all.iter().find(|one| one.kind == "Deployment");
        deployment.expect("a Deployment").text.contains("--admin-auth=cluster")
    };
    let plain = rendered(&json!({})).await;
    let objects = ["ClusterRole/leadsman-autoscalers", "ClusterRole/leadsman-page-reader"];
    assert!(!arguments(&plain));
    assert!(objects.iter().all(|name| !names(&plain).contains(*name)));
    let open = rendered(&json!({"page": {"auth": "cluster", "autoscalers": true}})).await;
    assert!(arguments(&open));
    assert!(objects.iter().all(|name| names(&open).contains(*name)), "{:?}", names(&open));
    // Nobody is bound to it.
    assert!(!names(&open).contains("ClusterRoleBinding/leadsman-page-reader"));
    let ran = template(&json!({"page": {"auth": "everybody"}})).await;
    assert!(ran.failed().contains("/page/auth"), "{ran:#?}");
}

/// The values' schema refuses unknown keys of the configuration, so it must know all of them.
#[test]
fn the_values_schema_has_every_key_of_a_configuration() {
    let schema = |path: &str| -> Value {
        let text = std::fs::read_to_string(super::site::deploy().join(path)).expect("a schema");
        serde_json::from_str(&text).expect("JSON")
    };
    let keys = |schema: &Value, pointer: &str| -> BTreeSet<String> {
        let properties = schema.pointer(pointer).and_then(Value::as_object);
        properties.into_iter().flat_map(|keys| keys.keys().cloned()).collect()
    };
    let (values, config) =
        (schema("chart/leadsman/values.schema.json"), schema("../docs/config.schema.json"));
    assert_eq!(values["properties"]["config"], json!({"$ref": "#/definitions/Config"}));
    let all = keys(&config, "/properties");
    assert!(all.len() > 10, "{all:?}");
    assert_eq!(keys(&values, "/definitions/Config/properties"), all);
    for name in keys(&config, "/$defs") {
        // The chart refuses listed objects as a whole.
        if name != "Object" {
            let known = keys(&values, &format!("/definitions/{name}/properties"));
            assert_eq!(known, keys(&config, &format!("/$defs/{name}/properties")), "{name}");
        }
    }
}

/// It is generated from the same types.
#[tokio::test]
async fn the_values_schema_is_that_of_this_version() {
    let chart = super::site::deploy().join("chart/leadsman");
    let printed = Leadsman::command(&["schema", "--chart"], &chart).await;
    assert_eq!(printed.code, Some(0), "{}", printed.output);
    let printed: Value = serde_json::from_str(&printed.output).expect("JSON");
    let text = std::fs::read_to_string(chart.join("values.schema.json")).expect("a schema");
    let values: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(values["definitions"], printed["definitions"], "BLESS=1 cargo xtask ci drift");
}

/// As in prometheus-adapter's chart: it is how often series are listed.
#[tokio::test]
async fn the_relist_interval_is_passed_on() {
    let intervals = async |values: Value| {
        let text = template(&values).await.ok().to_owned();
        let lines = text.lines().map(|line| line.trim().trim_start_matches("- "));
        let found = lines.filter(|line| line.starts_with("--metrics-relist-interval"));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(intervals(json!({})).await, ["--metrics-relist-interval=1m"]);
    let values = json!({"metricsRelistInterval": "30s", "rules": {"existing": "mine"}});
    assert_eq!(intervals(values).await, ["--metrics-relist-interval=30s"]);
    // A flag that is written is not written twice: the process would not start.
    for arguments in
        [json!(["--metrics-relist-interval=5m"]), json!(["--metrics-relist-interval", "5m"])]
    {
        assert_eq!(intervals(json!({"extraArguments": arguments})).await.len(), 1);
    }
}

/// Values of prometheus-adapter's chart name its image, which does not know our arguments.
#[tokio::test]
async fn the_image_of_prometheus_adapter_is_refused() {
    for repository in [
        "registry.k8s.io/prometheus-adapter/prometheus-adapter",
        "mirror.example:5000/k8s-prometheus-adapter-amd64",
    ] {
        let values = json!({"image": {"repository": repository, "tag": "v0.12.0"}});
        let ran = template(&values).await;
        let told = ran.failed();
        assert!(told.contains("image.repository") && told.contains(repository), "{told}");
    }
    let values = json!({"image": {"repository": "mirror.example/prometheus-adapter/leadsman"}});
    template(&values).await.ok();
}

#[tokio::test]
async fn contradicting_values_are_refused_with_a_hint() {
    let mapping = |resource: &str| {
        let mut mapping = mappings()[0].clone();
        mapping["serve"]["custom"]["resource"] = json!(resource);
        json!({"config": {"mappings": [mapping]}})
    };
    for (values, said) in [
        (
            json!({"rules": {"default": true}, "config": {"rules": [{}]}}),
            "rules.default and config.rules",
        ),
        (
            json!({"rules": {"custom": [{}]}, "config": {"rules": [{}]}}),
            "rules.custom and config.rules",
        ),
        (json!({"rules": {"existing": "mine", "default": true}}), "rules.existing"),
        (json!({"config": {"objects": [{}]}}), "config.objects"),
        (json!({"rules": {"existing": "mine"}, "config": {"mappings": []}}), "rules.existing"),
        (json!({"rules": {"existing": "mine", "resource": resource_rules()}}), "rules.existing"),
        (
            json!({
                "rules": {"resource": resource_rules()},
                "config": {"resourceRules": resource_rules()},
            }),
            "rules.resource and config.resourceRules",
        ),
        (json!({"tls": {"enable": true}, "certManager": {"enabled": true}}), "choose one"),
        (json!({"tls": {"type": "helm"}, "certManager": {"enabled": true}}), "choose one"),
        (json!({"tls": {"enable": true, "certificate": "PEM", "key": "PEM"}}), "tls.ca"),
        (json!({"tls": {"enable": true, "ca": "PEM", "key": "PEM"}}), "tls.certificate"),
        (json!({"tls": {"type": "existingSecret"}}), "tls.existingSecret.name"),
        (
            json!({"tls": {"type": "existingSecret", "existingSecret": {"name": "a"}}}),
            "tls.existingSecret.caBundle",
        ),
        (json!({"apiService": {"insecureSkipTLSVerify": true}}), "the authority is known"),
        (mapping("gadgets"), "plural.group"),
    ] {
        let ran = template(&values).await;
        assert!(ran.failed().contains(said), "{said:?} in {ran:#?}");
    }
}

#[tokio::test]
async fn the_configuration_has_no_faults() {
    for values in [
        json!({}),
        json!({"config": {"mappings": mappings()}}),
        json!({"config": {"resourceRules": resource_rules()}}),
        json!({"rules": {"resource": resource_rules()}}),
    ] {
        let rendered = rendered(&values).await;
        let check = Leadsman::check(configuration(&rendered)).await;
        assert_eq!(check.code, Some(0), "{}", check.output);
    }
}

/// As in their READMEs: the configuration, indented, under `config`.
#[tokio::test]
async fn the_examples_are_values() {
    let plane = ControlPlane::shared().await;
    for name in ["vernemq", "go-counter", "nginx-ingress", "http-requests", "scraping"] {
        let config = Example::new(name).config();
        let lines = config.lines().map(|line| format!("  {line}\n"));
        let file = file(&format!("config:\n{}", lines.collect::<String>()));
        let values = format!("--values={}", file.path().display());
        let arguments = ["--kube-version", "1.34.1", &values];
        let rendered = helm(plane, "template", PLACE, &json!({}), &arguments).await;
        let check = Leadsman::check(configuration(&manifests(rendered.ok()))).await;
        assert_eq!(check.code, Some(0), "{name}: {}", check.output);
    }
}

/// What is scraped can be found and reached.
#[tokio::test]
async fn rights_and_ports_are_those_of_what_is_scraped() {
    let scraped = |exposition: Value| {
        json!({
            "config": {"sources": {"app": {"exposition": exposition}}},
            "networkPolicy": {"enabled": true, "sourcePorts": []},
        })
    };
    let pods = json!({"pods": {"selector": "app=web", "port": 9100}});
    let service = json!({"service": {"namespace": "shop", "name": "web", "port": "metrics"}});
    let url = json!({"urls": ["http://a.shop:9200/metrics", "https://b.shop/metrics"]});
    for (exposition, told) in [
        (pods, &["resources: [\"pods\"]", "{port: 9100, protocol: TCP}"][..]),
        (service, &["resources: [\"endpointslices\"]", "{port: metrics, protocol: TCP}"]),
        (url, &["{port: 9200, protocol: TCP}", "{port: 443, protocol: TCP}"]),
    ] {
        let text = template(&scraped(exposition)).await.ok().to_owned();
        for told in told {
            assert!(text.contains(told), "{told}\n{text}");
        }
    }
}

/// The built-in resources, as the documentation lists them: group and plural.
fn documented() -> Vec<(String, String)> {
    let docs = super::site::deploy().join("../docs/configuration.md");
    let docs = std::fs::read_to_string(docs).expect("the documentation");
    let (_, rest) = docs.split_once("Built in are: ").expect("the list");
    let (list, _) = rest.split_once(". ").expect("its end");
    let parts = list.split("; ").map(|part| match part.strip_suffix(')') {
        Some(part) => part.split_once(" (").expect("a group"),
        None => (part, ""),
    });
    let each = parts.flat_map(|(plurals, group)| {
        plurals.split(", ").map(move |plural| (group.to_owned(), plural.to_owned()))
    });
    each.collect()
}

/// The documentation, the adapter and the chart each have this list.
#[tokio::test]
async fn chart_adapter_and_documentation_list_the_same_resources() {
    let plane = ControlPlane::shared().await;
    let documented = documented();
    assert!(documented.len() >= 20, "{documented:?}");
    let kinds = plane.kubectl(&["api-resources", "--verbs=list,get", "--no-headers"]).await;
    let mut names = Vec::new();
    let mut unknown = Vec::new();
    for line in kinds.ok().lines() {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (plural, kind) = (columns[0], columns[columns.len() - 1]);
        let version = columns[columns.len() - 3];
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let entry = (group.to_owned(), plural.to_owned());
        if documented.contains(&entry) {
            let singular = kind.to_lowercase();
            let qualified = [plural, &singular].map(|name| match group {
                "" => name.to_owned(),
                group => format!("{name}.{group}"),
            });
            names.extend([plural.to_owned(), singular.clone()]);
            names.extend(qualified);
        } else if !documented.iter().any(|(_, known)| known == plural) {
            unknown.push(plural.to_owned());
        }
    }
    assert_eq!(names.len(), documented.len() * 4, "{names:?}");

    let rendered = rendered(&json!({"config": {"mappings": serving(&names)}})).await;
    let check = Leadsman::check(configuration(&rendered)).await;
    assert_eq!(check.code, Some(0), "{}", check.output);
    let role = rendered.iter().find(|m| m.name == "leadsman-objects" && m.kind == "ClusterRole");
    assert_eq!(rules(&role.expect("a role").text), grouped(&documented));

    // JSON is YAML.
    let check = Leadsman::check(json!({
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "Config",
        "sources": {"prometheus": {"prometheus": {"url": "http://127.0.0.1:9"}}},
        "mappings": serving(&unknown),
    }));
    let check = check.await;
    for name in &unknown {
        check.assert_contains(&[&format!("\"{name}\"")]);
    }
    for name in unknown.chunks(1).step_by(8) {
        let ran = template(&json!({"config": {"mappings": serving(name)}})).await;
        assert!(ran.failed().contains("plural.group"), "{ran:#?}");
    }
}

/// Mappings for the kinds of these names, each with its own metric.
fn serving(names: &[String]) -> Vec<Value> {
    let mapping = |(number, name): (usize, &String)| {
        let mut mapping = mappings()[0].clone();
        mapping["metric"] = json!(format!("metric_{number}"));
        mapping["serve"]["custom"]["resource"] = json!(name);
        mapping["queries"]["q"]["promql"] = json!("requests");
        mapping
    };
    names.iter().enumerate().map(mapping).collect()
}

/// The resources of a role by group, in the order of its text.
fn rules(role: &str) -> Vec<String> {
    let lines = role.lines().map(|line| line.trim_start_matches([' ', '-']));
    let interesting = lines.filter(|l| l.starts_with("apiGroups") || l.starts_with("resources"));
    interesting.map(str::to_owned).collect()
}

fn grouped(resources: &[(String, String)]) -> Vec<String> {
    let mut groups: Vec<&str> = resources.iter().map(|(group, _)| group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let lines = groups.iter().flat_map(|group| {
        let mut plurals: Vec<_> =
            resources.iter().filter(|(own, _)| own == group).map(|(_, plural)| plural).collect();
        plurals.sort();
        [format!("apiGroups: [\"{group}\"]"), format!("resources: {}", json!(plurals))]
    });
    lines.collect()
}
