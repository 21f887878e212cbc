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
fn texts_that_a_plugin_makes_up_are_empty() {
    let mut capture = captured(1);
    let measures = capture.measures.as_mut().unwrap();
    measures.objects = vec![u32::MAX];
    measures.dictionary.ends = vec![9];
    let measure = capture.measures().next().unwrap();
    assert_eq!((measure.object, measure.namespace), ("", ""));
}
