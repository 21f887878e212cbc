//! Logging in, staying logged in, and logging out.

use std::time::Duration;

use leadsman_tests::{Alb, Folder, Leadsman, Reply, eventually, paths};
use serde_json::json;

use super::scene::{SOON, Scene, config, of_ingress, of_ingresses, path, pool, serving_web};

#[tokio::test]
async fn a_session_that_expires_is_renewed_once() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    assert_eq!(scene.alb.count("/login"), 1);
    scene.alb.expire_sessions();
    scene.alb.set(super::scene::POOL, super::scene::ID, 2.0);
    scene.becomes("2").await;
    assert_eq!(scene.alb.count("/login"), 2);
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again_until_the_credentials_change() {
    let alb = Alb::start(&[pool()]).await;
    alb.change_password("another");
    let leadsman = Leadsman::start(config(&alb.source())).await;
    for _ in 0..3 {
        let failure = leadsman.get(&path()).await.failure();
        assert_eq!(failure.code, 503, "{failure:?}");
        failure.assert_contains(&["refused the login", "401", "Invalid credentials", "not locked"]);
        // Longer than an error counts.
        let before = leadsman.metric("leadsman_evaluations_total", &[]).await;
        eventually("another attempt", SOON, async || {
            let _ = leadsman.get(&path()).await;
            let now = leadsman.metric("leadsman_evaluations_total", &[]).await;
            if now > before { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }
    assert_eq!(alb.count("/login"), 1);
    let reason = [("reason", "query_login")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &reason).await;
    assert!(counted >= Some(3.0), "{counted:?}");
    alb.put("password", "another");
    eventually("a value", SOON, async || {
        let answer = leadsman.get(&path()).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert_eq!(alb.count("/login"), 2);
    let log = leadsman.log();
    assert!(!log.contains("\"another\"") && !log.contains("not-a-secret"), "{log}");
}

#[tokio::test]
async fn the_last_good_value_is_served_while_the_password_is_wrong() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.change_password("another");
    let texts = ["refused the login (401 Unauthorized: Invalid credentials)"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    assert_eq!(scene.alb.count("/login"), 2, "one, and a new one that is refused");
    scene.alb.put("password", "another");
    scene.becomes("1013400m").await;
    assert_eq!(scene.alb.count("/login"), 3);
}

#[tokio::test]
async fn the_session_ends_with_the_process() {
    let Scene { alb, leadsman } = Scene::new().await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
    assert_eq!(alb.open_sessions(), 1);
    leadsman.terminate();
    assert!(leadsman.exit().await.success());
    assert_eq!((alb.open_sessions(), alb.count("/logout")), (0, 1));
}

#[tokio::test]
async fn the_session_ends_with_the_source() {
    let alb = Alb::start(&[pool()]).await;
    let mut folder = Folder::plain();
    folder.configure(config(&alb.source()));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
    folder.configure("apiVersion: leadsman.dev/v1alpha1\nkind: Config\n");
    eventually("a logout", SOON, async || match alb.open_sessions() {
        0 => Ok(()),
        open => Err(format!("{open} sessions\n{}", leadsman.log())),
    })
    .await;
}

#[tokio::test]
async fn basic_authentication_needs_no_session() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    alb.allow_basic();
    let source = alb.source_with(", login: basic");
    let (leadsman, path) = serving_web(&source, of_ingresses("")).await;
    assert_eq!(leadsman.get(&path).await.value(), "7");
    assert_eq!((alb.count("/login"), alb.open_sessions()), (0, 0));
    let metrics = alb.server.requests().into_iter().find(|one| one.path.contains("collection"));
    assert_eq!(metrics.expect("a request").header("x-avi-version"), Some("22.1.3"));
}

#[tokio::test]
async fn the_status_is_asked_before_a_new_login() {
    for status in [419, 503] {
        let scene = Scene::new().await;
        scene.becomes("1013400m").await;
        let before = scene.alb.count("/api/cluster/status");
        scene.alb.fail("/api/analytics", 1, Reply::json(status, &json!({"error": "busy"})));
        scene.alb.set(super::scene::POOL, super::scene::ID, 3.0);
        scene.becomes("3").await;
        assert_eq!(scene.alb.count("/api/cluster/status"), before + 1, "{status}");
        assert_eq!(scene.alb.count("/login"), 2, "{status}");
    }
}

#[tokio::test]
async fn a_token_that_is_never_accepted_ends_in_no_loop() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    alb.refuse_csrf();
    let (leadsman, path) = serving_web(&alb.source(), of_ingresses("")).await;
    let failure = leadsman.get(&path).await.failure();
    failure.assert_contains(&["does not accept the session", "CSRF Failed"]);
    assert_eq!(alb.count("/login"), 2, "one, and a new one");
    // With growing pauses from then on: after 1 s, 2 s and 4 s.
    let begun = tokio::time::Instant::now();
    eventually("8 s", SOON, async || {
        let _ = leadsman.get(&path).await;
        let since = begun.elapsed();
        if since > Duration::from_secs(8) { Ok(()) } else { Err(format!("{since:?}")) }
    })
    .await;
    assert!(alb.count("/login") <= 10, "{} logins", alb.count("/login"));
}

#[tokio::test]
async fn a_session_that_expires_within_a_list_fails_no_read() {
    // Three pages; what is read is on the last one.
    let pools: Vec<_> =
        (0..450).map(|number| of_ingress(number, "shop", &format!("web-{number}"), 1.0)).collect();
    let alb = Alb::start(&pools).await;
    let config = leadsman_tests::Config::new()
        .source_of("lb", &alb.source())
        .mapping(of_ingresses(""))
        .object("ingresses.networking.k8s.io", Some("shop"), "web-449", "");
    let leadsman = Leadsman::start(config).await;
    let path = paths::object("shop", "ingresses.networking.k8s.io/web-449", "connections");
    let pages = || -> Vec<String> {
        let requests = alb.server.requests();
        let lists = requests.iter().filter(|request| request.path == "/api/pool/");
        lists.map(|request| request.parameter("page").unwrap_or_default().to_owned()).collect()
    };
    alb.expire_before_page(2);
    assert_eq!(leadsman.get(&path).await.value(), "1");
    assert_eq!(pages(), ["1", "2", "2", "3"], "the list goes on where it was");
    assert_eq!(alb.count("/login"), 2);
    // And while values are known.
    alb.expire_before_page(3);
    eventually("another list", SOON, async || {
        assert_eq!(leadsman.get(&path).await.value(), "1");
        let pages = pages();
        if pages.len() >= 8 { Ok(()) } else { Err(format!("{pages:?}")) }
    })
    .await;
    assert_eq!(pages()[4..8], ["1", "2", "3", "3"]);
    assert_eq!(alb.count("/login"), 3);
    let failed = leadsman.metric("leadsman_evaluation_failures_total", &[]).await;
    assert_eq!(failed.unwrap_or_default(), 0.0);
    assert!(!leadsman.log().contains("the last list goes on"), "{}", leadsman.log());
}

#[tokio::test]
async fn requests_name_the_version_that_is_configured() {
    let scene = Scene::with(", apiVersion: '20.1.5'").await;
    scene.becomes("1013400m").await;
    let requests = scene.alb.server.requests();
    let of_api: Vec<_> = requests.iter().filter(|one| one.path.starts_with("/api/")).collect();
    assert!(of_api.len() >= 2, "a list and metrics: {requests:#?}");
    for request in of_api {
        assert_eq!(request.header("x-avi-version"), Some("20.1.5"), "{request:#?}");
    }
    // It is sent although the controller has said that it is older.
    let newer = Scene::with(", apiVersion: '30.1.1'").await;
    newer.fails(&["refused the request (400", "version 30.1.1 is newer than 22.1.3"]).await;
}

#[tokio::test]
async fn the_last_good_value_is_served_while_a_token_is_refused() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    let mapping = of_ingresses("").set("onError", "{lastGood: 5m}");
    let (leadsman, path) = serving_web(&alb.source(), mapping).await;
    assert_eq!(leadsman.get(&path).await.value(), "7");
    alb.refuse_csrf();
    eventually("a warning", SOON, async || {
        let answer = leadsman.get(&path).await;
        assert_eq!(answer.value(), "7", "{answer:#?}");
        answer.tells_age("connections", &["does not accept the session", "CSRF Failed"])
    })
    .await;
}
