use super::*;

fn vector(rows: &[(&[(&str, &str)], f64)]) -> Answer {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    for (labels, value) in rows {
        vector.labels.add_row();
        for (name, text) in *labels {
            let (name, text) = (dictionary.intern(name), dictionary.intern(text));
            vector.labels.set(name, text);
        }
        vector.values.push(*value);
        vector.times.push(1);
    }
    Answer { dictionary, data: Data::Vector(vector), unit: None, warnings: vec![] }
}

#[test]
fn a_selector_keeps_matching_series() {
    let mut answer = vector(&[(&[("v", "4")], 1.0), (&[("v", "5")], 2.0), (&[], 3.0)]);
    answer.select(&"v=5".parse().unwrap()).unwrap();
    let Data::Vector(vector) = &answer.data else { panic!("{answer:?}") };
    assert_eq!(vector.values, [2.0]);
    assert_eq!(vector.labels.rows(), 1);
}

#[test]
fn a_label_that_no_series_has_is_an_error_and_not_no_data() {
    let mut answer = vector(&[(&[("v", "4")], 1.0)]);
    assert_eq!(answer.select(&"version=4".parse().unwrap()), Err("version".to_owned()));
    let mut empty = vector(&[]);
    assert_eq!(empty.select(&"version=4".parse().unwrap()), Ok(()));
}

#[test]
fn a_selector_drops_the_samples_of_a_range_with_it() {
    let mut answer = vector(&[(&[("v", "4")], 1.0), (&[("v", "5")], 2.0)]);
    let Data::Vector(rows) = answer.data else { panic!() };
    answer.data = Data::Matrix(Matrix {
        labels: rows.labels,
        ends: vec![2, 3],
        times: vec![1, 2, 3],
        values: vec![1.0, 2.0, 3.0],
    });
    answer.select(&"v=5".parse().unwrap()).unwrap();
    let Data::Matrix(matrix) = &answer.data else { panic!() };
    assert_eq!((&matrix.ends[..], &matrix.values[..]), (&[1][..], &[3.0][..]));
}

#[test]
fn series_without_a_new_sample_are_dropped_and_none_at_all_is_told() {
    let mut answer = vector(&[(&[("v", "4")], 1.0), (&[("v", "5")], 2.0)]);
    let Data::Vector(rows) = &mut answer.data else { panic!() };
    rows.times = vec![10, 20];
    let mut ranges = answer.clone();
    let Data::Vector(rows) = answer.data.clone() else { panic!() };
    let old = |time: i64, version: &str| {
        let labels = vec![("v".to_owned(), version.to_owned())];
        DroppedSeriesSummary { count: 1, few: vec![DroppedSeries { time, labels }] }
    };
    assert_eq!(answer.drop_older(11), Ok(old(10, "4")));
    let Data::Vector(left) = &answer.data else { panic!() };
    assert_eq!((&left.values[..], left.labels.rows()), (&[2.0][..], 1));
    assert_eq!(answer.drop_older(21), Err(20));
    ranges.data = Data::Matrix(Matrix {
        labels: rows.labels,
        ends: vec![2, 3],
        times: vec![1, 2, 3],
        values: vec![1.0, 2.0, 3.0],
    });
    assert_eq!(ranges.drop_older(3), Ok(old(2, "4")));
    let Data::Matrix(left) = &ranges.data else { panic!() };
    assert_eq!((&left.ends[..], &left.values[..]), (&[1][..], &[3.0][..]));
    assert_eq!(vector(&[]).drop_older(1), Ok(DroppedSeriesSummary::default()));
}

#[test]
fn many_series_without_a_new_sample_are_counted_and_the_first_kept() {
    let labels: &[(&str, &str)] = &[("v", "4")];
    let mut answer = vector(&vec![(labels, 1.0); 1000]);
    let Data::Vector(rows) = &mut answer.data else { panic!() };
    rows.times = vec![10; 1000];
    rows.times[999] = 20;
    let old = answer.drop_older(11).unwrap();
    assert_eq!((old.count, old.few.len(), answer.data.series()), (999, MAX_STALE_SERIES, 1));
}

#[test]
fn equal_labels_of_two_answers_get_equal_numbers() {
    let mut one = vector(&[(&[("pod", "a")], 1.0)]);
    one.unit = Some("milliseconds".to_owned());
    let two = vector(&[(&[("zone", "x"), ("pod", "a")], 2.0)]);
    let input = Input::new(Scope::Cluster, 0, vec![("n".into(), one), ("d".into(), two)]);
    let pod = input.dictionary.find("pod").unwrap();
    let pod_of = |at: usize| match &input.answers[at].data {
        Data::Vector(vector) => vector.labels.get(0, pod),
        other => panic!("{other:?}"),
    };
    assert_eq!(pod_of(0), pod_of(1));
    assert_eq!(input.dictionary.get(pod_of(0)), "a");
    let units: Vec<_> = input.answers.iter().map(|answer| answer.unit.as_deref()).collect();
    assert_eq!(units, [Some("milliseconds"), None]);
}
