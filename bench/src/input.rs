//! The measured series as an evaluation has them.

use leadsman_model::data::{Answer, Data, Input, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::names::Scope;

use crate::LABELS;

/// The input in the layout that the decoder of Prometheus answers produces.
pub fn sandboxed_input(size: usize, scope: &Scope) -> Input {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    for row in 0..size {
        vector.labels.add_row();
        for (name, value) in LABELS.iter().zip(values(row)) {
            let (name, value) = (dictionary.intern(name), dictionary.intern(&value));
            vector.labels.set(name, value);
        }
        vector.times.push(1_695_018_199_504);
        vector.values.push(1.5);
    }
    let data = Data::Vector(vector);
    let answer = Answer { dictionary, data, unit: None, warnings: vec![] };
    Input::new(scope.clone(), 1_695_018_199_504, vec![("rate".to_owned(), answer)])
}

/// The label values of [`Table`].
fn values(row: usize) -> [String; 6] {
    [
        "shop".to_owned(),
        format!("checkout-7d9c5b6f48-{row:05}"),
        format!("worker-{:02}.cluster.internal", row % 50),
        ["app", "sidecar"][row % 2].to_owned(),
        format!("10.{}.{}.{}:8080", 64 + row / 65_536, row / 256 % 256, row % 256),
        "kubernetes-pods".to_owned(),
    ]
}
