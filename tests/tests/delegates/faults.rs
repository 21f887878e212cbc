//! Another adapter that does wrong.

use std::time::Duration;

use leadsman_tests::{Authority, Failure, Leadsman, Reply, Response, Upstream, eventually, paths};
use serde_json::json;

use super::scene::{self, REST, Scene, THEIRS, TIMEOUT, Token, adapter, own_is_served};

/// A fault: reads of the other adapter's metric fail with one of these codes and these texts, what is
/// served here is not affected, discovery keeps what was listed, and it is over when the fault is.
async fn costs_its_own(fault: Reply, codes: &[u16], reason: &str, texts: &[&str]) -> Failure {
    let scene = Scene::new().await;
    assert_eq!(scene.theirs().await.values()["web-0"], "7");
    scene.other.set_reply(fault);
    let failure = scene.theirs().await.failure();
    assert!(codes.contains(&failure.code), "{failure:?}");
    failure.assert_contains(&["the delegate \"other\""]).assert_contains(texts);
    assert!(failure.took < Duration::from_secs(3), "{failure:?}");
    scene.own_is_served().await;
    let listed = scene.leadsman.get(paths::CUSTOM_V2).await;
    assert!(listed.body.contains("pods/theirs"), "{listed:#?}");
    let counted = [("delegate", "other"), ("reason", reason)];
    let counted = scene.leadsman.metric("leadsman_delegate_failures_total", &counted).await;
    assert!(counted.is_some_and(|count| count >= 1.0), "{reason}: {counted:?}");
    scene.recovers().await;
    failure
}

#[tokio::test]
async fn a_gigabyte() {
    let texts = ["sent more than the limit of 8388608 bytes", "maxBodyBytes"];
    costs_its_own(Reply::Endless, &[502], "too_large", &texts).await;
}

#[tokio::test]
async fn a_page_of_html() {
    let page = || Reply::new(200, "text/html", "<html><title>login</title></html>");
    let texts = ["answered 200 OK with \"text/html\""];
    let failure = costs_its_own(page(), &[502], "not_kubernetes", &texts).await;
    assert!(!failure.message.contains("login"), "{failure:?}");
}

#[tokio::test]
async fn another_groups_objects() {
    let pods = json!({"kind": "SecretList", "apiVersion": "v1", "items": [{"data": {"a": "b"}}]});
    let texts = ["answered with SecretList of v1", "MetricValueList"];
    costs_its_own(Reply::json(200, &pods), &[502], "foreign", &texts).await;
}

#[tokio::test]
async fn redirects_without_end() {
    let redirect = Response::new(302, "text/plain", "").header("Location", "/elsewhere");
    let texts = ["302 Found", "redirects are not followed"];
    costs_its_own(Reply::Complete(redirect), &[502], "redirect", &texts).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scene = Scene::new().await;
    let location = format!("{}/elsewhere", scene.other.url());
    scene.other.reply_with(move |request| match request.path.as_str() {
        "/elsewhere" => Reply::json(200, &scene::custom("v1beta2", THEIRS)),
        path if path.ends_with(THEIRS) => {
            Reply::Complete(Response::new(301, "text/plain", "").header("Location", &location))
        }
        _ => adapter(request),
    });
    assert_eq!(scene.theirs().await.failure().code, 502);
    let asked = scene.other.requests();
    assert!(!asked.iter().any(|request| request.path == "/elsewhere"), "{asked:#?}");
}

#[tokio::test]
async fn half_an_answer() {
    let whole = Reply::json(200, &scene::custom("v1beta2", THEIRS));
    let broken = whole.clone().truncated_body();
    costs_its_own(broken, &[503], "broken", &["broke off its answer"]).await;
    // A whole answer of half a text.
    costs_its_own(whole.halved(), &[502], "malformed", &["cannot be read", "EOF"]).await;
}

#[tokio::test]
async fn no_answer() {
    // Lists fail as well, so that it may not be asked any more.
    let texts = ["did not answer within 1s"];
    costs_its_own(Reply::NoReply, &[503, 504], "timeout", &texts).await;
}

#[tokio::test]
async fn an_answer_byte_by_byte() {
    let slow = Reply::json(200, &scene::custom("v1beta2", THEIRS)).drip();
    costs_its_own(slow, &[503, 504], "timeout", &["did not answer within 1s"]).await;
}

#[tokio::test]
async fn an_error_of_its_own() {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
        "message": "no connection to its source", "code": 500});
    let texts = ["failed (500", "no connection to its source"];
    costs_its_own(Reply::json(500, &status), &[500], "internal", &texts).await;
    let texts = ["failed (503"];
    let unavailable = Reply::new(503, "text/plain", "service unavailable");
    costs_its_own(unavailable, &[503], "internal", &texts).await;
}

#[tokio::test]
async fn credentials_that_it_does_not_accept() {
    let status = json!({"kind": "Status", "apiVersion": "v1", "message": "Unauthorized"});
    let texts = ["refuses the adapter's own credentials (401", "Unauthorized", "neighbours.md"];
    // It is not the caller who is unknown.
    costs_its_own(Reply::json(401, &status), &[502], "credentials", &texts).await;
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let authority = Authority::new("delegates");
    let token = Token::new();
    let trusted = token.path().with_file_name("ca.crt");
    std::fs::write(&trusted, authority.pem()).expect("a file");
    let expired = authority.expired_server("other").server_config(None);
    let other = Upstream::start_tls(Reply::NoReply, expired).await;
    other.reply_with(adapter);
    let settings = format!("{REST}, caFile: {trusted:?}");
    let (leadsman, _prometheus) =
        scene::start(&[token.delegate("other", &other.url(), &settings)]).await;
    let failure = leadsman.get(&paths::pods("shop", THEIRS)).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["the delegate \"other\"", "cannot be reached", "expired"]);
    assert!(other.requests().is_empty(), "nothing is sent to it");
    own_is_served(&leadsman).await;
}

#[tokio::test]
async fn a_certificate_of_another_authority() {
    let token = Token::new();
    let trusted = token.path().with_file_name("ca.crt");
    std::fs::write(&trusted, Authority::new("another").pem()).expect("a file");
    let authority = Authority::new("delegates");
    let served = authority.server("other").server_config(None);
    let other = Upstream::start_tls(Reply::NoReply, served).await;
    other.reply_with(adapter);
    let delegate = |settings: &str| {
        let settings = format!("{REST}, {settings}");
        [token.delegate("other", &other.url(), &settings)]
    };
    let (leadsman, _prometheus) = scene::start(&delegate(&format!("caFile: {trusted:?}"))).await;
    let failure = leadsman.get(&paths::pods("shop", THEIRS)).await.failure();
    failure.assert_contains(&["cannot be reached", "certificate"]);
    assert!(other.requests().is_empty(), "nothing is sent to it");
    // The right one, in the same file.
    leadsman_tests::replace(&trusted, &authority.pem());
    eventually("the new authority is trusted", TIMEOUT, async || {
        let answer = leadsman.get(&paths::pods("shop", THEIRS)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let (trusting, _prometheus) = scene::start(&delegate("insecureSkipTLSVerify: true")).await;
    assert_eq!(trusting.get(&paths::pods("shop", THEIRS)).await.values()["web-0"], "7");
}

/// A read of a metric of the adapter that hangs.
async fn stuck(leadsman: &Leadsman, number: usize) -> Failure {
    leadsman.get(&paths::pods("shop", &format!("stuck_{number}"))).await.failure()
}

/// Many reads of an adapter that hangs take its places alone.
#[tokio::test]
async fn one_that_hangs_does_not_slow_another_one() {
    let token = Token::new();
    let (hanging, good) =
        (Upstream::start(Reply::NoReply).await, Upstream::start(Reply::NoReply).await);
    good.reply_with(adapter);
    let settings = ", apis: [custom], timeout: 3s";
    let delegates = [
        token.delegate(
            "hanging",
            &hanging.url(),
            &format!("{settings}, maxConcurrent: 4, metrics: ['stuck_*']"),
        ),
        token.delegate("good", &good.url(), settings),
    ];
    let (leadsman, _prometheus) = scene::start(&delegates).await;
    let many = async {
        let all = (0..40).map(|number| stuck(&leadsman, number));
        futures_util::future::join_all(all).await
    };
    let beside = async {
        hanging.wait_for_requests(1).await;
        for _ in 0..20 {
            let answer = leadsman.get(&paths::pods("shop", THEIRS)).await;
            assert_eq!(answer.values()["web-0"], "7");
            assert!(answer.took < Duration::from_millis(700), "{answer:#?}");
            own_is_served(&leadsman).await;
        }
    };
    let (failures, ()) = tokio::join!(many, beside);
    for failure in failures {
        assert!([429, 503, 504].contains(&failure.code), "{failure:?}");
        failure.assert_contains(&["the delegate \"hanging\""]);
        assert!(failure.took < Duration::from_secs(6), "{failure:?}");
    }
    // It notices late that a connection is closed, so that there may be some more than four.
    assert!(hanging.most_at_once() <= 8, "{}", hanging.most_at_once());
    // After failures in a row it is not asked, and nobody waits for it.
    let failure = eventually("an open circuit", TIMEOUT, async || {
        let failure = stuck(&leadsman, 0).await;
        if failure.message.contains("times in a row") { Ok(failure) } else { Err(failure.message) }
    })
    .await;
    assert!(failure.took < Duration::from_millis(700), "{failure:?}");
    let by_name = [("delegate", "hanging")];
    assert_eq!(leadsman.metric("leadsman_delegate_available", &by_name).await, Some(0.0));
    let status = leadsman.status().await;
    assert_eq!(status["delegates"][0]["state"], "failing", "{status:#}");
}

/// Reads of one namespace that take long have half of the places, and wait for each other alone.
#[tokio::test]
async fn slow_reads_of_one_namespace_leave_room_for_those_of_another() {
    const SLOW: Duration = Duration::from_secs(4);
    let settings = ", apis: [custom, external, resource], timeout: 6s, maxConcurrent: 4";
    let scene = Scene::with(settings).await;
    scene.other.reply_with(|request| {
        let reply = adapter(request);
        if request.path.contains("/namespaces/shop/") { reply.after(SLOW) } else { reply }
    });
    let many = futures_util::future::join_all((0..20).map(|_| scene.theirs()));
    let beside = async {
        eventually("slow requests", TIMEOUT, async || {
            let asked = scene.other.requests();
            let slow = asked.iter().filter(|asked| asked.path.contains("/namespaces/shop/"));
            if slow.count() >= 2 { Ok(()) } else { Err(format!("{asked:#?}")) }
        })
        .await;
        for _ in 0..10 {
            let answer = scene.leadsman.get(&paths::pods("bank", THEIRS)).await;
            assert_eq!(answer.values()["web-0"], "7");
            assert!(answer.took < SLOW, "{answer:#?}");
        }
    };
    let (answers, ()) = tokio::join!(many, beside);
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty(), "{answers:#?}");
    for answer in refused {
        answer.failure().assert_contains(&["maxConcurrent", "of this namespace"]);
    }
    scene.recovers().await;
}
