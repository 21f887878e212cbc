//! Answers: those that were rendered before, and responses with their warnings.

use axum::response::Response;
use http::{HeaderValue, header};

use super::ReadState;
use crate::render::Encoding;
use crate::responses::{Answer, Question};
use crate::status::Status;
use leadsman_evaluation::Missing;
use leadsman_provider::{Caller, Origin, ReadError};

/// The longest warning, in characters: selectors and names are from outside, and headers have limits
/// on the way.
const MAX_WARNING: usize = 2000;

/// Rendered values.
pub(super) struct Rendered {
    pub(super) answer: Answer,
    /// A warning in addition to what is missing: values are old.
    pub(super) warning: Option<String>,
}

/// What is missing in an answer, and whether it is empty.
pub(super) fn missing(rendered: &Result<Rendered, ReadError>) -> Option<(&Missing, bool)> {
    let answer = &rendered.as_ref().ok()?.answer;
    Some((answer.missing.as_deref()?, answer.is_empty))
}

impl ReadState {
    /// The cached answer for this origin, which is that of the values known now.
    pub(super) fn cached(
        &self,
        question: &Question<'_>,
        now: Option<Origin>,
    ) -> Option<(Origin, Answer)> {
        let origin = now?;
        Some((origin, self.responses.get(question, &origin)?))
    }

    /// The cached answer for the origin that was read, which may be newer than that of `cached`.
    pub(super) fn cached_meanwhile(
        &self,
        question: &Question<'_>,
        cached: Option<(Origin, Answer)>,
        read: Option<Origin>,
    ) -> Option<Answer> {
        let read = read?;
        match cached {
            Some((origin, answer)) if origin == read => Some(answer),
            _ => self.responses.get(question, &read),
        }
    }

    /// Caches an answer with what is missing in it.
    pub(super) fn cache(&self, question: &Question<'_>, from: Option<Origin>, answer: &Answer) {
        if let Some(origin) = from {
            self.responses.put(question, &origin, answer);
        }
    }

    /// Counts a read of a metric that is not served. Others count for their mapping.
    pub(crate) fn count_unserved(&self, error: &ReadError) {
        self.served.note_unserved(error, &self.metrics);
    }

    pub(super) fn respond(
        &self,
        caller: Caller<'_>,
        rendered: Rendered,
        encoding: Encoding,
    ) -> Result<Response, Status> {
        let Rendered { answer: Answer { body, missing, .. }, warning } = rendered;
        let missing = missing.map(|missing| missing.message.clone());
        let warning = match (warning, missing) {
            (Some(stale), Some(missing)) => Some(format!("{stale}; {missing}")),
            (stale, missing) => stale.or(missing),
        };
        let mut response = Response::new(self.long_answers.admit(caller.id, body)?.into());
        response.headers_mut().insert(header::CONTENT_TYPE, encoding.content_type());
        if let Some(warning) = warning.and_then(|warning| warning_header(&warning)) {
            response.headers_mut().insert(header::WARNING, warning);
        }
        Ok(response)
    }
}

/// A header as Kubernetes sends warnings: kubectl prints it, client-go logs it.
pub(crate) fn warning_header(text: &str) -> Option<HeaderValue> {
    let text: String = text
        .chars()
        .take(MAX_WARNING)
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '?',
        })
        .collect();
    HeaderValue::try_from(format!("299 leadsman \"{text}\"")).ok()
}
