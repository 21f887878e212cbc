//! The files of the page.

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
