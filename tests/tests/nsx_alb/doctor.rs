//! What `leadsman doctor` says of a controller, where there is no cluster yet.

use leadsman_tests::{Alb, Authority, Leadsman, Reply};
use serde_json::json;

use super::scene::{ID, config, masked, of_ingress, pool};

const NO_CLUSTER: &str = "\
Cluster
  ?     there is no cluster to look at: this is no pod; name one with --kubeconfig

Sources, as seen from here
";

/// Runs it for a source. Gives the exit code and what it prints of the sources, without what each run has
/// of its own.
async fn told(alb: &Alb, source: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("leadsman.yaml"), config(source).to_string())
        .expect("a file");
    let ended = Leadsman::command(&["doctor", "--config", "leadsman.yaml"], folder.path()).await;
    // Its log lines follow.
    let (report, log) = ended.output.split_once("the way\n").unwrap_or((ended.output.as_str(), ""));
    assert!(!log.contains("not-a-secret") && !log.contains("panicked"), "{log}");
    let own = [(alb.server.url(), "URL"), (alb.secret().display().to_string(), "FOLDER")];
    let report = own.iter().fold(report.to_owned(), |text, (own, name)| text.replace(own, name));
    let report = masked(&format!("{report}the way"));
    let sources = report.strip_prefix(NO_CLUSTER);
    (ended.code, sources.unwrap_or_else(|| panic!("{report}")).to_owned())
}

#[tokio::test]
async fn a_controller_that_answers() {
    let alb = Alb::start_tls(&[
        pool(),
        of_ingress(1, "shop", "web", 7.0),
        of_ingress(2, "shop", "web", 8.0),
    ])
    .await;
    let (code, told) = told(&alb, &alb.source()).await;
    assert_eq!(
        told,
        "  ok    the source \"lb\" is reached at URL and logged in to: NSX ALB, version 22.1.3\n  \
         ok    the source \"lb\" has 3 pools; with markers of AKO: 2 of k8s-03-cluster\n  \
         ok    the source \"lb\" has samples; the newest is TIME old\n  \
         ok    what the source \"lb\" is asked costs: logging in 1 call, TIME and SIZE; a list of all \
         pools 1 call, TIME and SIZE; a metric of all pools 1 call, TIME and SIZE\n\n\
         nothing stands in the way"
    );
    assert_eq!(code, Some(0));
    assert_eq!((alb.count("/login"), alb.open_sessions()), (1, 0), "it logs out");
}

#[tokio::test]
async fn basic_authentication_of_a_controller() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    alb.allow_basic();
    let (code, told) = told(&alb, &alb.source_with(", login: basic")).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("logged in to: NSX ALB, version 22.1.3\n"), "{told}");
    assert!(told.contains("costs: logging in 1 call, TIME and SIZE;"), "{told}");
    assert_eq!(alb.count("/login"), 0);
}

#[tokio::test]
async fn credentials_that_a_controller_refuses() {
    let alb = Alb::start(&[pool()]).await;
    alb.change_password("another");
    let (code, told) = told(&alb, &alb.source()).await;
    assert_eq!(
        told,
        "  FAIL  the source \"lb\" refused the login (401 Unauthorized: Invalid credentials); it is not \
         asked again until a file in FOLDER changes, so that the account is not locked\n        \
         -> correct the files in `credentials.secretDir`; `login: basic` has to be allowed in the \
         controller's access settings\n\n\
         1 thing stands in the way"
    );
    assert_eq!((code, alb.count("/login")), (Some(1), 1));
}

#[tokio::test]
async fn a_controller_that_is_not_reached() {
    let mut alb = Alb::start(&[pool()]).await;
    alb.server.stop().await;
    let (code, told) = told(&alb, &alb.source()).await;
    assert_eq!(
        told,
        "  FAIL  the source \"lb\" cannot be reached: Connection refused (os error 111)\n        \
         -> an address inside the cluster can be reached from a pod only: try it there, with kubectl \
         exec deployment/leadsman -- /leadsman doctor --config-map NAMESPACE/NAME\n\n\
         1 thing stands in the way"
    );
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn a_certificate_that_does_not_match() {
    let alb = Alb::start_tls(&[pool()]).await;
    let file = alb.secret().join("other.crt");
    std::fs::write(&file, Authority::new("another-ca").pem()).expect("a file");
    let address = format!("url: '{}'", alb.server.url());
    let source = alb.source_at(&address, &format!(", tls: {{caFile: {file:?}}}"));
    let (code, told) = told(&alb, &source).await;
    assert_eq!(
        told,
        "  FAIL  the source \"lb\" cannot be reached: invalid peer certificate: UnknownIssuer\n        \
         -> give the authority of its certificate in `tls.caFile`; the certificate has to name the host \
         of `url`\n\n\
         1 thing stands in the way"
    );
    assert_eq!((code, alb.server.requests().len()), (Some(1), 0));
}

#[tokio::test]
async fn a_controller_without_markers_of_ako_and_with_old_samples() {
    let alb = Alb::start(&[pool()]).await;
    alb.lag_behind(3600);
    let (code, told) = told(&alb, &alb.source()).await;
    let told = told.lines().skip(1).take(4).collect::<Vec<_>>().join("\n");
    assert_eq!(
        told,
        "  ?     the source \"lb\" has 1 pool, none with markers of AKO\n        \
         -> queries by `ako` find nothing: ask by `name` or `uuid`, or check `tenant`, and that AKO is \
         1.5.1 or later and the controller 20.1.5 or later\n  \
         ?     the source \"lb\" has samples; the newest is TIME old, and those older than TIME are \
         refused\n        \
         -> real time metrics may have ended: say `step: 5m`, or switch them on; and compare the clocks"
    );
    assert_eq!(code, Some(0), "worth a look, and nothing in the way");
}

#[tokio::test]
async fn a_role_without_rights_and_a_page_in_place_of_json() {
    let alb = Alb::start(&[pool().with(ID, 1.0)]).await;
    for (reply, what, advice) in [
        (
            Reply::json(403, &json!({"error": "permission denied"})),
            "does not let this user read metrics (403: permission denied); give its role read access to \
             it in the tenant",
            "the role needs read access to pools, virtual services and analytics in the tenant",
        ),
        (
            Reply::new(200, "text/html", "<html><body>Down for maintenance</body></html>"),
            "answered 200 OK with text/html in place of JSON: \"Down for maintenance\"",
            "give the address of the controller in `url`, not that of a proxy or of a virtual service",
        ),
    ] {
        alb.fail("/api/analytics", usize::MAX, reply);
        let (code, told) = told(&alb, &alb.source()).await;
        let expected = format!(
            "  FAIL  the source \"lb\" {what}\n        -> {advice}\n\n1 thing stands in the way"
        );
        assert_eq!((told, code), (expected, Some(1)));
        alb.recover();
    }
}

#[tokio::test]
async fn a_node_that_is_down_beside_one_that_answers() {
    let mut first = Alb::start(&[pool()]).await;
    let second = Alb::start(&[pool()]).await;
    first.server.stop().await;
    let urls = format!("urls: ['{}', '{}']", first.server.url(), second.server.url());
    let (code, told) = told(&second, &second.source_at(&urls, ", step: 5s")).await;
    let told = told.replace(&first.server.url(), "FIRST");
    let nodes: Vec<_> = told.lines().take(3).collect();
    assert_eq!(
        nodes,
        [
            "  ok    the source \"lb\" is reached at URL and logged in to: NSX ALB, version 22.1.3",
            "  ?     the source \"lb\": its node FIRST cannot be reached: Connection refused (os error \
             111)",
            "        -> values come from the others meanwhile",
        ]
    );
    assert_eq!(code, Some(0), "{told}");
}
