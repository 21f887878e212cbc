//! One file of rules, and all reads of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use leadsman_tests::cluster::PrometheusAdapter;
use leadsman_tests::paths::{CUSTOM_V2, EXTERNAL};
use leadsman_tests::{Answer, Leadsman, Recorder, eventually};
use serde_json::{Value, json};

use crate::answers::plain;
use crate::canonical::canonical;
use crate::differences::{self, Seen};
use crate::model::WARM;
use crate::random::Random;
use crate::reads;
use crate::report::Report;
use crate::resources;
use crate::variant::Variant;
use crate::world::World;

/// How long it may take until both have listed all series.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a read is repeated whose answers differ: a first one may be too late.
const TRIES: usize = 3;
/// The API of resource metrics.
const RESOURCES: &str = "/apis/metrics.k8s.io/v1beta1";

/// Compares both for a file with these variants.
pub(crate) async fn run(
    world: &World,
    seed: u64,
    number: usize,
    variants: &[Variant],
    report: &mut Report,
) {
    // Apart from the sequences of variants.
    let mut random = Random::new(!seed, number);
    let file = file(variants, &resources::rules(&mut random));
    let before = (world.theirs.count(), world.exact.count());
    let servers = Servers::start(world, &file).await;
    let lists = servers.lists(variants, report).await;
    servers.warm_up().await;
    let mut run = Run {
        servers: &servers,
        report,
        theirs: sent(&world.theirs, before.0).into_iter().collect(),
        ours: sent(&world.exact, before.1).into_iter().collect(),
        excused: BTreeSet::new(),
    };
    for variant in variants {
        let metrics = lists.get(&variant.number).map(Vec::as_slice).unwrap_or_default();
        let metrics: Vec<_> = metrics.iter().map(String::as_str).collect();
        let (api, paths) = match variant.external {
            true => (EXTERNAL, reads::external(&mut random, variant, &metrics)),
            false => (CUSTOM_V2, reads::custom(&mut random, variant, &metrics)),
        };
        for path in paths {
            run.compare(Some(variant), &format!("{api}/{path}")).await;
        }
    }
    for path in resources::READS {
        run.compare(None, &format!("{RESOURCES}/{path}")).await;
    }
}

/// The file as both read it: JSON is YAML.
fn file(variants: &[Variant], resource_rules: &Value) -> String {
    let warm = json!({
        "seriesQuery": WARM,
        "resources": {"template": "<<.Resource>>"},
        "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    });
    let list = |external: bool| {
        let chosen = variants.iter().filter(move |variant| variant.external == external);
        chosen.map(|variant| format!("- {}\n", variant.rule)).collect::<String>()
    };
    format!(
        "rules:\n- {warm}\n{}externalRules:\n{}resourceRules: {resource_rules}\n",
        list(false),
        list(true)
    )
}

/// prometheus-adapter, and Leadsman as it is and with exact queries.
struct Servers<'a> {
    world: &'a World,
    theirs: PrometheusAdapter,
    exact: Leadsman,
    widened: Leadsman,
}

impl<'a> Servers<'a> {
    async fn start(world: &'a World, file: &str) -> Self {
        let kubeconfig = world.plane.admin_kubeconfig().display().to_string();
        let arguments = |url: &str, more: &[&str]| {
            let around = [
                ["--prometheus-url", url],
                ["--metrics-relist-interval", "10m"],
                ["--metrics-max-age", "1h"],
                ["--bind-address", "127.0.0.1"],
                ["--kubeconfig", &kubeconfig],
            ];
            let all = around.as_flattened().iter().chain(more);
            all.map(|argument| (*argument).to_owned()).collect::<Vec<_>>()
        };
        let exact = arguments(&world.exact.url(), &["--exact-queries"]);
        let widened = arguments(&world.prometheus.url(), &[]);
        let [exact, widened] =
            [&exact, &widened].map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
        let recorded = world.theirs.url();
        let (theirs, exact, widened) = tokio::join!(
            PrometheusAdapter::start_listing_every("15s", world.plane, file, &recorded),
            Leadsman::start_with(file, &exact),
            Leadsman::start_with(file, &widened),
        );
        Self { world, theirs, exact, widened }
    }

    /// The metrics that both list, by their variant. What only one lists is reported.
    async fn lists(
        &self,
        variants: &[Variant],
        report: &mut Report,
    ) -> BTreeMap<usize, Vec<String>> {
        let begin = Instant::now();
        let (both, apart) = eventually("lists of metrics", TIMEOUT * 2, async || {
            let (mut both, mut apart) = (BTreeSet::new(), Vec::new());
            for api in [CUSTOM_V2, EXTERNAL] {
                let [theirs, exact, widened] = self.raw(api).await.map(|answer| listed(&answer));
                if exact != widened {
                    return Err(format!("{api}: two of ours differ"));
                }
                apart.extend(theirs.difference(&exact).map(|entry| (entry.clone(), false)));
                apart.extend(exact.difference(&theirs).map(|entry| (entry.clone(), true)));
                both.extend(theirs.intersection(&exact).map(|(name, _)| name.clone()));
            }
            let known = |((name, _), only_ours): &((String, String), bool)| {
                explain_list(variants, name, *only_ours).is_some()
            };
            let open = apart.iter().filter(|entry| !known(entry)).count();
            // What still differs then is not late.
            let settled = !both.is_empty() && (open == 0 || begin.elapsed() > TIMEOUT);
            if settled { Ok((both, apart)) } else { Err(format!("{open} differences: {apart:#?}")) }
        })
        .await;
        for ((name, entry), only_ours) in apart {
            match explain_list(variants, &name, only_ours) {
                Some(row) => report.explained(row),
                None => {
                    let who = if only_ours { "Leadsman" } else { "prometheus-adapter" };
                    let rule = Variant::number_of(&name).and_then(|number| find(variants, number));
                    let rule = rule.map(|variant| variant.rule.to_string()).unwrap_or_default();
                    report.unexplained(format!("only {who} lists {entry}\n  rule:   {rule}"));
                }
            }
        }
        let mut lists: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for name in both {
            if let Some(number) = Variant::number_of(&name) {
                lists.entry(number).or_default().push(name);
            }
        }
        lists
    }

    /// Waits until each of them has listed the objects of every kind.
    async fn warm_up(&self) {
        for path in reads::warm() {
            let path = format!("{CUSTOM_V2}/{path}");
            eventually(&format!("values at {path}"), TIMEOUT, async || {
                let all = self.raw(&path).await;
                match all.iter().find(|answer| answer.status != 200 || answer.items().is_empty()) {
                    None => Ok(()),
                    Some(answer) => Err(format!("{answer:#?}")),
                }
            })
            .await;
        }
    }

    async fn raw(&self, path: &str) -> [Answer; 3] {
        let caller = &self.world.caller;
        let (theirs, exact, widened) = tokio::join!(
            self.theirs.get(path),
            self.exact.get_as(caller, path),
            self.widened.get_as(caller, path),
        );
        [theirs, exact, widened]
    }
}

/// The reads of one file, and all queries so far.
struct Run<'a> {
    servers: &'a Servers<'a>,
    report: &'a mut Report,
    theirs: BTreeSet<String>,
    ours: BTreeSet<String>,
    /// Ours of reads whose difference is documented.
    excused: BTreeSet<String>,
}

impl Run<'_> {
    async fn compare(&mut self, variant: Option<&Variant>, path: &str) {
        let world = self.servers.world;
        let before = (world.theirs.count(), world.exact.count());
        let mut tried = 0;
        let (answers, rows) = loop {
            let [theirs, exact, widened] =
                self.servers.raw(path).await.map(|answer| plain(&answer));
            let explain =
                |ours: &Value| differences::explain(&Seen { variant, path, theirs: &theirs, ours });
            let rows = [explain(&exact), explain(&widened)];
            tried += 1;
            if tried >= TRIES || rows.iter().all(Option::is_some) {
                break ([theirs, exact, widened], rows);
            }
        };
        let [theirs, exact, widened] = &answers;
        let has_value = theirs["code"] == 200 && theirs["items"] != json!([]);
        self.report.read(variant.map(|variant| variant.number), has_value);
        for (row, ours, which) in [(rows[0], exact, "exact"), (rows[1], widened, "widened")] {
            match row {
                Some("") => {}
                Some(row) => self.report.explained(row),
                None => {
                    let rule = variant.map(|variant| variant.rule.to_string());
                    self.report.unexplained(format!(
                        "{path} ({which})\n  rule:   {}\n  theirs: {theirs}\n  ours:   {ours}",
                        rule.unwrap_or_default()
                    ));
                }
            }
        }
        let (sent, ours) = (sent(&world.theirs, before.0), sent(&world.exact, before.1));
        let documented = rows[0].is_some_and(differences::has_other_queries);
        self.queries(variant, path, &sent, &ours, documented);
    }

    /// Each query of one of them is sent by the other one as well, unless the answers differ as
    /// documented. Leadsman may have sent it for an earlier read.
    fn queries(
        &mut self,
        variant: Option<&Variant>,
        path: &str,
        sent: &[String],
        ours: &[String],
        documented: bool,
    ) {
        self.theirs.extend(sent.iter().cloned());
        self.ours.extend(ours.iter().cloned());
        if documented {
            self.excused.extend(ours.iter().cloned());
            return;
        }
        let rule = variant.map(|variant| variant.rule.to_string()).unwrap_or_default();
        let sent = &if path.contains("/namespaces/*/metrics/") {
            let each: Vec<_> = sent.iter().flat_map(|query| each_namespace(query)).collect();
            if each.len() > sent.len() {
                self.report.explained(differences::QUERIES);
            }
            self.theirs.extend(each.iter().cloned());
            each
        } else {
            sent.to_vec()
        };
        for query in sent {
            match self.ours.contains(query) {
                true => self.report.query(),
                false => self.report.unexplained(format!(
                    "{path}: only prometheus-adapter sends\n  {query}\n  Leadsman: {ours:?}\n  rule:   {rule}"
                )),
            }
        }
        let known = |query: &&String| self.theirs.contains(*query) || self.excused.contains(*query);
        for query in ours.iter().filter(|query| !known(query)) {
            self.report.unexplained(format!(
                "{path}: only Leadsman sends\n  {query}\n  prometheus-adapter: {sent:?}\n  rule:   {rule}"
            ));
        }
    }
}

/// The queries that Leadsman sends in place of one of prometheus-adapter's for all namespaces: one for
/// each of them. A template may compare the set with `=`, too.
fn each_namespace(query: &str) -> Vec<String> {
    let quoted = query.split('"').skip(1).step_by(2);
    let set = quoted.into_iter().find(|text| text.contains("kube-public|kube-system"));
    let Some(set) = set else { return vec![query.to_owned()] };
    let one = |name: &str| canonical(&query.replace(&format!("\"{set}\""), &format!("\"{name}\"")));
    set.split('|').map(one).collect()
}

#[test]
fn a_query_for_all_namespaces_is_one_for_each() {
    let all = r#"sum(a{ns=~"kube-public|kube-system|shop",x=~"y|z"}) by (ns)"#;
    let each = each_namespace(all);
    assert_eq!(each.len(), 3, "{each:?}");
    assert_eq!(each[2], r#"sum(a{ns="shop",x=~"y|z"}) by (ns)"#);
    assert_eq!(each_namespace("a"), ["a"]);
}

/// The queries after the first `count` ones.
fn sent(recorder: &Recorder, count: usize) -> Vec<String> {
    recorder.after(count).iter().map(|query| canonical(query)).collect()
}

/// The metrics of a discovery document, by name. An API without metrics may be missing.
fn listed(answer: &Answer) -> BTreeSet<(String, String)> {
    if answer.status == 404 {
        return BTreeSet::new();
    }
    let list = answer.ok()["resources"].as_array().cloned().unwrap_or_default();
    let entry =
        |entry: &Value| (entry["name"].as_str().unwrap_or_default().to_owned(), entry.to_string());
    list.iter().map(entry).collect()
}

fn explain_list(variants: &[Variant], name: &str, only_ours: bool) -> Option<&'static str> {
    let variant = find(variants, Variant::number_of(name)?)?;
    differences::explain_list(variant, name, only_ours)
}

fn find(variants: &[Variant], number: usize) -> Option<&Variant> {
    variants.iter().find(|variant| variant.number == number)
}
