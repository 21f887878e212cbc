//! Pages of metrics, most of them odd: whole small ones, the same with a character changed, and long ones
//! on which everything is good.

use std::fmt::Write as _;

/// The metric of small pages; what else is on them has other names.
const METRIC: &str = "m";

/// How many metrics a long page has, and how many lines each of them.
pub(super) const METRICS: usize = 5;
pub(super) const LINES: usize = 20;

/// Lines of the text format, `NOW` standing for a time in milliseconds: most of them good.
const TEXT: [&str; 36] = [
    "m 1",
    "m 2.5",
    "m{a=\"1\"} 3",
    "m{a=\"1\",} 4",
    "m{ a = \"1\" , b = \"2\" } 5",
    "m{a=\"1\" b=\"3\"} 6",
    "m{a=\"\"} 7",
    "m{a=\"x y\",b=\"é\"}\t8",
    "m{a=\"\\\\ \\\" \\n\"} 9",
    "m{a=\"\\q\"} 10",
    "m {c=\"1\"} 11",
    "m{c=\"2\"}12",
    "m{d=\"1\"} 1.5e2",
    "m{d=\"2\"} -3 NOW",
    "m{d=\"3\"} +4  NOW",
    "m{d=\"4\"} 5 NOW ",
    "m{e=\"1\"} .5",
    "m{e=\"2\"} 5.",
    "other{a=\"b\"} NaN",
    "other -Inf",
    ":colon:name 1",
    "# HELP m Some \\n help.",
    "# TYPE m gauge",
    "# TYPE m counter",
    "# HELP m",
    "#no comment {",
    "# EOF",
    "",
    " \t",
    // A value with the end of a line.
    "m{f=\"1\n2\"} 13",
    // Twice, with another value.
    "m{a=\"1\"} 30",
    "m{d=\"2\"} 31 NOW",
    "other{l=\"# {}\"} 1",
    "m{g=\"{}=,\"} 14",
    "m{h=\"1\"} 1e3",
    "m{h=\"2\"} 0",
];

/// Lines of the text format that are wrong.
const WRONG: [&str; 24] = [
    "m",
    "m one",
    "m 1 now",
    "m 1 -5",
    "m 1 2 3",
    "m 1_0",
    "m 0x1p2",
    "m 1e999",
    "m +NaN",
    "m{a} 1",
    "m{a=1} 1",
    "m{a=\"1} 1",
    "m{a=\"1\",a=\"2\"} 1",
    "m{,} 1",
    "m{a=\"1\",,} 1",
    "m{1a=\"1\"} 1",
    "m{a:b=\"1\"} 1",
    "m{a=\"1\"",
    "{a=\"1\"} 1",
    "1m 1",
    "<html>",
    "# TYPE m",
    "# TYPE m gaugehistogram",
    "m 1\r",
];

/// Lines of OpenMetrics, the first half good, `NOW` standing for a time in seconds. Without what versions
/// of Prometheus differ about: a comma behind the last label, and exemplars of other names than those of
/// counters and buckets.
const OPEN_METRICS: [&str; 24] = [
    "m 1",
    "m{a=\"1\"} 2",
    "m{a=\"2\"} 3",
    "m{a=\"\\\\ \\\" \\n\"} 4",
    "m{b=\"1\"} 5 NOW",
    "m_total{b=\"2\"} 6 # {t=\"x\"} 1",
    "m_total{b=\"3\"} 7 NOW # {t=\"x\",u=\"y\"} 1 NOW",
    "m_created 1.5",
    "# TYPE m counter",
    "# TYPE other stateset",
    "# HELP m Some help.",
    "# UNIT time_seconds seconds",
    "m  1",
    "m{ a=\"1\"} 1",
    "m{a=\"1\"b=\"2\"} 1",
    "",
    "# a comment",
    "# TYPE m untyped",
    "# UNIT m seconds",
    "m 1 NaN",
    "m 1 # {t=\"x\"}",
    "m 1 2 3",
    "m\t1",
    "# EOF",
];

/// What a character of a page is changed to, or what is put before it.
const CHARACTERS: [char; 20] = [
    '"', '\\', '{', '}', '=', ' ', '\t', '#', '-', '+', '.', 'e', '0', '_', ':', 'a', 'n', 'x',
    'é', '\r',
];

/// The same for the text format alone: versions of Prometheus differ about commas in OpenMetrics.
const COMMA: char = ',';

/// Parts of the value of a label, as they are written.
const VALUE_PARTS: [&str; 20] = [
    "a", "B", "0", " ", "é", "\\\\", "\\\"", "\\n", "\\q", "{", "}", "=", ",", "#", "'", "\t",
    "日", "/", ".", "😀",
];

/// What separates words in the text format.
const BLANKS: [&str; 4] = ["", " ", "\t", "  "];

/// Numbers that look chosen at random, and are the same each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A page.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) text: String,
    pub(super) open_metrics: bool,
    /// The metrics that are asked for.
    pub(super) metrics: Vec<String>,
    /// Whether there is no fault on it.
    pub(super) is_good: bool,
}

impl Page {
    fn small(text: String, open_metrics: bool) -> Self {
        Self { text, open_metrics, metrics: vec![METRIC.to_owned()], is_good: false }
    }
}

/// A small page of the lines above, now and then cut off.
pub(super) fn small(random: &mut Random, now: u64) -> Page {
    let open_metrics = random.below(3) == 0;
    let mut page = String::new();
    for _ in 0..random.below(9) {
        let line = match open_metrics {
            // One line in five is from the half that is wrong.
            true if random.below(20) == 0 => OPEN_METRICS[12 + random.below(12)],
            true => OPEN_METRICS[random.below(12)],
            false if random.below(20) == 0 => WRONG[random.below(WRONG.len())],
            false => TEXT[random.below(TEXT.len())],
        };
        let time = if open_metrics { format!("{now}.5") } else { format!("{now}500") };
        let _ = writeln!(page, "{}", line.replace("NOW", &time));
    }
    if open_metrics && random.below(20) != 0 {
        page.push_str("# EOF\n");
    }
    // The end of the last line may be missing, and a page may be cut anywhere.
    match random.below(10) {
        0 => page.truncate(page.trim_end_matches('\n').len()),
        1 if !page.is_empty() => {
            page.truncate(page.floor_char_boundary(1 + random.below(page.len())));
        }
        _ => {}
    }
    Page::small(page, open_metrics)
}

/// A small page of good lines without times, of which one character is another one, is missing, or has one
/// before it.
pub(super) fn changed(random: &mut Random) -> Page {
    let open_metrics = random.below(3) == 0;
    // Neither a time nor a number becomes one that no answer can hold. And no line begins with a blank, which
    // Prometheus takes for a part of the name.
    let is_meant = |line: &&str| {
        let left_out = ["NOW", "1.5e2", "1e3", "# {"].iter().any(|part| line.contains(*part));
        !left_out && !line.starts_with(' ')
    };
    let mut good = if open_metrics { OPEN_METRICS[..12].to_vec() } else { TEXT.to_vec() };
    good.retain(is_meant);
    let mut page = String::new();
    for _ in 0..=random.below(3) {
        let _ = writeln!(page, "{}", random.of(&good));
    }
    if open_metrics {
        page.push_str("# EOF\n");
    }
    let at: Vec<_> = page.char_indices().collect();
    let (start, old) = random.of(&at);
    let new = match random.below(CHARACTERS.len() + 1) {
        0 if !open_metrics => COMMA,
        _ => random.of(&CHARACTERS),
    };
    let (before, after) = (&page[..start], &page[start + old.len_utf8()..]);
    let is_first = before.is_empty() || before.ends_with('\n');
    let new = if is_first && matches!(new, ' ' | '\t') { 'x' } else { new };
    let text = match random.below(3) {
        0 => format!("{before}{after}"),
        1 => format!("{before}{new}{after}"),
        _ => format!("{before}{new}{old}{after}"),
    };
    Page::small(text, open_metrics)
}

/// A page of many lines, each good in a way of its own.
pub(super) fn long(random: &mut Random, now: u64) -> Page {
    let open_metrics = random.below(3) == 0;
    let metrics: Vec<_> = (0..METRICS).map(|metric| format!("m{metric}_total")).collect();
    let mut text = String::new();
    for number in 0..LINES {
        for metric in &metrics {
            let line = match (number, open_metrics) {
                (0, _) => format!("{metric} {}", number_text(random)),
                (_, true) => open_metrics_line(random, metric, number, now),
                (_, false) => text_line(random, metric, number, now),
            };
            let _ = writeln!(text, "{line}");
        }
    }
    if open_metrics {
        text.push_str("# EOF\n");
    }
    Page { text, open_metrics, metrics, is_good: true }
}

/// Labels, each with its value as it is written. `n` makes a series one of its own.
fn labels(random: &mut Random, number: usize) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for name in ["a", "_b", "c9", "le"] {
        if random.below(2) == 0 {
            let parts = (0..random.below(5)).map(|_| random.of(&VALUE_PARTS));
            labels.push((name.to_owned(), parts.collect()));
        }
    }
    let at = random.below(labels.len() + 1);
    labels.insert(at, ("n".to_owned(), number.to_string()));
    labels
}

fn text_line(random: &mut Random, metric: &str, number: usize, now: u64) -> String {
    let mut line = format!("{metric}{}{{", random.of(&BLANKS));
    let labels = labels(random, number);
    for (at, (name, value)) in labels.iter().enumerate() {
        // What a value breaks the line with goes on after it.
        let broken = if random.below(20) == 0 { "\n" } else { "" };
        let [before, middle, behind] = [(); 3].map(|()| random.of(&BLANKS));
        let _ = write!(line, "{before}{name}{middle}={behind}\"{value}{broken}\"");
        let is_last = at + 1 == labels.len();
        // Neither is a comma needed between two, nor does one do harm behind the last.
        let has_comma = if is_last { random.below(4) == 0 } else { random.below(8) != 0 };
        line += if has_comma { "," } else { " " };
    }
    let _ = write!(line, "}}{}{}", random.of(&BLANKS), number_text(random));
    if random.below(4) == 0 {
        let _ = write!(line, "{}{now}500", random.of(&BLANKS[1..]));
    }
    line + random.of(&BLANKS)
}

fn open_metrics_line(random: &mut Random, metric: &str, number: usize, now: u64) -> String {
    let labels = labels(random, number);
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let mut line = format!("{metric}{{{}}} {}", labels.join(","), number_text(random));
    if random.below(4) == 0 {
        let _ = write!(line, " {now}{}", random.of(&["", ".5", ".25"]));
    }
    if random.below(5) == 0 {
        line += " # {t=\"x\"} 1";
    }
    line
}

/// A number of whole thousandths, so that nothing is lost in an answer.
fn number_text(random: &mut Random) -> String {
    let mut below = |end| random.below(end);
    match below(10) {
        0 => format!("{}", below(1000)),
        1 => format!("{}.{:03}", below(1000), below(1000)),
        2 => format!("-{}.{}", below(100), below(10)),
        3 => format!("+{}", below(100)),
        4 => format!(".{}", below(1000)),
        5 => format!("{}.", below(100)),
        6 => format!("{}e{}", below(10), below(3)),
        7 => format!("{}.5E1", below(10)),
        8 => format!("{}e-{}", below(100), below(4)),
        _ => format!("00{}", below(10)),
    }
}
