//! What Go makes of a table of templates, kept from a run of Go itself.

use std::collections::BTreeMap;

use super::{GoTemplate, Value};

/// A template with the output of Go, or `None` if Go reports an error.
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
    ("<<$.Series>>", Some("http_requests_total")),
    ("<<.LabelValuesByName.pod>>", Some("a|b")),
    ("<<.LabelValuesByName.x>>", Some("<no value>")),
    ("<<.LabelValuesByName.x.y>>", Some("<no value>")),
    (r#"<<index .LabelValuesByName "x">>|"#, Some("|")),
    (r#"<<index .LabelValuesByName "namespace">>"#, Some("default")),
    ("<<.Series.x>>", None),
    (r#"<<(index .LabelValuesByName "pod")>>"#, Some("a|b")),
    ("<<index .LabelValuesByName 1>>", None),
    ("<<index .LabelValuesByName nil>>", None),
    ("<<index .GroupBySlice 0>>", Some("pod")),
    ("<<index .GroupBySlice 2>>", None),
    ("<<index .GroupBySlice -1>>", None),
    (r#"<<index .GroupBySlice "0">>"#, None),
    ("<<index nil 1>>", None),
    ("<<index 5 1>>", None),
    ("<<len 3>>", None),
    ("<<len .>>", None),
    ("<<slice .Series 5 2>>", None),
    ("<<slice .Series 0 1 2>>", None),
    ("<<slice .Series 99>>", None),
    ("<<slice .LabelValuesByName 1>>", None),
    ("<<slice .GroupBySlice 0 2 1>>", None),
    ("<<if .Series>>yes<<else>>no<<end>>", Some("yes")),
    ("<<range .GroupBySlice>>[<<.>>]<<end>>", Some(r#"[pod][é"x]"#)),
    ("<<range $i, $e := .GroupBySlice>><<if $i>>, <<end>><<$i>>=<<$e>><<end>>", Some(r#"0=pod, 1=é"x"#)),
    ("<<range $k, $v := .LabelValuesByName>><<$k>>:<<$v>>;<<end>>", Some("namespace:default;pod:a|b;")),
    ("<<range $v := .LabelValuesByName>><<$v>>;<<end>>", Some("default;a|b;")),
    ("<<range .LabelValuesByName.x>>a<<else>>none<<end>>", Some("none")),
    ("<<range $i, $e := 3>><<end>>", None),
    ("<<range .Series>>a<<end>>", None),
    ("<<range .>>a<<end>>", None),
    ("<<range true>>a<<end>>", None),
    ("<<break>>", None),
    ("<<range .GroupBySlice>><<$.Series>> <<end>>", Some("http_requests_total http_requests_total ")),
    ("<<range .GroupBySlice>><<.Series>><<end>>", None),
    ("<<range $x, $x := .GroupBySlice>><<$x>> <<end>>", Some(r#"pod é"x "#)),
    ("<<with .GroupBy>><<.>><<end>>", Some("pod")),
    ("<<with .LabelValuesByName.x>>a<<else>>none<<end>>", Some("none")),
    (r#"<<with "">>a<<else with .Series>><<.>><<end>>"#, Some("http_requests_total")),
    ("<<with $x := .GroupBy>><<$x>><<.>><<$.Series>><<end>>", Some("podpodhttp_requests_total")),
    ("<<$x := .Series>><<$x>>", Some("http_requests_total")),
    ("<<$x>>", None),
    ("<<$x = 1>>", None),
    ("<<$x := 1>><<$x.y>>", None),
    ("<<$x, $y := 1>>", None),
    (r#"<<if $x := "">>a<<else>>b<<$x>>c<<end>>"#, Some("bc")),
    ("<<if true>><<$z := 1>><<end>><<$z>>", None),
    (r#"a <<- " b " ->> c"#, Some("a b c")),
    ("a  \n <<- /* comment */ ->>  \n b", Some("ab")),
    ("a <</* c */>> b", Some("a  b")),
    ("<</* unclosed", None),
    ("<</* x */ y>>", None),
    ("<< /* c */ >>", None),
    ("<<- 3 ->> x", Some("3x")),
    ("<<3 ->>\n\u{9} x", Some("3x")),
    ("<<\n.Series\n>>", Some("http_requests_total")),
    ("a\u{a0}<<- 1>>", Some("a\u{a0}1")),
    (r#"<<"\'">>"#, None),
    ("<<'ab'>>", None),
    (r#"<<"abc>>"#, None),
    ("<<'a>>", None),
    ("<<`a>>", None),
    (r#"<<"\q">>"#, None),
    ("<<''>>", None),
    ("<<089>>", None),
    ("<<1__0>>", None),
    ("<<9223372036854775808>>", None),
    ("<<99999999999999999999>>", None),
    ("<<1e999>>", None),
    ("<<1a>>", None),
    ("<<_1>>", None),
    ("<<0x>>", None),
    ("<<1_>>", None),
    ("<<1.5.2>>", None),
    ("<<nil>>", None),
    ("<<(nil)>>", None),
    ("<<true.x>>", None),
    ("<<nil.x>>", None),
    ("<<..x>>", None),
    ("<<1.x>>", None),
    (r#"<<"a".x>>"#, None),
    ("<<printf 1>>", None),
    ("<<printf nil>>", None),
    (r#"<<.Series | printf "%s_%s" "a">>"#, Some("a_http_requests_total")),
    (r#"<<eq 1 "a">>"#, None),
    ("<<eq 1>>", None),
    ("<<eq>>", None),
    ("<<lt true false>>", None),
    ("<<lt nil 1>>", None),
    ("<<eq .GroupBySlice .GroupBySlice>>", None),
    (r#"<<lt 1 "a">>"#, None),
    ("<<eq 1 1.0>>", None),
    ("<<eq . .>>", None),
    ("<<eq .GroupBySlice 1>>", None),
    ("<<lt 1>>", None),
    ("<<lt 1 2 3>>", None),
    ("<<not>>", None),
    ("<<not 1 2>>", None),
    ("<<le true true>>", None),
    ("<<ge nil nil>>", None),
    (r#"<<eq 1 2 "a">>"#, None),
    ("<<.Series .GroupBy>>", None),
    ("<<1 2>>", None),
    ("<<1 | 2>>", None),
    ("<<.Series | .GroupBy>>", None),
    ("<<(len .Series).x>>", None),
    ("<<len>>", None),
    ("<<print len>>", None),
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
    ("<<end if>>", None),
    ("<<.Series.>>", None),
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
    ("<<range .GroupBySlice>>a<<else>><<break>><<end>>", None),
    ("<<print true>><<print .GroupBySlice.x>>", None),
    ("<<if .LabelValuesByName.x>>a<<end>>|<<if 0>>a<<else if \"\">>c<<else>>e<<end>>", Some("|e")),
    ("<<\"a\\tb\\\"\">> <<`raw\\n\u{d}`>>", Some("a\tb\" raw\\n")),
    ("<<1>> <<0>> <<9223372036854775807>>", Some("1 0 9223372036854775807")),
    (r#"<<printf "%s-%v-%%" "a" 1>>"#, Some("a-1-%")),
    (r#"<<printf "%s %v" .GroupBySlice .LabelValuesByName>>"#, Some(r#"[pod é"x] map[namespace:default pod:a|b]"#)),
    (r#"<<printf "%v|%v" .LabelValuesByName.x "b">>"#, Some("<nil>|b")),
    ("<<if .Series>>a<< end>>b", Some("ab")),
    ("<<if .Series>><<range .GroupBySlice>><<with .>><<.>><<end>><<end>><<end>>", Some(r#"podé"x"#)),
    (r#"<<index .LabelValuesByName (index .GroupBySlice 0)>>"#, Some("a|b")),
];

/// A template that Go takes, and what its refusal names.
#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("<<print $>>", "function \"print\" is not supported; there are index and printf"),
    ("<<printf \"%v\" $>>", "the whole data is not supported"),
    ("<<.>>", "the whole data is not supported"),
    ("<<$>>", "the whole data is not supported"),
    ("<<print .LabelValuesByName.x>>", r#"function "print" is not supported; there are index and printf"#),
    ("<<index .Series 0>>", "can't index an item of type string with int"),
    ("<<index .Series>>", "index needs a map or list, and a key or number"),
    ("<<index .GroupBySlice 0 0>>", "can't index an item of type string with int"),
    ("<<len .Series>> <<len .GroupBySlice>> <<len .LabelValuesByName>> <<len (index .GroupBySlice 1)>>", r#"function "len" is not supported; there are index and printf"#),
    ("<<slice .Series 5>> <<slice .Series 0 4>> <<slice .GroupBySlice 1>> <<slice .GroupBySlice 0 1 2>>|<<slice .Series>>", r#"function "slice" is not supported; there are index and printf"#),
    ("<<slice .GroupBySlice 2 2>>", r#"function "slice" is not supported; there are index and printf"#),
    (r#"<<if not .Series>>yes<<else if eq .GroupBy "pod">>pod<<else>>no<<end>>"#, r#"function "not" is not supported; there are index and printf"#),
    (r#"<<if .LabelValuesByName.x>>a<<end>>|<<if 0>>a<<else if 0.0>>b<<else if "">>c<<else if false>>d<<else>>e<<end>>"#, "only a function can be given arguments"),
    (r#"<<if and .Series .GroupBy>>1<<end>><<if or "" 0>>2<<else>>3<<end>>"#, r#"function "and" is not supported; there are index and printf"#),
    (r#"<<and 1 0 2>> <<or 0 "" 5 6>> <<and 1 2>> <<or 0 0>> <<or nil nil>> <<not 1>> <<0 | and 1>> <<2 | or 0>>"#, r#"function "and" is not supported; there are index and printf"#),
    ("<<range 3>><<.>><<end>>", "range can't iterate over int"),
    ("<<range $i := 3>><<$i>><<end>>", "range can't iterate over int"),
    ("<<range 0>>a<<else>>b<<end>>", "range can't iterate over int"),
    ("<<range $i, $e := .GroupBySlice>><<if $i>><<break>><<end>><<$e>><<end>>!", "break is not supported; there are if, else, with, range and end"),
    (r#"<<range .GroupBySlice>><<if eq . "pod">><<continue>><<end>><<.>><<end>>!"#, r#"function "eq" is not supported; there are index and printf"#),
    ("<<$i := 0>><<$e := 0>><<range $i, $e = .GroupBySlice>><<end>><<$i>><<$e>>", "setting a variable is not supported; declare one with :="),
    ("<<$e := 0>><<range $e = .GroupBySlice>>.<<end>><<$e>>", "setting a variable is not supported"),
    ("<<with .>><<.Series>><<end>>", "the whole data is not supported"),
    ("<<with $y := .>><<$y.GroupBy>><<end>>", "the whole data is not supported"),
    ("<<$x := 1>><<if true>><<$x = 2>><<$x := 3>><<end>><<$x>>", "setting a variable is not supported"),
    ("<<($x := 5)>><<$x>>", "declaring a variable in parentheses is not supported"),
    ("<<$x := .>><<$x.Series>>", "the whole data is not supported"),
    ("<<-3>>", "a number with a sign is not supported"),
    ("<<\"a\\tb\\x41\\u00e9\\101\\\"\">> <<`raw\\n\u{d}`>> <<'a'>> <<'\\n'>> <<'\\''>> <<'é'>>", "a character constant is not supported"),
    ("<<1>> <<-1>> <<+1>> <<0x1F>> <<0b11>> <<0o17>> <<017>> <<1_000>> <<0x_f>>", "a number with a sign is not supported"),
    ("<<1.5>> <<.5>> <<1e3>> <<1.0>> <<-0.0>> <<1e21>> <<1e20>> <<1e-5>> <<0.0001>> <<123456789.0>> <<1.>> <<100000.0>> <<1000000.0>>", "a number with a sign is not supported"),
    ("<<9223372036854775807>> <<-9223372036854775808>>", "a number with a sign is not supported"),
    ("<<1_0.5>>", "the number 1_0 is not supported"),
    ("<<-0>>", "a number with a sign is not supported"),
    ("<<00>>", "the number 00 is not supported"),
    ("<<true>> <<false>>", "true is not supported"),
    ("<<print nil>>", r#"function "print" is not supported; there are index and printf"#),
    (r#"<<print 1 2>> <<print "a" 1 2 "b" "c" 3>> <<print>>|<<print true false>> <<print .GroupBySlice 1>>"#, r#"function "print" is not supported; there are index and printf"#),
    (r#"<<println "a" 1>><<println>>|"#, r#"function "println" is not supported; there are index and printf"#),
    (r#"<<printf "%s-%v-%d-%q-%%" "a" 1 2 "q\"\n">>"#, "printf does not support %d; there are %s, %v and %%"),
    (r#"<<printf "%5s|%-5s|%5d|%05d|%+d|%-5d|%.2s|%5q" "a" "b" 1 -2 3 4 "éàü" "x">>"#, "a number with a sign is not supported"),
    (r#"<<printf "%s %v %q %d" .GroupBySlice .LabelValuesByName .GroupBySlice .GroupBySlice>>"#, "printf does not support %q; there are %s, %v and %%"),
    (r#"<<printf "%d %s %t" "a" 1 "x">>"#, "printf does not support %d; there are %s, %v and %%"),
    (r#"<<printf "%d">>"#, "printf does not support %d; there are %s, %v and %%"),
    (r#"<<printf "%d" 1 2 "x" nil>>"#, "printf does not support %d; there are %s, %v and %%"),
    (r#"<<printf "a%">>"#, "printf does not support %; there are %s, %v and %%"),
    (r#"<<printf "%z" 1>>"#, "printf does not support %z; there are %s, %v and %%"),
    (r#"<<printf "%s|%v|%5v" nil nil nil>>"#, "printf does not support %5v; there are %s, %v and %%"),
    (r#"<<printf "%t %v %5t|%-6v|" true false true false>>"#, "printf does not support %t; there are %s, %v and %%"),
    ("<<printf .GroupBy>>", "printf needs a format in quotes"),
    (r#"<<.Series | printf "%q">>"#, "printf does not support %q; there are %s, %v and %%"),
    (r#"<<"%s" | printf>>"#, "printf needs a format in quotes"),
    (r#"<<printf "%q %q %q" 'x' 10 -1>>"#, "a character constant is not supported"),
    (r#"<<printf "%v %v" 1.5 1e21>>"#, r#"unexpected ".5" in command"#),
    (r#"<<printf "%d %s" 1.5 1.5>>"#, "printf does not support %d; there are %s, %v and %%"),
    (r#"<<printf "%6.2s|" "abc">>"#, "printf does not support %6.2s; there are %s, %v and %%"),
    (r#"<<printf "%s" .>>"#, "the whole data is not supported"),
    ("<<printf \"%q\" \"\u{a0}́\u{200b}😀\\x00\\x7f\">>", "printf does not support %q; there are %s, %v and %%"),
    (r#"<<printf "%10v|%-10s|" .GroupBySlice .LabelValuesByName>>"#, "printf does not support %10v; there are %s, %v and %%"),
    (r#"<<printf "%5d|" "hi">>"#, "printf does not support %5d; there are %s, %v and %%"),
    (r#"<<printf "%!" 1>>"#, "printf does not support %!; there are %s, %v and %%"),
    (r#"<<printf "%é" 1>>"#, "printf does not support %é; there are %s, %v and %%"),
    (r#"<<printf "%-05d|" 3>>"#, "printf does not support %-05d; there are %s, %v and %%"),
    (r#"<<printf "%+05d|" 3>>"#, "printf does not support %+05d; there are %s, %v and %%"),
    (r#"<<eq 1 1>> <<eq 1 2 1>> <<eq "a" "a">> <<ne 1 2>> <<lt 1 2>> <<le 2 2>> <<gt "b" "a">> <<ge 1 2>> <<eq true true>> <<eq 1.5 1.5>> <<lt 1.5 2.5>>"#, r#"function "eq" is not supported; there are index and printf"#),
    ("<<eq nil nil>> <<eq .Series nil>> <<ne nil .Series>>", r#"function "eq" is not supported; there are index and printf"#),
    ("<<eq .GroupBySlice nil>>", r#"function "eq" is not supported; there are index and printf"#),
    (r#"<<eq .LabelValuesByName.x "">>"#, r#"function "eq" is not supported; there are index and printf"#),
    (r#"<<eq (index .LabelValuesByName "x") "">>"#, r#"function "eq" is not supported; there are index and printf"#),
    ("<<eq . nil>>", r#"function "eq" is not supported; there are index and printf"#),
    ("<<eq (index .GroupBy 0) 'p'>>", "a character constant is not supported"),
    (r#"<<eq 1 1 "a">>"#, r#"function "eq" is not supported; there are index and printf"#),
    ("<<.Series | len>>", r#"function "len" is not supported; there are index and printf"#),
    (r#"<<.Series | len | printf "%03d">>"#, r#"function "len" is not supported; there are index and printf"#),
    ("<<(.Series | len)>>", r#"function "len" is not supported; there are index and printf"#),
    (r#"<<print (len .Series) (print "a")>>"#, r#"function "print" is not supported; there are index and printf"#),
    ("<<print print>>", r#"function "print" is not supported; there are index and printf"#),
    ("<<.Series|>>", r#"unexpected ">>" in command"#),
    ("<<if true>>a<< end>>b", "true is not supported"),
    ("<<.1>>", r#"there is no field "1""#),
    ("<<if true>><<range .GroupBySlice>><<with .>><<.>><<end>><<end>><<end>>", "true is not supported"),
    ("<<range .GroupBySlice>><<with 1>><<break>><<end>><<end>>x", "break is not supported"),
];

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn entries(entries: &[(&str, Value)]) -> BTreeMap<String, Value> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn data() -> BTreeMap<String, Value> {
    entries(&[
        ("Series", text("http_requests_total")),
        ("LabelMatchers", text(r#"namespace="default",pod=~"a|b""#)),
        (
            "LabelValuesByName",
            Value::Map(entries(&[("namespace", text("default")), ("pod", text("a|b"))])),
        ),
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
fn what_is_not_supported_is_named() {
    for (template, expected) in REFUSED {
        let refused = render(template).unwrap_err();
        assert!(refused.contains(expected), "{template}: {refused}");
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
        ("<<.Series | html>>", "function \"html\" is not supported; there are index"),
        ("<<js 1>>", "function \"js\" is not supported"),
        ("<<urlquery 1>>", "function \"urlquery\" is not supported"),
        ("<<call .Series>>", "function \"call\" is not supported"),
        ("<<.Series.String>>", "can't evaluate field String in type string"),
        ("<<printf \"%x\" 1>>", "printf does not support %x; there are %s"),
        ("<<printf \"%*d\" 1 2>>", "printf does not support %*d;"),
        ("<<printf \"%05s\" .Series>>", "printf does not support %05s;"),
        ("<<1i>>", "the number 1i is not supported"),
        ("<<0x1p2>>", "the number 0x1p2 is not supported"),
        ("<<\"\\xff\">>", "\\x is not supported in a string"),
        ("<<slice (index .GroupBySlice 1) 1>>", "function \"slice\" is not supported"),
        (
            "<<if .Series>>\n<<range $i, $j := .GroupBy>><<end>><<end>>",
            "line 2, column 9: range can't iterate over string",
        ),
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
    let ranges = |depth: usize, body: &str| {
        format!("{}{body}{}", "<<range $.GroupBySlice>>".repeat(depth), "<<end>>".repeat(depth))
    };
    let doubled = |times: usize, body: &str| {
        let twice = "<<with $text := printf \"%s%s\" . .>>".repeat(times);
        format!("<<with .LabelMatchers>>{twice}{body}{}", "<<end>>".repeat(times + 1))
    };
    let cases = [
        (nested(100), None),
        (nested(101), Some("nested deeper than 100")),
        (ifs(100), None),
        (ifs(101), Some("nested deeper than 100")),
        (ranges(16, ""), Some("more than 100000 steps")),
        (ranges(12, &"0123456789".repeat(100)), Some("more than 1048576 bytes")),
        (doubled(16, ""), Some("larger than 1048576 bytes")),
        (doubled(13, &ranges(9, "<<$x := printf \"%s\" $text>>")), Some("steps")),
        (doubled(13, "<<with printf \"%s\" .>>a<<end>>"), None),
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
    let cases: [(&str, &[&str], bool); 10] = [
        ("text", &[], true),
        ("<<.Series>>{<<.LabelMatchers>>}", &["Series", "LabelMatchers"], true),
        ("<<- .Series ->> x", &["Series"], true),
        ("<<.LabelValuesByName.pod>>", &["LabelValuesByName"], false),
        ("<<.Series | printf \"%s\">>", &["Series"], false),
        ("<<(.Series)>>", &["Series"], false),
        ("<<\"a\">>", &[], false),
        ("<<$x := .Series>>", &["Series"], false),
        ("<<if .GroupBy>><<$.Series>><<end>>", &["GroupBy", "Series"], false),
        (
            "<<range .GroupBySlice>><<.>><<else>><<.Series>><<end>>",
            &["GroupBySlice", "Series"],
            false,
        ),
    ];
    for (template, uses, plain) in cases {
        let parsed = GoTemplate::parse(template, &FIELDS).unwrap();
        let expected = uses.iter().map(|&field| field.to_owned()).collect();
        assert_eq!(*parsed.uses(), expected, "{template}");
        assert_eq!(parsed.is_plain(), plain, "{template}");
    }
}
