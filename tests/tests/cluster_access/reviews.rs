//! How many reviews reads cost.

use leadsman_tests::cluster::{Rule, Subject};
use leadsman_tests::{HttpClient, paths};
use tokio::task::JoinSet;

use super::{CUSTOM, Site, VALUE, proxied};

const READS: usize = 200;

const OBJECTS: usize = 20;

/// Reads the objects repeatedly, many at once, over separate connections.
async fn read_them_all(site: &Site, caller: impl Fn() -> HttpClient) {
    let mut reads = JoinSet::new();
    let callers: Vec<_> = (0..4).map(|_| caller()).collect();
    for number in 0..READS {
        let (leadsman, caller) = (site.leadsman.clone(), callers[number % 4].clone());
        let object = format!("pods/web-{}", number % OBJECTS);
        let path = paths::object(site.namespace, &object, "load");
        reads.spawn(async move { leadsman.get_as(&caller, &path).await });
    }
    for answer in reads.join_all().await {
        assert_eq!(answer.value(), VALUE);
    }
}

#[tokio::test]
async fn equal_reviews_are_sent_once() {
    let site = Site::new("shared", OBJECTS).await;
    let everything = [Rule::new(&["get"], CUSTOM, &["*"])];
    site.plane.admin().allow(&Subject::user("all"), None, &everything).await;
    site.allow(&Subject::user("some")).await;

    read_them_all(&site, || proxied(site.plane, "all")).await;
    let asked = site.questions("all");
    assert!(asked.values().sum::<usize>() <= 3, "{asked:#?}");

    // One review for everything, then one for each object; cached decisions may expire meanwhile.
    read_them_all(&site, || proxied(site.plane, "some")).await;
    let asked = site.questions("some");
    assert_eq!(asked.len(), OBJECTS + 1, "{asked:#?}");
    assert!(asked.values().all(|&times| times <= 2), "{asked:#?}");

    // A direct request has not been authorized by kube-apiserver before.
    let some = site.plane.authorities().clients.client("all");
    read_them_all(&site, || HttpClient::with_certificate(&some)).await;
    let asked = site.questions("all");
    assert!(asked.len() >= OBJECTS, "{asked:#?}");
    assert!(asked.values().all(|&times| times <= 3), "{asked:#?}");
}
