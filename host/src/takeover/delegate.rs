//! Checks that the configuration forwards the metrics of the present adapter, and prints a delegate that
//! does so if it does not.

use super::before::RegisteredApi;
use super::{TakeoverOptions, no_flags};
use leadsman_cluster::Cluster;
use leadsman_control as control;
use leadsman_delegate::{Api, DelegateSettings};
use leadsman_server::registration::Service;

/// Finds the delegate that keeps everything working. The error says what to write.
pub(super) async fn check(
    options: &TakeoverOptions,
    cluster: &Cluster,
    served_by: &Service,
    before: &RegisteredApi,
) -> Result<String, String> {
    let snippet = snippet(served_by, before, options, cluster);
    let Some(config) = &options.config else {
        return Err(format!(
            "what {served_by} serves must be passed on to it. Write this delegate into the \
             configuration, and name that with --config-map or --config, so that it can be checked \
             (or say --without-delegate):\n\n{snippet}"
        ));
    };
    let parsed = control::read(config, &no_flags(), Some(cluster)).await;
    let mut parsed =
        parsed.map_err(|reason| format!("the configuration cannot be read: {reason}"))?;
    // The files that it names are in the pod.
    parsed.faults.retain(|fault| !fault.is_warning() && !fault.unreadable_file);
    if !parsed.faults.is_empty() {
        let faults = parsed.document.locate(parsed.faults);
        return Err(format!("the configuration has faults, and is not in force:\n{faults}"));
    }
    let delegates = &parsed.config.delegates;
    let of_it: Vec<_> =
        delegates.iter().filter(|delegate| is_for(delegate, served_by, before.api)).collect();
    match of_it.iter().find(|delegate| is_for_the_rest(delegate)) {
        Some(delegate) => Ok(format!(
            "the delegate \"{}\" of {config} passes on to {served_by} what is not served here",
            delegate.name
        )),
        None if of_it.is_empty() => Err(format!(
            "{config} has no delegate for {} at {served_by}, whose metrics would be gone. Write:\n\n\
             {snippet}",
            before.api.group()
        )),
        None => {
            let conditions: Vec<_> = of_it
                .iter()
                .map(|delegate| format!("\"{}\" is for {}", delegate.name, delegate.matcher))
                .collect();
            Err(format!(
                "the delegates of {config} at {served_by} do not get all that it serves: {}; others \
                 of its metrics would be gone. Write:\n\n{snippet}",
                conditions.join(", ")
            ))
        }
    }
}

/// Whether a delegate is this Service. An address of the Service by its name is the Service as well.
fn is_for(delegate: &DelegateSettings, served_by: &Service, api: Api) -> bool {
    let is_it = match &delegate.service {
        Some(service) => {
            (&service.namespace, &service.name) == (&served_by.namespace, &served_by.name)
        }
        // Where another address leads is not known here: that it has all metrics is seen afterwards.
        None => true,
    };
    is_it && delegate.matcher.apis.contains(&api)
}

/// Whether it gets all of an API that is not served here. KEDA's requests all have its label.
fn is_for_the_rest(delegate: &DelegateSettings) -> bool {
    let matcher = &delegate.matcher;
    let label = matcher.selector_label.as_deref();
    matcher.metrics.is_empty()
        && matcher.namespaces.is_empty()
        && label.is_none_or(|label| label == KEDA_LABEL)
}

/// The label that the autoscalers of KEDA select by.
const KEDA_LABEL: &str = "scaledobject.keda.sh/name";

fn snippet(
    served_by: &Service,
    before: &RegisteredApi,
    options: &TakeoverOptions,
    cluster: &Cluster,
) -> String {
    let own = super::own_service(options, cluster);
    let Service { namespace, name } = served_by;
    let port = before.port(&own);
    let trust = if before.is_unverified(&own) {
        "    insecureSkipTLSVerify: true   # as the APIService has it now; better: caFile\n"
    } else {
        "    caFile: /etc/leadsman/delegates/ca.crt   # the caBundle that the APIService has now\n"
    };
    format!(
        "delegates:\n  - name: {}\n    service: {{namespace: {namespace}, name: {name}, port: \
         {port}}}\n{trust}    auth: {{serviceAccount: {{}}}}\n    apis: [{}]\n",
        short(name),
        before.api.as_str()
    )
}

/// A name for a delegate.
fn short(name: &str) -> &str {
    if name.starts_with("keda") { "keda" } else { name }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use leadsman_delegate::{ForwardAuth, Matcher, Pattern, ServiceReference};

    fn delegate() -> DelegateSettings {
        let service = ServiceReference { namespace: "keda".into(), name: "server".into() };
        DelegateSettings {
            name: "keda".to_owned(),
            url: "https://server.keda.svc:443".to_owned(),
            service: Some(service),
            ca_file: None,
            insecure_skip_tls_verify: true,
            auth: ForwardAuth::ServiceAccount { token_file: "token".into() },
            matcher: Matcher {
                apis: vec![Api::External],
                metrics: Vec::new(),
                namespaces: Vec::new(),
                selector_label: None,
            },
            timeout: Duration::from_secs(5),
            max_body_bytes: 1024,
            max_concurrent: 1,
            list_every: Duration::from_secs(30),
            last_good: None,
        }
    }

    #[test]
    fn only_a_delegate_for_the_rest_keeps_everything() {
        let keda = Service { namespace: "keda".into(), name: "server".into() };
        let other = Service { namespace: "keda".into(), name: "other".into() };
        assert!(is_for(&delegate(), &keda, Api::External));
        assert!(!is_for(&delegate(), &other, Api::External));
        assert!(!is_for(&delegate(), &keda, Api::Custom));
        assert!(is_for_the_rest(&delegate()));
        let mut by_label = delegate();
        by_label.matcher.selector_label = Some(KEDA_LABEL.to_owned());
        assert!(is_for_the_rest(&by_label));
        by_label.matcher.selector_label = Some("app".to_owned());
        assert!(!is_for_the_rest(&by_label));
        let mut some = delegate();
        some.matcher.metrics = vec![Pattern::new("a*")];
        assert!(!is_for_the_rest(&some));
    }
}
