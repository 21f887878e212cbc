//! Do the sources of a configuration answer?

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Finding, controllers, targets};
use leadsman_cluster::{Cluster, Reflectors};
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_model::endpoints::EndpointPick;
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_runtime::telemetry::{Metrics, SourceMetrics};
use leadsman_source::{FilledQuery, QueryError, Request, Source, SourceSettings};

/// What every Prometheus can answer.
const QUERY: &str = "vector(1)";

/// What to do about a source that is not reached.
pub(super) const FROM_A_POD: &str = "\
    an address inside the cluster can be reached from a pod only: try it there, with kubectl exec \
    deployment/leadsman -- /leadsman doctor --config-map NAMESPACE/NAME";

/// Asks each source of a configuration: a Prometheus for a number that every one knows, and a controller
/// for all that queries need.
pub(super) async fn check(
    origin: &ConfigOrigin,
    flags: &Flags,
    cluster: Option<&Cluster>,
) -> Vec<Finding> {
    let parsed = match control::read(origin, flags, cluster).await {
        Ok(parsed) => parsed,
        Err(reason) => {
            return vec![Finding::bad(reason, "give a configuration that can be read")];
        }
    };
    let mut findings = Vec::new();
    if parsed.faults.iter().any(|fault| !fault.is_warning()) {
        let faults = parsed.document.locate(parsed.faults);
        findings.push(Finding::bad(
            format!("the configuration has {}", faults.count()),
            "see `leadsman check`".to_owned(),
        ));
    }
    let end = CancellationToken::new();
    let reflectors = cluster
        .map(|cluster| Reflectors::new(cluster, Metrics::new(), TaskTracker::new(), end.clone()));
    let _end_on_drop = end.drop_guard();
    for (name, settings) in &parsed.config.sources {
        if matches!(settings, SourceSettings::Recording(_)) {
            continue;
        }
        let source = match &reflectors {
            None => Source::new(settings),
            Some(reflectors) => {
                let find = |pick: &EndpointPick| reflectors.endpoints(pick);
                Source::in_cluster(settings, SourceMetrics::uncounted(), &find)
            }
        };
        match source {
            Ok(source) => findings.extend(of_source(name.as_str(), &source).await),
            Err(error) => {
                let what = format!("the source \"{name}\" {error}");
                findings.push(Finding::bad(what, "see `leadsman check`"));
            }
        }
    }
    findings
}

/// What is found of a source, in the way of its kind.
async fn of_source(name: &str, source: &Source) -> Vec<Finding> {
    if let Some(report) = source.report().await {
        return controllers::findings(name, report);
    }
    if let Some(report) = source.scrape_report().await {
        return targets::findings(name, report);
    }
    if let Some(asked) = source.ask_each(QUERY, clock::now()).await {
        return of_addresses(name, &asked);
    }
    vec![match ask(source).await {
        Ok(()) => Finding::good(format!("the source \"{name}\" answers")),
        Err(error) => Finding::bad(format!("the source \"{name}\" {error}"), FROM_A_POD),
    }]
}

/// What each address of a source does: one that answers is enough for values.
fn of_addresses(name: &str, asked: &[(String, Result<(), QueryError>)]) -> Vec<Finding> {
    let one_answers = asked.iter().any(|(_, outcome)| outcome.is_ok());
    let finding = |(url, outcome): &(String, Result<(), QueryError>)| match outcome {
        Ok(()) => Finding::good(format!("the source \"{name}\" answers at {url}")),
        Err(error) if one_answers => Finding {
            advice: Some("another address of it answers: values go on meanwhile".to_owned()),
            ..Finding::unsure(format!("the source \"{name}\" at {url} {error}"))
        },
        Err(error) => Finding::bad(format!("the source \"{name}\" at {url} {error}"), FROM_A_POD),
    };
    asked.iter().map(finding).collect()
}

/// What a Prometheus answers.
async fn ask(source: &Source) -> Result<(), QueryError> {
    let (now, tenant) = (clock::now(), &Tenant::default());
    let query = FilledQuery::instant(QUERY);
    let request = Request { query: &query, max_sample_age: None, now, tenant };
    source.fetch(&request).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Verdict;
    use super::*;

    #[test]
    fn each_address_is_told_and_one_that_answers_is_enough() {
        let asked = |second| {
            let timeout = Err(QueryError::Timeout(Duration::from_secs(5)));
            [("http://a".to_owned(), timeout), ("http://b".to_owned(), second)]
        };
        let reported = |second| {
            let findings = of_addresses("prom", &asked(second));
            findings.into_iter().map(|one| (one.verdict, one.what)).collect::<Vec<_>>()
        };
        let first = "the source \"prom\" at http://a did not answer within 5s; raise its `timeout` if \
                     it needs longer";
        let second = "the source \"prom\" answers at http://b";
        assert_eq!(
            reported(Ok(())),
            [(Verdict::Unsure, first.to_owned()), (Verdict::Good, second.to_owned())]
        );
        let verdicts = reported(Err(QueryError::Timeout(Duration::from_secs(5))));
        assert!(verdicts.iter().all(|(verdict, _)| *verdict == Verdict::Bad), "{verdicts:?}");
    }
}
