//! What is scraped, and what is asked of it.

use std::time::Duration;

use super::super::written;
use super::Check;
use super::source::RequestKeys;
use leadsman_document::{excerpt, segment};
use leadsman_model::endpoints::{EndpointKind, EndpointPick};
use leadsman_source::{
    EndpointTargets, ExpositionLimits, ExpositionQuery, ExpositionSettings, Function, LabelMatcher,
    QueryKind, TargetPort, TargetSettings,
};

/// The windows of functions. Their samples are kept in memory, so there is a longest.
const MIN_WINDOW: Duration = Duration::from_secs(10);
const MAX_WINDOW: Duration = Duration::from_secs(600);

/// The longest name of a metric, in bytes.
const MAX_NAME: usize = 500;

impl Check<'_> {
    pub(super) fn exposition(
        &mut self,
        written: written::Exposition,
        place: &str,
    ) -> Option<ExpositionSettings> {
        let targets = self.targets(&written, place);
        let usual = Duration::from_secs(3);
        let timeout = self.duration(written.timeout.as_deref(), usual, &format!("{place}/timeout"));
        if timeout > Duration::from_secs(30) {
            self.fault(format!("{place}/timeout"), "must be at most 30s");
        }
        let every = written.scrape_at_most_every.as_deref();
        let every_place = format!("{place}/scrapeAtMostEvery");
        let at_most_every = self.duration(every, Duration::from_secs(5), &every_place);
        if at_most_every < Duration::from_secs(1) {
            self.fault(every_place, "must be at least 1s");
        }
        let limits = limits(written.limits.as_ref());
        let max_concurrent = written.max_concurrent.unwrap_or(50) as usize;
        let requests = RequestKeys {
            headers: &written.headers,
            header_files: &written.header_files,
            bearer_token_file: written.bearer_token_file.as_deref(),
            basic_auth: written.basic_auth.as_ref(),
        };
        let headers = self.headers(&requests, place);
        let header_files = self.header_files(&requests, place);
        let credentials = self.credentials(&requests, place);
        let tls = self.tls(written.tls.as_ref(), &format!("{place}/tls"));
        Some(ExpositionSettings {
            targets: targets?,
            timeout,
            at_most_every,
            limits,
            max_concurrent,
            headers,
            header_files,
            credentials,
            tls,
        })
    }

    fn targets(&mut self, written: &written::Exposition, place: &str) -> Option<TargetSettings> {
        let written::Exposition { pods, service, url, urls, .. } = written;
        let named = [
            ("pods", pods.is_some()),
            ("service", service.is_some()),
            ("url", url.is_some()),
            ("urls", !urls.is_empty()),
        ];
        let mut named = named.iter().filter(|(_, is_there)| *is_there);
        if named.next().is_none() {
            self.fault(place, "the key \"pods\", \"service\", \"url\" or \"urls\" is missing");
            return None;
        }
        if let Some((second, _)) = named.next() {
            let message = "only one of the keys pods, service, url, urls may stand here";
            self.fault(format!("{place}/{second}"), message);
        }
        if let Some(pods) = pods {
            return self.pods(pods, &format!("{place}/pods")).map(TargetSettings::Endpoints);
        }
        if let Some(service) = service {
            let service = self.service(service, &format!("{place}/service"));
            return service.map(TargetSettings::Endpoints);
        }
        let places = (0..).map(|at| format!("{place}/urls/{at}"));
        let all = url.iter().zip([format!("{place}/url")]).chain(urls.iter().zip(places));
        let mut checked: Vec<String> = Vec::new();
        for (url, at) in all {
            let Some(url) = self.url(url, &at) else { continue };
            if checked.contains(&url) {
                self.fault(at, "this address is there twice");
                continue;
            }
            checked.push(url);
        }
        (!checked.is_empty()).then_some(TargetSettings::Urls(checked))
    }

    fn pods(&mut self, written: &written::ExpositionPods, place: &str) -> Option<EndpointTargets> {
        let namespace = match &written.namespace {
            None => Some(None),
            Some(name) => self.take(name.parse().map(Some), &format!("{place}/namespace")),
        };
        let selector = self.take(written.selector.parse(), &format!("{place}/selector"));
        // The usual one is none, which is no duration that can be written.
        let min_age = match written.min_age.as_deref() {
            None | Some("0s") => Duration::ZERO,
            text => self.duration(text, Duration::ZERO, &format!("{place}/minAge")),
        };
        let port = self.port(&written.port, &format!("{place}/port"));
        let path = self.path(written.path.as_deref(), &format!("{place}/path"));
        Some(EndpointTargets {
            pick: EndpointPick { namespace: namespace?, kind: EndpointKind::Pods(selector?) },
            port,
            scheme: written.scheme,
            path,
            min_age,
            ready_only: written.ready_only,
        })
    }

    fn service(
        &mut self,
        written: &written::ExpositionService,
        place: &str,
    ) -> Option<EndpointTargets> {
        let namespace = self.take(written.namespace.parse(), &format!("{place}/namespace"))?;
        if !leadsman_model::names::is_dns_label(&written.name) {
            let message = format!("\"{}\" is not the name of a Service", excerpt(&written.name));
            self.fault(format!("{place}/name"), message);
            return None;
        }
        let kind = EndpointKind::Service(written.name.clone());
        Some(EndpointTargets {
            pick: EndpointPick { namespace: Some(namespace), kind },
            port: self.port(&written.port, &format!("{place}/port")),
            scheme: written.scheme,
            path: self.path(written.path.as_deref(), &format!("{place}/path")),
            min_age: Duration::ZERO,
            ready_only: false,
        })
    }

    fn port(&mut self, written: &written::Port, place: &str) -> TargetPort {
        match written {
            written::Port::Number(0) => {
                self.fault(place, "is not a port");
                TargetPort::Number(0)
            }
            written::Port::Number(number) => TargetPort::Number(*number),
            written::Port::Name(name) => {
                if name.is_empty() {
                    self.fault(place, "is empty; write the port's name or number");
                }
                TargetPort::Name(name.clone())
            }
        }
    }

    fn path(&mut self, written: Option<&str>, place: &str) -> String {
        let path = written.unwrap_or("/metrics");
        let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || !is_plain || path.contains('#') {
            let message = "is not a path: it begins with \"/\" and has no blanks; write other \
                           characters as %20";
            self.fault(place, message);
        }
        path.to_owned()
    }

    /// A query of what is scraped.
    pub(super) fn scraped(&mut self, query: &written::Query, place: &str) -> QueryKind {
        let others = [
            ("promql", query.promql.is_some()),
            ("nsxAlb", query.nsx_alb.is_some()),
            ("range", query.range.is_some()),
            ("check", query.check.is_some()),
        ];
        for (key, _) in others.iter().filter(|(_, is_there)| *is_there) {
            self.fault(format!("{place}/{key}"), "has no effect on `exposition`; remove it");
        }
        let place = format!("{place}/exposition");
        let mut asked = ExpositionQuery {
            metric: String::new(),
            matchers: Vec::new(),
            function: Function::default(),
            over: Duration::ZERO,
        };
        let Some(written) = &query.exposition else { return QueryKind::Exposition(asked) };
        if written.metric.is_empty() || written.metric.len() > MAX_NAME {
            self.fault(format!("{place}/metric"), "is not the name of a metric");
        } else if written.metric.contains(['{', '(', '[']) {
            let message = "is no query: write the name of the metric alone, and its labels under \
                           `labels` or `matches`";
            self.fault(format!("{place}/metric"), message);
        }
        asked.metric.clone_from(&written.metric);
        for (name, value) in &written.labels {
            asked.matchers.push(LabelMatcher::equal(name, value));
        }
        for (name, pattern) in &written.matches {
            let place = format!("{place}/matches/{}", segment(name));
            asked.matchers.extend(self.take(LabelMatcher::matching(name, pattern), &place));
        }
        asked.function = written.function;
        let over = format!("{place}/over");
        match (written.function, written.over.as_deref()) {
            (Function::Last, None) => {}
            (Function::Last, Some(_)) => {
                self.fault(over, "is the window of a `function`, and there is none but `last`");
            }
            (function, None) => {
                let message =
                    format!("the key \"over\" is missing: the window of {}", function.name());
                self.fault(&*place, message);
            }
            (_, text) => {
                asked.over = self.duration(text, MIN_WINDOW, &over);
                if !(MIN_WINDOW..=MAX_WINDOW).contains(&asked.over) {
                    self.fault(over, "must be at least 10s and at most 10m");
                }
            }
        }
        QueryKind::Exposition(asked)
    }
}

fn limits(written: Option<&written::ExpositionLimits>) -> ExpositionLimits {
    let usual = ExpositionLimits::default();
    let Some(written) = written else { return usual };
    let bytes = |written: Option<u64>, usual: usize| match written {
        Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        None => usual,
    };
    let count = |written: Option<u32>, usual: usize| written.map_or(usual, |count| count as usize);
    ExpositionLimits {
        targets: count(written.targets, usual.targets),
        bytes: bytes(written.bytes, usual.bytes),
        series: count(written.series, usual.series),
        labels: count(written.labels, usual.labels),
        memory: bytes(written.memory_bytes, usual.memory),
    }
}
