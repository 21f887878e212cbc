//! The files of the page.

use leadsman_tests::HttpClient;

use super::Site;

/// The names of files that a text loads.
fn loaded(text: &str) -> Vec<String> {
    let names = ["\"page/", "\"./"].into_iter().flat_map(|before| text.split(before).skip(1));
    names.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_page_has_a_strict_policy_and_all_of_its_files() {
    let site = Site::small().await;
    let page = site.leadsman.admin("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let (mut names, mut seen) = (loaded(&page.body), Vec::new());
    while let Some(name) = names.pop() {
        if seen.contains(&name) {
            continue;
        }
        let file = site.leadsman.admin(&format!("/page/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(file.header("content-security-policy"), policy, "{name}");
        names.extend(loaded(&file.body));
        seen.push(name);
    }
    assert!(seen.len() >= 15, "{seen:?}");
    for other in ["/page/none.js", "/page/..%2Fmod.rs", "/page/"] {
        assert_eq!(site.leadsman.admin(other).await.status, 404, "{other}");
    }
}

/// A page of somebody else, open in a browser of this machine, whose name has this machine's address.
#[tokio::test]
async fn a_site_that_gives_itself_this_machines_address_sees_nothing() {
    let site = Site::small().await;
    let (site_of_somebody, own) =
        (HttpClient::anonymous().header("host", "rebound.example"), HttpClient::anonymous());
    for path in ["/", "/page/main.js", "/status.json", "/status/events", "/status/explain/x"] {
        let answer = site.leadsman.admin_as(&site_of_somebody, path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("name of a site"), "{path}: {}", answer.body);
    }
    assert_eq!(site.leadsman.admin_as(&site_of_somebody, "/metrics").await.status, 200);
    let by_name = own.header("host", "localhost:8080");
    assert_eq!(site.leadsman.admin_as(&by_name, "/status.json").await.status, 200);
}
