//! Answers of the Prometheus API, and their conversion to a plugin's input.
#![no_main]

use leadsman_model::data::{Answer, Data, Input};
use leadsman_model::names::Scope;
use leadsman_model::selector::Selector;
use leadsman_source::prometheus_answer;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let Ok(answer) = prometheus_answer(body) else { return };
    sound(&answer.data);
    let (whole, mut picked) = (answer.clone(), answer);
    let selector = "pod,zone!=b".parse::<Selector>().unwrap_or_default();
    if picked.select(&selector).is_ok() {
        sound(&picked.data);
        assert!(picked.data.series() <= whole.data.series());
    }
    merged(whole, picked);
});

/// All columns of a table have the same length.
fn sound(data: &Data) {
    match data {
        Data::Vector(vector) => {
            assert_eq!(vector.labels.rows(), vector.values.len());
            assert_eq!(vector.labels.rows(), vector.times.len());
        }
        Data::Matrix(matrix) => {
            assert_eq!(matrix.labels.rows(), matrix.ends.len());
            assert_eq!(matrix.times.len(), matrix.values.len());
            assert!(matrix.ends.is_sorted());
            let end = matrix.ends.last().map_or(0, |&end| end as usize);
            assert_eq!(end, matrix.values.len());
        }
        Data::Scalar { .. } | Data::Text { .. } => {}
    }
}

/// Merging the dictionaries of all answers changes no label.
fn merged(first: Answer, second: Answer) {
    let reported = [labels(&first), labels(&second)];
    let input =
        Input::new(Scope::Cluster, 0, vec![("a".to_owned(), first), ("b".to_owned(), second)]);
    for (answer, reported) in input.answers.into_iter().zip(reported) {
        sound(&answer.data);
        let (dictionary, data) = (input.dictionary.clone(), answer.data);
        let merged = Answer { dictionary, data, unit: None, warnings: Vec::new() };
        assert_eq!(labels(&merged), reported);
    }
}

/// The labels of all rows, as texts. Of a huge answer only the first rows.
fn labels(answer: &Answer) -> Vec<Vec<(String, String)>> {
    let labels = match &answer.data {
        Data::Vector(vector) => &vector.labels,
        Data::Matrix(matrix) => &matrix.labels,
        Data::Scalar { .. } | Data::Text { .. } => return Vec::new(),
    };
    let text = |id| answer.dictionary.get(id).to_owned();
    let row = |row| labels.row(row).map(|(name, value)| (text(name), text(value))).collect();
    (0..labels.rows().min(100)).map(row).collect()
}
