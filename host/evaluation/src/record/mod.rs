//! A record of what was done: the last runs of an evaluation, and who read it.
//!
//! It costs an evaluation next to nothing, since the columns that were lent to the plugin are handed on
//! and not copied; only rows that are too many to be kept are cut. All of it is bounded:
//!
//! | what | bound |
//! |---|---|
//! | runs of an evaluation | [`MAX_RUNS`] |
//! | rows of a run that are kept whole | [`MAX_ROW_BYTES`]; of more, the first [`MAX_EXCERPT_BYTES`] |
//! | texts of queries of a run | [`MAX_TEXT_BYTES`] |
//! | an evaluation | [`MAX_EVALUATION_BYTES`] |
//! | all evaluations of the operator, of all teams, of one team | [`MAX_BYTES`], [`MAX_BYTES`], [`MAX_TEAM_BYTES`] |
//! | readers of an evaluation | [`MAX_READERS`] |
//!
//! All that a run keeps counts: rows, the values that name their objects, texts, warnings and logs. Values
//! that are too many go with the next good ones; until then they are there for reads in any case.
//!
//! Where there is no more room, the rows of the oldest runs go first, then texts are cut. What was cut is
//! told.

mod pool;
mod readers;
mod runs;
mod tracer;

use std::sync::Arc;
use std::time::Duration;

use super::error::EvaluationError;
use leadsman_model::room::Share;
use leadsman_model::values::Values;

pub use leadsman_sandbox::{
    Capture, CapturedAnswer, CapturedMeasure, CapturedObject, CapturedRow, LogLevel, LogLine,
    RunError,
};
pub use leadsman_source::{FilledQuery, QueryKind};
pub use pool::RecordPool;
pub use readers::{ReaderIdentity, ReaderLog, ReaderNote};
pub use runs::{FinishedRun, RunLog};

pub(super) use tracer::{QueryTracer, Tracer};

/// How many runs of an evaluation are kept.
pub const MAX_RUNS: usize = 8;

/// How many bytes the rows and measures of a run may take to be kept whole.
pub const MAX_ROW_BYTES: usize = 256 << 10;

/// How many bytes are kept of rows and measures that take more.
pub const MAX_EXCERPT_BYTES: usize = 64 << 10;

/// How many bytes the texts of all queries of a run may take.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// The texts of queries that find no room are cut to so many bytes.
const MAX_CUT_TEXT_BYTES: usize = 256;

/// How many bytes the runs of an evaluation may take.
pub const MAX_EVALUATION_BYTES: usize = 512 << 10;

/// How many bytes the runs of all evaluations may take: those of the operator, and as much again those
/// of all teams.
pub const MAX_BYTES: usize = 16 << 20;

/// How many bytes the runs of the evaluations of one team may take.
pub const MAX_TEAM_BYTES: usize = 2 << 20;

/// How many readers of an evaluation are kept.
pub const MAX_READERS: usize = 16;

/// One run: the queries, then the plugin.
#[derive(Clone)]
pub struct RunRecord {
    /// Its number; that of its values, if there are any.
    pub id: u64,
    /// When it began, in milliseconds since the epoch.
    pub time: i64,
    /// How long it took.
    pub took: Duration,
    /// Whether it was made ahead of a read. Otherwise a read waited for it.
    pub ahead: bool,
    /// Its queries, in the order of the mapping. Fewer if it ended before.
    pub queries: Vec<QueryRecord>,
    /// The run of the plugin, if it came so far.
    pub plugin: Option<PluginRecord>,
    /// What came of it.
    pub outcome: Result<Arc<Values>, Arc<EvaluationError>>,
    /// The rows and measures.
    pub rows: Rows,
}

/// A query of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryRecord {
    /// The name that the plugin knows it by.
    pub name: String,
    /// What was asked, as it was sent; `None` if it could not be said for this read.
    pub sent: Option<FilledQuery>,
    /// Whether the text was too long to be kept whole.
    pub cut: bool,
    /// How long the answer took; `None` if the run ended before it came.
    pub took: Option<Duration>,
    /// How many series the plugin got, and how many there were before the metric selector picked from
    /// them.
    pub series: Option<(usize, usize)>,
    /// Warnings of the source, without labels of series that the query does not name.
    pub warnings: Vec<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// A run of the plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRecord {
    /// How long it took.
    pub took: Duration,
    /// The largest linear memory that it had, in bytes.
    pub memory: usize,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// How many lines were over the limits of logs.
    pub log_dropped: u64,
}

/// The rows and measures of a run.
#[derive(Clone)]
pub enum Rows {
    /// All of them.
    Whole(Arc<StoredRows>),
    /// The first of them: there were too many.
    Excerpt(Arc<StoredRows>),
    /// They are not kept.
    Dropped(DropReason),
}

/// Why rows are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// A query failed, or the plugin could not be run.
    NotRun,
    /// Newer runs needed the room.
    Older,
    /// The record of all evaluations is full.
    Full,
}

/// Rows and measures that are kept, with the room that they take.
pub struct StoredRows {
    capture: Capture,
    _room: Share,
}

impl StoredRows {
    /// The rows and measures.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }
}

impl Rows {
    /// What there is of them.
    pub fn capture(&self) -> Option<&Capture> {
        match self {
            Self::Whole(kept) | Self::Excerpt(kept) => Some(kept.capture()),
            Self::Dropped(_) => None,
        }
    }

    /// Whether these are all.
    pub fn are_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

impl DropReason {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRun => "a query failed, or the plugin could not be run",
            Self::Older => "newer runs needed the room",
            Self::Full => "the record of all evaluations is full",
        }
    }
}

#[cfg(test)]
mod tests;
