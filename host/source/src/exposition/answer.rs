//! Answers a query from the last samples of its targets, with the reason for each gap.

use std::sync::Arc;

use super::history::Unfilled;
use super::query::ExpositionQuery;
use super::scrape_cache::TargetResult;
use super::target::Target;
use super::{ExpositionError, Gap, ScrapeError, Shared};
use leadsman_model::data::{Answer, Data, Vector};
use leadsman_model::dictionary::Dictionary;

/// The maximum number of targets whose failures an answer contains.
const MAX_GAPS: usize = 200;

impl Shared {
    /// The answer that the last samples give.
    pub(super) fn answer(
        &self,
        query: &ExpositionQuery,
        targets: &[Arc<Target>],
        mut gaps: Vec<Gap>,
    ) -> Result<(Answer, Vec<Gap>), ExpositionError> {
        let cache = self.cache();
        let mut dictionary = Dictionary::new();
        let mut vector = Vector::default();
        let mut failed: Option<(&Target, ScrapeError)> = None;
        let mut failures = 0;
        for target in targets {
            let reason = match cache.find(&target.key, query) {
                TargetResult::Series(series) => {
                    for (labels, time, value) in series {
                        vector.labels.add_row();
                        for (name, text) in labels {
                            let (name, text) = (dictionary.intern(name), dictionary.intern(text));
                            vector.labels.set(name, text);
                        }
                        vector.times.push(time);
                        vector.values.push(value);
                    }
                    continue;
                }
                TargetResult::Unfilled(unfilled) => window(unfilled, query),
                TargetResult::Nothing { has_metric: true } => {
                    format!("no series of {} of its page has the labels of the query", query.metric)
                }
                TargetResult::Nothing { has_metric: false } => {
                    format!("its page has no series of {}", query.metric)
                }
                TargetResult::NotYet => "it is being scraped for the first time".to_owned(),
                TargetResult::Failed(error) => {
                    failures += 1;
                    // Readers of the metric in any namespace see it.
                    let reason = format!("it {}", error.clone().without_quotes());
                    failed.get_or_insert((&**target, error));
                    reason
                }
            };
            gaps.push(target.gap(reason));
        }
        if let Some((first, error)) = failed
            && failures == targets.len()
        {
            // Texts of a pod must not be shown in another namespace.
            let namespace = &first.key.namespace;
            let is_of_one = targets.iter().all(|target| target.key.namespace == *namespace);
            return Err(ExpositionError::AllFailed {
                target: first.to_string(),
                error: if is_of_one { error } else { error.without_quotes() },
                others: failures - 1,
            });
        }
        gaps.truncate(MAX_GAPS);
        let data = Data::Vector(vector);
        Ok((Answer { dictionary, data, unit: None, warnings: Vec::new() }, gaps))
    }
}

/// Why a window gives no value, as a sentence.
fn window(unfilled: Unfilled, query: &ExpositionQuery) -> String {
    let (function, over) = (query.function.name(), query.over);
    match unfilled {
        Unfilled::Since(length) => format!(
            "its samples go back {}s, and the window of {function} is {over:?}; it is filled by reads",
            length.as_secs()
        ),
        Unfilled::Apart(length) => format!(
            "its last samples are {}s apart, and the window of {function} is {over:?}; lengthen \
             `over`, or read the metric more often",
            length.as_secs()
        ),
    }
}
