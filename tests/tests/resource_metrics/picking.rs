//! Selection of objects.

use leadsman_tests::eventually;

use crate::{ALL, World, expected};

const WEB: [(&str, &str); 2] = [("shop/web-0/app", "250m 64Mi"), ("shop/web-0/proxy", "1m 1k")];
const DB: (&str, &str) = ("shop/db-0/postgres", "2 1234567500m");
const BANK: (&str, &str) = ("bank/web-0/app", "500m 1Gi");
const SOUTH: (&str, &str) = ("node-a", "1500m 2Gi");
const NORTH: (&str, &str) = ("node-b", "250m 512Mi");

#[tokio::test]
async fn by_label_field_and_name() {
    let world = World::start(&ALL).await;
    let [app, proxy] = WEB;
    for (rest, picked) in [
        ("nodes", &[SOUTH, NORTH][..]),
        ("nodes/node-b", &[NORTH]),
        ("nodes?labelSelector=zone%3Dsouth", &[SOUTH]),
        ("nodes?labelSelector=zone%20notin%20(south)", &[NORTH]),
        ("nodes?fieldSelector=metadata.name%3Dnode-a", &[SOUTH]),
        ("nodes?fieldSelector=metadata.namespace%3Dshop", &[]),
        ("namespaces/shop/pods", &[app, proxy, DB]),
        ("namespaces/shop/pods/db-0", &[DB]),
        ("namespaces/shop/pods?labelSelector=app%3Dweb", &WEB),
        ("namespaces/shop/pods?labelSelector=app%3Dnobody", &[]),
        ("namespaces/shop/pods?fieldSelector=metadata.name%21%3Ddb-0", &WEB),
        ("namespaces/shop/pods?fieldSelector=metadata.namespace%3Dbank", &[]),
        ("namespaces/nowhere/pods", &[]),
        ("pods", &[app, proxy, DB, BANK]),
        ("pods?labelSelector=app%3Dweb", &[app, proxy, BANK]),
        ("pods?labelSelector=app%3Ddb", &[DB]),
        ("pods?fieldSelector=metadata.namespace%3D%3Dbank", &[BANK]),
        (
            "pods?labelSelector=app%3Dweb&fieldSelector=metadata.namespace%21%3Dbank,metadata.name%3Dweb-0",
            &WEB,
        ),
    ] {
        // Twice: the cached answer is the same.
        for _ in 0..2 {
            assert_eq!(world.used(rest).await, expected(picked), "{rest}");
        }
    }
}

#[tokio::test]
async fn lists_are_in_order() {
    let world = World::start(&ALL).await;
    for (rest, names) in [
        ("pods", &["bank/web-0", "shop/db-0", "shop/web-0"][..]),
        ("nodes", &["/node-a", "/node-b"]),
    ] {
        let list = world.get(rest).await.items();
        let name = |item: &serde_json::Value| {
            let [namespace, name] = ["namespace", "name"].map(|key| &item["metadata"][key]);
            format!("{}/{}", namespace.as_str().unwrap_or_default(), name.as_str().unwrap_or("-"))
        };
        assert_eq!(list.iter().map(name).collect::<Vec<_>>(), names);
    }
}

#[tokio::test]
async fn selectors_that_cannot_be_read_are_refused() {
    let world = World::start(&ALL).await;
    for (rest, said) in [
        ("nodes?labelSelector=%3D%3D", "labelSelector"),
        ("pods?labelSelector=a%20in%20b", "labelSelector"),
        ("pods?fieldSelector=web-0", "can't understand 'web-0'"),
        (
            "namespaces/shop/pods?fieldSelector=status.phase%3DRunning",
            "\"status.phase\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
    ] {
        let failure = world.get(rest).await.failure();
        assert_eq!((failure.code, failure.reason.as_str()), (400, "BadRequest"), "{rest}");
        failure.assert_contains(&[said]);
    }
    assert_eq!(world.upstream.queries(), 0);
}

#[tokio::test]
async fn objects_that_do_not_exist_cause_no_query() {
    let world = World::start(&ALL).await;
    for rest in ["namespaces/nowhere/pods", "namespaces/shop/pods?labelSelector=app%3Dnobody"] {
        assert_eq!(world.get(rest).await.items().len(), 0);
    }
    world.get("namespaces/shop/pods/nobody-0").await.failure();
    assert_eq!(world.upstream.queries(), 0);
    // A list over all namespaces does not need a namespace without selected pods.
    world.get("pods?labelSelector=app%3Ddb").await.items();
    assert_eq!(world.upstream.queries(), 2);
}

/// Queries that name the objects, as prometheus-adapter's do.
#[tokio::test]
async fn exact_queries_name_the_objects() {
    let world = World::start_with(&ALL, |config| {
        config
            .set("resourceRules", &crate::rules().to_string())
            .set("discovery", "{exactQueries: true}")
    })
    .await;
    let [app, proxy] = WEB;
    for (rest, picked, named) in [
        ("namespaces/shop/pods/web-0", &WEB[..], &["pod=\"web-0\""][..]),
        ("namespaces/shop/pods", &[app, proxy, DB], &["pod=~\"db-0|web-0\""]),
        ("pods?labelSelector=app%3Dweb", &[app, proxy, BANK], &["pod=\"web-0\""]),
        ("nodes?labelSelector=zone%3Dnorth", &[NORTH], &["node=\"node-b\""]),
    ] {
        let before = world.upstream.requests().len();
        // The source also has samples of other objects, which change nothing.
        assert_eq!(world.used(rest).await, expected(picked), "{rest}");
        eventually("queries", std::time::Duration::from_secs(5), async || {
            let asked = world.upstream.requests().split_off(before);
            let texts: Vec<_> = asked.iter().map(|request| request.promql().to_owned()).collect();
            let all = named.iter().all(|named| texts.iter().any(|text| text.contains(named)));
            if all || texts.is_empty() { Ok(()) } else { Err(format!("{texts:#?}")) }
        })
        .await;
    }
}
