//! Configurations of delegates, before they are used.

use leadsman_tests::{Config, Leadsman, Reply, Upstream};

use super::scene::{REST, Token, adapter};

#[tokio::test]
async fn faults_are_told_with_their_lines() {
    let config = "apiVersion: leadsman.dev/v1alpha1
kind: Config
delegates:
  - name: keda
    service: {namespace: keda, name: keda-operator-metrics-apiserver}
    auth: {serviceAccount: {}}
    apis: [external]
    selectorLabel: 'scaledobject.keda.sh/name=web'
  - name: keda
    url: http://elsewhere.example
    auth: {serviceAccount: {}}
    apis: [custom]
  - name: files
    url: https://elsewhere.example
    caFile: nowhere.crt
    auth: {frontProxy: {certFile: nowhere.crt, keyFile: nowhere.key}}
    apis: [resource]
    metric: pods
";
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(1), "{checked:#?}");
    for (line, text) in [
        (8, "is not the key of a label"),
        (9, "another delegate is called \"keda\""),
        (10, "is for this machine alone"),
        (15, "cannot read"),
        (16, "cannot read"),
        (18, "did you mean \"metrics\""),
    ] {
        let faults = checked.faults_at(line);
        assert!(faults.iter().any(|fault| fault.contains(text)), "{line} {text}: {checked:#?}");
    }
}

#[tokio::test]
async fn a_configuration_of_delegates_alone_is_whole() {
    let token = Token::new();
    let delegate = token.delegate("other", "http://127.0.0.1:9", REST);
    let config = Config::new().set("delegates", &format!("[{delegate}]"));
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(0), "{checked:#?}");
}

#[tokio::test]
async fn doctor_says_who_serves_what() {
    let token = Token::new();
    let other = Upstream::start(Reply::NoReply).await;
    other.reply_with(adapter);
    let prometheus = Upstream::start(Reply::vector(&serde_json::json!([]))).await;
    let delegates = [
        token.delegate("other", &other.url(), REST),
        token.delegate("gone", "http://127.0.0.1:9", ", apis: [external], metrics: ['s*']"),
    ];
    let config = super::scene::config(&prometheus.url(), &delegates);
    let mut folder = leadsman_tests::Folder::plain();
    folder.configure(&config);
    let file = folder.config();
    let arguments = ["doctor", "--config", file.to_str().expect("a path in UTF-8")];
    let report = Leadsman::command(&arguments, &std::env::temp_dir()).await;
    assert_eq!(report.code, Some(1), "{report:#?}");
    report.assert_contains(&[
        "Delegates, as seen from here",
        "the delegate \"other\" at http://127.0.0.1",
        "is asked for the rest of custom.metrics.k8s.io, external.metrics.k8s.io, metrics.k8s.io",
        "4 metrics: own, pods, theirs, theirs_queue",
        "FAIL  the delegate \"gone\" at http://127.0.0.1:9 is asked for metrics s*",
        "cannot be reached",
    ]);
}
