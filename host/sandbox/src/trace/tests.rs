//! Captures and excerpts of them.

use super::*;
use leadsman_model::data::{Answer, Data, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::names::Scope;

fn input(rows: usize) -> Input {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    for row in 0..rows {
        vector.labels.add_row();
        for (name, value) in [("namespace", "shop".to_owned()), ("pod", format!("web-{row}"))] {
            let (name, value) = (dictionary.intern(name), dictionary.intern(&value));
            vector.labels.set(name, value);
        }
        vector.times.push(1000);
        vector.values.push(1.5);
    }
    let data = Data::Vector(vector);
    let answer = Answer { dictionary, data, unit: None, warnings: vec![] };
    Input::new(Scope::Cluster, 2000, vec![("rate".to_owned(), answer)])
}

/// As a plugin gives it: the objects by the numbers of the input, and one text of its own.
fn captured(rows: usize) -> Capture {
    let mut capture = Capture::of(input(rows));
    let own = u32::try_from(capture.input.dictionary.ends.len()).unwrap();
    let types::Data::Vector(vector) = &capture.input.answers[0].data else { panic!() };
    let objects = vector.labels.cells[rows..].to_vec();
    let ends = vec![4];
    capture.measures = Some(types::Measures {
        dictionary: types::Dictionary { bytes: b"mine".to_vec(), ends },
        objects,
        namespaces: vec![own; rows],
        values: vec![3.0; rows],
        times: vec![],
        windows: vec![],
        labels: types::Labels { names: vec![], rows: 0, cells: vec![] },
    });
    capture
}

#[test]
fn rows_and_measures_are_read_with_their_texts() {
    let capture = captured(3);
    let answer = capture.answer("rate").unwrap();
    let row = answer.iter().nth(1).unwrap();
    assert_eq!(row.labels, [("namespace", "shop"), ("pod", "web-1")]);
    assert_eq!((answer.rows(), row.samples), (3, vec![(1000, 1.5)]));
    let measure = capture.measures().nth(2).unwrap();
    assert_eq!((measure.namespace, measure.object, measure.value), ("mine", "web-2", 3.0));
    assert!(capture.answer("other").is_none());
}

#[test]
fn an_excerpt_has_the_first_rows_within_its_bytes() {
    let capture = captured(1000);
    let excerpt = capture.excerpt(4096);
    assert!(excerpt.bytes() < 2 * 4096, "{} bytes", excerpt.bytes());
    let (kept, all) = (excerpt.answer("rate").unwrap(), capture.answer("rate").unwrap());
    assert!(kept.rows() > 10 && kept.rows() < 200, "{} rows", kept.rows());
    assert!(kept.iter().eq(all.iter().take(kept.rows())));
    let measures = excerpt.measures_len().unwrap();
    assert!(measures > 10 && excerpt.measures().eq(capture.measures().take(measures)));
}

#[test]
fn measures_of_another_run_keep_their_texts() {
    let (mut capture, other) = (captured(2), captured(5));
    capture.take_measures_of(&other);
    assert!(capture.measures().eq(other.measures()));
    let measure = capture.measures().nth(4).unwrap();
    assert_eq!((measure.namespace, measure.object, measure.value), ("mine", "web-4", 3.0));
    assert_eq!(capture.answer("rate").unwrap().rows(), 2, "the input stays");
    let failed = Capture::of(input(1));
    capture.take_measures_of(&failed);
    assert_eq!(capture.measures_len(), None);
}

#[test]
fn texts_that_a_plugin_makes_up_are_empty() {
    let mut capture = captured(1);
    let measures = capture.measures.as_mut().unwrap();
    measures.objects = vec![u32::MAX];
    measures.dictionary.ends = vec![9];
    let measure = capture.measures().next().unwrap();
    assert_eq!((measure.object, measure.namespace), ("", ""));
    let excerpt = capture.excerpt(4096);
    let measure = excerpt.measures().next().unwrap();
    assert_eq!((measure.object, measure.namespace), ("", ""));
}

#[test]
fn what_is_kept_takes_no_more_room_than_its_elements() {
    let (mut capture, other) = (captured(1000), captured(1000));
    let before = capture.bytes();
    capture.shrink_to_fit();
    // The samples of 1,000 series had room for 1,024, and the texts for up to twice as many bytes.
    assert!(capture.bytes() < before - 24 * 2 * size_of::<u64>(), "{before}");
    assert!(capture.measures().eq(other.measures()));
    let rows = |capture: &Capture| {
        let answer = capture.answer("rate").unwrap();
        answer.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>()
    };
    assert_eq!(rows(&capture), rows(&other));
}
