//! What a read gets whose deadline has passed, and what the attempt under way was waiting for.

use std::time::Instant;

use super::{Evaluations, Reading};
use crate::error::ReadFailure;
use crate::mapping::BoundQuery;
use crate::policy::decide_late;
use crate::stage::Stage;
use crate::state::Evaluation;

impl Evaluations {
    pub(super) fn late(&self, evaluation: &Evaluation) -> Result<Reading, ReadFailure> {
        let now = Instant::now();
        let policy = &self.mapping.policy;
        let pending = self.pending(evaluation, now);
        let state = evaluation.state();
        let Some(evaluated) = decide_late(&state, policy, now) else {
            // The deadline may be shorter than the source's time-out.
            let before = match &state.failed {
                Some(failed) => format!("; the attempt before failed: {}", failed.error),
                None => String::new(),
            };
            let key = if self.mapping.of_rule { "discovery.deadline" } else { "deadline" };
            let pending = format!("{pending}{before}; raise `{key}` if reads shall wait longer");
            return Err(ReadFailure::Deadline { deadline: policy.deadline, pending });
        };
        Ok(Reading::old(evaluated, pending))
    }

    /// What an attempt under way waits for.
    fn pending(&self, evaluation: &Evaluation, now: Instant) -> String {
        let Some(waiting) = evaluation.waiting(now) else {
            return "no evaluation is under way".to_owned();
        };
        let (what, why) = match evaluation.stage() {
            Stage::Querying if !self.mapping.queries.is_empty() => {
                return format!(
                    "{} has been under way for {:.1}s{}",
                    self.queries(),
                    waiting.as_secs_f64(),
                    self.timeouts()
                );
            }
            Stage::Querying | Stage::Running => ("the plugin".to_owned(), None),
            Stage::Waiting(waiting) => ("the plugin".to_owned(), Some(waiting)),
        };
        let so_long = format!("{what} has been under way for {:.1}s", waiting.as_secs_f64());
        match why {
            Some(why) => format!("{so_long} and {why}"),
            None => so_long,
        }
    }

    /// The names of all queries, for messages.
    fn queries(&self) -> String {
        let named = |query: &BoundQuery| {
            format!("query \"{}\" to the source \"{}\"", query.name, query.source_name)
        };
        self.mapping.queries.iter().map(named).collect::<Vec<_>>().join(", ")
    }

    /// How long the sources may take, for messages.
    fn timeouts(&self) -> String {
        let queries = self.mapping.queries.iter();
        let timeouts = queries.filter_map(|query| query.source.timeout());
        match timeouts.max() {
            Some(longest) => format!(" and may take {longest:?}, the source's `timeout`"),
            None => String::new(),
        }
    }
}
