//! Do the delegates of a configuration answer, and who serves what?

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Finding, sources::FROM_A_POD};
use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_delegate::{Api, Delegate, Delegates, Delegation};
use leadsman_runtime::telemetry::Metrics;

/// How long the first lists may take, for all APIs and versions of a delegate.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many metrics of a delegate are named.
const MAX_NAMED: usize = 8;

/// Asks each delegate of a configuration for its metrics. Nothing if it has none, or cannot be read.
pub(super) async fn check(
    origin: &ConfigOrigin,
    flags: &Flags,
    cluster: Option<&Cluster>,
) -> Vec<Finding> {
    // What is wrong with it is reported with its sources.
    let Ok(parsed) = control::read(origin, flags, cluster).await else { return Vec::new() };
    let settings = parsed.config.delegates;
    let delegation = Delegation::new(Metrics::new(), None);
    let none = Delegates::none(&delegation);
    let asked = {
        let (delegation, settings) = (delegation.clone(), settings.clone());
        tokio::task::spawn_blocking(move || Delegates::replaced(&none, &settings, &delegation))
    };
    let Ok((delegates, changes)) = asked.await else { return Vec::new() };
    let mut findings = Vec::new();
    for (at, error) in changes.faults {
        let name = settings.get(at).map_or("", |settings| settings.name.as_str());
        let text = format!("the delegate \"{name}\": {error}");
        findings.push(Finding::bad(text, "see `leadsman check`"));
    }
    // They end with this.
    let mut following = JoinSet::new();
    for delegate in &changes.new {
        following.spawn(Delegate::follow(Arc::downgrade(delegate), delegation.clone()));
    }
    let _ = tokio::time::timeout(TIMEOUT, delegates.first_lists()).await;
    findings.extend(delegates.all().iter().map(|delegate| of(delegate)));
    findings
}

fn of(delegate: &Delegate) -> Finding {
    let settings = delegate.settings();
    let status = delegate.status();
    let apis: Vec<_> = settings.matcher.apis.iter().map(|api| api.group()).collect();
    let name = &settings.name;
    let what = format!(
        "the delegate \"{name}\" at {} is asked for {} of {}",
        settings.url,
        settings.matcher,
        apis.join(", ")
    );
    if let Some(error) = status.list_error {
        return Finding::bad(format!("{what}, and {error}"), FROM_A_POD);
    }
    if status.list_age.is_none() {
        return Finding::bad(format!("{what}, and has not answered"), FROM_A_POD);
    }
    if !status.unserved.is_empty() {
        let unserved: Vec<_> = status.unserved.iter().map(|api| api.group()).collect();
        return Finding::bad(
            format!("{what}, and does not serve {}", unserved.join(", ")),
            "take these out of its `apis`",
        );
    }
    let lists = delegate.lists();
    let of_api = |api: &Api| {
        let versions = api.versions().iter().rev();
        let mut listed = versions.filter_map(|version| lists.of(*api, version));
        listed.find(|listed| listed.served).map(|listed| listed.metrics.iter())
    };
    let all: Vec<_> = settings.matcher.apis.iter().filter_map(of_api).flatten().collect();
    let mut names: Vec<_> = all.iter().map(|metric| metric.metric()).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > MAX_NAMED { ", …" } else { "" };
    names.truncate(MAX_NAMED);
    Finding::good(format!("{what}: {} metrics: {}{more}", all.len(), names.join(", ")))
}
