//! What `leadsman doctor` says of targets, where there is no cluster yet.

use leadsman_tests::{Leadsman, Reply, Upstream};
use tempfile::TempDir;

use super::scene::{config, mapping, page};

const PAGE: &str = "# TYPE requests gauge\nrequests{pod=\"web-0\"} 5\nrequests{pod=\"web-1\"} 6\n";

/// Runs it for these targets. Gives the exit code and what it prints of the sources.
async fn told(targets: [&Upstream; 2]) -> (Option<i32>, String) {
    let folder = TempDir::new().expect("a folder");
    let [first, second] = targets.map(Upstream::url);
    let text = config(&[&first, &second], ", timeout: 1s", mapping()).to_string();
    std::fs::write(folder.path().join("leadsman.yaml"), text).expect("a file");
    let ended = Leadsman::command(&["doctor", "--config", "leadsman.yaml"], folder.path()).await;
    let sources = ended.output.split_once("\nSources, as seen from here\n");
    let (_, sources) = sources.unwrap_or_else(|| panic!("{}", ended.output));
    (ended.code, sources.to_owned())
}

#[tokio::test]
async fn a_target_that_fails_is_told_beside_one_that_answers() {
    let (good, bad) = (Upstream::start(page(PAGE)).await, Upstream::start(page(PAGE)).await);
    let is_well = |app: &Upstream| {
        format!("  ok    {}/metrics: {} bytes, 2 series in ", app.url(), PAGE.len())
    };
    for (reply, what) in [
        (Reply::new(500, "text/plain", "no database"), "answered 500 Internal Server Error"),
        (page("requests{\n"), "sent a page that cannot be read: line 1: "),
        (Reply::NoReply, "did not send its page within 1s"),
    ] {
        bad.set_reply(reply);
        let (code, told) = told([&good, &bad]).await;
        assert_eq!(code, Some(1), "{told}");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines[0], "  FAIL  the source \"app\" has 2 targets, 1 of them failing",
            "{told}"
        );
        assert!(lines[1].starts_with("        -> an address inside the cluster "), "{told}");
        let failing = format!("  ?     {}/metrics {what}", bad.url());
        assert!(lines[2].starts_with(&failing), "{failing}\n{told}");
        assert!(lines[3].starts_with(&is_well(&good)), "{told}");
        assert!(told.contains("\n1 thing stands in the way\n"), "{told}");
    }
    bad.set_reply(page(PAGE));
    let (code, told) = told([&good, &bad]).await;
    assert_eq!(code, Some(0), "{told}");
    let all = "  ok    the source \"app\" has 2 targets, 0 of them failing\n".to_owned();
    for text in [all, is_well(&good), is_well(&bad), "\nnothing stands in the way\n".to_owned()] {
        assert!(told.contains(&text), "{text}\n{told}");
    }
    // Each time once: nothing is served meanwhile.
    assert_eq!((good.requests().len(), bad.requests().len()), (4, 4));
}
