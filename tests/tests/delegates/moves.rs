//! Metrics move from another adapter to this one and back while they are read.

use leadsman_tests::{Folder, Leadsman, Load, Mapping, Reply, Upstream, eventually, paths};

use super::scene::{REST, THEIRS, TIMEOUT, Token, adapter, config};

#[tokio::test]
async fn a_metric_moves_here_and_back_without_a_failed_read() {
    let token = Token::new();
    let other = Upstream::start(Reply::NoReply).await;
    other.reply_with(adapter);
    let prometheus = Upstream::start(Reply::pods(&[("web-0", "70"), ("web-1", "70")])).await;
    let delegates = [token.delegate("other", &other.url(), REST)];
    let with_all = config(&prometheus.url(), &delegates);
    let moved = with_all
        .clone()
        .mapping(Mapping::pods(THEIRS).query("q", r#"theirs{namespace="${namespace}"}"#));
    let mut folder = Folder::plain();
    folder.configure(&with_all);
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let load = Load::start(leadsman.api(), &paths::pods("shop", THEIRS), 100);
    let becomes = async |value: &str| {
        eventually(&format!("the value {value}"), TIMEOUT, async || {
            let answer = leadsman.get(&paths::pods("shop", THEIRS)).await;
            let values = answer.values();
            if values["web-0"] == value { Ok(()) } else { Err(format!("{values:?}")) }
        })
        .await;
    };
    becomes("7").await;
    for _ in 0..3 {
        folder.configure(&moved);
        becomes("70").await;
        load.wait_reads(50).await;
        folder.configure(&with_all);
        becomes("7").await;
        load.wait_reads(50).await;
    }
    let reads = load.stop().await;
    let failed: Vec<_> = reads.iter().filter(|read| read.outcome.is_err()).collect();
    assert!(
        failed.is_empty() && reads.len() > 300,
        "{} of {}: {failed:#?}",
        failed.len(),
        reads.len()
    );
    let sum = |value: f64| reads.iter().filter(|read| read.value() == value).count();
    assert!(sum(7.0) > 100 && sum(70.0) > 100, "{} and {}", sum(7.0), sum(70.0));
}
