//! Takes over an API group from another adapter, and gives it back.
//!
//! An API group has one server in a cluster: the Service that its APIServices point to. A takeover points
//! them to this adapter, which forwards what it does not serve itself to the previous one. So nothing
//! changes for clients at first, and metrics can be moved one by one. The previous target is kept in an
//! annotation of each APIService, from which `--undo` restores it.
//!
//! Everything is checked before anything is changed, and a change after which metrics are missing is
//! reverted.

mod before;
mod change;
mod delegate;
mod trust;
mod users;

use std::fmt;
use std::path::PathBuf;

use leadsman_cluster::{Cluster, ConnectError};
use leadsman_config::Flags;
use leadsman_control::ConfigOrigin;
use leadsman_delegate::Api;
use leadsman_server::registration::Service;

use crate::app::ServiceName;
use before::RegisteredApi;
pub(crate) use change::ANNOTATION as TAKEN_OVER;

/// What to take over, from whom, and what to pass on.
#[derive(Debug, Clone)]
pub struct TakeoverOptions {
    /// The cluster; `None` for the one that this process is a pod of.
    pub kubeconfig: Option<PathBuf>,
    /// The API.
    pub api: Api,
    /// The Service that it is taken from; `None` for whichever serves it.
    pub from: Option<ServiceName>,
    /// The Service of this adapter; `None` for `leadsman` in the namespace of the pod or context.
    pub service: Option<ServiceName>,
    /// The port of that Service; `None` for its own.
    pub port: Option<u16>,
    /// The configuration of this adapter, whose delegates pass on what it does not serve.
    pub config: Option<ConfigOrigin>,
    /// Whether nothing is to be passed on.
    pub without_delegate: bool,
    /// PEM file with the authority of this adapter's certificate; `None` for the one that it has made.
    pub ca_file: Option<PathBuf>,
    /// Whether to change nothing.
    pub dry_run: bool,
}

/// Why nothing was taken over, or given back.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// The cluster cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no cluster.
    #[error("there is no cluster to change: this is no pod; name one with --kubeconfig")]
    NoCluster,
    /// Something cannot be read.
    #[error("cannot read {what}: {reason}")]
    Read {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// What was found is not as it must be.
    #[error("{0}")]
    Refused(String),
    /// An APIService cannot be changed.
    #[error("cannot change the APIService {name}: {reason}")]
    Write {
        /// The APIService.
        name: String,
        /// Why.
        reason: String,
    },
    /// It did not work after the change, which was taken back.
    #[error("after the change {reason}; the APIServices are as they were before")]
    TakenBack {
        /// What did not work.
        reason: String,
    },
    /// It did not work after the change, and the change is still there.
    #[error(
        "after the change {reason}, and {left} could not be changed back: they point to this adapter \
         still; --undo gives them back"
    )]
    NotTakenBack {
        /// What did not work.
        reason: String,
        /// The APIServices.
        left: String,
    },
}

impl TakeoverError {
    fn read(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Read { what: what.into(), reason: reason.into() }
    }

    /// It did not work after the change, and these APIServices were not changed back.
    fn after(reason: String, left: &[String]) -> Self {
        match left {
            [] => Self::TakenBack { reason },
            left => Self::NotTakenBack { reason, left: left.join(" and ") },
        }
    }
}

/// Receives what was found, and what is done, line by line.
pub type ProgressSink<'a> = dyn FnMut(fmt::Arguments<'_>) + 'a;

/// The APIServices of an API, the preferred version last.
fn api_services(api: Api) -> Vec<String> {
    api.versions().iter().map(|version| format!("{version}.{}", api.group())).collect()
}

/// Takes an API over.
pub async fn take_over(
    options: &TakeoverOptions,
    out: &mut ProgressSink<'_>,
) -> Result<(), TakeoverError> {
    let cluster = connect(options).await?;
    let own = own_service(options, &cluster);
    let api = options.api;
    let before = RegisteredApi::find(&cluster, api, &own).await?;
    before.report(&own, out);
    users::report(&cluster, api, out).await;
    let Some(served_by) = before.served_by(&own)? else {
        out(format_args!("{} is served by {own} already; nothing is to be done", api.group()));
        return Ok(());
    };
    if let Some(from) = &options.from {
        let from = from.or_in(cluster.namespace());
        if from != served_by {
            let message = format!("{} is served by {served_by}, and not by {from}", api.group());
            return Err(TakeoverError::Refused(message));
        }
    }
    let passed_on = delegate::check(options, &cluster, &served_by, &before).await;
    match (&passed_on, options.without_delegate) {
        (Ok(said), false) => out(format_args!("{said}")),
        (_, true) => out(format_args!(
            "nothing is passed on (--without-delegate): what {own} does not serve itself will be gone"
        )),
        (Err(_), false) => {}
    }
    let own_port = trust::port(options, &cluster, &own).await?;
    let bundle = trust::bundle(options, &cluster, &own).await?;
    let names: Vec<_> = before.foreign(&own).map(|found| found.name.as_str()).collect();
    out(format_args!(
        "to do: point {} to {own}:{own_port}, trust its authority ({}), and keep what was there \
         before in the annotation {}",
        names.join(" and "),
        bundle.origin,
        change::ANNOTATION
    ));
    if let (Err(reason), false) = (passed_on, options.without_delegate) {
        return Err(TakeoverError::Refused(reason));
    }
    if options.dry_run {
        out(format_args!("nothing is changed (--dry-run)"));
        return Ok(());
    }
    let to = change::Target { service: own, port: own_port, bundle: bundle.pem };
    change::take(&cluster, &before, &to, !options.without_delegate, out).await
}

/// Gives an API back that was taken over.
pub async fn undo(
    options: &TakeoverOptions,
    out: &mut ProgressSink<'_>,
) -> Result<(), TakeoverError> {
    let cluster = connect(options).await?;
    let own = own_service(options, &cluster);
    let before = RegisteredApi::find(&cluster, options.api, &own).await?;
    before.report(&own, out);
    change::undo(&cluster, &before, &own, options.dry_run, out).await
}

async fn connect(options: &TakeoverOptions) -> Result<Cluster, TakeoverError> {
    leadsman_runtime::tls::install_provider();
    let cluster = Cluster::connect(options.kubeconfig.as_deref()).await?;
    cluster.ok_or(TakeoverError::NoCluster)
}

fn own_service(options: &TakeoverOptions, cluster: &Cluster) -> Service {
    let namespace = cluster.namespace();
    match &options.service {
        Some(service) => service.or_in(namespace),
        None => Service { namespace: namespace.to_owned(), name: "leadsman".to_owned() },
    }
}

/// Settings of the command line do not matter to delegates.
fn no_flags() -> Flags {
    Flags::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_back_is_not_said_to_be_as_it_was() {
        let reported =
            |left: &[String]| TakeoverError::after("x fails".to_owned(), left).to_string();
        assert!(reported(&[]).ends_with("the APIServices are as they were before"));
        let reported = reported(&["v1beta1.g".to_owned(), "v1beta2.g".to_owned()]);
        assert!(
            reported.contains("v1beta1.g and v1beta2.g could not be changed back"),
            "{reported}"
        );
        assert!(
            !reported.contains("as they were before") && reported.contains("--undo"),
            "{reported}"
        );
    }
}
