//! What anonymous clients get: nothing, on no route.

use leadsman_tests::cluster::Subject;
use leadsman_tests::paths;
use reqwest::Method;

use super::{CUSTOM, EXTERNAL, Site, VALUE, proxied};

/// Every route, and some that do not exist.
fn routes(namespace: &str) -> Vec<String> {
    let mut routes: Vec<_> = [
        "/",
        "/api",
        "/apis",
        "/apis/",
        "/openapi/v2",
        "/openapi/v3",
        "/metrics",
        "/status.json",
        "/unknown",
        "/livez/ping",
        "/readyz/",
        "//livez",
        "/apis//livez",
        "/debug/pprof/",
        "/apis/apps/v1",
    ]
    .map(str::to_owned)
    .to_vec();
    for group in [CUSTOM, EXTERNAL] {
        routes.extend([format!("/apis/{group}"), format!("/apis/{group}/")]);
    }
    for version in [paths::CUSTOM_V1, paths::CUSTOM_V2] {
        routes.push(version.to_owned());
        for rest in [
            "",
            "pods/*/load",
            "pods/web-0/load",
            "pods/*/load?labelSelector=app%3Dweb",
            "pods/*/load/",
            "pods//load",
            "pods/*/unknown",
            "metrics/load",
            "load",
        ] {
            routes.push(format!("{version}/namespaces/{namespace}/{rest}"));
        }
        routes.extend([format!("{version}/"), format!("{version}/pods/web-0/load")]);
    }
    routes.push(paths::EXTERNAL.to_owned());
    routes.push(paths::external(namespace, "depth"));
    routes.push(format!("/{}", paths::pods(namespace, "load")));
    routes.push(format!("/livez{}", paths::pods(namespace, "load")));
    routes
}

#[tokio::test]
async fn anonymous_requests_are_served_nothing() {
    let site = Site::new("walked", 1).await;
    let root = proxied(site.plane, "root").header("x-remote-group", "system:masters");
    // Responses of other clients are cached now, and must not leak.
    for path in [site.load(), paths::external(site.namespace, "depth")] {
        assert!(site.read(&root, &path).await.body.contains(VALUE));
    }
    for path in routes(site.namespace) {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let answer = site.leadsman.send(method.clone(), &path).await;
            assert_eq!(answer.status, 403, "{method} {path}: {answer:#?}");
            assert!(!answer.body.contains(VALUE), "{method} {path}: {answer:#?}");
            if method == Method::GET {
                answer.failure().assert_contains(&[r#"User "system:anonymous" cannot"#]);
            }
        }
    }
    // Every cluster allows everybody to read these (system:public-info-viewer).
    for path in ["/livez", "/readyz", "/healthz", "/version"] {
        let answer = site.leadsman.get(path).await;
        assert_eq!((answer.status, answer.body.contains(VALUE)), (200, false), "{answer:#?}");
    }
    let denied = site.leadsman.metric("leadsman_requests_denied_total", &[("reason", "forbidden")]);
    assert!(denied.await >= Some(routes(site.namespace).len() as f64));
}

#[tokio::test]
async fn the_admin_address_serves_values_to_loopback_only() {
    let site = Site::new("admin", 2).await;
    let john = proxied(site.plane, "john");
    site.allow(&Subject::user("john")).await;
    assert_eq!(site.status(&john).await, 200);
    let page = site.leadsman.admin("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(site.leadsman.admin("/status.json").await.ok().to_string().contains(VALUE));
    let pods = site.leadsman.metric("leadsman_objects", &[("resource", "pods")]).await;
    assert!(pods >= Some(2.0), "{pods:?}");
    assert_eq!(
        site.leadsman.metric("leadsman_objects_followed", &[("resource", "pods")]).await,
        Some(1.0)
    );
    assert!(!site.leadsman.admin("/metrics").await.body.contains(VALUE));
}
