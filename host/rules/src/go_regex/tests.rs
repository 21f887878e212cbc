//! What Go answers for a table of patterns, kept from a run of Go itself.

use super::{compile, expand};

/// A pattern, a subject, a template, and the filled template if it matches.
type Case = (&'static str, &'static str, &'static str, Result<Option<&'static str>, &'static str>);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("^container_(.+)_total$", "container_cpu_usage_seconds_total", "${1}", Ok(Some("cpu_usage_seconds"))),
    ("^(.*)_total$", "http_requests_total", "${1}_per_second", Ok(Some("http_requests_per_second"))),
    ("^(.*)_seconds_total$", "a_seconds_total", "$1x", Ok(Some(""))),
    ("^(.*)_seconds_total$", "a_seconds_total", "$$1 $1 $", Ok(Some("$1 a $"))),
    ("(?P<base>.+)_total", "x_total", "$base-${base}s-$basex-${missing}", Ok(Some("x-xs--"))),
    ("(?<base>.+)_total", "x_total", "$0/$1/$01/$2/${}/${1/$-", Ok(Some("x_total/x///${}/${1/$-"))),
    ("(a)|(b)", "b", "[$1][$2]", Ok(Some("[][b]"))),
    ("(é+)", "été", "$1é|${1}é", Ok(Some("|éé"))),
    ("", "anything", "<$0>", Ok(Some("<>"))),
    ("(.)", "\n", "", Ok(None)),
    ("(?s)(.)", "\n", "ok", Ok(Some("ok"))),
    ("(?s:.)(.)?", "\n\n", "[$1]", Ok(Some("[]"))),
    (r"^\d$", "٣", "", Ok(None)),
    (r"^\d$", "3", "$0", Ok(Some("3"))),
    (r"^\w$", "é", "", Ok(None)),
    (r"^\W$", "é", "$0", Ok(Some("é"))),
    (r"\bé", "aé", "$0", Ok(Some("é"))),
    (r"\Bé", "é", "$0", Ok(Some("é"))),
    (r"^\s$", "\u{b}", "", Ok(None)),
    ("^[[:space:]]$", "\u{b}", "ok", Ok(Some("ok"))),
    (r"^\s$", "\u{a0}", "", Ok(None)),
    (r"^\S$", "\u{b}", "ok", Ok(Some("ok"))),
    ("^[[:alpha:]]+$", "abc", "$0", Ok(Some("abc"))),
    ("^[[:^alpha:]]+$", "12é", "$0", Ok(Some("12é"))),
    ("^[[:word:]]+$", "a_1", "$0", Ok(Some("a_1"))),
    ("[[:foo:]]", "", "", Err("error parsing regexp: invalid character class range: `[:foo:]`")),
    ("^[:alpha:]$", ":", "$0", Ok(Some(":"))),
    ("^[a&&b]+$", "a&b", "$0", Ok(Some("a&b"))),
    ("^[a-c--b]+$", "b", "$0", Ok(Some("b"))),
    ("^[a~~b]+$", "~", "$0", Ok(Some("~"))),
    ("^[[a]+$", "[a", "$0", Ok(Some("[a"))),
    ("^[]a]+$", "]a", "$0", Ok(Some("]a"))),
    ("^[^]a]+$", "b", "$0", Ok(Some("b"))),
    ("^[a-]+$", "a-", "$0", Ok(Some("a-"))),
    (r"^[\w-]+$", "a-b", "$0", Ok(Some("a-b"))),
    (r"^[^\W]+$", "ab", "$0", Ok(Some("ab"))),
    ("[b-a]", "", "", Err("error parsing regexp: invalid character class range: `b-a`")),
    ("[a", "", "", Err("error parsing regexp: missing closing ]: `[a`")),
    ("^[a#b ]+$", "# ", "$0", Ok(Some("# "))),
    ("^a{,2}$", "a{,2}", "$0", Ok(Some("a{,2}"))),
    ("^x{$", "x{", "$0", Ok(Some("x{"))),
    ("^{$", "{", "$0", Ok(Some("{"))),
    ("^a{2,1}$", "", "", Err("error parsing regexp: invalid repeat count: `{2,1}`")),
    ("^a{01}$", "a{01}", "$0", Ok(Some("a{01}"))),
    ("a{1000}", "a", "", Ok(None)),
    ("a{1001}", "", "", Err("error parsing regexp: invalid repeat count: `{1001}`")),
    ("(a{100}){11}", "", "", Err("error parsing regexp: invalid repeat count: `{11}`")),
    ("(a{100}){10}", "", "", Ok(None)),
    ("a{99999999999}", "", "", Err("error parsing regexp: invalid repeat count: `{99999999999}`")),
    ("^(a{2}){2}$", "aaaa", "$1", Ok(Some("aa"))),
    ("a**", "", "", Err("error parsing regexp: invalid nested repetition operator: `**`")),
    ("a*+", "", "", Err("error parsing regexp: invalid nested repetition operator: `*+`")),
    ("*a", "", "", Err("error parsing regexp: missing argument to repetition operator: `*`")),
    ("(*a)", "", "", Err("error parsing regexp: missing argument to repetition operator: `*`")),
    ("a|*", "", "", Err("error parsing regexp: missing argument to repetition operator: `*`")),
    ("(|a)*b", "aab", "$0", Ok(Some("aab"))),
    ("a*?b", "aab", "$0", Ok(Some("aab"))),
    ("(?U)(a+)(a*?)", "aaa", "[$1][$2]", Ok(Some("[a][aa]"))),
    (r"\Qa.b\E+", "a.bbb", "$0", Ok(Some("a.bbb"))),
    (r"\Qa+", "a+", "$0", Ok(Some("a+"))),
    (r"\C", "", "", Err(r"error parsing regexp: invalid escape sequence: `\C`")),
    (r"a\z", "a", "$0", Ok(Some("a"))),
    ("a$", "a\n", "", Ok(None)),
    ("(?m)a$", "a\nb", "$0", Ok(Some("a"))),
    ("(?m)^b", "a\nb", "$0", Ok(Some("b"))),
    (r"a\Z", "", "", Err(r"error parsing regexp: invalid escape sequence: `\Z`")),
    (r"\Aa", "a", "$0", Ok(Some("a"))),
    ("(?i)^kS$", "\u{212a}\u{17f}", "ok", Ok(Some("ok"))),
    ("(?i)^[j-l]$", "\u{212a}", "ok", Ok(Some("ok"))),
    ("(?i)^[^k]$", "\u{212a}", "", Ok(None)),
    ("(?i)^É$", "é", "ok", Ok(Some("ok"))),
    (r"(?i)^\w$", "\u{17f}", "ok", Ok(Some("ok"))),
    ("(?i:a)b", "AB", "", Ok(None)),
    ("(?i:a)b", "Ab", "$0", Ok(Some("Ab"))),
    ("a(?i)b|c", "C", "$0", Ok(Some("C"))),
    ("(?-i)a", "A", "", Ok(None)),
    ("(?x)a b", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?x`")),
    ("(?u)a", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?u`")),
    ("(?R)a", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?R`")),
    ("(?i-)a", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?i-)`")),
    ("(?)a", "a", "$0", Ok(Some("a"))),
    ("a(?i)*", "aa", "$0", Ok(Some("aa"))),
    (r"(a)\1", "", "", Err(r"error parsing regexp: invalid escape sequence: `\1`")),
    ("(?=a)", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?=`")),
    ("(?!a)", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?!`")),
    ("(?<=a)b", "", "", Err("error parsing regexp: invalid named capture: `(?<=a)b`")),
    ("(?>a)", "", "", Err("error parsing regexp: invalid or unsupported Perl syntax: `(?>`")),
    (r"\y", "", "", Err(r"error parsing regexp: invalid escape sequence: `\y`")),
    (r"\<", "<", "$0", Ok(Some("<"))),
    (r"\h", "", "", Err(r"error parsing regexp: invalid escape sequence: `\h`")),
    (r"\_", "_", "$0", Ok(Some("_"))),
    (r"\é", "", "", Err(r"error parsing regexp: invalid escape sequence: `\é`")),
    (r"a\", "", "", Err("error parsing regexp: trailing backslash at end of expression: ``")),
    (r"^\101\x42\x{43}\060$", "ABC0", "$0", Ok(Some("ABC0"))),
    (r"\x{110000}", "", "", Err(r"error parsing regexp: invalid escape sequence: `\x{110000`")),
    (r"\x4", "", "", Err(r"error parsing regexp: invalid escape sequence: `\x4`")),
    (r"\08", "\u{0}8", "ok", Ok(Some("ok"))),
    (r"\x{D800}|b", "b", "$0", Ok(Some("b"))),
    (r"^\pN+$", "1٣", "ok", Ok(Some("ok"))),
    (r"^\p{Greek}+$", "αΩ", "$0", Ok(Some("αΩ"))),
    (r"^\PN+$", "ab", "$0", Ok(Some("ab"))),
    (r"^\P{^Greek}$", "α", "$0", Ok(Some("α"))),
    (r"^\p{^Greek}$", "a", "$0", Ok(Some("a"))),
    (r"^[\p{Lu}\d]+$", "A1", "$0", Ok(Some("A1"))),
    (r"\p{Alphabetic}", "", "", Err(r"error parsing regexp: invalid character class range: `\p{Alphabetic}`")),
    (r"\p{Grek}", "", "", Err(r"error parsing regexp: invalid character class range: `\p{Grek}`")),
    (r"\p{sc=Greek}", "", "", Err(r"error parsing regexp: invalid character class range: `\p{sc=Greek}`")),
    (r"^\p{Uppercase_Letter}$", "A", "$0", Ok(Some("A"))),
    (r"(?i)^\p{Lu}$", "a", "$0", Ok(Some("a"))),
    ("(a", "", "", Err("error parsing regexp: missing closing ): `(a`")),
    ("a)", "", "", Err("error parsing regexp: unexpected ): `a)`")),
    ("(?P<a", "", "", Err("error parsing regexp: invalid named capture: `(?P<a`")),
    ("(?P<a-b>c)", "", "", Err("error parsing regexp: invalid named capture: `(?P<a-b>`")),
    ("(?P<>c)", "", "", Err("error parsing regexp: invalid named capture: `(?P<>`")),
    ("^namespace_(.+)_([^_]+)$", "namespace_cpu_usage_sum", "$2:${1}_x", Ok(Some("sum:cpu_usage_x"))),
    ("^kube_(?P<group>[^_]+)_", "kube_pod_info", "${group}s", Ok(Some("pods"))),
];

#[test]
fn means_what_go_means() {
    for (pattern, subject, template, expected) in CASES {
        let got = compile(pattern)
            .map(|regex| regex.captures(subject).map(|captures| expand(&captures, template)));
        let got = match &got {
            Ok(filled) => Ok(filled.as_deref()),
            Err(problem) => Err(problem.as_str()),
        };
        assert_eq!(got, *expected, "{pattern} on {subject:?} with {template}");
    }
}

#[test]
fn what_go_takes_and_rust_does_not_is_named() {
    let deep = format!("{}{}", "(".repeat(41), ")".repeat(41));
    let long = r"\pL".repeat(3000);
    for (pattern, expected) in [
        (long.as_str(), "is longer than 8192"),
        (deep.as_str(), "nests too deeply"),
        ("(?P<1>a)", "must not start with a digit"),
        ("(?P<x>a)(?P<x>b)", "must not have the same name"),
        (r"(?:\pL{1000}){1}(?:\pL{1000})", "bytes when compiled"),
    ] {
        let problem = compile(pattern).unwrap_err();
        assert!(problem.contains(expected), "{pattern}: {problem}");
    }
}

#[test]
fn takes_groups_nested_deeply() {
    for (open, close) in [("(", ")"), ("(?i)(a|", "b)*?"), ("(?:(?i)a*(?i)*", "|c){0,1}")] {
        let pattern = format!("{}x{}", open.repeat(40), close.repeat(40));
        assert!(compile(&pattern).is_ok(), "{pattern}");
    }
}
