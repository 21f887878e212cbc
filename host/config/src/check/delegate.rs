//! Delegates: addresses, credentials, and what they are for.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use super::super::written;
use super::Check;
use leadsman_delegate::{Api, DelegateSettings, ForwardAuth, Matcher, Pattern, ServiceReference};
use leadsman_model::names::is_dns_label;
use leadsman_model::selector::{Operator, Selector};

/// The most delegates. A request may be asked of each.
const MAX_DELEGATES: usize = 16;

/// The most patterns of one list, and the longest.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN_BYTES: usize = 253;

/// The port of a Service.
const HTTPS: u16 = 443;

/// The longest time that a request may take: kube-apiserver waits for a minute.
const MAX_TIMEOUT: Duration = Duration::from_secs(50);

/// The least time between two lists.
const MIN_LIST_INTERVAL: Duration = Duration::from_secs(1);

/// Where every pod has the token of its service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl Check<'_> {
    /// Reports more delegates than there may be, and names that several have.
    pub(super) fn delegates(&mut self, delegates: &[(usize, written::Delegate)]) {
        if delegates.len() > MAX_DELEGATES {
            let message = format!("there are {}; at most {MAX_DELEGATES} may be", delegates.len());
            self.fault("/delegates", message);
        }
        let mut names = HashSet::new();
        for (at, delegate) in delegates {
            if !names.insert(&delegate.name) {
                let message = format!("another delegate is called \"{}\" as well", delegate.name);
                self.fault(format!("/delegates/{at}/name"), message);
            }
        }
    }

    pub(super) fn delegate(
        &mut self,
        written: written::Delegate,
        place: &str,
    ) -> Option<DelegateSettings> {
        if !is_dns_label(&written.name) {
            let message = "is no name: small letters, digits and hyphens, at most 63";
            self.fault(format!("{place}/name"), message);
        }
        let address = self.address(&written, place);
        let matcher = self.matcher(&written, place);
        let auth = self.delegate_auth(&written.auth, &format!("{place}/auth"));
        let ca_file =
            written.ca_file.as_deref().map(|file| self.file(file, &format!("{place}/caFile")));
        if written.insecure_skip_tls_verify && ca_file.is_some() {
            let message = "trusts any certificate, so that caFile has no effect; leave one out";
            self.fault(format!("{place}/insecureSkipTLSVerify"), message);
        }
        let seconds = Duration::from_secs;
        let of = |key: &str| format!("{place}/{key}");
        let timeout = self.duration(written.timeout.as_deref(), seconds(5), &of("timeout"));
        if timeout > MAX_TIMEOUT {
            let message =
                format!("is longer than {MAX_TIMEOUT:?}, and kube-apiserver waits a minute");
            self.fault(of("timeout"), message);
        }
        let list_every =
            self.duration(written.list_every.as_deref(), seconds(30), &of("listEvery"));
        if list_every < MIN_LIST_INTERVAL {
            self.fault(of("listEvery"), format!("is shorter than {MIN_LIST_INTERVAL:?}"));
        }
        let last_good = match &written.on_error {
            None | Some(written::DelegateOnError::Fail) => None,
            Some(written::DelegateOnError::LastGood(stated)) => {
                let text = Some(stated.last_good.as_str());
                Some(self.duration(text, Duration::ZERO, &of("onError/lastGood")))
            }
        };
        let (url, service) = address?;
        Some(DelegateSettings {
            name: written.name,
            url,
            service,
            ca_file,
            insecure_skip_tls_verify: written.insecure_skip_tls_verify,
            auth,
            matcher,
            timeout,
            max_body_bytes: usize::try_from(written.max_body_bytes.unwrap_or(8 << 20))
                .unwrap_or(usize::MAX),
            max_concurrent: written.max_concurrent.unwrap_or(16) as usize,
            list_every,
            last_good,
        })
    }

    /// The address, and the Service if it is that of one.
    fn address(
        &mut self,
        written: &written::Delegate,
        place: &str,
    ) -> Option<(String, Option<ServiceReference>)> {
        match (&written.service, &written.url) {
            (Some(service), None) => {
                let written::DelegateService { namespace, name, port } = service;
                for (key, value) in [("namespace", namespace), ("name", name)] {
                    if !is_dns_label(value) {
                        let message = format!("is not the {key} of a Service");
                        self.fault(format!("{place}/service/{key}"), message);
                    }
                }
                let url = format!("https://{name}.{namespace}.svc:{}", port.unwrap_or(HTTPS));
                let (namespace, name) = (namespace.clone(), name.clone());
                Some((url, Some(ServiceReference { namespace, name })))
            }
            (None, Some(url)) => {
                let place = format!("{place}/url");
                let url = self.url(url, &place)?;
                if url.starts_with("http://") && !is_local(&url) {
                    let message = "begins with http://, which is for this machine alone: anyone in \
                                   between could read the credentials";
                    self.fault(place, message);
                    return None;
                }
                Some((url, None))
            }
            (None, None) => {
                self.fault(place, "the key \"service\" is missing, or \"url\"");
                None
            }
            (Some(_), Some(_)) => {
                self.fault(format!("{place}/url"), "only one of service and url may stand here");
                None
            }
        }
    }

    fn matcher(&mut self, written: &written::Delegate, place: &str) -> Matcher {
        let mut apis = Vec::new();
        for (at, api) in written.apis.iter().enumerate() {
            let api = match api {
                written::DelegateApi::Custom => Api::Custom,
                written::DelegateApi::External => Api::External,
                written::DelegateApi::Resource => Api::Resource,
            };
            if apis.contains(&api) {
                self.fault(format!("{place}/apis/{at}"), "stands here twice");
            } else {
                apis.push(api);
            }
        }
        if apis.is_empty() {
            let message = "names none of `custom`, `external` and `resource`";
            self.fault(format!("{place}/apis"), message);
        }
        let label = written.selector_label.as_ref();
        if let Some(label) = label {
            let place = format!("{place}/selectorLabel");
            // What a selector of this label alone is read as.
            let alone = label.parse::<Selector>().ok().is_some_and(|selector| {
                let [one] = selector.requirements() else { return false };
                one.key == *label && one.operator == Operator::Exists
            });
            if !alone {
                self.fault(&*place, "is not the key of a label, such as scaledobject.keda.sh/name");
            }
            if apis == [Api::Resource] {
                self.fault(place, "requests for resource metrics have no selector of series");
            }
        }
        Matcher {
            metrics: self.patterns(&written.metrics, &format!("{place}/metrics")),
            namespaces: self.patterns(&written.namespaces, &format!("{place}/namespaces")),
            selector_label: label.cloned(),
            apis,
        }
    }

    fn patterns(&mut self, written: &[String], place: &str) -> Vec<Pattern> {
        if written.len() > MAX_PATTERNS {
            self.fault(place, format!("has more than {MAX_PATTERNS} entries"));
            return Vec::new();
        }
        for (at, text) in written.iter().enumerate() {
            let is_name = |c: char| !c.is_whitespace() && !c.is_control() && c != '/';
            if text.is_empty() || text.len() > MAX_PATTERN_BYTES || !text.chars().all(is_name) {
                let message = "is neither a name nor one with `*` in place of any text";
                self.fault(format!("{place}/{at}"), message);
            }
        }
        written.iter().map(Pattern::new).collect()
    }

    fn delegate_auth(&mut self, written: &written::DelegateAuth, place: &str) -> ForwardAuth {
        match written {
            written::DelegateAuth::FrontProxy(proxy) => ForwardAuth::FrontProxy {
                cert_file: self.file(&proxy.cert_file, &format!("{place}/frontProxy/certFile")),
                key_file: self.file(&proxy.key_file, &format!("{place}/frontProxy/keyFile")),
            },
            written::DelegateAuth::Impersonate(own) => ForwardAuth::Impersonate {
                token_file: self.token(own, &format!("{place}/impersonate")),
            },
            written::DelegateAuth::ServiceAccount(own) => ForwardAuth::ServiceAccount {
                token_file: self.token(own, &format!("{place}/serviceAccount")),
            },
        }
    }

    fn token(&mut self, own: &written::OwnToken, place: &str) -> PathBuf {
        match &own.token_file {
            Some(file) => self.file(file, &format!("{place}/tokenFile")),
            // A configuration is checked elsewhere than in the pod, too.
            None => PathBuf::from(TOKEN),
        }
    }
}

/// Whether an address is on this machine.
fn is_local(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
