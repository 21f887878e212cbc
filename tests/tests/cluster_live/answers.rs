//! What answers for a team's mappings may take of the memory.

use super::*;

/// How many series an answer has: some 10 MB, which a source may send.
const SERIES: usize = 10_000;

/// How many such answers the mapping asks for.
const QUERIES: usize = 40;

/// The stated bound of what one client or team takes the process to, in bytes.
const MAX_MEMORY: u64 = 512 << 20;

/// All answers of a mapping are kept until its plugin has had them, and a query may ask for everything
/// that a source has.
#[tokio::test]
async fn answers_for_a_team_have_a_bound_together() {
    let site = Site::new("answers").await;
    let answer = Reply::long(SERIES);
    site.upstream.reply_with(move |request| {
        let is_large = request.promql().contains("everything");
        if is_large { answer.clone() } else { Reply::pods(&[("web-0", "7")]) }
    });
    let opened = "namespaces: [answers-a], sources: [prometheus]";
    let own = external("own", 7).set("maxAge", "20ms");
    site.operator.write(site.config().team(opened).mapping(own)).await;
    let leadsman = site.start().await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let a = site.team("answers-a").await.with_binary("mine.wasm", &hostile);
    let large = Mapping::external("large").plugin("mine", "do: well-behaved");
    let large = (0..QUERIES).fold(large, |large, number| {
        large.query(&format!("q{number}"), &format!("everything > {number}"))
    });
    let config = Config::new().plugin("mine", "mine.wasm").mapping(external("small", 7));
    a.write(config.mapping(large.set("deadline", "20s"))).await;
    wait_accepted(&leadsman, &a.owner()).await;
    let own = paths::external("answers-a", "own");
    let failure = eventually("an answer that has no room", TIMEOUT, async || {
        let read = site.read(&leadsman, &paths::external("answers-a", "large")).await;
        site.read(&leadsman, &own).await.ok();
        if read.is_success() {
            return Err(format!("it is served: {read:#?}"));
        }
        let failure = read.failure();
        if failure.message.contains("64 MiB") { Ok(failure) } else { Err(failure.message) }
    })
    .await;
    failure.assert_contains(&["more than there is room for", "aggregate in the query"]);
    let counted = [("reason", "query_too_large")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &counted).await;
    assert!(counted >= Some(1.0), "{counted:?}");
    let peak = leadsman.peak_memory();
    assert!(peak < MAX_MEMORY, "{} MiB", peak >> 20);
    // What was taken is given back.
    site.serves(&leadsman, &paths::external("answers-a", "small"), "7").await;
}
