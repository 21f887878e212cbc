//! Several nodes of one controller.

use leadsman_tests::{Alb, Leadsman, eventually};

use super::scene::{ID, POOL, SOON, config, path, pool};

/// The nodes have the same accounts, objects and metrics.
#[tokio::test]
async fn another_node_is_asked_when_one_fails() {
    let mut first = Alb::start(&[pool()]).await;
    let second = Alb::start(&[pool()]).await;
    let urls = format!("urls: ['{}', '{}']", first.server.url(), second.server.url());
    let source = second.source_at(&urls, ", step: 5s, listEvery: 5s, timeout: 2s");
    let leadsman = Leadsman::start(config(&source)).await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
    assert_eq!(second.server.requests().len(), 0);

    first.server.stop().await;
    second.set(POOL, ID, 2.0);
    eventually("the value of the second node", SOON, async || {
        let answer = leadsman.get(&path()).await;
        match answer.status {
            200 if answer.value() == "2" => Ok(()),
            _ => Err(format!("{answer:#?}\n{}", leadsman.log())),
        }
    })
    .await;
    for (alb, up) in [(&first, 0.0), (&second, 1.0)] {
        let url = alb.server.url();
        let labels = [("source", "lb"), ("address", url.as_str())];
        assert_eq!(leadsman.metric("leadsman_source_address_up", &labels).await, Some(up), "{url}");
    }
    assert_eq!(second.count("/login"), 1);
    // A session stays where it is.
    first.server.restart().await;
    second.set(POOL, ID, 3.0);
    eventually("another value of the second node", SOON, async || {
        let answer = leadsman.get(&path()).await;
        if answer.status == 200 && answer.value() == "3" {
            Ok(())
        } else {
            Err(format!("{answer:#?}"))
        }
    })
    .await;
    assert_eq!(second.count("/login"), 1);
}

/// The nodes have the same accounts: another attempt elsewhere would lock it as well.
#[tokio::test]
async fn a_login_that_one_node_refuses_is_tried_at_no_other() {
    let (first, second) = (Alb::start(&[pool()]).await, Alb::start(&[pool()]).await);
    first.change_password("another");
    second.change_password("another");
    let urls = format!("urls: ['{}', '{}']", first.server.url(), second.server.url());
    let leadsman = Leadsman::start(config(&second.source_at(&urls, ", step: 5s"))).await;
    for _ in 0..3 {
        leadsman.get(&path()).await.failure().assert_contains(&["refused the login"]);
    }
    assert_eq!((first.count("/login"), second.count("/login")), (1, 0));
}
