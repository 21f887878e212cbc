//! Asks the addresses of a Prometheus: the first that is up, and the next one when it fails or is
//! silent. Each is asked at most once, and all of it within the time of one query.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::super::QueryError;
use crate::addresses::{Addresses, NextAddress};

/// Errors of a query that Prometheus reports with a status of servers, and that another one with the
/// same data would report as well.
const OF_THE_QUERY: [&str; 3] = ["timeout", "canceled", "execution"];

/// A request under way.
struct RequestUnderWay {
    at: usize,
    sent: Instant,
    /// Whether another address was asked since it did not answer soon.
    is_late: bool,
}

/// Which side an error is attributed to.
enum Blame {
    /// The address.
    Address,
    /// The address, if another one can answer.
    AddressPerhaps,
    /// The query: the address is well.
    Query,
    /// Nobody who was asked.
    Nobody,
}

/// Asks until an address has answered, all have failed, or the time is over.
pub(super) async fn first<'a, T, F>(
    addresses: &'a Addresses,
    deadline: Instant,
    timed_out: impl Fn() -> QueryError,
    ask: impl Fn(&'a str) -> F,
) -> Result<T, QueryError>
where
    F: Future<Output = Result<T, QueryError>>,
{
    let mut untried =
        addresses.in_order(Instant::now().into_std(), deadline.into_std()).into_iter();
    let mut under_way = FuturesUnordered::new();
    let mut asked: Vec<RequestUnderWay> = Vec::new();
    let mut failed: Vec<(usize, QueryError)> = Vec::new();
    // Failed in a way that is their own if another one answers.
    let mut suspects: Vec<(usize, Instant, String)> = Vec::new();
    loop {
        let until = match untried.next() {
            None => deadline,
            Some(next) => {
                let (at, sent) = (next.at, Instant::now());
                let answer = ask(addresses.url(at));
                under_way.push(async move { (at, answer.await) });
                asked.push(RequestUnderWay { at, sent, is_late: false });
                sent + attempt_timeout(
                    next,
                    deadline.saturating_duration_since(sent),
                    untried.len(),
                )
            }
        };
        let Ok(ended) = timeout_at(until, under_way.next()).await else {
            asked.iter_mut().for_each(|one| one.is_late = true);
            if untried.len() > 0 {
                continue;
            }
            silent(addresses, &asked, &timed_out());
            failed.extend(asked.iter().map(|one| (one.at, timed_out())));
            return Err(none_of(addresses, failed));
        };
        let Some((at, answered)) = ended else { return Err(none_of(addresses, failed)) };
        let now = Instant::now();
        let place = asked.iter().position(|one| one.at == at);
        let sent = place.map_or(now, |place| asked.swap_remove(place).sent);
        let error = match answered {
            Ok(answer) => {
                addresses.answered(at, now.into_std());
                for (at, sent, reason) in suspects {
                    addresses.failed(at, &reason, sent.into_std(), now.into_std());
                }
                silent(addresses, &asked, &timed_out());
                return Ok(answer);
            }
            Err(error) => error,
        };
        match blame(&error) {
            Blame::Address => {
                addresses.failed(at, &error.to_string(), sent.into_std(), now.into_std());
            }
            Blame::AddressPerhaps => suspects.push((at, sent, error.to_string())),
            Blame::Query => {
                addresses.answered(at, now.into_std());
                silent(addresses, &asked, &timed_out());
                return Err(error);
            }
            Blame::Nobody => return Err(error),
        }
        failed.push((at, error));
    }
}

/// How long one address may be silent before the next one is asked, too: its share of the time that
/// is left, and less if it failed before. It may go on answering meanwhile.
fn attempt_timeout(next: NextAddress, left: Duration, others: usize) -> Duration {
    let share = left / u32::try_from(others + 1).unwrap_or(u32::MAX);
    if next.is_probe && others > 0 { share.min(left / 10) } else { share }
}

/// Those that did not answer soon. Whatever was asked just now is none of them.
fn silent(addresses: &Addresses, asked: &[RequestUnderWay], error: &QueryError) {
    let now = Instant::now().into_std();
    for one in asked.iter().filter(|one| one.is_late) {
        addresses.silent(one.at, &error.to_string(), one.sent.into_std(), now);
    }
}

/// The error of the only address, or of several.
fn none_of(addresses: &Addresses, mut failed: Vec<(usize, QueryError)>) -> QueryError {
    match failed.pop() {
        Some((_, error)) if addresses.len() == 1 => error,
        last => QueryError::NoAddress(failed.into_iter().chain(last).collect()),
    }
}

fn blame(error: &QueryError) -> Blame {
    match error {
        QueryError::Connect(_)
        | QueryError::ConnectTimeout(_)
        | QueryError::Broken(_)
        | QueryError::Timeout(_)
        | QueryError::ListTimeout(_)
        | QueryError::NotPrometheus(_) => Blame::Address,
        QueryError::Status { status, .. }
            if status.is_server_error() || *status == StatusCode::NOT_FOUND =>
        {
            Blame::Address
        }
        QueryError::Api { status, kind, .. }
            if status.is_server_error() && !OF_THE_QUERY.contains(&kind.as_str()) =>
        {
            Blame::AddressPerhaps
        }
        QueryError::Credential { .. } | QueryError::UnusableCredential { .. } => Blame::Nobody,
        _ => Blame::Query,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Notify;

    use super::*;
    use crate::addresses::Preference;
    use leadsman_runtime::telemetry::SourceMetrics;

    const TIMEOUT: Duration = Duration::from_secs(2);

    fn addresses(count: usize) -> Addresses {
        let urls: Vec<_> = (0..count).map(|number| format!("http://{number}")).collect();
        Addresses::new(&urls, Preference::Written, SourceMetrics::uncounted())
    }

    fn status(status: u16) -> QueryError {
        let status = StatusCode::from_u16(status).unwrap();
        QueryError::Status { status, excerpt: None }
    }

    fn api(status: u16, kind: &str) -> QueryError {
        let status = StatusCode::from_u16(status).unwrap();
        QueryError::Api { status, kind: kind.to_owned(), message: "no".to_owned() }
    }

    /// What a server does.
    #[derive(Clone, Copy)]
    enum Does {
        Answers(u8),
        /// Answers as soon as the next one is asked.
        AnswersLate(u8),
        Fails(fn() -> QueryError),
        Hangs,
    }

    /// The outcome, who was asked, and how long it took.
    async fn ask(
        addresses: &Addresses,
        servers: &[Does],
    ) -> (Result<u8, String>, Vec<usize>, Duration) {
        let (asked, next) = (Mutex::new(Vec::new()), Notify::new());
        let begun = Instant::now();
        let timed_out = || QueryError::Timeout(TIMEOUT);
        let outcome = first(addresses, begun + TIMEOUT, timed_out, |url| {
            let number: usize = url.trim_start_matches("http://").parse().unwrap();
            let mut asked = asked.lock().unwrap();
            if !asked.is_empty() {
                next.notify_one();
            }
            asked.push(number);
            let (does, next) = (servers[number], &next);
            async move {
                match does {
                    Does::Answers(value) => Ok(value),
                    Does::AnswersLate(value) => {
                        next.notified().await;
                        Ok(value)
                    }
                    Does::Fails(error) => Err(error()),
                    Does::Hangs => std::future::pending().await,
                }
            }
        });
        let outcome = outcome.await.map_err(|error| error.to_string());
        let asked = asked.lock().unwrap().clone();
        (outcome, asked, begun.elapsed())
    }

    /// Until an address that failed once is tried again.
    async fn rest() {
        tokio::time::sleep(Duration::from_millis(1001)).await;
    }

    #[tokio::test]
    async fn the_next_one_answers_when_one_fails_and_is_asked_first_from_then_on() {
        let all = addresses(2);
        let servers = [Does::Fails(|| status(503)), Does::Answers(7)];
        let (outcome, asked, _) = ask(&all, &servers).await;
        assert_eq!((outcome, asked), (Ok(7), vec![0, 1]));
        let (outcome, asked, _) = ask(&all, &servers).await;
        assert_eq!((outcome, asked), (Ok(7), vec![1]));
        // The first one is tried again after a second, and preferred when it answers.
        rest().await;
        let servers = [Does::Answers(6), Does::Answers(7)];
        for _ in 0..2 {
            let (outcome, asked, _) = ask(&all, &servers).await;
            assert_eq!((outcome, asked), (Ok(6), vec![0]));
        }
    }

    #[tokio::test]
    async fn a_query_that_is_wrong_is_wrong_everywhere() {
        let all = addresses(2);
        let wrong: [fn() -> QueryError; 4] = [
            || api(400, "bad_data"),
            || api(422, "execution"),
            || api(503, "timeout"),
            || status(403),
        ];
        for wrong in wrong {
            let (outcome, asked, _) = ask(&all, &[Does::Fails(wrong), Does::Answers(7)]).await;
            assert_eq!((outcome, asked), (Err(wrong().to_string()), vec![0]));
        }
    }

    #[tokio::test]
    async fn the_next_one_is_asked_in_time_when_one_is_silent() {
        let all = addresses(2);
        let servers = [Does::Hangs, Does::Answers(7)];
        let (outcome, asked, took) = ask(&all, &servers).await;
        assert_eq!((outcome, asked), (Ok(7), vec![0, 1]));
        assert!(took >= TIMEOUT / 2, "{took:?}");
        let (outcome, asked, _) = ask(&all, &servers).await;
        assert_eq!((outcome, asked), (Ok(7), vec![1]));
        // When it is tried again, it is waited for less.
        rest().await;
        let (outcome, asked, took) = ask(&all, &servers).await;
        assert_eq!((outcome, asked), (Ok(7), vec![0, 1]));
        assert!(took < TIMEOUT / 2, "{took:?}");
    }

    #[tokio::test]
    async fn one_that_is_slow_is_not_given_up() {
        let all = addresses(2);
        let servers = [Does::AnswersLate(6), Does::Hangs];
        for _ in 0..2 {
            let (outcome, asked, _) = ask(&all, &servers).await;
            assert_eq!((outcome, asked), (Ok(6), vec![0, 1]), "it is up");
        }
    }

    #[tokio::test]
    async fn a_failure_of_several_names_each() {
        let servers = [Does::Fails(|| status(502)), Does::Hangs, Does::Fails(|| status(404))];
        let (outcome, asked, _) = ask(&addresses(3), &servers).await;
        assert_eq!(asked, [0, 1, 2]);
        assert_eq!(
            outcome.unwrap_err(),
            "has no address that answers: the first of `urls` answered 502 Bad Gateway in place of \
             a result; number 3 answered 404 Not Found in place of a result (is there a Prometheus \
             API at this `url`?); number 2 did not answer within 2s; raise its `timeout` if it \
             needs longer"
        );
        // With one address alone it is that one's own.
        let (outcome, ..) = ask(&addresses(1), &servers).await;
        assert_eq!(outcome.unwrap_err(), "answered 502 Bad Gateway in place of a result");
    }

    #[tokio::test]
    async fn an_error_of_its_own_counts_once_another_one_does_better() {
        let all = addresses(2);
        let internal = Does::Fails(|| api(500, "internal"));
        assert!(ask(&all, &[internal, internal]).await.0.is_err());
        let servers = [internal, Does::Answers(7)];
        assert_eq!(ask(&all, &servers).await.1, [0, 1], "none was taken to be down");
        assert_eq!(ask(&all, &servers).await.1, [1]);
    }
}
