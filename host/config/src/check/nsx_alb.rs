//! NSX ALB: controllers, their queries, and metrics that must not be summed.

use std::time::Duration;

use serde_json::Value;

use super::super::written;
use super::Check;
use leadsman_document::{Severity, segment};
use leadsman_source::{
    AkoNamespace, AlbFormat, Entity, NsxAlbQuery, NsxAlbSettings, Pick, Query, QueryKind, Step,
    is_health_score, is_metric_id, may_be_summed,
};

/// The shipped plugin that gives each series as an item.
const EXTERNAL: &str = "external";

/// The step of a source that follows its objects: 5 s where they have real time metrics, else 5 min.
const AUTO: &str = "auto";

/// The shipped plugin that adds up series where nothing else is said.
const ALB_POOL: &str = "alb-pool";

impl Check<'_> {
    pub(super) fn controller(
        &mut self,
        written: &written::NsxAlb,
        place: &str,
    ) -> Option<NsxAlbSettings> {
        let urls = self.urls(written.url.as_deref(), &written.urls, place);
        let duration = |check: &mut Self, text: &Option<String>, seconds: u64, key: &str| {
            let usual = Duration::from_secs(seconds);
            check.duration(text.as_deref(), usual, &format!("{place}/{key}"))
        };
        let timeout = duration(self, &written.timeout, 10, "timeout");
        let list_every = duration(self, &written.list_every, 300, "listEvery");
        if list_every < Duration::from_secs(5) {
            self.fault(format!("{place}/listEvery"), "must be at least 5s");
        }
        let follows_real_time = written.step.as_deref() == Some(AUTO);
        let step = written.step.as_deref().filter(|_| !follows_real_time);
        let step = self.step(step, &format!("{place}/step"));
        let tls = self.tls(written.tls.as_ref(), &format!("{place}/tls"));
        if written.format == AlbFormat::Prometheus {
            if written.tenant.as_deref() == Some("*") {
                let message = "the Prometheus format is that of one tenant; name it, and make a \
                               source for each";
                self.fault(format!("{place}/tenant"), message);
            }
            if follows_real_time {
                let message =
                    "the Prometheus format has no times, by which real time metrics are told";
                self.fault(format!("{place}/step"), message);
            }
            if step.is_some_and(|step| !step.is_in_text()) {
                let message = "the Prometheus format has averages of 5s and of 5m alone";
                self.fault(format!("{place}/step"), message);
            }
        }
        let secret_dir = self.secret_dir(written, place);
        if urls.is_empty() {
            return None;
        }
        Some(NsxAlbSettings {
            urls,
            secret_dir: secret_dir?,
            login: written.login,
            format: written.format,
            tenant: written.tenant.clone().unwrap_or_else(|| "admin".to_owned()),
            api_version: written.api_version.clone(),
            timeout,
            step: step.unwrap_or_default(),
            follows_real_time,
            list_every,
            max_body_bytes: usize::try_from(written.max_body_bytes.unwrap_or(64 << 20))
                .unwrap_or(usize::MAX),
            tls,
        })
    }

    /// The folder of the credentials. Its files must exist, and may change later.
    fn secret_dir(&mut self, written: &written::NsxAlb, place: &str) -> Option<std::path::PathBuf> {
        let place = format!("{place}/credentials/secretDir");
        let folder = &written.credentials.secret_dir;
        let path = self.take(self.origin.file(folder), &place)?;
        let secret = if path.join("token").exists() { "token" } else { "password" };
        for name in ["username", secret] {
            self.file(&format!("{folder}/{name}"), &place);
        }
        Some(path)
    }

    fn step(&mut self, text: Option<&str>, place: &str) -> Option<Step> {
        let length = self.duration(Some(text?), Step::default().length(), place);
        let step = Step::of(length);
        if step.is_none() {
            self.fault(place, "is not a step that a controller has: 5s, 5m, 1h or 1d");
        }
        step
    }

    pub(super) fn nsx_alb_query(
        &mut self,
        written: &written::NsxAlbQuery,
        place: &str,
    ) -> QueryKind {
        if !is_metric_id(&written.metric) {
            let message = "is not the id of a metric, such as l4_server.avg_open_conns";
            self.fault(format!("{place}/metric"), message);
        }
        let pick = match (&written.name, &written.uuid, &written.ako) {
            (Some(name), None, None) => Pick::Name(name.clone()),
            (None, Some(uuid), None) => Pick::Uuid(uuid.clone()),
            (None, None, Some(cluster)) => Pick::Ako(cluster.clone()),
            (None, None, None) => {
                self.fault(place, "the key \"ako\", \"name\" or \"uuid\" is missing");
                Pick::Uuid(String::new())
            }
            _ => {
                self.fault(place, "only one of the keys ako, name, uuid may stand here");
                Pick::Uuid(String::new())
            }
        };
        let is_ako = written.ako.is_some();
        if is_ako && written.entity == Entity::ServiceEngine {
            let message = "service engines serve all clusters, so AKO makes none; use name or uuid";
            self.fault(format!("{place}/ako"), message);
        }
        if written.namespace.is_some() && !is_ako {
            let message = "is told by the markers of AKO; use it with ako";
            self.fault(format!("{place}/namespace"), message);
        }
        if written.tenant.is_some() && written.uuid.is_some() {
            self.fault(format!("{place}/tenant"), "a uuid names one object already");
        }
        if written.servers && written.entity != Entity::Pool {
            self.fault(format!("{place}/servers"), "only pools have servers");
        }
        let namespace = match written.namespace.as_deref() {
            None => AkoNamespace::Any,
            Some("${namespace}") => AkoNamespace::OfScope,
            Some(name) => {
                let namespace = self.take(name.parse(), &format!("{place}/namespace"));
                namespace.map_or(AkoNamespace::Any, AkoNamespace::Fixed)
            }
        };
        QueryKind::NsxAlb(NsxAlbQuery {
            entity: written.entity,
            metric: written.metric.clone(),
            pick,
            tenant: written.tenant.clone(),
            namespace,
            servers: written.servers,
            step: self.step(written.step.as_deref(), &format!("{place}/step")),
            // What is made of it is known to the mapping.
            summed: false,
        })
    }

    /// Checks that a metric that the plugin or the candidate sums is additive.
    pub(super) fn sums(&mut self, written: &written::Mapping, queries: &[Query], place: &str) {
        let of_candidate = written.candidate.as_ref().and_then(|one| one.config.as_ref());
        let configs = [(Some(&written.config), "config"), (of_candidate, "candidate/config")];
        for (config, key) in configs {
            let get = |name: &str| config.and_then(|config| config.get(name));
            for message in unsummable_of(get, queries) {
                self.fault(format!("{place}/{key}/combine"), message);
            }
        }
        let gives_all = matches!(written.serve, written::Serve::External(_))
            && written.plugin == EXTERNAL
            && !written.config.contains_key("labels");
        if gives_all {
            self.sums_of_autoscalers(queries, place);
        }
    }

    /// Warns of items that an autoscaler adds up: one for each object.
    fn sums_of_autoscalers(&mut self, queries: &[Query], place: &str) {
        for query in queries {
            let QueryKind::NsxAlb(asked) = &query.kind else { continue };
            let is_of_many = asked.servers || matches!(asked.pick, Pick::Ako(_));
            if !is_of_many || may_be_summed(&asked.metric) {
                continue;
            }
            let message = format!(
                "{} must not be summed, and an autoscaler adds up all items that its selector \
                 matches: let it match one, or make one of them with \
                 `config: {{labels: [], combine: max}}`",
                asked.metric
            );
            let place = format!("{place}/queries/{}/nsxAlb/metric", segment(&query.name));
            self.report(Severity::Warning, place, message);
        }
    }
}

/// Notes on the queries of a mapping whose plugin adds up their series that it does, so that the controller
/// can say that this must not be done.
pub(super) fn note_sums(written: &written::Mapping, queries: &mut [Query]) {
    let adds_up = match written.config.get("combine") {
        Some(combine) => combine == "sum",
        None => written.plugin == ALB_POOL,
    };
    for query in queries {
        if let QueryKind::NsxAlb(asked) = &mut query.kind {
            asked.summed = adds_up;
        }
    }
}

/// What a plugin with a configuration would add up though it must not be, as faults of its key
/// `combine`.
pub fn unsummable<'q>(
    config: &'q Value,
    queries: impl IntoIterator<Item = &'q Query> + 'q,
) -> impl Iterator<Item = String> + 'q {
    unsummable_of(move |key| config.get(key), queries)
}

fn unsummable_of<'c, 'q>(
    config: impl Fn(&str) -> Option<&'c Value>,
    queries: impl IntoIterator<Item = &'q Query>,
) -> impl Iterator<Item = String> {
    let sums = config("combine").is_some_and(|combine| combine == "sum");
    // Scores of health that a configuration weighs values by are not added.
    let weighs = config("health").is_some();
    let metrics = queries.into_iter().filter_map(|query| match &query.kind {
        QueryKind::NsxAlb(query) => Some(&query.metric),
        _ => None,
    });
    let is_wrong = move |metric: &&String| {
        sums && !may_be_summed(metric) && !(weighs && is_health_score(metric))
    };
    metrics.filter(is_wrong).map(|metric| {
        format!(
            "{metric} must not be summed: it is an average, a latency, a percentage, a maximum or a \
             score, whose sum means nothing; use average or max"
        )
    })
}
