//! What the page shows of sources that are asked in other ways than a Prometheus.

use leadsman_tests::{Alb, Browser, Config, Leadsman, Mapping, Pool, Reply, Upstream, paths};

const ID: &str = "l4_server.avg_open_conns";

#[tokio::test]
async fn a_controller_and_pages_that_are_scraped_say_where_they_stand() {
    let alb = Alb::start(&[Pool::new("pool-1", "web").with(ID, 7.0)]).await;
    let page = Reply::new(200, "text/plain; version=0.0.4", "requests 5\n");
    let app = Upstream::start(page).await;
    let asked = format!("entity: pool, uuid: pool-1, metric: {ID}");
    let connections = Mapping::external("connections").alb_query("lb", "conns", &asked);
    let requests =
        Mapping::external("requests").exposition_query("app", "requests", "metric: requests");
    let config = Config::new()
        .source_of("lb", &alb.source())
        .source_of("app", &format!("exposition: {{urls: ['{}/metrics']}}", app.url()))
        .mapping(connections.set("deadline", "10s"))
        .mapping(requests.set("deadline", "10s"));
    let leadsman = Leadsman::start(config).await;
    for (metric, value) in [("connections", "7"), ("requests", "5")] {
        let answer = leadsman.get(&paths::external("shop", metric)).await;
        assert_eq!(answer.value(), value, "{answer:#?}");
    }
    let mut browser = Browser::open(&leadsman.page("/"), (1400, 1000)).await;
    for (source, parts) in [
        ("lb", &["answers", "logged in at", "version 22.1.3", "a call costs on average"][..]),
        ("app", &["answers", "targets scraped", "series"]),
    ] {
        let told = format!("document.querySelector('[data-entry=\"source/{source}\"]').innerText");
        for part in parts {
            browser.until(&format!("{told}.includes('{part}')")).await;
        }
    }
    assert_eq!(browser.faults(), [""; 0]);
}
