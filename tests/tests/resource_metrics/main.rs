//! Resource metrics without a cluster: `metrics.k8s.io` from `resourceRules`.

mod api;
mod explained;
mod missing;
mod picking;
mod sharing;

use std::collections::BTreeMap;

use leadsman_tests::rules::resource_metrics_rules;
use leadsman_tests::{Answer, Config, Leadsman, Reply, Request, Upstream};
use serde_json::{Value, json};

pub(crate) const USAGE: &str = "/apis/metrics.k8s.io/v1beta1";

/// When every sample was taken: 2023-09-18T06:23:19Z.
pub(crate) const TAKEN: f64 = 1_695_018_199.504;

/// A sample: the series, `namespace/pod/container` or the node, and the value.
pub(crate) type Sample = (&'static str, &'static str, &'static str);

/// The samples if nothing is wrong.
pub(crate) const ALL: [Sample; 12] = [
    ("cores", "shop/web-0/app", "0.2505"),
    ("bytes", "shop/web-0/app", "67108864"),
    ("cores", "shop/web-0/proxy", "0.001"),
    ("bytes", "shop/web-0/proxy", "1000"),
    ("cores", "shop/db-0/postgres", "2"),
    ("bytes", "shop/db-0/postgres", "1234567.5"),
    ("cores", "bank/web-0/app", "0.5"),
    ("bytes", "bank/web-0/app", "1073741824"),
    ("node_cores", "node-a", "1.5"),
    ("node_bytes", "node-a", "2147483648"),
    ("node_cores", "node-b", "0.25"),
    ("node_bytes", "node-b", "536870912"),
];

/// Leadsman with two namespaces, three pods and two nodes, and a source that has these samples.
pub(crate) struct World {
    pub(crate) leadsman: Leadsman,
    pub(crate) upstream: Upstream,
}

impl World {
    pub(crate) async fn start(samples: &[Sample]) -> Self {
        Self::start_with(samples, |config| config.set("resourceRules", &rules().to_string())).await
    }

    pub(crate) async fn start_with(
        samples: &[Sample],
        more: impl FnOnce(Config) -> Config,
    ) -> Self {
        let upstream = Upstream::start(Reply::NoReply).await;
        let samples = samples.to_vec();
        upstream.reply_with(move |request| answer(&samples, request));
        let config = Config::new()
            .prometheus("prometheus", &upstream.url())
            .pods("shop", &["web-0", "db-0"])
            .pods("bank", &["web-0"])
            .object("nodes", None, "node-a", "zone: south")
            .object("nodes", None, "node-b", "zone: north");
        let leadsman = Leadsman::start(more(config)).await;
        Self { leadsman, upstream }
    }

    pub(crate) async fn get(&self, rest: &str) -> Answer {
        self.leadsman.get(&format!("{USAGE}/{rest}")).await
    }

    /// Resource metrics by namespace, object and container.
    pub(crate) async fn used(&self, rest: &str) -> BTreeMap<String, String> {
        used(&self.get(rest).await)
    }
}

/// `shop/web-0/app` to `250m 64Mi`; a missing value is a `-`.
pub(crate) fn used(answer: &Answer) -> BTreeMap<String, String> {
    let body = answer.ok();
    let list = body["items"].as_array().cloned().unwrap_or_else(|| vec![body]);
    let mut all = BTreeMap::new();
    for item in list {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let metadata = &item["metadata"];
        let object = match metadata["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{}", text(&metadata["name"])),
            None => text(&metadata["name"]),
        };
        let mut add = |name: String, usage: &Value| {
            let used = format!("{} {}", text(&usage["cpu"]), text(&usage["memory"]));
            assert!(all.insert(name, used).is_none(), "twice: {answer:#?}");
        };
        match item["containers"].as_array() {
            Some(containers) => containers.iter().for_each(|container| {
                add(format!("{object}/{}", text(&container["name"])), &container["usage"]);
            }),
            None => add(object, &item["usage"]),
        }
    }
    all
}

/// The same as written in a test.
pub(crate) fn expected(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(name, used)| ((*name).to_owned(), (*used).to_owned())).collect()
}

pub(crate) fn rules() -> Value {
    resource_metrics_rules("5m")
}

/// The samples that a query selects by series and namespace.
pub(crate) fn answer(samples: &[Sample], request: &Request) -> Reply {
    let promql = request.promql();
    let items = samples.iter().filter_map(|(series, of, value)| {
        let metric = match of.split('/').collect::<Vec<_>>()[..] {
            [node] => json!({"node": node}),
            [namespace, pod, container] => {
                let asked = promql.contains(&format!("namespace=\"{namespace}\""));
                asked.then(|| json!({"pod": pod, "container": container}))?
            }
            _ => panic!("{of}"),
        };
        let named = promql.contains(&format!("({series}{{"));
        named.then(|| json!({"metric": metric, "value": [TAKEN, value]}))
    });
    Reply::vector(&items.collect())
}
