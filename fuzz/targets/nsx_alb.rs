//! What an NSX ALB controller sends: metrics, and after an empty line a list of objects.
#![no_main]

use leadsman_model::data::Data;
use leadsman_source::nsx_alb_answer;

libfuzzer_sys::fuzz_target!(|bodies: &[u8]| {
    let end = bodies.windows(2).position(|two| two == b"\n\n").unwrap_or(bodies.len());
    let (metrics, list) = bodies.split_at(end);
    let Ok(answer) = nsx_alb_answer(metrics, list) else { return };
    // All columns of a table have the same length, and values are numbers.
    let Data::Vector(vector) = answer.data else { panic!("{answer:?}") };
    assert_eq!(vector.labels.rows(), vector.values.len());
    assert_eq!(vector.labels.rows(), vector.times.len());
    assert!(vector.values.iter().all(|value| value.is_finite()));
});
