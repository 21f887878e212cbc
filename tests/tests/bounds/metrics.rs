//! What the adapter says of itself does not grow with what was configured once.

use leadsman_tests::{Config, Folder, Leadsman, Mapping, Reply, Upstream, paths};

/// How often the mapping gets another name.
const RENAMED: usize = 20;

#[tokio::test]
async fn nothing_is_left_of_mappings_that_are_gone() {
    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let config = |metric: &str| {
        let mapping = Mapping::pods(metric).query("q", r#"load{namespace="${namespace}"}"#);
        let stays = Mapping::pods("stays").query("q", r#"stays{namespace="${namespace}"}"#);
        Config::shop(&upstream.url()).mapping(mapping).mapping(stays)
    };
    let mut folder = Folder::plain();
    folder.configure(config("name-0"));
    let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
    let stays = paths::pods("shop", "stays");
    leadsman.get(&stays).await.ok();
    for number in 1..=RENAMED {
        let metric = format!("name-{}", number - 1);
        assert_eq!(leadsman.get(&paths::pods("shop", &metric)).await.values().len(), 2);
        leadsman.get(&paths::object("shop", "pods/none", &metric)).await.failure();
        folder.configure(config(&format!("name-{number}")));
        // The series go with the last evaluation of the mapping.
        leadsman.wait_no_metric("leadsman_reads_total", &[("mapping", &title(&metric))]).await;
    }
    let page = leadsman.metrics().await;
    let named: Vec<_> = page.0.iter().map(|sample| sample.label("mapping")).collect();
    for number in 0..RENAMED {
        let gone = title(&format!("name-{number}"));
        assert!(!named.contains(&gone.as_str()), "{gone} in {page:#?}");
    }
    assert!(named.contains(&title(&format!("name-{RENAMED}")).as_str()), "{page:#?}");
    let reads = page.sum("leadsman_reads_total", &[("mapping", &title("stays"))]);
    assert_eq!(reads, Some(1.0), "what is served still goes on counting");
    leadsman.get(&stays).await.ok();
}

fn title(metric: &str) -> String {
    format!("pods/{metric}")
}
