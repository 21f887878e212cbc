//! Evaluations: one mapping run for one scope, shared by all reads of it.
//!
//! A `Cell` holds the state of one evaluation; a driver task of its own refreshes it
//! in the cadence of its reads and ends when nobody reads any more. A read looks at the state and,
//! as a rule, does not wait.

mod breaker;
mod budget;
mod cadence;
mod candidate;
mod cell;
mod drive;
mod error;
mod mapping;
mod policy;
mod quota;
mod run;
mod table;

pub use breaker::Breaker;
pub use budget::{Budget, TeamLimits};
pub use candidate::{Candidate, Comparison, Difference};
pub use cell::{Evaluated, Failed, State};
pub use error::{EvaluationError, ReadFailure};
pub use mapping::{BoundQuery, ItemLabels, Mapping, title};
pub use policy::Policy;
pub use quota::EvaluationQuota;
pub use table::{Evaluations, Reader, Reading};
