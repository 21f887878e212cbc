//! Which series a rule accepts, and the names of their metrics.

use regex::Regex;

use super::may_give::SeriesNames;
use super::written::{Filter, Name};
use super::{ReportFault, go_regex};

/// The filters on names of series, and how names of metrics derive from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Naming {
    filters: Vec<(Pattern, FilterKind)>,
    matches: Option<Pattern>,
    /// The name of the metric, with references to groups of `matches`.
    called: String,
}

/// A compiled regular expression with its source text.
#[derive(Debug, Clone)]
struct Pattern {
    written: String,
    regex: Regex,
}

impl Pattern {
    fn new(written: &str) -> Result<Self, String> {
        Ok(Self { written: written.to_owned(), regex: go_regex::compile(written)? })
    }
}

/// Compiled expressions cannot be compared; equal texts are equal expressions.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

/// Whether a filter accepts the names that match or those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterKind {
    Is,
    IsNot,
}

impl Naming {
    pub(super) fn new(
        filters: &Option<Vec<Filter>>,
        name: &Name,
        report: &mut ReportFault<'_>,
    ) -> Option<Self> {
        let mut compiled = Vec::new();
        let mut is_valid = true;
        for (at, filter) in filters.iter().flatten().enumerate() {
            let place = format!("/seriesFilters/{at}");
            let (pattern, key, kind) = match (filter.is.as_str(), filter.is_not.as_str()) {
                ("", "") => {
                    report(&place, "a filter has `is` or `isNot`".to_owned());
                    is_valid = false;
                    continue;
                }
                (is, "") => (is, "is", FilterKind::Is),
                ("", is_not) => (is_not, "isNot", FilterKind::IsNot),
                _ => {
                    let message = "a filter has `is` or `isNot`, not both; write two filters";
                    report(&place, message.to_owned());
                    is_valid = false;
                    continue;
                }
            };
            match Pattern::new(pattern) {
                Ok(pattern) => compiled.push((pattern, kind)),
                Err(reason) => {
                    report(&format!("{place}/{key}"), reason);
                    is_valid = false;
                }
            }
        }
        let matches = match name.matches.as_str() {
            "" => None,
            pattern => match Pattern::new(pattern) {
                Ok(pattern) => Some(pattern),
                Err(reason) => {
                    report("/name/matches", reason);
                    return None;
                }
            },
        };
        // Group 0 is the whole match.
        let groups = matches.as_ref().map_or(1, |pattern| pattern.regex.captures_len());
        let called = match (name.as_.as_str(), groups) {
            ("", 1) => "$0".to_owned(),
            ("", 2) => "$1".to_owned(),
            ("", _) => {
                report(
                    "/name",
                    "there are several groups in `matches`; say with `as` what metrics are called"
                        .to_owned(),
                );
                return None;
            }
            (called, _) => called.to_owned(),
        };
        is_valid.then_some(Self { filters: compiled, matches, called })
    }

    /// The filter that excludes a series, as text; `None` if none does.
    pub(super) fn kept_out_by(&self, series: &str) -> Option<String> {
        let excluding = self.filters.iter().find_map(|(Pattern { written, regex }, kind)| {
            let matches = regex.is_match(series);
            match kind {
                FilterKind::Is if !matches => Some(format!("is: {written}")),
                FilterKind::IsNot if matches => Some(format!("isNot: {written}")),
                _ => None,
            }
        });
        let by_name = || {
            let matches = self.matches.as_ref().filter(|known| !known.regex.is_match(series))?;
            Some(format!("name.matches: {}", matches.written))
        };
        excluding.or_else(by_name)
    }

    /// Whether the metric of some series of these names may be called so.
    pub(super) fn may_call(&self, metric: &str, of: &SeriesNames) -> bool {
        match of {
            SeriesNames::One(series) => {
                self.kept_out_by(series).is_none() && self.name(series).as_deref() == Some(metric)
            }
            // It is called as its series.
            _ if self.matches.is_none() && self.called == "$0" => {
                of.may_be(metric) && self.kept_out_by(metric).is_none()
            }
            _ => fits(&go_regex::literals(&self.called), metric),
        }
    }

    /// What the metric of a series is called. As in Go, it is the expansion and not a replacement
    /// within the name.
    pub(super) fn name(&self, series: &str) -> Option<String> {
        match &self.matches {
            Some(Pattern { regex, .. }) => {
                regex.captures(series).map(|groups| go_regex::expand(&groups, &self.called))
            }
            None if self.called == "$0" => Some(series.to_owned()),
            None => {
                let all = go_regex::compile(".*").ok()?;
                all.captures(series).map(|groups| go_regex::expand(&groups, &self.called))
            }
        }
    }
}

/// Whether a text begins with the first of these, ends with the last, and has the others in their
/// order between them.
fn fits(pieces: &[String], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return true };
    let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
    let Some((last, between)) = rest.split_last() else { return left.is_empty() };
    for piece in between {
        let Some((_, after)) = left.split_once(piece.as_str()) else { return false };
        left = after;
    }
    left.ends_with(last.as_str())
}
