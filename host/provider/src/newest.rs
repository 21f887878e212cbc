//! The newest known values of a metric, without a read: it starts no evaluation, keeps none in use, and
//! records no reader.

use std::time::{Duration, Instant};

use super::external::picks;
use super::selector;
use crate::snapshot::{NotServed, ReadKind, Snapshot};
use leadsman_evaluation::{EvaluationState, Evaluations};
use leadsman_model::names::Namespace;
use leadsman_model::quantity::Quantity;
use leadsman_model::query_params::QueryParams;
use leadsman_model::selector::Selector;
use leadsman_model::values::MetricValues;

/// The request.
#[derive(Debug, Clone, Copy)]
pub struct NewestRequest<'a> {
    /// In which API, and for which objects.
    pub wanted: ReadKind<'a>,
    /// The namespace.
    pub namespace: &'a str,
    /// The metric.
    pub metric: &'a str,
    /// The object of the value; `None` for the items of an external metric, and where the
    /// state alone is.
    pub object: Option<&'a str>,
    /// Picks series or items.
    pub metric_selector: &'a str,
}

/// What is known of a metric now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// How logs and messages call the mapping.
    pub mapping: String,
    /// The value of the object, or of each item; `None` where it is not known, or stands for what is
    /// not known.
    pub values: Option<Vec<Quantity>>,
    /// How reads of it end.
    pub state: NewestState,
}

/// How reads of a metric end now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewestState {
    /// Nobody has read it lately.
    Unread,
    /// They get the newest values.
    Current,
    /// They get old values, or such that stand for what is not known. Why.
    Old(String),
    /// They fail. Why.
    Failing(String),
}

impl Snapshot {
    /// What is known of a metric now; `None` if nothing of this adapter is called so.
    pub fn newest(&self, request: &NewestRequest<'_>) -> Option<Newest> {
        let NewestRequest { wanted, namespace, metric, .. } = *request;
        let entry = match self.find(metric, wanted, Some(namespace)) {
            Ok(entry) => entry,
            Err(NotServed::Rejected(rejection)) => {
                return Some(Newest {
                    mapping: rejection.title.clone(),
                    values: None,
                    state: NewestState::Failing(rejection.message.clone()),
                });
            }
            Err(_) => return None,
        };
        let title = || leadsman_evaluation::title(&entry.owner, &entry.serve, &entry.metric);
        let unread = || Newest { mapping: title(), values: None, state: NewestState::Unread };
        let Some(evaluations) = entry.evaluations() else { return Some(unread()) };
        let found = of_evaluations(evaluations, request);
        Some(found.map_or_else(unread, |(values, state)| Newest {
            mapping: title(),
            values,
            state,
        }))
    }
}

fn of_evaluations(
    evaluations: &Evaluations,
    request: &NewestRequest<'_>,
) -> Option<(Option<Vec<Quantity>>, NewestState)> {
    let mapping = evaluations.mapping();
    let namespace: Namespace = request.namespace.parse().ok()?;
    let scope = mapping.scope(&namespace);
    let picked = selector("labelSelector", request.metric_selector).ok()?;
    let external = matches!(request.wanted, ReadKind::External);
    let in_query = mapping.queries.iter().any(|query| query.kind.uses_selector());
    // As reads do: a query without a place for the selector is evaluated once for all of them.
    let (params, picked) = match external && !in_query {
        true => (QueryParams::default(), picked),
        false => (QueryParams::from(picked), Selector::default()),
    };
    let state = evaluations.known(&scope, &params)?;
    let handover = evaluations.handover(&scope, &params);
    let before_serves = handover.is_some_and(|handover| handover.serving);
    let found = state_of(&state, mapping.policy.last_good, before_serves, Instant::now());
    let found = match found {
        NewestState::Failing(why) if mapping.policy.otherwise.is_some() => NewestState::Old(why),
        found => found,
    };
    // What a policy states for what is absent is known to reads alone.
    let good = state.good.as_ref().filter(|_| state.failed.is_none());
    let values = good.and_then(|good| match &good.values.served {
        MetricValues::Objects(objects) => {
            let value = objects.get(request.namespace, request.object?)?;
            value.ok().map(|value| vec![value.quantity])
        }
        MetricValues::Items(items) => {
            let picked = items.iter().filter(|item| picks(&picked, &item.labels));
            let values: Vec<_> = picked.map(|item| item.value.quantity).collect();
            (external && !values.is_empty()).then_some(values)
        }
    });
    Some((values, found))
}

fn state_of(
    state: &EvaluationState,
    last_good: Option<Duration>,
    before_serves: bool,
    now: Instant,
) -> NewestState {
    let Some(failed) = &state.failed else {
        return match &state.good {
            Some(_) => NewestState::Current,
            None => NewestState::Unread,
        };
    };
    let why = failed.error.to_string();
    let age = state.good.as_ref().map(|good| now.saturating_duration_since(good.at));
    let good_enough = age.zip(last_good).is_some_and(|(age, oldest)| age <= oldest);
    if good_enough || before_serves { NewestState::Old(why) } else { NewestState::Failing(why) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::snapshot::{Contents, LazyMetric, Rejection, RejectionReason};
    use leadsman_evaluation::{EvaluationError, Failed};
    use leadsman_model::owner::Owner;
    use leadsman_model::serve::Serve;

    fn request<'a>(metric: &'a str, wanted: ReadKind<'a>) -> NewestRequest<'a> {
        NewestRequest { wanted, namespace: "shop", metric, object: None, metric_selector: "" }
    }

    #[test]
    fn what_was_never_read_and_what_is_rejected_have_a_state() {
        let binder = Box::new(|| -> futures_util::future::BoxFuture<'static, _> {
            Box::pin(async { Err("nobody binds it".to_owned()) })
        });
        let rule = LazyMetric::new("jobs".parse().unwrap(), Serve::External, 0, binder, None);
        let metric = "broken".parse().unwrap();
        let rejection = Rejection {
            owner: Owner::Operator,
            title: "external/broken".to_owned(),
            mapping: Some((metric, Serve::External)),
            reason: RejectionReason::ConfigInvalid,
            message: "it is wrong".to_owned(),
            serving: false,
            activates: None,
        };
        let contents = Contents {
            rules: [Arc::new(rule)].into(),
            rejections: vec![rejection],
            ..Contents::default()
        };
        let snapshot = Snapshot::new(1, contents);
        let jobs = snapshot.newest(&request("jobs", ReadKind::External)).unwrap();
        assert_eq!((jobs.mapping.as_str(), jobs.state), ("external/jobs", NewestState::Unread));
        let broken = snapshot.newest(&request("broken", ReadKind::External)).unwrap();
        assert_eq!(broken.state, NewestState::Failing("it is wrong".to_owned()));
        assert_eq!(snapshot.newest(&request("jobs", ReadKind::Custom("pods"))), None);
        assert_eq!(snapshot.newest(&request("others", ReadKind::External)), None);
    }

    #[test]
    fn a_failure_is_a_state_of_its_own() {
        let now = Instant::now();
        let error = Arc::new(EvaluationError::Internal);
        let failed = Some(Failed { error, at: now, since: now });
        let state = EvaluationState { good: None, failed, attempts: 1 };
        let failing = |state: &EvaluationState, before| state_of(state, None, before, now);
        assert!(matches!(failing(&state, false), NewestState::Failing(_)));
        assert!(matches!(failing(&state, true), NewestState::Old(_)));
        assert_eq!(failing(&EvaluationState::default(), false), NewestState::Unread);
    }
}
