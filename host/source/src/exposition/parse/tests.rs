use proptest::prelude::*;

use super::*;

pub(super) const LIMITS: PageLimits = PageLimits { series: 1000, labels: 8 };

/// A sample in one line: name, labels, value and time.
pub(super) type Row = (String, Vec<(String, String)>, f64, Option<i64>);

pub(super) fn read(format: Format, page: &[u8], piece: usize) -> Result<Vec<Row>, PageError> {
    let mut rows = Vec::new();
    let mut take = |sample: Sample<'_>| {
        let labels = sample.labels.into_iter();
        let labels = labels.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        rows.push((sample.name.into_owned(), labels, sample.value, sample.time));
    };
    let mut reader = PageReader::new(format, LIMITS);
    for piece in page.chunks(piece.max(1)) {
        reader.feed(piece, &mut take)?;
    }
    reader.end(&mut take)?;
    assert_eq!(reader.series(), rows.len());
    Ok(rows)
}

fn text(page: &str) -> Result<Vec<Row>, String> {
    read(Format::Text, page.as_bytes(), usize::MAX).map_err(|error| error.to_string())
}

fn open_metrics(page: &str) -> Result<Vec<Row>, String> {
    read(Format::OpenMetrics, page.as_bytes(), usize::MAX).map_err(|error| error.to_string())
}

fn row(name: &str, labels: &[(&str, &str)], value: f64, time: Option<i64>) -> Row {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (name.to_owned(), labels.collect(), value, time)
}

#[test]
fn the_text_format_is_read() {
    let page = "# HELP http_requests_total All \\n of them.\n# TYPE http_requests_total counter\n\
                http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
                \n#comment \"\nmsdos{path=\"C:\\\\D\\\\F\",error=\"no \\\"x\\\"\\n\",}\t1.458e+09\n\
                up 1\n:a:b {} +Inf 0 \t\n\
                weird{problem=\"\\q\"} -Inf\nlast{ a = \"1\" , b=\"2\" }2";
    let rows = vec![
        row(
            "http_requests_total",
            &[("method", "post"), ("code", "200")],
            1027.0,
            Some(1_395_066_363_000),
        ),
        row("msdos", &[("path", "C:\\D\\F"), ("error", "no \"x\"\n")], 1.458e9, None),
        row("up", &[], 1.0, None),
        row(":a:b", &[], f64::INFINITY, Some(0)),
        row("weird", &[("problem", "\\q")], f64::NEG_INFINITY, None),
        row("last", &[("a", "1"), ("b", "2")], 2.0, None),
    ];
    assert_eq!(text(page), Ok(rows));
    assert_eq!(text(""), Ok(vec![]));
    assert!(text("a NaN").unwrap()[0].2.is_nan());
    // As Prometheus: without a comma, and with the end of a line in a value.
    let rows = vec![row("a", &[("b", "1\n2\n"), ("c", "3")], 1.0, None), row("d", &[], 2.0, None)];
    assert_eq!(text("a{b=\"1\n2\n\"c=\"3\"} 1\nd 2\n"), Ok(rows));
}

#[test]
fn names_of_any_characters_stand_between_quotes() {
    let rows = vec![row("my.metric", &[("a b", "x"), ("c", "y")], 1.0, None)];
    assert_eq!(text("{\"my.metric\",\"a b\"=\"x\",c=\"y\"} 1\n"), Ok(rows.clone()));
    assert_eq!(open_metrics("{\"my.metric\",\"a b\"=\"x\",c=\"y\"} 1\n# EOF\n"), Ok(rows));
    for page in
        ["{a=\"b\"} 1", "{} 1", "x{\"y\"} 1", "{\"a\",\"b\"} 1", "{\"\"} 1", "a{\"\"=\"b\"} 1"]
    {
        assert!(text(page).is_err(), "{page}");
    }
}

#[test]
fn faults_of_the_text_format_have_a_line_and_a_reason() {
    for (page, said) in [
        (
            "up 1\n<!DOCTYPE html>\n",
            "line 2: a line begins with neither a name nor \"#\": \"<!DOCTYPE html>\"",
        ),
        ("up\n", "line 1: there is no value"),
        ("up one\n", "the value is not a number"),
        ("up 1 now\n", "there is no time in milliseconds"),
        ("up 1 -5\n", "there is no time in milliseconds"),
        ("up 1 99999999999999999999\n", "there is no time in milliseconds"),
        ("up 1 2 3\n", "there is more after value and time"),
        ("up{a=\"1\",a=\"2\"} 1\n", "a label is there twice"),
        ("up{__name__=\"x\"} 1\n", "a label is there twice"),
        ("up{a=1} 1\n", "the value of a label is not quoted"),
        ("up{a\n", "\"=\" is missing"),
        ("up{a=\n", "the value of a label is missing"),
        ("up{,} 1\n", "the name of a label is missing"),
        ("up{a=\"1\",,} 1\n", "the name of a label is missing"),
        ("up{a:b=\"1\"} 1\n", "\"=\" is missing"),
        ("up{a=\"1} 1\nx 1\n", "a quoted value has no end"),
        ("up{a=\"\\", "a quoted value has no end"),
        ("up{a=\"\0\"} 1\n", "NUL"),
        ("# TYPE up\n", "no such type of metric"),
        ("# TYPE up gaugehistogram\n", "no such type of metric"),
        ("# HELP 1\n", "the name of a family is missing"),
        ("up 1\r\n", "the value is not a number"),
    ] {
        let error = text(page).unwrap_err();
        assert!(error.contains(said), "{page:?}: {error}");
    }
    let latin = read(Format::Text, b"up{a=\"\xe9\"} 1\n", usize::MAX).unwrap_err();
    assert!(latin.to_string().contains("not UTF-8"), "{latin}");
}

#[test]
fn open_metrics_is_read() {
    let page = "# TYPE http_requests counter\n# UNIT process_cpu_seconds seconds\n# HELP x \n\
                http_requests_total{code=\"200\"} 10 1.5 # {trace_id=\"a b\"} 0.5 1.4\n\
                http_requests_created{code=\"200\"} 1.25\n\
                hist_bucket{le=\"+Inf\"} 3 # {} 1\nplain 1 1\n# EOF";
    let rows = vec![
        row("http_requests_total", &[("code", "200")], 10.0, Some(1500)),
        row("http_requests_created", &[("code", "200")], 1.25, None),
        row("hist_bucket", &[("le", "+Inf")], 3.0, None),
        row("plain", &[], 1.0, Some(1000)),
    ];
    assert_eq!(open_metrics(page), Ok(rows.clone()));
    assert_eq!(open_metrics(&format!("{page}\n")), Ok(rows));
    for (page, said) in [
        ("", "cut off"),
        ("a 1\n", "cut off"),
        ("a 1", "cut off"),
        ("a 1\n# EOF\nb 1\n", "there is more after \"# EOF\""),
        ("a  1\n# EOF\n", "there is no value"),
        ("a{ b=\"1\"} 1\n# EOF\n", "the name of a label is missing"),
        ("a{b=\"1\"c=\"2\"} 1\n# EOF\n", "neither \",\" nor \"}\""),
        ("a{b=\"1\n\"} 1\n# EOF\n", "a quoted value has no end"),
        ("\na 1\n# EOF\n", "no empty lines"),
        ("# note\na 1\n# EOF\n", "no comments"),
        ("# TYPE a untyped\n# EOF\n", "no such type"),
        ("# UNIT a seconds\n# EOF\n", "the unit is not the end"),
        ("a 1 NaN\n# EOF\n", "the time is not a number of seconds"),
        ("a 1 # {b=\"c\"}\n# EOF\n", "a blank and its value are missing"),
        ("a 1 # {b=\"c\"} x\n# EOF\n", "the value is not a number"),
        ("a 1 # {\"b\"} 1\n# EOF\n", "a quoted name has no value"),
        ("a 1 2 3\n# EOF\n", "there is no exemplar"),
    ] {
        let error = open_metrics(page).unwrap_err();
        assert!(error.contains(said), "{page:?}: {error}");
    }
}

#[test]
fn pages_have_bounds() {
    let many = "a 1\n".repeat(LIMITS.series + 1);
    assert_eq!(text(&many), Err(PageError::TooManySeries { limit: 1000 }.to_string()));
    let labels: String = (0..9).map(|number| format!("l{number}=\"\",")).collect();
    let error = text(&format!("up 1\na{{{labels}}} 1\n")).unwrap_err();
    assert_eq!(error, "line 2: has more than 8 labels; raise limits.labels");
    let long = format!("a{{b=\"{}\"}} 1", "x".repeat(MAX_LINE));
    for piece in [1000, usize::MAX] {
        for page in [long.clone(), format!("{long}\n")] {
            let read = read(Format::Text, page.as_bytes(), piece);
            assert_eq!(read, Err(PageError::LineTooLong { line: 1 }));
        }
    }
    // What never closes its quote is not read again and again.
    let open = format!("a{{b=\"{}", "\n".repeat(1000));
    let error = text(&open).unwrap_err();
    assert!(error.starts_with("line 17: a quoted value has no end"), "{error}");
}

#[test]
fn what_a_page_says_is_told_in_one_short_line() {
    let error = text(&format!("\u{1b}[31m{}\n", "x".repeat(5000))).unwrap_err();
    assert!(error.len() < 200 && !error.contains('\u{1b}'), "{error}");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_pieces_make_no_difference(
        page in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just("_b1"), Just("{"), Just("}"), Just("\""), Just("\\"), Just("\n"), Just(" "),
                Just("\t"), Just("="), Just(","), Just("1"), Just("-2.5e3"), Just("NaN"), Just("# "),
                Just("# HELP a "), Just("# TYPE a counter"), Just("# EOF"), Just("é"), Just("\0"),
            ],
            0..60,
        ),
        piece in 1_usize..9,
    ) {
        let page = page.concat();
        for format in [Format::Text, Format::OpenMetrics] {
            // NaN is not equal to itself, but its text is.
            let whole = format!("{:?}", read(format, page.as_bytes(), usize::MAX));
            prop_assert_eq!(whole, format!("{:?}", read(format, page.as_bytes(), piece)));
        }
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
        labels in proptest::collection::btree_map("[a-zA-Z_][a-zA-Z0-9_]{0,10}", "[^\0]{0,20}", 0..6),
        value in proptest::num::f64::NORMAL,
        time in proptest::option::of(0_i64..4_000_000_000_000),
    ) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let inner: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let time_text = time.map(|time| format!(" {time}")).unwrap_or_default();
        let page = format!("{name}{{{}}} {value:e}{time_text}\n", inner.join(","));
        let labels: Vec<_> = labels.into_iter().collect();
        prop_assert_eq!(read(Format::Text, page.as_bytes(), 7), Ok(vec![(name, labels, value, time)]));
    }
}
