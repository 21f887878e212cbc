//! What a read gets in the place of a failure, which may be that of somebody else's reads.

use std::time::Instant;

use super::{Evaluations, Reader, Reading};
use crate::error::ReadFailure;
use crate::state::Evaluation;

impl Evaluations {
    /// What a read gets in the place of a failure: the values of an attempt for itself, or else those of
    /// the mapping before.
    pub(super) async fn instead(
        &self,
        evaluation: &Evaluation,
        reader: Reader<'_>,
        until: Instant,
        failure: ReadFailure,
    ) -> Result<Reading, ReadFailure> {
        match self.for_itself(evaluation, reader, until, failure).await {
            Err(failure) => self.fall_back(evaluation, reader, until, failure).await,
            reading => reading,
        }
    }

    /// What a read gets whose failure may be that the answers for another caller take too much: both share
    /// the evaluation, and it counts for one of them.
    async fn for_itself(
        &self,
        evaluation: &Evaluation,
        reader: Reader<'_>,
        until: Instant,
        failure: ReadFailure,
    ) -> Result<Reading, ReadFailure> {
        let state = evaluation.state();
        if !failure.is_of_answers() || !state.is_refused() {
            return Err(failure);
        }
        tokio::select! {
            // What has ended by the deadline counts.
            biased;
            ended = evaluation.attempt_for(&self.quota, reader.account) => {
                ended?;
                if evaluation.state().attempts == state.attempts {
                    return Err(failure);
                }
            }
            // It was not refused: an attempt is on its way.
            () = tokio::time::sleep_until(until.into()) => {}
            () = self.end.cancelled() => return Err(ReadFailure::ShuttingDown),
        }
        self.waited(evaluation, state.attempts)
    }
}
