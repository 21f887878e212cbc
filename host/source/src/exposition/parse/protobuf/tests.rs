use proptest::prelude::*;

use super::wire::MAX_FIELD;
use super::*;
use crate::exposition::parse::Format;
use crate::exposition::parse::tests::{LIMITS, Row, read as read_page};

/// A family as a client writes it, field by field.
#[derive(Clone, PartialEq, Message)]
struct Family {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<Metric>,
}

fn read(page: &[u8]) -> Result<Vec<Row>, String> {
    read_page(Format::Protobuf, page, usize::MAX).map_err(|error| error.to_string())
}

fn text(page: &str) -> Result<Vec<Row>, String> {
    read_page(Format::Text, page.as_bytes(), usize::MAX).map_err(|error| error.to_string())
}

/// A field whose content has less than 128 bytes.
fn sized(tag: u8, content: &[u8]) -> Vec<u8> {
    [vec![(tag << 3) | 2], delimited(content)].concat()
}

fn delimited(content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [vec![length], content.to_vec()].concat()
}

fn double(tag: u8, value: f64) -> Vec<u8> {
    [vec![(tag << 3) | 1], value.to_le_bytes().to_vec()].concat()
}

/// A field with a number below 128.
fn small(tag: u8, value: u8) -> Vec<u8> {
    vec![tag << 3, value]
}

/// A family of the name `a` with one metric that has the label `b="c"`.
fn family(kind: u8, value: &[u8]) -> Vec<u8> {
    let label = sized(1, &[sized(1, b"b"), sized(2, b"c")].concat());
    let metric = [label, value.to_vec()].concat();
    delimited(&[sized(1, b"a"), sized(2, b"help"), small(3, kind), sized(4, &metric)].concat())
}

fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

fn gauge(labels: Vec<Label>, value: f64) -> Metric {
    Metric { labels, gauge: Some(Number { value }), ..Metric::default() }
}

fn gauges(name: &str, metrics: Vec<Metric>) -> Vec<u8> {
    let family = Family { name: name.to_owned(), help: String::new(), kind: 1, metrics };
    family.encode_length_delimited_to_vec()
}

#[test]
fn each_type_is_read_from_its_bytes() {
    let counter = [0x0b, 0x0a, 0x01, b'a', 0x18, 0x00, 0x22, 0x04, 0x1a, 0x02, 0x08, 0x01];
    // A number in place of a double is no value.
    assert!(read(&counter).is_err());
    let counter = [
        0x12, 0x0a, 0x01, b'a', 0x18, 0x00, 0x22, 0x0b, 0x1a, 0x09, 0x09, 0, 0, 0, 0, 0, 0, 0x14,
        0x40,
    ];
    assert_eq!(read(&counter), text("a 5\n"));
    let exemplar = sized(2, &double(2, 0.5));
    let quantile = |of: f64, value: f64| sized(3, &[double(1, of), double(2, value)].concat());
    let bucket = |count: u8, bound: f64| sized(3, &[small(1, count), double(2, bound)].concat());
    // What a native histogram has beside: its schema, the width of zero, a span and a delta.
    let native =
        [small(5, 6), double(6, 1e-9), sized(12, &[small(1, 2)].concat()), sized(13, &[2])];
    for (kind, value, page) in [
        (0, sized(3, &[double(1, 1.5), exemplar].concat()), "a{b=\"c\"} 1.5\n"),
        (0, [sized(3, &double(1, 2.0)), small(6, 100)].concat(), "a{b=\"c\"} 2 100\n"),
        // As every field of protobuf, a value that is left out is zero; the message is there.
        (1, sized(2, &[]), "a{b=\"c\"} 0\n"),
        (1, sized(2, &double(1, -2.0)), "a{b=\"c\"} -2\n"),
        (3, sized(5, &double(1, f64::INFINITY)), "a{b=\"c\"} +Inf\n"),
        (
            2,
            sized(
                4,
                &[small(1, 7), double(2, 3.5), quantile(0.5, 1.0), quantile(0.99, 2.0)].concat(),
            ),
            "a{b=\"c\",quantile=\"0.5\"} 1\na{b=\"c\",quantile=\"0.99\"} 2\n\
             a_sum{b=\"c\"} 3.5\na_count{b=\"c\"} 7\n",
        ),
        (
            4,
            sized(7, &[small(1, 3), double(2, 4.5), bucket(1, 0.5), bucket(3, 1e6)].concat()),
            "a_bucket{b=\"c\",le=\"0.5\"} 1\na_bucket{b=\"c\",le=\"1e+06\"} 3\n\
             a_bucket{b=\"c\",le=\"+Inf\"} 3\na_sum{b=\"c\"} 4.5\na_count{b=\"c\"} 3\n",
        ),
        (
            5,
            sized(7, &[double(4, 2.5), double(2, 4.5), bucket(2, f64::INFINITY)].concat()),
            "a_bucket{b=\"c\",le=\"+Inf\"} 2\na_sum{b=\"c\"} 4.5\na_count{b=\"c\"} 2.5\n",
        ),
        (
            4,
            sized(7, &[[small(1, 3), double(2, 4.5)].concat(), native.concat()].concat()),
            "a_bucket{b=\"c\",le=\"+Inf\"} 3\na_sum{b=\"c\"} 4.5\na_count{b=\"c\"} 3\n",
        ),
    ] {
        let bytes = family(kind, &value);
        assert_eq!(read(&bytes), text(page), "{page}");
        // And twice, with another family between them.
        let rows = text(&format!("{page}a 5\n{page}"));
        assert_eq!(read(&[bytes.clone(), counter.to_vec(), bytes].concat()), rows, "{page}");
    }
    assert_eq!(read(&[]), Ok(vec![]));
}

#[test]
fn names_of_any_characters_are_as_those_between_quotes() {
    let page =
        gauges("my.metric", vec![gauge(vec![label("a b", "x\n\"é\\"), label("d", "")], 1.0)]);
    assert_eq!(read(&page), text("{\"my.metric\",\"a b\"=\"x\\n\\\"é\\\\\",d=\"\"} 1\n"));
}

#[test]
fn faults_have_the_number_of_the_family_and_a_reason() {
    let good = gauges("good", vec![gauge(vec![], 1.0)]);
    let metric = sized(4, &sized(2, &double(1, 1.0)));
    let named = sized(1, b"a");
    let of = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(name, value)| label(name, value)).collect();
        gauges("a", vec![gauge(labels, 1.0)])
    };
    let summary = sized(3, &double(1, 0.5));
    let with_le = [sized(1, &[sized(1, b"quantile"), sized(2, b"c")].concat()), sized(4, &summary)];
    let twice = [named.clone(), small(3, 2), sized(4, &with_le.concat())].concat();
    for (bytes, said) in [
        (family(1, &sized(3, &double(1, 1.0))), "no value of the family's type: \"a\""),
        (family(4, &[]), "no value of the family's type: \"a\""),
        (family(6, &[]), "no such type of metric"),
        (delimited(&[]), "it has no name: \"\""),
        (delimited(&small(3, 1)), "it has no name"),
        (delimited(&[small(3, 1), metric.clone()].concat()), "metrics come before its name"),
        (
            delimited(&[named.clone(), small(3, 1), metric.clone(), named.clone()].concat()),
            "its name comes after metrics",
        ),
        (
            delimited(&[named.clone(), small(3, 1), metric.clone(), small(3, 1)].concat()),
            "its type comes after metrics",
        ),
        (delimited(&sized(1, b"\xe9")), "its name is not UTF-8"),
        (delimited(&sized(1, b"a\0")), "NUL"),
        (delimited(&[named.clone(), sized(4, b"\xff")].concat()), "not such a message"),
        (delimited(&small(1, 1)), "wire type"),
        (delimited(&[0x0b]), "wire type"),
        (delimited(&[0x00, 0x00]), "number 0"),
        (delimited(&[0x0a, 0x05, b'a']), "a field reaches beyond its end"),
        (vec![0xff; 11], "more than 64 bits"),
        (of(&[("", "x")]), "a label has an empty name"),
        (of(&[("b", "x"), ("b", "y")]), "a label is there twice"),
        (of(&[("__name__", "x")]), "a label is there twice"),
        (of(&[("b", "\0")]), "NUL"),
        (delimited(&twice), "a label is there twice"),
    ] {
        let error = read(&[good.clone(), bytes].concat()).unwrap_err();
        assert!(error.starts_with("family 2: ") && error.contains(said), "{said}: {error}");
    }
    // A page that is something else.
    assert!(read(b"<!DOCTYPE html><html><body>Sign in</body></html>").is_err());
    assert!(read(b"# TYPE requests gauge\nrequests 5\n").is_err());
}

#[test]
fn families_have_bounds() {
    let many = |count: usize| gauges("a", vec![gauge(vec![], 1.0); count]);
    assert_eq!(read(&many(1000)).map(|rows| rows.len()), Ok(1000));
    let error = PageError::TooManySeries { limit: 1000 }.to_string();
    assert_eq!(read(&many(1001)), Err(error.clone()));
    assert_eq!(read(&many(501).repeat(2)), Err(error.clone()));
    // All buckets of one metric count.
    let buckets = vec![Bucket::default(); 1001];
    let histogram = Some(Histogram { buckets, ..Histogram::default() });
    let metrics = vec![Metric { histogram, ..Metric::default() }];
    let family = Family { name: "a".to_owned(), help: String::new(), kind: 4, metrics };
    assert_eq!(read(&family.encode_length_delimited_to_vec()), Err(error));

    let labels = |count: usize| (0..count).map(|n| label(&format!("l{n}"), "")).collect::<Vec<_>>();
    assert!(read(&gauges("a", vec![gauge(labels(8), 1.0)])).is_ok());
    let error = read(&gauges("a", vec![gauge(labels(9), 1.0)])).unwrap_err();
    assert_eq!(error, "family 1: has more than 8 labels; raise limits.labels");
    // `le` is one of them.
    let histogram = Some(Histogram::default());
    let metrics = vec![Metric { labels: labels(8), histogram, ..Metric::default() }];
    let family = Family { name: "a".to_owned(), help: String::new(), kind: 4, metrics };
    let error = read(&family.encode_length_delimited_to_vec()).unwrap_err();
    assert_eq!(error, "family 1: has more than 8 labels; raise limits.labels");

    for (size, said) in [(MAX_LINE, "more than 64 KiB"), (MAX_FIELD, "more than 256 KiB")] {
        let page = gauges("a", vec![gauge(vec![label("b", &"x".repeat(size))], 1.0)]);
        for piece in [1000, usize::MAX] {
            let error = read_page(Format::Protobuf, &page, piece).unwrap_err().to_string();
            assert!(error.starts_with("family 1: ") && error.contains(said), "{error}");
        }
    }
}

#[test]
fn no_more_than_a_field_is_kept_of_a_family() {
    let metric = || gauge(vec![label("b", &"x".repeat(1000))], 1.0);
    let page = gauges("a", (0..900).map(|_| metric()).collect());
    let mut families = Families::new(LIMITS);
    let mut most = 0;
    for piece in page.chunks(100) {
        families.feed(piece, &mut |_: Sample<'_>| {}).unwrap();
        most = most.max(families.rest.len());
    }
    families.end().unwrap();
    assert_eq!(families.series(), 900);
    assert!(most < 1200, "{most} bytes");
}

#[test]
fn a_page_that_is_cut_off_is_no_page() {
    let one = gauges("one", vec![gauge(vec![label("b", "c")], 1.0)]);
    let page = [one.clone(), gauges("two", vec![gauge(vec![], 2.0)])].concat();
    for length in 1..page.len() {
        let cut = read_page(Format::Protobuf, &page[..length], usize::MAX);
        match length == one.len() {
            true => assert!(cut.is_ok_and(|rows| rows.len() == 1)),
            false => {
                let family = if length < one.len() { 1 } else { 2 };
                assert_eq!(cut, Err(PageError::CutOff { family }), "{length}");
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_pieces_make_no_difference(
        parts in proptest::collection::vec(
            prop_oneof![
                Just(family(0, &sized(3, &double(1, 1.0)))),
                Just(family(4, &sized(7, &small(1, 2)))),
                Just(sized(1, b"a")),
                Just(sized(4, &sized(2, &double(1, 1.0)))),
                Just(small(3, 1)),
                Just(vec![0x0f]),
                Just(vec![0xff; 4]),
                proptest::collection::vec(any::<u8>(), 0..8),
            ],
            0..12,
        ),
        piece in 1_usize..9,
    ) {
        let page = parts.concat();
        // NaN is not equal to itself, but its text is.
        let whole = format!("{:?}", read_page(Format::Protobuf, &page, usize::MAX));
        prop_assert_eq!(whole, format!("{:?}", read_page(Format::Protobuf, &page, piece)));
    }

    #[test]
    fn what_is_written_is_read_as_the_text_format_is(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
        labels in proptest::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,10}", "[^\0]{0,20}", 0..6),
        value in proptest::num::f64::NORMAL,
        time in 0_i64..4_000_000_000_000,
    ) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let inner: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let time_text = if time == 0 { String::new() } else { format!(" {time}") };
        let page = format!("{name}{{{}}} {value:e}{time_text}\n", inner.join(","));
        let labels = labels.iter().map(|(name, value)| label(name, value)).collect();
        let bytes = gauges(&name, vec![Metric { timestamp_ms: time, ..gauge(labels, value) }]);
        let rows = read_page(Format::Protobuf, &bytes, 7).map_err(|error| error.to_string());
        prop_assert_eq!(rows, text(&page));
    }
}
