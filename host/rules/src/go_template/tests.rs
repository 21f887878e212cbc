//! What Go makes of a table of templates, kept from a run of Go itself.

use std::collections::BTreeMap;

use super::{GoTemplate, Value};

/// A template, and what Go renders, or nothing where Go gives an error.
type Case = (&'static str, Option<&'static str>);

const FIELDS: [&str; 5] =
    ["Series", "LabelMatchers", "LabelValuesByName", "GroupBy", "GroupBySlice"];

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("sum(rate(<<.Series>>{<<.LabelMatchers>>}[5m])) by (<<.GroupBy>>)", Some(r#"sum(rate(http_requests_total{namespace="default",pod=~"a|b"}[5m])) by (pod)"#)),
    ("plain", Some("plain")),
    ("", Some("")),
    (r#"a < b << "<" >> c > d"#, Some("a < b < c > d")),
    ("<<.GroupBySlice>> <<.LabelValuesByName>>", Some(r#"[pod é"x] map[namespace:default pod:a|b]"#)),
    ("<<.>>", Some(r#"{http_requests_total namespace="default",pod=~"a|b" map[namespace:default pod:a|b] pod [pod é"x]}"#)),
    ("<<$>>", Some(r#"{http_requests_total namespace="default",pod=~"a|b" map[namespace:default pod:a|b] pod [pod é"x]}"#)),
    ("<<$.Series>>", Some("http_requests_total")),
    ("<<.LabelValuesByName.pod>>", Some("a|b")),
    ("<<.LabelValuesByName.x>>", Some("<no value>")),
    ("<<.LabelValuesByName.x.y>>", Some("<no value>")),
    (r#"<<index .LabelValuesByName "x">>|"#, Some("|")),
    (r#"<<index .LabelValuesByName "namespace">>"#, Some("default")),
    ("<<print .LabelValuesByName.x>>", Some("<nil>")),
    ("<<.Series.x>>", None),
    (r#"<<(index .LabelValuesByName "pod")>>"#, Some("a|b")),
    ("<<index .LabelValuesByName 1>>", None),
    ("<<index .LabelValuesByName nil>>", None),
    ("<<index .GroupBySlice 0>>", Some("pod")),
    ("<<index .GroupBySlice 2>>", None),
    ("<<index .GroupBySlice -1>>", None),
    (r#"<<index .GroupBySlice "0">>"#, None),
    ("<<index .Series 0>>", Some("104")),
    ("<<index .Series>>", Some("http_requests_total")),
    ("<<index .GroupBySlice 0 0>>", Some("112")),
    ("<<index nil 1>>", None),
    ("<<index 5 1>>", None),
    ("<<len .Series>> <<len .GroupBySlice>> <<len .LabelValuesByName>> <<len (index .GroupBySlice 1)>>", Some("19 2 2 4")),
    ("<<len 3>>", None),
    ("<<len .>>", None),
    ("<<slice .Series 5>> <<slice .Series 0 4>> <<slice .GroupBySlice 1>> <<slice .GroupBySlice 0 1 2>>|<<slice .Series>>", Some(r#"requests_total http [é"x] [pod]|http_requests_total"#)),
    ("<<slice .Series 5 2>>", None),
    ("<<slice .Series 0 1 2>>", None),
    ("<<slice .Series 99>>", None),
    ("<<slice .LabelValuesByName 1>>", None),
    ("<<slice .GroupBySlice 2 2>>", Some("[]")),
    ("<<slice .GroupBySlice 0 2 1>>", None),
    ("<<if .Series>>yes<<else>>no<<end>>", Some("yes")),
    (r#"<<if not .Series>>yes<<else if eq .GroupBy "pod">>pod<<else>>no<<end>>"#, Some("pod")),
    (r#"<<if .LabelValuesByName.x>>a<<end>>|<<if 0>>a<<else if 0.0>>b<<else if "">>c<<else if false>>d<<else>>e<<end>>"#, Some("|e")),
    (r#"<<if and .Series .GroupBy>>1<<end>><<if or "" 0>>2<<else>>3<<end>>"#, Some("13")),
    (r#"<<and 1 0 2>> <<or 0 "" 5 6>> <<and 1 2>> <<or 0 0>> <<or nil nil>> <<not 1>> <<0 | and 1>> <<2 | or 0>>"#, Some("0 5 2 0 <no value> false 0 2")),
    ("<<range .GroupBySlice>>[<<.>>]<<end>>", Some(r#"[pod][é"x]"#)),
    ("<<range $i, $e := .GroupBySlice>><<if $i>>, <<end>><<$i>>=<<$e>><<end>>", Some(r#"0=pod, 1=é"x"#)),
    ("<<range $k, $v := .LabelValuesByName>><<$k>>:<<$v>>;<<end>>", Some("namespace:default;pod:a|b;")),
    ("<<range $v := .LabelValuesByName>><<$v>>;<<end>>", Some("default;a|b;")),
    ("<<range .LabelValuesByName.x>>a<<else>>none<<end>>", Some("none")),
    ("<<range 3>><<.>><<end>>", Some("012")),
    ("<<range $i := 3>><<$i>><<end>>", Some("012")),
    ("<<range $i, $e := 3>><<end>>", None),
    ("<<range 0>>a<<else>>b<<end>>", Some("b")),
    ("<<range .Series>>a<<end>>", None),
    ("<<range .>>a<<end>>", None),
    ("<<range true>>a<<end>>", None),
    ("<<range $i, $e := .GroupBySlice>><<if $i>><<break>><<end>><<$e>><<end>>!", Some("pod!")),
    (r#"<<range .GroupBySlice>><<if eq . "pod">><<continue>><<end>><<.>><<end>>!"#, Some(r#"é"x!"#)),
    ("<<break>>", None),
    ("<<range .GroupBySlice>><<$.Series>> <<end>>", Some("http_requests_total http_requests_total ")),
    ("<<range .GroupBySlice>><<.Series>><<end>>", None),
    ("<<$i := 0>><<$e := 0>><<range $i, $e = .GroupBySlice>><<end>><<$i>><<$e>>", Some(r#"1é"x"#)),
    ("<<$e := 0>><<range $e = .GroupBySlice>>.<<end>><<$e>>", Some(r#"..é"x"#)),
    ("<<range $x, $x := .GroupBySlice>><<$x>> <<end>>", Some(r#"pod é"x "#)),
    ("<<with .GroupBy>><<.>><<end>>", Some("pod")),
    ("<<with .LabelValuesByName.x>>a<<else>>none<<end>>", Some("none")),
    (r#"<<with "">>a<<else with .Series>><<.>><<end>>"#, Some("http_requests_total")),
    ("<<with $x := .GroupBy>><<$x>><<.>><<$.Series>><<end>>", Some("podpodhttp_requests_total")),
    ("<<with .>><<.Series>><<end>>", Some("http_requests_total")),
    ("<<with $y := .>><<$y.GroupBy>><<end>>", Some("pod")),
    ("<<$x := .Series>><<$x>>", Some("http_requests_total")),
    ("<<$x := 1>><<if true>><<$x = 2>><<$x := 3>><<end>><<$x>>", Some("2")),
    ("<<$x>>", None),
    ("<<$x = 1>>", None),
    ("<<($x := 5)>><<$x>>", Some("55")),
    ("<<$x := 1>><<$x.y>>", None),
    ("<<$x := .>><<$x.Series>>", Some("http_requests_total")),
    ("<<$x, $y := 1>>", None),
    (r#"<<if $x := "">>a<<else>>b<<$x>>c<<end>>"#, Some("bc")),
    ("<<if true>><<$z := 1>><<end>><<$z>>", None),
    (r#"a <<- " b " ->> c"#, Some("a b c")),
    ("a  \n <<- /* comment */ ->>  \n b", Some("ab")),
    ("a <</* c */>> b", Some("a  b")),
    ("<</* unclosed", None),
    ("<</* x */ y>>", None),
    ("<< /* c */ >>", None),
    ("<<-3>>", Some("-3")),
    ("<<- 3 ->> x", Some("3x")),
    ("<<3 ->>\n\u{9} x", Some("3x")),
    ("<<\n.Series\n>>", Some("http_requests_total")),
    ("a\u{a0}<<- 1>>", Some("a\u{a0}1")),
    ("<<\"a\\tb\\x41\\u00e9\\101\\\"\">> <<`raw\\n\u{d}`>> <<'a'>> <<'\\n'>> <<'\\''>> <<'é'>>", Some("a\u{9}bAéA\" raw\\n 97 10 39 233")),
    (r#"<<"\'">>"#, None),
    ("<<'ab'>>", None),
    (r#"<<"abc>>"#, None),
    ("<<'a>>", None),
    ("<<`a>>", None),
    (r#"<<"\q">>"#, None),
    ("<<''>>", None),
    ("<<1>> <<-1>> <<+1>> <<0x1F>> <<0b11>> <<0o17>> <<017>> <<1_000>> <<0x_f>>", Some("1 -1 1 31 3 15 15 1000 15")),
    ("<<1.5>> <<.5>> <<1e3>> <<1.0>> <<-0.0>> <<1e21>> <<1e20>> <<1e-5>> <<0.0001>> <<123456789.0>> <<1.>> <<100000.0>> <<1000000.0>>", Some("1.5 0.5 1000 1 -0 1e+21 1e+20 1e-05 0.0001 1.23456789e+08 1 100000 1e+06")),
    ("<<089>>", None),
    ("<<1__0>>", None),
    ("<<9223372036854775807>> <<-9223372036854775808>>", Some("9223372036854775807 -9223372036854775808")),
    ("<<9223372036854775808>>", None),
    ("<<99999999999999999999>>", None),
    ("<<1e999>>", None),
    ("<<1a>>", None),
    ("<<_1>>", None),
    ("<<0x>>", None),
    ("<<1_>>", None),
    ("<<1_0.5>>", Some("10.5")),
    ("<<-0>>", Some("0")),
    ("<<1.5.2>>", None),
    ("<<00>>", Some("0")),
    ("<<true>> <<false>>", Some("true false")),
    ("<<nil>>", None),
    ("<<(nil)>>", None),
    ("<<print nil>>", Some("<nil>")),
    ("<<true.x>>", None),
    ("<<nil.x>>", None),
    ("<<..x>>", None),
    ("<<1.x>>", None),
    (r#"<<"a".x>>"#, None),
    (r#"<<print 1 2>> <<print "a" 1 2 "b" "c" 3>> <<print>>|<<print true false>> <<print .GroupBySlice 1>>"#, Some(r#"1 2 a1 2bc3 |true false [pod é"x] 1"#)),
    (r#"<<println "a" 1>><<println>>|"#, Some("a 1\n\n|")),
    (r#"<<printf "%s-%v-%d-%q-%%" "a" 1 2 "q\"\n">>"#, Some(r#"a-1-2-"q\"\n"-%"#)),
    (r#"<<printf "%5s|%-5s|%5d|%05d|%+d|%-5d|%.2s|%5q" "a" "b" 1 -2 3 4 "éàü" "x">>"#, Some(r#"    a|b    |    1|-0002|+3|4    |éà|  "x""#)),
    (r#"<<printf "%s %v %q %d" .GroupBySlice .LabelValuesByName .GroupBySlice .GroupBySlice>>"#, Some(r#"[pod é"x] map[namespace:default pod:a|b] ["pod" "é\"x"] [%!d(string=pod) %!d(string=é"x)]"#)),
    (r#"<<printf "%d %s %t" "a" 1 "x">>"#, Some("%!d(string=a) %!s(int=1) %!t(string=x)")),
    (r#"<<printf "%d">>"#, Some("%!d(MISSING)")),
    (r#"<<printf "%d" 1 2 "x" nil>>"#, Some("1%!(EXTRA int=2, string=x, <nil>)")),
    (r#"<<printf "a%">>"#, Some("a%!(NOVERB)")),
    (r#"<<printf "%z" 1>>"#, Some("%!z(int=1)")),
    (r#"<<printf "%s|%v|%5v" nil nil nil>>"#, Some("%!s(<nil>)|<nil>|<nil>")),
    (r#"<<printf "%t %v %5t|%-6v|" true false true false>>"#, Some("true false  true|false |")),
    ("<<printf 1>>", None),
    ("<<printf .GroupBy>>", Some("pod")),
    ("<<printf nil>>", None),
    (r#"<<.Series | printf "%s_%s" "a">>"#, Some("a_http_requests_total")),
    (r#"<<.Series | printf "%q">>"#, Some(r#""http_requests_total""#)),
    (r#"<<"%s" | printf>>"#, Some("%!s(MISSING)")),
    (r#"<<printf "%q %q %q" 'x' 10 -1>>"#, Some(r"'x' '\n' '�'")),
    (r#"<<printf "%v %v" 1.5 1e21>>"#, Some("1.5 1e+21")),
    (r#"<<printf "%d %s" 1.5 1.5>>"#, Some("%!d(float64=1.5) %!s(float64=1.5)")),
    (r#"<<printf "%6.2s|" "abc">>"#, Some("    ab|")),
    (r#"<<printf "%s" .>>"#, Some(r#"{http_requests_total namespace="default",pod=~"a|b" map[namespace:default pod:a|b] pod [pod é"x]}"#)),
    ("<<printf \"%q\" \"\u{a0}́\u{200b}😀\\x00\\x7f\">>", Some(r#""\u00a0́\u200b😀\x00\x7f""#)),
    (r#"<<printf "%10v|%-10s|" .GroupBySlice .LabelValuesByName>>"#, Some(r#"[       pod        é"x]|map[namespace :default    pod       :a|b       ]|"#)),
    (r#"<<printf "%5d|" "hi">>"#, Some("%!d(string=   hi)|")),
    (r#"<<printf "%!" 1>>"#, Some("%!!(int=1)")),
    (r#"<<printf "%é" 1>>"#, Some("%!é(int=1)")),
    (r#"<<printf "%-05d|" 3>>"#, Some("3    |")),
    (r#"<<printf "%+05d|" 3>>"#, Some("+0003|")),
    (r#"<<eq 1 1>> <<eq 1 2 1>> <<eq "a" "a">> <<ne 1 2>> <<lt 1 2>> <<le 2 2>> <<gt "b" "a">> <<ge 1 2>> <<eq true true>> <<eq 1.5 1.5>> <<lt 1.5 2.5>>"#, Some("true true true true true true true false true true true")),
    (r#"<<eq 1 "a">>"#, None),
    ("<<eq 1>>", None),
    ("<<eq>>", None),
    ("<<eq nil nil>> <<eq .Series nil>> <<ne nil .Series>>", Some("true false true")),
    ("<<lt true false>>", None),
    ("<<lt nil 1>>", None),
    ("<<eq .GroupBySlice .GroupBySlice>>", None),
    ("<<eq .GroupBySlice nil>>", Some("false")),
    (r#"<<lt 1 "a">>"#, None),
    ("<<eq 1 1.0>>", None),
    (r#"<<eq .LabelValuesByName.x "">>"#, Some("false")),
    (r#"<<eq (index .LabelValuesByName "x") "">>"#, Some("true")),
    ("<<eq . .>>", None),
    ("<<eq . nil>>", Some("false")),
    ("<<eq .GroupBySlice 1>>", None),
    ("<<eq (index .GroupBy 0) 'p'>>", Some("true")),
    ("<<lt 1>>", None),
    ("<<lt 1 2 3>>", None),
    ("<<not>>", None),
    ("<<not 1 2>>", None),
    ("<<le true true>>", None),
    ("<<ge nil nil>>", None),
    (r#"<<eq 1 1 "a">>"#, Some("true")),
    (r#"<<eq 1 2 "a">>"#, None),
    ("<<.Series .GroupBy>>", None),
    ("<<1 2>>", None),
    ("<<1 | 2>>", None),
    ("<<.Series | .GroupBy>>", None),
    ("<<.Series | len>>", Some("19")),
    (r#"<<.Series | len | printf "%03d">>"#, Some("019")),
    ("<<(.Series | len)>>", Some("19")),
    ("<<(len .Series).x>>", None),
    ("<<len>>", None),
    ("<<print len>>", None),
    (r#"<<print (len .Series) (print "a")>>"#, Some("19a")),
    ("<<print print>>", Some("")),
    ("<<len .Series .GroupBy>>", None),
    ("<<end>>", None),
    ("<<else>>", None),
    ("<<if true>>", None),
    ("<<if>>a<<end>>", None),
    ("<<>>", None),
    ("<< >>", None),
    ("<<.Series", None),
    ("<<(.Series>>", None),
    ("<<.Series)>>", None),
    ("<<if true>>a<<else>>b<<else>>c<<end>>", None),
    ("<<.Series|>>", Some("http_requests_total")),
    ("<<|.Series>>", None),
    ("<<.Series,>>", None),
    ("<<.Series@>>", None),
    ("<<.Se-ries>>", None),
    ("<<if true else>>a<<end>>", None),
    ("<<with true>>a<<else if true>>b<<end>>", None),
    ("<<range true>>a<<else range true>>b<<end>>", None),
    ("<<x>>", None),
    ("<<if eq 1 1}}>>a<<end>>", None),
    (r#"<<"a""b">>"#, None),
    ("<<print(1)>>", None),
    ("<<print (1)(2)>>", None),
    ("<<$x:=1>><<$x>>", Some("1")),
    ("<<$x := >>", None),
    ("<<.Series:>>", None),
    ("<<if true>>a<<end >>b<< end>>", None),
    ("<<if true>>a<< end>>b", Some("ab")),
    ("<<end if>>", None),
    ("<<.Series.>>", None),
    ("<<.1>>", Some("0.1")),
    ("<<é>>", None),
    ("<<.é>>", None),
    ("<<- .Series ->>x", Some("http_requests_totalx")),
    ("x<<-.Series>>", None),
    ("<<.Series->>", None),
    ("<<range $i, := .GroupBySlice>>a<<end>>", None),
    ("<<range $i, .GroupBySlice>>a<<end>>", None),
    ("<<range $i, $j .GroupBySlice>>a<<end>>", None),
    ("<<range $i, $j, $k := .GroupBySlice>>a<<end>>", None),
    ("<<range $i,$j:=.GroupBySlice>><<$j>><<end>>", Some(r#"podé"x"#)),
    ("<<if true>><<range .GroupBySlice>><<with .>><<.>><<end>><<end>><<end>>", Some(r#"podé"x"#)),
    ("<<range .GroupBySlice>><<with 1>><<break>><<end>><<end>>x", Some("x")),
    ("<<range .GroupBySlice>>a<<else>><<break>><<end>>", None),
    ("<<print true>><<print .GroupBySlice.x>>", None),
];

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map(entries: &[(&str, Value)]) -> Value {
    let entry = |(key, value): &(&str, Value)| ((*key).to_owned(), value.clone());
    Value::Map(entries.iter().map(entry).collect::<BTreeMap<_, _>>())
}

fn data() -> Value {
    map(&[
        ("Series", text("http_requests_total")),
        ("LabelMatchers", text(r#"namespace="default",pod=~"a|b""#)),
        ("LabelValuesByName", map(&[("namespace", text("default")), ("pod", text("a|b"))])),
        ("GroupBy", text("pod")),
        ("GroupBySlice", Value::List(vec![text("pod"), text("é\"x")])),
    ])
}

fn render(template: &str) -> Result<String, String> {
    GoTemplate::parse(template, &FIELDS)?.render(&data())
}

#[test]
fn renders_as_go_does() {
    for (template, expected) in CASES {
        let got = render(template);
        match expected {
            Some(expected) => assert_eq!(got.as_deref(), Ok(*expected), "{template}"),
            None => assert!(got.is_err(), "{template}: {got:?}"),
        }
    }
}

#[test]
fn an_error_says_what_and_where() {
    let open = format!("<<{}", "(".repeat(9));
    let cases = [
        (
            "\n<<.Serie>>",
            "line 2, column 3: there is no field \"Serie\"; there are Series, LabelMatchers",
        ),
        ("<<range .GroupBySlice>><<$.X>><<end>>", "line 1, column 26: there is no field \"X\""),
        ("<<template \"a\">>", "line 1, column 3: template is not supported; there are if"),
        ("<<define \"a\">><<end>>", "define is not supported"),
        ("<<block \"a\" .>><<end>>", "block is not supported"),
        ("<<.Series | html>>", "function \"html\" is not supported; there are and, or"),
        ("<<js 1>>", "function \"js\" is not supported"),
        ("<<urlquery 1>>", "function \"urlquery\" is not supported"),
        ("<<call .Series>>", "function \"call\" is not supported"),
        ("<<.Series.String>>", "can't evaluate field String in type string"),
        ("<<printf \"%x\" 1>>", "printf does not support %x; there are %s"),
        ("<<printf \"%*d\" 1 2>>", "printf does not support %*;"),
        ("<<printf \"%05s\" .Series>>", "printf does not support %05s;"),
        ("<<1i>>", "complex numbers are not supported"),
        ("<<0x1p2>>", "hexadecimal fractions are not supported"),
        ("<<\"\\xff\">>", "is not UTF-8"),
        ("<<slice (index .GroupBySlice 1) 1>>", "splits a character"),
        ("<<range 10>>\n<<range $i, $j := 3>><<end>><<end>>", "line 2, column 19: can't use 3"),
        (open.as_str(), "unclosed action"),
    ];
    for (template, expected) in cases {
        let got = render(template).unwrap_err();
        assert!(got.contains(expected), "{template}: {got}");
    }
}

#[test]
fn has_bounds() {
    let nested = |depth: usize| format!("<<{}1{}>>", "(".repeat(depth), ")".repeat(depth));
    let ifs = |depth: usize| format!("{}{}", "<<if 1>>".repeat(depth), "<<end>>".repeat(depth));
    let cases = [
        (nested(100), None),
        (nested(101), Some("nested deeper than 100")),
        (ifs(100), None),
        (ifs(101), Some("nested deeper than 100")),
        ("<<range 10000000000>><<end>>".to_owned(), Some("more than 100000 steps")),
        ("<<range 20000>><<$.LabelMatchers>><<$.LabelMatchers>><<end>>".to_owned(), Some("steps")),
        (
            "<<range 30000>>01234567890123456789012345678901234567890123456789<<end>>".to_owned(),
            Some("more than 1048576 bytes"),
        ),
        (
            "<<$x := \"ab\">><<range 30>><<$x = print $x $x>><<end>>".to_owned(),
            Some("larger than 1048576 bytes"),
        ),
        ("<<range 2000>><<$x := printf \"%1000000s\" \"\">><<end>>".to_owned(), Some("steps")),
        ("<<printf \"%1000001s\" \"\">>".to_owned(), Some("width of 1000001")),
    ];
    for (template, expected) in cases {
        let got = render(&template);
        match expected {
            None => assert!(got.is_ok(), "{got:?}"),
            Some(expected) => assert!(got.clone().unwrap_err().contains(expected), "{got:?}"),
        }
    }
}

#[test]
fn knows_the_fields_it_uses() {
    let all = FIELDS.as_slice();
    let cases: [(&str, &[&str], bool); 12] = [
        ("text", &[], true),
        ("<<.Series>>{<<.LabelMatchers>>}", &["Series", "LabelMatchers"], true),
        ("<<- .Series ->> x", &["Series"], true),
        ("<<.LabelValuesByName.pod>>", &["LabelValuesByName"], false),
        ("<<.Series | print>>", &["Series"], false),
        ("<<(.Series)>>", &["Series"], false),
        ("<<\"a\">>", &[], false),
        ("<<$x := .Series>>", &["Series"], false),
        ("<<if .GroupBy>><<$.Series>><<end>>", &["GroupBy", "Series"], false),
        (
            "<<range .GroupBySlice>><<.>><<else>><<.Series>><<end>>",
            &["GroupBySlice", "Series"],
            false,
        ),
        ("<<with .>><<.Series>><<end>>", all, false),
        ("<<print $>>", all, false),
    ];
    for (template, uses, plain) in cases {
        let parsed = GoTemplate::parse(template, &FIELDS).unwrap();
        let expected = uses.iter().map(|&field| field.to_owned()).collect();
        assert_eq!(parsed.uses(), expected, "{template}");
        assert_eq!(parsed.is_plain(), plain, "{template}");
    }
}
