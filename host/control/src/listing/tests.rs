use super::*;

#[test]
fn a_source_that_is_away_is_asked_again_within_seconds() {
    let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
    let waits: Vec<_> =
        (0..6).map(|_| retry_after(&mut backoff, Duration::ZERO).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 5, 5, 5]);
    let burden = Duration::from_secs(60);
    let wait = retry_after(&mut backoff, burden);
    assert_eq!(wait, burden * RETRY_SHARE, "a slow list is not repeated soon");
}

fn seen(names: &[&str]) -> ListedSeries {
    names.iter().map(|name| ((*name).into(), ["pod".into()].into())).collect()
}

fn names(query: &Query) -> Vec<String> {
    query.seen.keys().map(|name| name.to_string()).collect()
}

#[test]
fn a_list_that_shrinks_takes_nothing_away_at_once() {
    let mut query = Query::default();
    query.take(Ok(seen(&["a", "b"])));
    query.take(Ok(seen(&["a"])));
    assert_eq!(names(&query), ["a", "b"]);
    query.take(Err("away".to_owned()));
    assert_eq!((names(&query).len(), query.fault.as_deref()), (2, Some("away")));
    query.take(Ok(seen(&[])));
    assert_eq!(names(&query), ["a", "b"], "once more");
    query.take(Ok(seen(&[])));
    assert_eq!(names(&query), ["a"], "b was missing three times, a twice");
    query.take(Ok(seen(&["b"])));
    query.take(Ok(seen(&["b"])));
    assert_eq!(names(&query), ["b"]);
    assert_eq!(query.fault, None);
}
