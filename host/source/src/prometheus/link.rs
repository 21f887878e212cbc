//! Links to Prometheus' own web pages, where a query can be looked at.

use std::time::Duration;

use reqwest::Url;
use time::OffsetDateTime;

/// The page of a query at a time, in milliseconds since the epoch. Without credentials that the URL
/// may have.
pub(super) fn link(
    url: &str,
    promql: &str,
    range: Option<(Duration, Duration)>,
    time: i64,
) -> Option<String> {
    let mut link = Url::parse(&format!("{url}/graph")).ok()?;
    link.set_username("").ok()?;
    link.set_password(None).ok()?;
    let time = OffsetDateTime::from_unix_timestamp(time.div_euclid(1000)).ok()?;
    let (date, clock) = (time.date(), time.time());
    let time = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    let mut query = link.query_pairs_mut();
    query.append_pair("g0.expr", promql);
    match range {
        None => query.append_pair("g0.tab", "1").append_pair("g0.moment_input", &time),
        Some((duration, step)) => query
            .append_pair("g0.tab", "0")
            .append_pair("g0.range_input", &format!("{}s", duration.as_secs()))
            .append_pair("g0.step_input", &step.as_secs().to_string())
            .append_pair("g0.end_input", &time),
    };
    drop(query);
    Some(link.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_the_query_and_the_time_and_no_password() {
        let url = "https://reader:secret@prometheus.example:9090/base";
        let time = 1_695_018_199_504;
        let instant = link(url, "sum(rate(a{b=\"c\"}[2m]))", None, time).unwrap();
        assert_eq!(
            instant,
            "https://prometheus.example:9090/base/graph?g0.expr=sum%28rate%28a%7Bb%3D%22c%22%7D%5B\
             2m%5D%29%29&g0.tab=1&g0.moment_input=2023-09-18+06%3A23%3A19"
        );
        let hour = (Duration::from_secs(3600), Duration::from_secs(30));
        let range = link("http://p:9090", "up", Some(hour), time).unwrap();
        assert!(range.starts_with("http://p:9090/graph?g0.expr=up&g0.tab=0&g0.range_input=3600s"));
        assert_eq!(link("no url", "up", None, time), None);
    }
}
