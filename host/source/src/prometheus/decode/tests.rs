//! Answers of Prometheus, decoded or refused.

use super::*;

fn decoded(data: &str) -> Result<Answer, String> {
    answer(format!(r#"{{"status":"success","data":{data}}}"#).as_bytes())
}

#[test]
fn a_vector() {
    let answer = decoded(
        r#"{"resultType":"vector","result":[
            {"metric":{"__name__":"up","pod":"a"},"value":[1695018199.504,"1"]},
            {"metric":{"pod":"b","q\"":"x"},"value":[1695018199,"1e3"]},
            {"metric":{},"value":[1695018199.504,"NaN"]},
            {"metric":{},"value":[1695018199.504,"+Inf"]},
            {"metric":{},"value":[1695018199.504,"-Inf"]}]}"#,
    )
    .unwrap();
    let Data::Vector(vector) = &answer.data else { panic!("{answer:?}") };
    assert_eq!(vector.times[..2], [1_695_018_199_504, 1_695_018_199_000]);
    assert_eq!(vector.values[..2], [1.0, 1000.0]);
    assert!(vector.values[2].is_nan());
    assert_eq!(vector.values[3..], [f64::INFINITY, f64::NEG_INFINITY]);
    let pod = answer.dictionary.find("pod").unwrap();
    assert_eq!(answer.dictionary.get(vector.labels.get(1, pod)), "b");
    assert_eq!(vector.labels.get(2, pod), 0);
    assert!(answer.dictionary.find("q\"").is_some());
}

#[test]
fn a_series_keeps_its_own_sample() {
    let uneven = decoded(
        r#"{"resultType":"vector","result":[
            {"metric":{"pod":"a"},"value":[1,"1"],"value":[1,"2"]},{"metric":{"pod":"b"}}]}"#,
    );
    assert!(uneven.unwrap_err().contains("does not have one sample"));
}

#[test]
fn labels_without_end_are_refused() {
    let labels: Vec<_> = (0..=MAX_LABELS).map(|at| format!(r#""l{at}":"x""#)).collect();
    let series = format!(r#"{{"metric":{{{}}},"value":[1,"1"]}}"#, labels.join(","));
    let many = decoded(&format!(r#"{{"resultType":"vector","result":[{series}]}}"#));
    assert!(many.unwrap_err().contains("more than 1000"));
}

#[test]
fn cells_without_end_are_refused() {
    let wide: Vec<_> = (0..MAX_LABELS).map(|at| format!(r#""l{at}":"x""#)).collect();
    let wide = format!(r#"{{"metric":{{{}}},"value":[1,"1"]}}"#, wide.join(","));
    let narrow = r#"{"metric":{"l0":"x"},"value":[1,"1"]}"#;
    let of = |rows: usize| {
        let series: Vec<_> =
            std::iter::once(wide.as_str()).chain(std::iter::repeat_n(narrow, rows - 1)).collect();
        decoded(&format!(r#"{{"resultType":"vector","result":[{}]}}"#, series.join(",")))
    };
    let most = MAX_CELLS / MAX_LABELS;
    assert!(of(most).is_ok());
    let many = of(most + 1).unwrap_err();
    assert!(many.contains("1000 different labels are too many"), "{many}");
}

#[test]
fn a_matrix() {
    let answer = decoded(
        r#"{"result":[{"values":[[1,"1"],[2,"2"]],"metric":{"a":"b"}},
            {"metric":{"a":"c"},"values":[]},{"metric":{"a":"d"},"values":[[3,"3"]]}],
            "resultType":"matrix"}"#,
    )
    .unwrap();
    let Data::Matrix(matrix) = answer.data else { panic!() };
    assert_eq!(matrix.ends, [2, 2, 3]);
    assert_eq!((matrix.times, matrix.values), (vec![1000, 2000, 3000], vec![1.0, 2.0, 3.0]));
}

#[test]
fn scalars_and_strings() {
    let scalar = decoded(r#"{"resultType":"scalar","result":[1.5,"12"]}"#).unwrap();
    assert_eq!(scalar.data, Data::Scalar { time: 1500, value: 12.0 });
    let text = decoded(r#"{"resultType":"string","result":[1,"hello"]}"#).unwrap();
    let Data::Text { text: id, .. } = text.data else { panic!() };
    assert_eq!(text.dictionary.get(id), "hello");
}

#[test]
fn warnings_are_kept() {
    let body = br#"{"status":"success","warnings":["partial"],"infos":["x"],
        "data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(answer(body).unwrap().warnings, ["partial"]);
}

#[test]
fn what_is_no_result_says_why() {
    for (data, part) in [
        (r#"{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}"#, "histogram"),
        (r#"{"resultType":"vector","result":[{"metric":{}}]}"#, "one sample"),
        (r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}"#, "\"x\""),
        (r#"{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}"#, "string"),
        (r#"{"resultType":"stream","result":[]}"#, "stream"),
        (r#"{"result":[]}"#, "resultType"),
        (r#"{"resultType":"scalar","result":[1]}"#, "without a value"),
    ] {
        let error = decoded(data).unwrap_err();
        assert!(error.contains(part), "{data}: {error}");
    }
    let cut = br#"{"status":"success","data":{"resultType":"vector","result":["#;
    assert!(answer(cut).unwrap_err().contains("EOF"));
    assert!(answer(br#"{"status":"error","error":"boom"}"#).unwrap_err().contains("boom"));
}

#[test]
fn refusals() {
    let body = br#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
    assert_eq!(refusal(body), Some(("bad_data".into(), "parse error".into())));
    assert_eq!(refusal(b"<html>"), None);
}
