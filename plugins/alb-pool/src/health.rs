//! Scores of health, from 0 to 100: what is down is left out, and the rest is weighed.

use std::collections::HashMap;

use leadsman_plugin_sdk::schemars::{self, JsonSchema};
use leadsman_plugin_sdk::serde::{self, Deserialize};
use leadsman_plugin_sdk::{
    Answer, Column, Failure, Fault, Label, NsxAlbQuery, OwnQuery, Query, Sample, Series, log,
};

/// The query that brings the scores.
pub(crate) const QUERY: &str = "health";

/// What it asks for.
const METRIC: &str = "healthscore.health_score_value";

/// The score of what is well in every respect.
const WELL: f64 = 100.0;

/// What the health of pools or servers makes of their values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "serde", deny_unknown_fields, rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub(crate) struct Health {
    /// Whose scores count.
    #[serde(default)]
    of: ScoresOf,
    /// What a score does to a value.
    #[serde(default)]
    weigh: Weigh,
    /// What has this score or a lower one is down: its values are left out. 0 if left out.
    #[serde(default)]
    down_at: f64,
    /// What is divided by at least, as a score: 25 makes a value at most four times as large. 25 if
    /// left out.
    #[serde(default = "least")]
    least: f64,
}

/// Whose scores count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub(crate) enum ScoresOf {
    /// Those of pools, for all of their servers.
    #[default]
    Pools,
    /// Those of servers, each for itself.
    Servers,
}

/// What a score does to a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(crate = "serde", rename_all = "camelCase")]
#[schemars(crate = "schemars")]
pub(crate) enum Weigh {
    /// Divides it: the load of what is half well counts twice, as it has half the room for it.
    #[default]
    Divide,
    /// Multiplies it: of what is half well, half counts. An average is one by weight.
    Multiply,
    /// Nothing: only what is down is left out.
    None,
}

fn least() -> f64 {
    25.0
}

impl Health {
    /// Scores of servers are for a query that has servers.
    pub(crate) fn fault(&self, asked: &NsxAlbQuery) -> Option<Fault> {
        (self.of == ScoresOf::Servers && !asked.has_servers())
            .then(|| Fault::at("/health/of", "needs `servers: true` in the mapping's query"))
    }

    pub(crate) fn out_of_range(&self) -> Option<Fault> {
        if !(0.0..WELL).contains(&self.down_at) {
            return Some(Fault::at("/health/downAt", "must be at least 0 and less than 100"));
        }
        if !(self.least > 0.0 && self.least <= WELL) {
            return Some(Fault::at("/health/least", "must be more than 0 and at most 100"));
        }
        None
    }

    /// The query that brings the scores of what the mapping's own query asks for.
    pub(crate) fn query(&self, own: &OwnQuery, asked: NsxAlbQuery) -> Query {
        let asked = match self.of {
            ScoresOf::Pools if asked.has_servers() => asked.with("servers", false),
            ScoresOf::Pools | ScoresOf::Servers => asked,
        };
        own.beside(QUERY, asked.with_metric(METRIC))
    }
}

/// The scores of an evaluation.
pub(crate) struct Scores<'a> {
    health: &'a Health,
    known: HashMap<Key<'a>, Score>,
    columns: Columns,
}

/// A pool, and its server where scores are of servers.
type Key<'a> = (Label<'a>, Option<Label<'a>>);

/// Where the pool and its server stand in an answer.
#[derive(Clone, Copy)]
struct Columns {
    pool: Option<Column>,
    server: Option<Column>,
}

/// The sum of scores, and the time of the oldest. Where a pool has no score of its own, its servers
/// have some.
struct Score {
    sum: f64,
    count: f64,
    time: i64,
}

impl Columns {
    fn new(answer: &Answer<'_>, of: ScoresOf) -> Self {
        let server = match of {
            ScoresOf::Pools => None,
            ScoresOf::Servers => answer.column("server"),
        };
        Self { pool: answer.column("uuid"), server }
    }

    fn key<'a>(self, series: &Series<'a>) -> Option<Key<'a>> {
        Some((series.at(self.pool?)?, self.server.and_then(|server| series.at(server))))
    }
}

impl<'a> Scores<'a> {
    /// The scores of an answer, for the values of another one. Fails if no value has a score; some
    /// without are told in the log, and left out: how well they are is not known.
    pub(crate) fn new(
        health: &'a Health,
        scores: &Answer<'a>,
        values: &Answer<'a>,
    ) -> Result<Self, Failure> {
        let columns = Columns::new(scores, health.of);
        let mut known: HashMap<Key<'a>, Score> = HashMap::new();
        for series in scores.series()? {
            let Some(key) = columns.key(&series) else { continue };
            if !series.value().is_finite() {
                continue;
            }
            let score =
                known.entry(key).or_insert(Score { sum: 0.0, count: 0.0, time: series.time() });
            score.sum += series.value().clamp(0.0, WELL);
            score.count += 1.0;
            score.time = score.time.min(series.time());
        }
        let scores = Self { health, known, columns: Columns::new(values, health.of) };
        scores.add(values)?;
        Ok(scores)
    }

    fn add(&self, values: &Answer<'a>) -> Result<(), Failure> {
        let all = values.series()?.len();
        let unknown = values.series()?.filter(|series| self.score(series).is_none()).count();
        if all > 0 && unknown == all {
            let message = "no pool or server that has a value has a score of health, so that no \
                           value can be weighed; does the controller have scores for them?";
            return Err(Failure::in_query(QUERY, message));
        }
        if unknown > 0 {
            log::warn(&format!(
                "{unknown} of {all} values have no score of health, and are left out"
            ));
        }
        Ok(())
    }

    fn score(&self, series: &Series<'a>) -> Option<Sample> {
        let score = self.known.get(&self.columns.key(series)?)?;
        Some(Sample { time: score.time, value: score.sum / score.count })
    }

    /// The same for what is not down.
    fn score_if_up(&self, series: &Series<'a>) -> Option<Sample> {
        self.score(series).filter(|score| score.value > self.health.down_at)
    }

    /// What a series counts; `None` if it is down, or how well it is is not known.
    pub(crate) fn weighed(&self, series: &Series<'a>) -> Option<Sample> {
        let score = self.score_if_up(series)?;
        let factor = match self.health.weigh {
            Weigh::Divide => WELL / score.value.max(self.health.least),
            Weigh::Multiply => score.value / WELL,
            Weigh::None => 1.0,
        };
        Some(Sample { time: series.time().min(score.time), value: series.value() * factor })
    }

    /// The weight of a series that has one, for a mean by weight.
    pub(crate) fn weight(&self, series: &Series<'a>) -> Option<Sample> {
        let score = self.score_if_up(series)?;
        Some(Sample { time: score.time, value: score.value / WELL })
    }

    /// Whether scores are weights of a mean.
    pub(crate) fn are_weights(&self) -> bool {
        self.health.weigh == Weigh::Multiply
    }
}
