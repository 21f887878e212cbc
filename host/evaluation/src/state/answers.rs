//! Charges answers that wait for a plugin to the reader whose parameters the evaluation has.

use std::sync::PoisonError;

use super::Evaluation;

/// They count for as long as this is there.
pub(crate) struct HeldAnswers<'e>(&'e Evaluation);

impl Evaluation {
    /// Counts so many bytes of answers until its plugin has had them, if there is room. Those of
    /// evaluations that no reader chose do not count.
    pub(crate) fn hold_answers(&self, bytes: usize) -> Option<HeldAnswers<'_>> {
        self.count_answers(bytes).then(|| HeldAnswers(self))
    }

    fn count_answers(&self, bytes: usize) -> bool {
        if self.params.is_default() {
            return true;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.as_mut().is_none_or(|counted| counted.hold(bytes))
    }
}

impl Drop for HeldAnswers<'_> {
    fn drop(&mut self) {
        self.0.count_answers(0);
    }
}
