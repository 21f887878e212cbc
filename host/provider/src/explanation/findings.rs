//! What a read reports for its explanation: the evaluations that it used, and the origin of each value.

use std::collections::HashSet;
use std::time::Duration;

use super::ValueFrom;
use leadsman_evaluation::{Evaluations, Missing, Reading};
use leadsman_model::names::Scope;
use leadsman_model::notation::both;
use leadsman_model::query_params::QueryParams;
use leadsman_model::values::Value;

/// What a read of one metric used and returned.
pub(crate) struct ReadFindings<'a> {
    pub(crate) evaluations: &'a Evaluations,
    pub(crate) evaluations_used: Vec<UsedEvaluation<'a>>,
    pub(crate) values: Vec<ReadValue<'a>>,
    pub(crate) missing: Option<Missing>,
}

/// One evaluation, and what the read requested of it.
pub(crate) struct UsedEvaluation<'a> {
    pub(crate) scope: Scope,
    pub(crate) params: QueryParams,
    pub(crate) requested: Requested<'a>,
}

/// What of an evaluation may be shown to the requester.
pub(crate) enum Requested<'a> {
    /// What is for these objects of a namespace, which is empty if they live in none.
    Objects {
        namespace: &'a str,
        names: HashSet<&'a str>,
        /// Whether all objects of the namespace may be read, although a selector picked these.
        all: bool,
    },
    /// What is for items that are read in a namespace.
    Items { namespace: &'a str },
}

/// A value, and where it is from.
pub(crate) struct ReadValue<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) object: &'a str,
    pub(crate) container: &'a str,
    pub(crate) labels: &'a [(Box<str>, Box<str>)],
    pub(crate) value: Value,
    pub(crate) from: ValueFrom,
    /// The number of the run that gave it.
    pub(crate) run: Option<u64>,
    /// What a policy did to it.
    pub(crate) policies: Vec<String>,
}

/// Where a value of a reading is from, if the newest run of it has one.
pub(crate) struct Origin {
    pub(crate) from: ValueFrom,
    pub(crate) run: Option<u64>,
    pub(crate) policies: Vec<String>,
}

impl Origin {
    /// A value of the run that is served.
    pub(crate) fn of_run(reading: &Reading) -> Self {
        let run = Some(reading.evaluated.id);
        match &reading.stale {
            None => Self { from: ValueFrom::Run, run, policies: Vec::new() },
            Some((age, why)) => Self {
                from: ValueFrom::LastGood,
                run,
                policies: vec![format!(
                    "the last good value, {} old, since {why} (onError.lastGood)",
                    seconds(*age)
                )],
            },
        }
    }

    /// The last value of what the newest run lacks.
    pub(crate) fn last_known(age: Duration) -> Self {
        let policy = format!(
            "absent now; its last value, of {} ago, stands for it (onAbsent.lastGood)",
            seconds(age)
        );
        Self { from: ValueFrom::LastKnown, run: None, policies: vec![policy] }
    }

    /// A stated value, for what is absent or for what is not known.
    pub(crate) fn stated(reading: &Reading, value: Value) -> Self {
        let value = both(value.quantity.milli());
        let (from, policy) = match (&reading.instead, &reading.stale) {
            (Some(_), Some((_, why))) => {
                (ValueFrom::Otherwise, format!("not known: {why}; onError states {value}"))
            }
            (Some(_), None) => (ValueFrom::Otherwise, format!("not known; onError states {value}")),
            (None, _) => (ValueFrom::Default, format!("absent; onAbsent states {value}")),
        };
        Self { from, run: None, policies: vec![policy] }
    }
}

/// A time in whole seconds, or in tenths where it is short.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1}s") } else { format!("{seconds:.0}s") }
}
