//! Loops: a delegate that points at us.

use leadsman_tests::{Answer, Folder, Leadsman, Reply, Upstream, eventually, paths};

use super::scene::{self, TIMEOUT, Token, own_is_served};

const SETTINGS: &str = ", apis: [custom, external], timeout: 5s, insecureSkipTLSVerify: true";

/// An adapter whose configuration can be changed.
struct Node {
    leadsman: Leadsman,
    folder: Folder,
    prometheus: Upstream,
}

impl Node {
    async fn start(delegates: &[String]) -> Self {
        let prometheus = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
        let mut folder = Folder::plain();
        folder.configure(scene::config(&prometheus.url(), delegates));
        let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
        Self { leadsman, folder, prometheus }
    }

    fn delegate_to(&mut self, delegates: &[String]) {
        self.folder.configure(scene::config(&self.prometheus.url(), delegates));
    }

    fn url(&self) -> String {
        format!("https://{}", self.leadsman.api())
    }

    /// Waits until a read of a metric that nobody has is refused as a loop.
    async fn refuses_a_loop(&self) -> Answer {
        eventually("a loop is found", TIMEOUT, async || {
            let answer = self.leadsman.get(&paths::external("shop", "nobodys")).await;
            if answer.status == 508 { Ok(answer) } else { Err(format!("{answer:#?}")) }
        })
        .await
    }
}

#[tokio::test]
async fn an_adapter_that_is_its_own_delegate_is_found_out() {
    let token = Token::new();
    let mut node = Node::start(&[]).await;
    let myself = token.delegate("myself", &node.url(), SETTINGS);
    node.delegate_to(&[myself]);
    let failure = node.refuses_a_loop().await.failure();
    failure
        .assert_contains(&["the delegate \"myself\" sends requests back to this adapter", "loop"]);
    own_is_served(&node.leadsman).await;
    eventually("it is not asked any more", TIMEOUT, async || {
        let shown = node.leadsman.status().await["delegates"][0].clone();
        let found = shown["state"] == "failing" && shown["asked"] == false;
        if found { Ok(()) } else { Err(format!("{shown:#}")) }
    })
    .await;
    let counted = [("delegate", "myself"), ("reason", "loop")];
    let counted = node.leadsman.metric("leadsman_delegate_failures_total", &counted).await;
    assert!(counted.is_some_and(|count| count >= 1.0), "{counted:?}");
    // It is over when the configuration is right.
    node.delegate_to(&[]);
    eventually("no delegate", TIMEOUT, async || {
        let answer = node.leadsman.get(&paths::external("shop", "nobodys")).await;
        if answer.status == 404 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let text = node.leadsman.admin("/metrics").await.body;
    assert!(!text.contains("delegate=\"myself\""), "the series of a delegate go with it: {text}");
}

#[tokio::test]
async fn two_adapters_that_are_each_others_delegates_are_found_out() {
    let token = Token::new();
    let mut first = Node::start(&[]).await;
    let second = Node::start(&[token.delegate("first", &first.url(), SETTINGS)]).await;
    // A chain is no loop.
    let missing = second.leadsman.get(&paths::external("shop", "nobodys")).await.failure();
    assert_eq!(missing.code, 404, "{missing:?}");
    first.delegate_to(&[token.delegate("second", &second.url(), SETTINGS)]);
    for node in [&first, &second] {
        node.refuses_a_loop().await.failure().assert_contains(&["loop"]);
        own_is_served(&node.leadsman).await;
    }
}

#[tokio::test]
async fn a_request_through_too_many_adapters_is_refused() {
    let token = Token::new();
    let node = Node::start(&[token.delegate("other", "http://127.0.0.1:9", SETTINGS)]).await;
    let hops = |count: usize| vec!["0123456789abcdef-0123456789abcdef"; count].join(",");
    let read = async |count: usize| {
        let path = paths::pods("shop", scene::OWN);
        node.leadsman.get_with(&path, &[("leadsman-delegated-by", &hops(count))]).await
    };
    assert_eq!(read(3).await.values().len(), 2);
    let failure = read(4).await.failure();
    assert_eq!(failure.code, 508);
    failure.assert_contains(&["come through", "too many"]);
}
