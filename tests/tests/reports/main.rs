//! What operators reported of metrics adapters, rebuilt as small inputs on a real Prometheus: what a
//! user gets is the value, or the reason why there is none.
//!
//! Tests search messages for facts (the metric, the object, the label, the key of the configuration,
//! the cause), and leave the wording free. `catalog` says which test shows which report.

mod absent_rules;
mod catalog;
mod containers;
mod edits;
mod migration;
mod not_a_number;
mod nothing_served;
mod one_bad_rule;
mod promql;
mod scene;
mod values;
mod verdicts;
