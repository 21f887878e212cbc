//! The evaluations of one mapping, by parameters and scope, and which of them are evicted for new ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;

use super::state::Evaluation;
use leadsman_model::names::Scope;
use leadsman_model::query_params::QueryParams;

/// Evaluations by parameters and by namespace (empty for the cluster).
pub(super) type EvaluationMap =
    HashMap<QueryParams, HashMap<Box<str>, Arc<Evaluation>, RandomState>, RandomState>;

/// Takes an evaluation out, if it is still there.
pub(super) fn remove(evaluations: &mut EvaluationMap, evaluation: &Arc<Evaluation>) {
    let Some(scopes) = evaluations.get_mut(&evaluation.params) else { return };
    if scopes.get(name(&evaluation.scope)).is_some_and(|known| Arc::ptr_eq(known, evaluation)) {
        scopes.remove(name(&evaluation.scope));
    }
    if scopes.is_empty() {
        evaluations.remove(&evaluation.params);
    }
}

/// Ends the evaluation that has been idle for longest among these. Says whether there was one.
pub(super) fn evict_idle(
    evaluations: &mut EvaluationMap,
    among: impl Fn(&Evaluation) -> bool,
    now: Instant,
) -> bool {
    let idle = |evaluation: &&Arc<Evaluation>| among(evaluation) && evaluation.is_idle(now);
    let all = evaluations.values().flat_map(HashMap::values);
    let longest = all.filter(idle).max_by_key(|evaluation| evaluation.unread_for(now));
    let Some(evaluation) = longest.cloned() else { return false };
    remove(evaluations, &evaluation);
    evaluation.evict();
    true
}

pub(super) fn name(scope: &Scope) -> &str {
    scope.namespace().map_or("", |namespace| namespace.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::error::EvaluationError;
    use super::super::record::RecordPool;
    use super::*;

    /// An evaluation that was read now, and has failed once.
    fn evaluation(number: usize, account: u64) -> Arc<Evaluation> {
        let params =
            QueryParams { selector: format!("!made-up-{number}").parse().unwrap(), names: vec![] };
        let (fastest, records) = (Duration::from_secs(5), RecordPool::default());
        let evaluation = Evaluation::new(Scope::Cluster, params, account, fastest, &records);
        evaluation.read(1, Instant::now());
        evaluation.begin(false, Instant::now());
        evaluation.publish(Err(Arc::new(EvaluationError::Internal)));
        Arc::new(evaluation)
    }

    #[test]
    fn idle_evaluations_of_one_account_make_room_for_its_own() {
        let mut evaluations = EvaluationMap::default();
        let [mine, awaited, other] = [evaluation(1, 1), evaluation(2, 1), evaluation(3, 2)];
        for evaluation in [&mine, &awaited, &other] {
            evaluations
                .entry(evaluation.params.clone())
                .or_default()
                .insert("".into(), evaluation.clone());
        }
        let of_one = |evaluation: &Evaluation| evaluation.account() == 1;
        let now = Instant::now();
        assert!(!evict_idle(&mut evaluations, of_one, now), "all were read just now");
        let later = now + Duration::from_secs(60);
        awaited.begin(false, now);
        assert!(evict_idle(&mut evaluations, of_one, later));
        assert!(!evaluations.contains_key(&mine.params));
        assert!(!evict_idle(&mut evaluations, of_one, later), "somebody waits for it");
        awaited.publish(Err(Arc::new(EvaluationError::Internal)));
        assert!(evict_idle(&mut evaluations, of_one, later));
        assert_eq!(evaluations.len(), 1, "that of another account is still there");
        assert!(evict_idle(&mut evaluations, |_| true, later) && evaluations.is_empty());
    }
}
