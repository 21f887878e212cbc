//! Recordings: recorded answers, played back in a loop.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::QueryError;
use leadsman_document::{Document, parse_duration};
use leadsman_model::data::{Answer, Data, Vector};
use leadsman_model::dictionary::Dictionary;

/// The file of a recording.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingFile {
    /// The time between two frames.
    step: String,
    queries: Vec<RecordedQuery>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedQuery {
    query: String,
    series: Vec<RecordedSeries>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedSeries {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// One for each frame; `None` where the series did not exist.
    values: Vec<Option<f64>>,
}

impl RecordingFile {
    /// Parses a recording. The error is for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (document, faults) = Document::parse("recording", text);
        if !faults.is_empty() {
            return Err(document.locate(faults).to_string());
        }
        let file: Self =
            serde_json::from_value(document.value).map_err(|error| error.to_string())?;
        if parse_duration(&file.step)?.is_zero() {
            return Err("the step must be longer than 0s".to_owned());
        }
        let frames = file.frames();
        for query in &file.queries {
            if query.series.iter().any(|series| series.values.len() != frames) {
                return Err(format!(
                    "the series of {} do not have {frames} values each",
                    query.query
                ));
            }
        }
        Ok(file)
    }

    /// The number of frames.
    fn frames(&self) -> usize {
        let series = self.queries.iter().flat_map(|query| &query.series);
        series.map(|series| series.values.len()).next().unwrap_or(0)
    }
}

/// A recording that is played back.
pub struct Recording {
    queries: HashMap<String, Vec<RecordedSeries>>,
    frames: usize,
    /// Real seconds between two frames.
    seconds: f64,
    /// Frames that are skipped at the start.
    skipped: usize,
    started: Instant,
}

impl Recording {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and saturates
    pub(super) fn new(file: RecordingFile, speed: f64, start_at: Duration) -> Self {
        let frames = file.frames();
        // Checked when the file was read.
        let step = parse_duration(&file.step).map_or(15.0, |step| step.as_secs_f64());
        let queries = file.queries.into_iter().map(|query| (query.query, query.series)).collect();
        let skipped = (start_at.as_secs_f64() / step) as usize;
        Self { queries, frames, seconds: step / speed, skipped, started: Instant::now() }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive, and saturates
    pub(super) fn fetch(&self, promql: &str, now: i64) -> Result<Answer, QueryError> {
        let series =
            self.queries.get(promql).ok_or_else(|| QueryError::NotRecorded(promql.to_owned()))?;
        let played = (self.started.elapsed().as_secs_f64() / self.seconds) as usize;
        let frame = self.skipped.wrapping_add(played) % self.frames.max(1);
        let mut dictionary = Dictionary::new();
        let mut vector = Vector::default();
        for series in series {
            let Some(value) = series.values.get(frame).copied().flatten() else { continue };
            vector.labels.add_row();
            for (name, text) in &series.labels {
                let (name, text) = (dictionary.intern(name), dictionary.intern(text));
                vector.labels.set(name, text);
            }
            vector.values.push(value);
            vector.times.push(now);
        }
        Ok(Answer { dictionary, data: Data::Vector(vector), unit: None, warnings: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FilledQuery, Request, Source};
    use leadsman_model::tenant::Tenant;

    #[tokio::test]
    async fn samples_are_never_too_old() {
        let text = "step: 1h\nqueries:\n  - query: up\n    series:\n      - {values: [1]}\n";
        let file = RecordingFile::parse(text).unwrap();
        let source = Source::Recording(Recording::new(file, 1.0, Duration::ZERO));
        let (query, tenant) = (FilledQuery::instant("up"), Tenant::default());
        let max_sample_age = Some(Duration::from_millis(1));
        let request = Request { query: &query, max_sample_age, now: 7000, tenant: &tenant };
        let answer = source.fetch(&request).await.unwrap();
        let Data::Vector(vector) = answer.data else { panic!() };
        assert_eq!((vector.times, vector.values), (vec![7000], vec![1.0]));
        assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
    }

    #[test]
    fn frames_hold_what_existed_then() {
        let file = RecordingFile::parse(
            "step: 1h\nqueries:\n  - query: up\n    series:\n      - {labels: {pod: a}, values: [1, 2]}\n      - {labels: {pod: b}, values: [null, 3]}\n",
        )
        .unwrap();
        let recording = Recording::new(file, 1.0, Duration::ZERO);
        let Data::Vector(vector) = recording.fetch("up", 7).unwrap().data else { panic!() };
        assert_eq!((vector.values, vector.times), (vec![1.0], vec![7]));
        assert!(matches!(recording.fetch("down", 7), Err(QueryError::NotRecorded(_))));
    }

    #[test]
    fn a_recording_with_ragged_series_is_refused() {
        let text = "step: 1s\nqueries:\n  - query: up\n    series:\n      - {values: [1]}\n      - {values: [1, 2]}\n";
        assert!(RecordingFile::parse(text).unwrap_err().contains("do not have 1 values each"));
    }
}
