//! Delegates: what is read, and what is refused.

use std::time::Duration;

use super::*;
use leadsman_delegate::{Api, ForwardAuth};

const DELEGATES: &str = "
delegates:
  - name: keda
    service: {namespace: keda, name: keda-operator-metrics-apiserver}
    insecureSkipTLSVerify: true
    auth: {serviceAccount: {}}
    apis: [external]
    selectorLabel: scaledobject.keda.sh/name
    onError: {lastGood: 2m}
  - name: rest
    url: https://adapter.example:6443/
    auth: {impersonate: {}}
    apis: [custom, external, resource]
    metrics: ['http_*', queue_length]
    namespaces: [shop, 'team-*']
    timeout: 2s
    maxBodyBytes: 1048576
    maxConcurrent: 3
    listEvery: 1m
    onError: fail
";

fn with(delegate: &str) -> String {
    format!("{GOOD}delegates:\n  - {delegate}\n")
}

#[test]
fn delegates_are_read_in_order() {
    let text = format!("{GOOD}{DELEGATES}");
    let Parsed { config, faults, .. } =
        parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), &text);
    assert_eq!(faults, []);
    let [keda, rest] = &config.delegates[..] else { panic!("{:?}", config.delegates) };
    assert_eq!(keda.url, "https://keda-operator-metrics-apiserver.keda.svc:443");
    assert_eq!(keda.service.as_ref().unwrap().to_string(), "keda/keda-operator-metrics-apiserver");
    assert_eq!(keda.matcher.selector_label.as_deref(), Some("scaledobject.keda.sh/name"));
    assert_eq!(keda.last_good, Some(Duration::from_secs(120)));
    assert!(keda.insecure_skip_tls_verify && keda.matcher.is_specific());
    let ForwardAuth::ServiceAccount { token_file } = &keda.auth else { panic!("{:?}", keda.auth) };
    assert!(token_file.starts_with("/var/run/secrets/kubernetes.io/serviceaccount"));
    assert_eq!((rest.url.as_str(), &rest.service), ("https://adapter.example:6443", &None));
    assert_eq!(rest.matcher.apis, [Api::Custom, Api::External, Api::Resource]);
    assert_eq!((rest.matcher.metrics.len(), rest.matcher.namespaces.len()), (2, 2));
    let bounds = (rest.timeout, rest.max_body_bytes, rest.max_concurrent, rest.list_every);
    assert_eq!(bounds, (Duration::from_secs(2), 1 << 20, 3, Duration::from_secs(60)));
    assert_eq!(rest.last_good, None);
}

#[test]
fn what_is_wrong_with_a_delegate_is_told_at_its_place() {
    for (delegate, reported) in [
        ("{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: []}", "names none of"),
        ("{name: a, auth: {serviceAccount: {}}, apis: [custom]}", "\"service\" is missing"),
        ("{name: a, url: 'https://a', apis: [custom]}", "\"auth\" is missing"),
        (
            "{name: a, url: 'http://a', auth: {serviceAccount: {}}, apis: [custom]}",
            "for this machine alone",
        ),
        (
            "{name: a, url: 'https://a', service: {namespace: b, name: c}, auth: {serviceAccount: {}}, apis: [custom]}",
            "only one of service and url",
        ),
        ("{name: A b, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom]}", "is no name"),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom, custom]}",
            "stands here twice",
        ),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom], metrics: ['a/b']}",
            "is neither a name nor one with",
        ),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [external], selectorLabel: 'a=b'}",
            "is not the key of a label",
        ),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [resource], selectorLabel: a}",
            "have no selector of series",
        ),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom], timeout: 2m}",
            "kube-apiserver waits a minute",
        ),
        (
            "{name: a, url: 'https://a', auth: {frontProxy: {certFile: none.crt, keyFile: none.key}}, apis: [custom]}",
            "cannot read",
        ),
        (
            "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom], onError: {lastGood: 0s}}",
            "must be longer than 0s",
        ),
    ] {
        let faults = faults(&with(delegate));
        assert!(faults.contains(reported), "{reported:?} in {faults}");
    }
    let twice = "{name: a, url: 'https://a', auth: {serviceAccount: {}}, apis: [custom]}";
    let faults = faults(&format!("{}  - {twice}\n", with(twice)));
    assert!(faults.contains("another delegate is called \"a\""), "{faults}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_apart_from_other_faults() {
    let delegate = "{name: A b, url: 'https://a', auth: {frontProxy: {certFile: none.crt, keyFile: none.key}}, apis: [custom]}";
    let Parsed { faults, .. } = parse(
        "config.yaml",
        &DocumentOrigin::Folder(Path::new(".")),
        &Flags::default(),
        &with(delegate),
    );
    let unreadable = |fault: &&Fault| fault.unreadable_file;
    let of_files: Vec<_> = faults.iter().filter(unreadable).map(|fault| &*fault.path).collect();
    assert_eq!(
        of_files,
        ["/delegates/0/auth/frontProxy/certFile", "/delegates/0/auth/frontProxy/keyFile"]
    );
    assert!(faults.len() > of_files.len(), "{faults:?}");
}

#[test]
fn a_local_delegate_may_be_without_tls() {
    for url in ["http://127.0.0.1:8443", "http://localhost", "http://[::1]:1"] {
        let delegate =
            format!("{{name: a, url: '{url}', auth: {{serviceAccount: {{}}}}, apis: [custom]}}");
        let text = with(&delegate);
        let Parsed { faults, .. } =
            parse("config.yaml", &DocumentOrigin::Folder(Path::new(".")), &Flags::default(), &text);
        assert_eq!(faults, [], "{url}");
    }
}

#[test]
fn a_team_has_no_delegates() {
    let team = valid::Team {
        namespaces: vec!["shop".to_owned()],
        sources: Vec::new(),
        registries: Vec::new(),
        verify: None,
        limits: leadsman_evaluation::TeamLimits::default(),
    };
    let namespace = "shop".parse().expect("a namespace");
    let keys = std::collections::BTreeSet::new();
    let origin = DocumentOrigin::Team { keys: &keys, namespace: &namespace, team: &team };
    let text = format!("apiVersion: leadsman.dev/v1alpha1\nkind: Config{DELEGATES}");
    let Parsed { document, faults, .. } = parse("metrics", &origin, &Flags::default(), &text);
    let reported = document.locate(faults).to_string();
    assert!(
        reported.contains("delegates: is for the operator's configuration alone"),
        "{reported}"
    );
}
