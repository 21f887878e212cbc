//! Delegates: other metrics adapters of the cluster, which get the requests for metrics that this one
//! does not serve.
//!
//! An API group has one server in a cluster. Where it is this adapter, [`Delegates`] say which other
//! adapter a request goes to ([`Matcher`]), pass it on with the user who asks ([`ForwardedUser`]), check what
//! comes back, and keep the lists of what each delegate has, for discovery. A delegate that hangs or
//! fails costs its own metrics alone: each has a deadline, permits and a circuit breaker of its own.

mod answer;
mod circuit_breaker;
mod client;
mod delegate;
mod delegates;
mod error;
mod hops;
mod last_good;
mod list;
mod matching;
mod settings;
mod user;

pub use answer::{DelegateAnswer, read_answer};
pub use delegate::{Delegate, DelegateStatus, ForwardedRequest};
pub use delegates::{Changes, Delegates, Delegation};
pub use error::{DelegateError, DelegateFailure, ForwardError};
pub use hops::HOPS;
pub use list::{ApiList, ListedMetric, Lists};
pub use matching::{Matcher, Pattern, RequestedMetric};
pub use settings::{Api, DelegateSettings, ForwardAuth, ServiceReference};
pub use user::ForwardedUser;
