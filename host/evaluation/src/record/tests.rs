//! What is kept of runs, and what goes first.

use super::*;
use leadsman_model::data::{Answer, Data, Input, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::names::Scope;
use leadsman_model::owner::Owner;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::{MetricValues, ObjectValues, Value};

fn values() -> Arc<Values> {
    let served = MetricValues::Items(Vec::new());
    Arc::new(Values { served, refused: Vec::new(), refused_count: 0, not_numbers: 0 })
}

/// About 60 bytes a row.
fn capture(rows: usize) -> Capture {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    for row in 0..rows {
        vector.labels.add_row();
        let (name, value) =
            (dictionary.intern("pod"), dictionary.intern(&format!("checkout-7d9c5b6f48-{row:08}")));
        vector.labels.set(name, value);
        vector.times.push(0);
        vector.values.push(1.0);
    }
    let data = Data::Vector(vector);
    let answer = Answer { dictionary, data, unit: None, warnings: vec![] };
    Capture::of(Input::new(Scope::Cluster, 0, vec![("rate".to_owned(), answer)]))
}

fn query(bytes: usize) -> QueryRecord {
    QueryRecord {
        name: "rate".to_owned(),
        sent: Some(FilledQuery::instant(&"x".repeat(bytes))),
        cut: false,
        took: Some(Duration::ZERO),
        series: Some((1, 1)),
        warnings: Vec::new(),
        error: None,
    }
}

fn run(id: u64, good: bool, rows: usize) -> FinishedRun {
    FinishedRun {
        id,
        time: 0,
        took: Duration::ZERO,
        ahead: false,
        queries: vec![query(10)],
        plugin: None,
        outcome: if good { Ok(values()) } else { Err(Arc::new(EvaluationError::Internal)) },
        capture: Some(capture(rows)),
    }
}

/// The runs, the newest first: `w`hole, an `e`xcerpt, or dropped (`-`).
fn reported(log: &RunLog) -> String {
    let reported = |run: &Arc<RunRecord>| {
        let rows = match run.rows {
            Rows::Whole(_) => 'w',
            Rows::Excerpt(_) => 'e',
            Rows::Dropped(_) => '-',
        };
        format!("{}{rows}", run.id)
    };
    log.list().iter().map(reported).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_last_runs_are_kept_with_their_rows() {
    let log = RunLog::default();
    for id in 0..12 {
        log.add(&Owner::Operator, run(id, true, 10));
    }
    assert_eq!(reported(&log), "11w 10w 9w 8w 7w 6w 5w 4w");
    let newest = &log.list()[0];
    assert!(newest.rows.are_whole());
    let rows = newest.rows.capture().unwrap().answer("rate").unwrap();
    assert_eq!((rows.rows(), newest.queries[0].name.as_str()), (10, "rate"));
}

#[test]
fn the_newest_good_run_stays_however_often_it_fails_since() {
    let log = RunLog::default();
    log.add(&Owner::Operator, run(1, true, 10));
    for id in 2..30 {
        log.add(&Owner::Operator, run(id, false, 10));
    }
    assert_eq!(reported(&log), "29w 28w 27w 26w 25w 24w 23w 1w");
}

#[test]
fn rows_of_older_runs_go_first() {
    let log = RunLog::default();
    // Each takes somewhat more than a seventh of what an evaluation may take.
    let rows = 1500;
    let bytes = capture(rows).bytes();
    assert!(bytes > MAX_EVALUATION_BYTES / 6 && bytes < MAX_ROW_BYTES, "{bytes}");
    for id in 0..MAX_RUNS as u64 {
        log.add(&Owner::Operator, run(id, true, rows));
    }
    let reported = reported(&log);
    assert!(reported.starts_with("7w 6w ") && reported.ends_with(" 1- 0-"), "{reported}");
    let (operator, _) = log.pool().bytes();
    assert!(operator <= MAX_EVALUATION_BYTES, "{operator}");
    drop(log);
}

#[test]
fn too_many_rows_are_cut_and_marked() {
    let log = RunLog::default();
    let many = 20_000;
    assert!(capture(many).bytes() > MAX_ROW_BYTES);
    log.add(&Owner::Operator, run(1, true, many));
    assert_eq!(reported(&log), "1e");
    let run = &log.list()[0];
    let rows = run.rows.capture().unwrap().answer("rate").unwrap().rows();
    assert!(rows > 100 && rows < many, "{rows}");
    assert!(!run.rows.are_whole());
    assert!(log.pool().bytes().0 < 2 * MAX_EXCERPT_BYTES);
}

#[test]
fn a_process_for_one_evaluation_keeps_all_rows() {
    let log = RunLog::new(RecordPool::whole());
    log.add(&Owner::Operator, run(1, true, 20_000));
    log.add(&Owner::Operator, run(2, true, 20_000));
    assert!(reported(&log).starts_with("2w"), "{}", reported(&log));
    let rows = log.list()[0].rows.capture().unwrap().answer("rate").unwrap().rows();
    assert_eq!(rows, 20_000);
}

#[test]
fn without_room_a_run_is_kept_without_rows() {
    let (pool, owner) = (RecordPool::default(), Owner::Operator);
    let log = RunLog::new(pool.clone());
    log.add(&owner, run(1, true, 10));
    let others = pool.reserve(&owner, MAX_BYTES - pool.bytes().0).unwrap();
    // What its own older runs take is enough for it.
    log.add(&owner, run(2, true, 10));
    assert_eq!(reported(&log), "2w 1-");
    log.add(&owner, run(3, true, 100));
    assert_eq!(reported(&log), "3- 2- 1-");
    assert!(matches!(log.list()[0].rows, Rows::Dropped(DropReason::Full)));
    drop((others, log));
    assert_eq!(pool.bytes(), (0, 0));
}

/// A good run with so many values.
fn with_values(id: u64, count: usize) -> FinishedRun {
    let mut served = ObjectValues::with_capacity(count);
    for number in 0..count {
        let value = Value { quantity: Quantity::ZERO, time: 0, window: None };
        served.insert("shop", &format!("checkout-7d9c5b6f48-{number:08}"), Ok(value));
    }
    let served = MetricValues::Objects(served);
    let values = Values { served, refused: Vec::new(), refused_count: 0, not_numbers: 0 };
    FinishedRun { outcome: Ok(Arc::new(values)), ..run(id, true, 10) }
}

fn values_of(run: &RunRecord) -> (usize, usize) {
    let values = run.outcome.as_ref().unwrap();
    (values.served.len(), values.refused_count)
}

#[test]
fn values_take_room_and_those_that_are_many_go_with_the_next_good_ones() {
    let log = RunLog::default();
    log.add(&Owner::Operator, with_values(1, 100));
    assert!(log.pool().bytes().0 > 100 * 50, "{:?}", log.pool().bytes());
    let many = 20_000;
    log.add(&Owner::Operator, with_values(2, many));
    let held = Arc::downgrade(log.list()[0].outcome.as_ref().unwrap());
    // Those that are served while it fails stay.
    log.add(&Owner::Operator, run(3, false, 10));
    assert_eq!(values_of(&log.list()[1]), (many, 0));
    log.add(&Owner::Operator, with_values(4, many));
    assert_eq!(reported(&log), "4w 3w 2- 1w");
    assert_eq!(values_of(&log.list()[2]), (0, many), "how many there were is known");
    assert!(held.upgrade().is_none(), "they are held no longer");
    let (taken, _) = log.pool().bytes();
    assert!(taken <= MAX_EVALUATION_BYTES, "{taken}");
    drop(log);
}

#[test]
fn texts_take_room_and_are_cut_without_it() {
    let (pool, owner) = (RecordPool::default(), Owner::Operator);
    let log = RunLog::new(pool.clone());
    let long = |id| FinishedRun { queries: vec![query(20_000)], ..run(id, true, 0) };
    log.add(&owner, long(1));
    assert!(pool.bytes().0 > 20_000, "{:?}", pool.bytes());
    let others = pool.reserve(&owner, MAX_BYTES - pool.bytes().0).unwrap();
    log.add(&owner, long(2));
    let listed = log.list();
    assert!(listed[0].queries[0].cut);
    assert!(listed[0].queries[0].sent.as_ref().unwrap().to_string().len() < 1000);
    assert!(!listed[1].queries[0].cut);
    drop((others, log, listed));
    assert_eq!(pool.bytes(), (0, 0));
}

#[test]
fn long_texts_of_queries_count() {
    let log = RunLog::default();
    for id in 0..MAX_RUNS as u64 {
        let queries = vec![query(MAX_EVALUATION_BYTES / 3)];
        log.add(&Owner::Operator, FinishedRun { queries, ..run(id, true, 1) });
    }
    assert!(log.list().len() <= 3, "{}", reported(&log));
    assert_eq!(log.list()[0].id, 7, "the newest stays");
}

#[test]
fn a_successor_carries_on_and_room_is_counted_once() {
    let log = RunLog::default();
    log.add(&Owner::Operator, run(1, true, 10));
    let before = log.pool().bytes();
    let next = log.carried_on();
    assert_eq!((reported(&next), next.pool().bytes()), (reported(&log), before));
    drop(log);
    assert_eq!(next.pool().bytes(), before, "they are held by the successor");
}

#[test]
fn an_attempt_that_did_nothing_is_no_run() {
    let error = || Err(Arc::new(EvaluationError::Internal));
    assert!(Tracer::new(2).finish(error(), 0, Duration::ZERO, false).is_none());
    let tracer = Tracer::new(2);
    let (first, second) = (FilledQuery::instant("up"), FilledQuery::instant(&"x".repeat(70_000)));
    tracer.query(0).sent("a", Some(&first));
    tracer.query(1).sent("b", Some(&second));
    tracer.query(0).failed(Duration::from_secs(1), &EvaluationError::Internal);
    let run = tracer.finish(error(), 0, Duration::ZERO, true).unwrap();
    let [a, b] = &run.queries[..] else { panic!() };
    assert_eq!(
        (a.sent.as_ref(), a.cut, a.took),
        (Some(&first), false, Some(Duration::from_secs(1)))
    );
    assert!(a.error.is_some() && run.ahead);
    // There is no room for so long a text, and no answer came.
    assert!(b.cut && b.took.is_none() && b.series.is_none());
    assert!(b.sent.as_ref().unwrap().to_string().len() < 1000);
}
