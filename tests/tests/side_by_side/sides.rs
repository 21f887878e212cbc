//! The two adapters and their answers.

use std::collections::BTreeSet;
use std::time::Duration;

use leadsman_tests::cluster::{ControlPlane, PrometheusAdapter};
use leadsman_tests::paths::{CUSTOM_V1, CUSTOM_V2, EXTERNAL};
use leadsman_tests::rules::rules;
use leadsman_tests::{Answer, Config, HttpClient, Leadsman, Prometheus, Traffic, eventually};
use serde_json::{Value, json};

use crate::differences::{self, Difference};
use crate::world;

/// Both of them, for the same file and the same Prometheus.
pub(crate) struct Sides {
    theirs: PrometheusAdapter,
    pub(crate) ours: Leadsman,
    caller: HttpClient,
    _prometheus: Prometheus,
    /// The application.
    pub(crate) traffic: Traffic,
}

/// The resource metrics API.
pub(crate) const RESOURCES: &str = "/apis/metrics.k8s.io/v1beta1";

/// How long it may take until both have listed all series, and have the same values of rates.
const TIMEOUT: Duration = Duration::from_secs(40);

/// The keys of timestamps, which differ.
const TIMES: [&str; 2] = ["timestamp", "creationTimestamp"];

impl Sides {
    /// Starts them with a file of `tests/rules`.
    pub(crate) async fn start(name: &str) -> Self {
        let rules = rules(name);
        let flags = |url: &str| vec!["--prometheus-url".to_owned(), url.to_owned()];
        Self::begin(&rules, |url| (rules.clone(), flags(url))).await
    }

    /// Starts them, Leadsman with a configuration of its own that contains the rules.
    pub(crate) async fn start_with_own(name: &str) -> Self {
        let rules = rules(name);
        let own = |url: &str| format!("{}{rules}", Config::new().prometheus("prometheus", url));
        Self::begin(&rules, |url| (own(url), Vec::new())).await
    }

    /// The same, where 0 stands for NaN.
    pub(crate) async fn start_with_zero_for_nan(name: &str) -> Self {
        let rules = rules(name);
        let own = |url: &str| {
            let config = Config::new().prometheus("prometheus", url);
            format!("{}{rules}", config.set("discovery", "{onNaN: {value: 0}}"))
        };
        Self::begin(&rules, |url| (own(url), Vec::new())).await
    }

    /// `tell` returns Leadsman's configuration and arguments for the URL of the Prometheus.
    async fn begin(rules: &str, tell: impl FnOnce(&str) -> (String, Vec<String>)) -> Self {
        let plane = ControlPlane::shared().await;
        world::objects(plane).await;
        let traffic = world::series().await;
        let prometheus = Prometheus::scraping(&traffic.url()).await;
        prometheus.wait_for("up == 1").await;
        let url = prometheus.url();
        let kubeconfig = plane.admin_kubeconfig().display().to_string();
        let around = [
            ["--metrics-relist-interval", "1s"],
            ["--metrics-max-age", "1h"],
            ["--bind-address", "127.0.0.1"],
            ["--kubeconfig", &kubeconfig],
        ];
        let (config, more) = tell(&url);
        let more = more.iter().map(String::as_str);
        let arguments: Vec<_> = around.as_flattened().iter().copied().chain(more).collect();
        let (theirs, ours) = tokio::join!(
            PrometheusAdapter::start(plane, rules, &url),
            Leadsman::start_with(config, &arguments),
        );
        let caller = HttpClient::with_certificate(plane.authorities().admin());
        Self { theirs, ours, caller, _prometheus: prometheus, traffic }
    }

    /// Waits until both list the same metrics, and these among them.
    pub(crate) async fn list_the_same(&self, some: &[&str]) {
        eventually("the same metrics", TIMEOUT, async || {
            let mut names = BTreeSet::new();
            for api in [CUSTOM_V1, CUSTOM_V2, EXTERNAL, RESOURCES] {
                let (theirs, ours) = self.raw(api).await;
                let (theirs, ours) = (listed(&theirs), listed(&ours));
                if theirs != ours {
                    let apart: Vec<_> = theirs.symmetric_difference(&ours).collect();
                    return Err(format!("{api}: one of them has {apart:#?}"));
                }
                names.extend(theirs.into_iter().map(|(name, _)| name));
            }
            let missing: Vec<_> = some.iter().filter(|&&name| !names.contains(name)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("no {missing:?} in {names:?}")) }
        })
        .await;
    }

    /// Sends these requests to both until the answers are equal, and those of a table until the
    /// answers are as in the table. Rates are not always equal: a scrape may be late.
    pub(crate) async fn compare(&self, paths: &[String], table: &[Difference]) {
        let mut settled = BTreeSet::new();
        eventually("the same answers", TIMEOUT, async || {
            let mut reasons = Vec::new();
            for path in paths {
                if settled.contains(path) {
                    continue;
                }
                let (theirs, ours) = self.both(path).await;
                if same(&theirs, &ours) {
                    settled.insert(path.clone());
                } else {
                    reasons.push(unlike(path, &theirs, &ours));
                }
            }
            for difference in table {
                let path = difference.path();
                if settled.contains(&path) {
                    continue;
                }
                let (theirs, ours) = self.both(&path).await;
                let told = difference.theirs.fits(&theirs) && difference.ours.fits(&ours);
                if told && !same(&theirs, &ours) {
                    settled.insert(path);
                } else {
                    let unlike = unlike(&path, &theirs, &ours);
                    reasons.push(format!("{unlike}\n  table:  {}", difference.why));
                }
            }
            if reasons.is_empty() { Ok(()) } else { Err(reasons.join("\n")) }
        })
        .await;
    }

    async fn both(&self, path: &str) -> (Value, Value) {
        let (theirs, ours) = self.raw(path).await;
        (plain(&theirs), plain(&ours))
    }

    /// The answers of both as they are.
    pub(crate) async fn raw(&self, path: &str) -> (Answer, Answer) {
        tokio::join!(self.theirs.get(path), self.ours.get_as(&self.caller, path))
    }
}

/// The metrics of a discovery document, by name. An API without metrics may be missing.
fn listed(answer: &Answer) -> BTreeSet<(String, String)> {
    if answer.status == 404 {
        return BTreeSet::new();
    }
    let list = answer.ok()["resources"].as_array().cloned().unwrap_or_default();
    let entry = |entry: &Value| {
        let name = entry["name"].as_str().unwrap_or_default();
        (name.to_owned(), entry.to_string())
    };
    list.iter().map(entry).filter(|(name, _)| !differences::is_listed_by_one(name)).collect()
}

/// Requests of custom metrics, in both versions.
pub(crate) fn custom(rests: &[&str]) -> Vec<String> {
    let both = |rest: &&str| [CUSTOM_V1, CUSTOM_V2].map(|api| format!("{api}/{rest}"));
    rests.iter().flat_map(both).collect()
}

/// Requests below the path of an API.
pub(crate) fn below(api: &str, rests: &[&str]) -> Vec<String> {
    rests.iter().map(|rest| format!("{api}/{rest}")).collect()
}

/// The status code under the key `code`, and the answer without times and with sorted lists, whose
/// order is random.
fn plain(answer: &Answer) -> Value {
    if !answer.is_success() {
        let status: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = status["message"].as_str().unwrap_or(&answer.body);
        return json!({"code": answer.status, "reason": status["reason"], "message": text});
    }
    let mut body = answer.json();
    simplify(&mut body);
    body["code"] = json!(answer.status);
    body
}

fn simplify(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for time in TIMES {
                fields.remove(time);
            }
            fields.values_mut().for_each(simplify);
        }
        Value::Array(list) => {
            list.iter_mut().for_each(simplify);
            list.sort_by_cached_key(Value::to_string);
        }
        _ => {}
    }
}

/// Whether they are equal for a client. Messages of 404 begin with the same words; Leadsman's may
/// add the reason.
fn same(theirs: &Value, ours: &Value) -> bool {
    let text = |value: &Value| value["message"].as_str().unwrap_or_default().to_owned();
    let failed = ["code", "reason"].iter().all(|key| theirs[key] == ours[key]);
    theirs == ours
        || theirs["code"] == 404 && failed && text(ours).starts_with(text(theirs).trim_end())
        || theirs["code"] == 400 && failed
}

fn unlike(path: &str, theirs: &Value, ours: &Value) -> String {
    format!("{path}\n  theirs: {theirs}\n  ours:   {ours}")
}
