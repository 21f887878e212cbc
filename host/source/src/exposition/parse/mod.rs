//! Reads the Prometheus text format (0.0.4) and OpenMetrics text (1.0), as strictly as Prometheus
//! does: a page with a fault gives nothing, and the fault is reported with its line. The protobuf format
//! gives the same samples.
//!
//! The page arrives in pieces and is never held as a whole.

mod line;
mod number;
mod protobuf;

use std::borrow::Cow;

use line::{Cursor, LineError};
use protobuf::Families;

/// The longest line, in bytes. Lines of real exporters have some hundred.
const MAX_LINE: usize = 64 << 10;

/// How many ends of lines a value may contain. Prometheus reads on after one; only what escapes nothing
/// writes them.
const MAX_CONTINUED: u32 = 16;

/// How many bytes of a line a message quotes.
const MAX_EXCERPT_BYTES: usize = 80;

/// The end of an OpenMetrics page.
const EOF: &[u8] = b"# EOF";

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format.
    Text,
    /// OpenMetrics text.
    OpenMetrics,
    /// The protobuf format.
    Protobuf,
}

/// What a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageLimits {
    /// Samples.
    pub(crate) series: usize,
    /// Labels of a sample.
    pub(crate) labels: usize,
}

/// One sample of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample<'a> {
    /// The metric's name.
    pub(crate) name: Cow<'a, str>,
    /// The labels, each once; an empty value is that of a label that is not set.
    pub(crate) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The value.
    pub(crate) value: f64,
    /// The time that the page gives, in milliseconds since the epoch.
    pub(crate) time: Option<i64>,
}

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// A line is wrong.
    #[error("line {line}: {reason}: {excerpt}")]
    Line {
        /// Its number.
        line: u64,
        /// What is wrong.
        reason: &'static str,
        /// Its beginning, quoted.
        excerpt: String,
    },
    /// A line is too long.
    #[error("line {line} is longer than {} bytes", MAX_LINE)]
    LineTooLong {
        /// Its number.
        line: u64,
    },
    /// OpenMetrics without its end: the page was cut off.
    #[error("the page does not end with \"# EOF\", so it was cut off")]
    NoEnd,
    /// There are too many samples.
    #[error("has more than {limit} series; have it expose less, or raise limits.series")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// A sample has too many labels.
    #[error("line {line}: has more than {limit} labels; raise limits.labels")]
    TooManyLabels {
        /// The number of the line.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// A family of the protobuf format is wrong.
    #[error("family {family}: {reason}: {excerpt}")]
    Family {
        /// Its number.
        family: u64,
        /// What is wrong.
        reason: &'static str,
        /// The beginning of its name, quoted; empty where it is not known.
        excerpt: String,
    },
    /// The protobuf format without its end.
    #[error("the page ends within family {family}, so it was cut off")]
    CutOff {
        /// The number of the family.
        family: u64,
    },
    /// A metric of the protobuf format has too many labels.
    #[error("family {family}: has more than {limit} labels; raise limits.labels")]
    TooManyFamilyLabels {
        /// The number of the family.
        family: u64,
        /// The limit.
        limit: usize,
    },
}

/// A page that is being read.
#[derive(Debug)]
pub(crate) struct PageReader {
    format: Format,
    limits: PageLimits,
    /// What has arrived of a line whose end has not.
    rest: Vec<u8>,
    /// How many lines it has already.
    continued: u32,
    /// The number of the newest line.
    line: u64,
    series: usize,
    ended: bool,
    /// What reads the protobuf format, which has no lines.
    families: Option<Families>,
}

impl PageReader {
    /// Nothing has arrived yet.
    pub(crate) fn new(format: Format, limits: PageLimits) -> Self {
        let families = (format == Format::Protobuf).then(|| Families::new(limits));
        Self {
            format,
            limits,
            rest: Vec::new(),
            continued: 0,
            line: 0,
            series: 0,
            ended: false,
            families,
        }
    }

    /// How many samples there were.
    pub(crate) fn series(&self) -> usize {
        self.families.as_ref().map_or(self.series, Families::series)
    }

    /// Reads the next piece. `take` gets each sample that ends in it.
    pub(crate) fn feed(
        &mut self,
        piece: &[u8],
        take: &mut impl FnMut(Sample<'_>),
    ) -> Result<(), PageError> {
        if let Some(families) = &mut self.families {
            return families.feed(piece, take);
        }
        let mut left = piece;
        while let Some(end) = left.iter().position(|&byte| byte == b'\n') {
            let (line, after) = (&left[..end], &left[end + 1..]);
            left = after;
            self.line += 1;
            if self.rest.is_empty() {
                if line.len() > MAX_LINE {
                    return Err(PageError::LineTooLong { line: self.line });
                }
                if !self.read(line, false, take)? {
                    // A value may contain the end of a line: it goes on after it.
                    self.rest.extend_from_slice(line);
                    self.rest.push(b'\n');
                    self.continued = 1;
                }
                continue;
            }
            self.keep(line, self.line)?;
            let whole = std::mem::take(&mut self.rest);
            let may_go_on = self.continued < MAX_CONTINUED;
            if self.read(&whole, !may_go_on, take)? {
                self.continued = 0;
            } else {
                self.rest = whole;
                self.rest.push(b'\n');
                self.continued += 1;
            }
        }
        self.keep(left, self.line + 1)
    }

    /// The page is over.
    pub(crate) fn end(&mut self, take: &mut impl FnMut(Sample<'_>)) -> Result<(), PageError> {
        if let Some(families) = &self.families {
            return families.end();
        }
        let last = std::mem::take(&mut self.rest);
        if !last.is_empty() {
            self.line += 1;
            // OpenMetrics may leave out the end of the line after its last one alone.
            if self.format == Format::OpenMetrics && last != EOF {
                return Err(PageError::NoEnd);
            }
            self.read(&last, true, take)?;
        }
        match self.format {
            Format::OpenMetrics if !self.ended => Err(PageError::NoEnd),
            _ => Ok(()),
        }
    }

    /// Keeps a piece of the line of this number.
    fn keep(&mut self, piece: &[u8], line: u64) -> Result<(), PageError> {
        if self.rest.len() + piece.len() > MAX_LINE {
            return Err(PageError::LineTooLong { line });
        }
        self.rest.extend_from_slice(piece);
        Ok(())
    }

    /// Reads a line; gives false if it ends within a quoted value that may go on in the next one.
    fn read(
        &mut self,
        text: &[u8],
        is_last: bool,
        take: &mut impl FnMut(Sample<'_>),
    ) -> Result<bool, PageError> {
        let wrong = |reason| PageError::Line { line: self.line, reason, excerpt: excerpt(text) };
        if self.ended {
            return Err(wrong("there is more after \"# EOF\""));
        }
        let mut cursor = Cursor::new(text, self.limits.labels);
        let read = match self.format {
            // The other has no lines.
            Format::Text | Format::Protobuf => cursor.text_line(),
            Format::OpenMetrics if text == EOF => {
                self.ended = true;
                return Ok(true);
            }
            Format::OpenMetrics => cursor.open_metrics_line(),
        };
        match read {
            Ok(None) => Ok(true),
            Ok(Some(sample)) => {
                self.series += 1;
                if self.series > self.limits.series {
                    return Err(PageError::TooManySeries { limit: self.limits.series });
                }
                take(sample);
                Ok(true)
            }
            Err(LineError::OpenQuote) if self.format == Format::Text && !is_last => Ok(false),
            Err(LineError::TooManyLabels) => {
                Err(PageError::TooManyLabels { line: self.line, limit: self.limits.labels })
            }
            Err(LineError::OpenQuote) => Err(wrong("a quoted value has no end")),
            Err(LineError::Wrong(reason)) => Err(wrong(reason)),
        }
    }
}

/// The beginning of a line, quoted, so that nothing in it is taken for anything else.
fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_EXCERPT_BYTES)]);
    let more = if line.len() > MAX_EXCERPT_BYTES { "…" } else { "" };
    format!("\"{}{more}\"", text.escape_debug())
}

#[cfg(test)]
mod tests;
