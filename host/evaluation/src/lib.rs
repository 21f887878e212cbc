//! Evaluations: one mapping run for one scope, shared by all reads of it.
//!
//! An `Evaluation` holds the state of one evaluation; its driver task refreshes it in the cadence of
//! its reads and ends when it is not read any more. A read decides by the state and usually does not
//! wait.

mod activation;
mod attempt;
mod awaiting;
mod basis;
mod budget;
mod cadence;
mod candidate;
mod chain;
mod circuit_breaker;
mod condition;
mod driver;
mod error;
mod evaluations;
mod handover;
mod index;
mod last_known;
mod mapping;
mod missing;
mod plugin_run;
mod policy;
mod predecessor;
mod quota;
pub mod record;
mod runs;
mod stage;
mod stand_in;
mod state;
mod workloads;

pub use activation::ActivationStatus;
pub use basis::{Basis, Dispute, ObjectNames, QueryBasis};
pub use budget::{Budget, BudgetUse, TeamLimits};
pub use candidate::{Candidate, Comparison, Difference};
pub use chain::{Link, PREVIOUS};
pub use circuit_breaker::CircuitBreaker;
pub use condition::{Condition, ReadCondition};
pub use error::{EvaluationError, ReadFailure};
pub use evaluations::{EvaluationRecord, Evaluations, Reader, Reading};
pub use last_known::{LastKnown, LastKnownValue};
pub use mapping::{BoundQuery, ItemLabels, Mapping, title};
pub use missing::{Missing, MissingEntry, MissingLog, MissingReason};
pub use policy::Policy;
pub use predecessor::HandoverStatus;
pub use quota::EvaluationQuota;
pub use runs::{RunCounts, RunTotals, Runs};
pub use stand_in::{
    Recipient, ReplicasBehavior, StandIn, StatedNumber, StatedReplicas, TargetType, Unreachable,
};
pub use state::{Evaluated, EvaluationState, Failed};
pub use workloads::Workloads;

pub use leadsman_source::Gap;
pub use record::ReaderIdentity;
