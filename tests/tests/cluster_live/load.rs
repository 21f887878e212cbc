//! Edits under load.

use super::*;

const EDITS: u32 = 100;

#[tokio::test]
async fn no_read_fails_while_a_configuration_is_edited_repeatedly() {
    let site = Site::new("busy").await;
    let opened = "namespaces: [busy-a], sources: [prometheus]";
    let a = site.team("busy-a").await;
    // The value of the last edit shows that all were applied.
    let operators = |edit: u32| {
        let mapping = external("all", 1 + edit).set("maxAge", "30s");
        site.config().team(opened).mapping(mapping)
    };
    let teams = |edit: u32| Config::new().mapping(pods("load", 1 + edit));
    site.operator.write(operators(0)).await;
    a.write(teams(0)).await;
    let leadsman = site.start().await;
    let (all, load) = (paths::external("busy-a", "all"), paths::pods("busy-a", "load"));
    site.serves(&leadsman, &all, "1").await;
    site.serves(&leadsman, &load, "1").await;

    let readers = [&all, &load].map(|path| {
        // Each reads fifty times a second.
        Readers::start(4, &format!("https://{}{path}", leadsman.api()), || root(site.plane))
    });
    for edit in 1..=EDITS {
        if edit % 2 == 0 {
            site.operator.write(operators(edit)).await;
        } else {
            a.write(teams(edit)).await;
        }
        readers[0].wait_reads(4).await;
    }
    site.serves(&leadsman, &all, &format!("{}", 1 + EDITS)).await;
    site.serves(&leadsman, &load, &format!("{EDITS}")).await;
    for readers in readers {
        readers.wait_reads(20).await;
        assert_eq!(readers.stop().await, [""; 0]);
    }
    assert_eq!(warnings(&site.operator).await, []);
    assert_eq!(warnings(&a).await, []);
}
