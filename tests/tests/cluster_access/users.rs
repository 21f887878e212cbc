//! Users with certificates and tokens of their own, and rights that change.

use leadsman_tests::cluster::Subject;
use leadsman_tests::{Authority, HttpClient, eventually};

use super::{COUNTS, Site, proxied};

#[tokio::test]
async fn a_client_certificate_authenticates_its_user() {
    let site = Site::new("certified", 1).await;
    site.allow(&Subject::user("jane")).await;
    site.allow(&Subject::Group("readers".to_owned())).await;
    let users = site.plane.authorities();
    let foreign = Authority::new("client-ca");
    for (who, identity, status) in [
        ("with the right", users.clients.client("jane"), 200),
        ("by a group", users.clients.member("john", "readers"), 200),
        ("of the masters", users.clients.member("root", "system:masters"), 200),
        ("without the right", users.clients.client("john"), 403),
        ("expired", users.clients.expired("jane"), 401),
        ("of nobody", users.clients.client(""), 401),
        ("of another authority", foreign.member("jane", "system:masters"), 401),
    ] {
        let answer = site.read(&HttpClient::with_certificate(&identity), &site.load()).await;
        assert_eq!(answer.status, status, "{who}: {answer:#?}");
        if status != 200 {
            assert_eq!(answer.failure().code, status);
        }
    }
}

#[tokio::test]
async fn a_token_authenticates_its_service_account() {
    let site = Site::new("tokens", 1).await;
    let token = site.token().await;
    let account = HttpClient::with_token(&token);
    let refused = site.read(&account, &site.load()).await.failure();
    assert_eq!(refused.code, 403);
    refused.assert_contains(&[r#"User "system:serviceaccount:tokens:leadsman" cannot get"#]);
    let cut = &token[..token.len() - 8];
    for bad in ["bad", cut] {
        let refused = site.read(&HttpClient::with_token(bad), &site.load()).await.failure();
        assert_eq!((refused.code, refused.reason.as_str()), (401, "Unauthorized"));
        refused.assert_contains(&["the bearer token is not valid"]);
    }
    // Every service account of a namespace is in the group of the namespace.
    site.allow(&Subject::Group("system:serviceaccounts:tokens".to_owned())).await;
    eventually("the right to count", COUNTS, async || site.becomes(&account, 200).await).await;
    // An unknown certificate does not invalidate a valid token.
    let both = HttpClient::with_certificate(&Authority::new("other").client("jane"))
        .header("authorization", &format!("Bearer {token}"));
    assert_eq!(site.status(&both).await, 200);
}

#[tokio::test]
async fn granted_and_withdrawn_rights_take_effect() {
    let site = Site::new("changing", 1).await;
    let jane = HttpClient::with_certificate(&site.plane.authorities().clients.client("jane"));
    let john = proxied(site.plane, "john");
    site.allow(&Subject::user("jane")).await;
    assert_eq!((site.status(&jane).await, site.status(&john).await), (200, 403));
    site.take_all_away().await;
    site.allow(&Subject::user("john")).await;
    eventually("the change", COUNTS, async || {
        site.becomes(&jane, 403).await?;
        site.becomes(&john, 200).await
    })
    .await;
}
