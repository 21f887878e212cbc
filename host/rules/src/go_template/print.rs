//! Prints values as Go's `fmt` package does.

use super::MAX_OUTPUT;
use super::item::Item;
use super::quote::{floating, quote};

/// The widest that one value can be asked to be, as in Go.
const MAX_WIDTH: usize = 1_000_000;

/// Verbs that Go has and these templates do not.
const OTHER_VERBS: &str = "bcoOxXUeEfFgGpTw";

/// What is written between a percent sign and its verb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spec {
    verb: char,
    left: bool,
    plus: bool,
    zeros: bool,
    width: usize,
    /// The most characters to take of a text.
    precision: Option<usize>,
}

/// A text that must not become too large.
struct Sink(String);

impl Sink {
    fn add(&mut self, text: &str) -> Result<(), String> {
        if self.0.len() + text.len() > MAX_OUTPUT {
            return Err(format!("a text becomes larger than {MAX_OUTPUT} bytes"));
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Prints what an action comes to.
pub(super) fn action(item: &Item<'_>) -> Result<String, String> {
    if matches!(item, Item::Nil) {
        return Ok("<no value>".to_owned());
    }
    print(std::slice::from_ref(item))
}

/// Prints values as Go's `Sprint`, with spaces between those that are no
/// texts.
pub(super) fn print(items: &[Item<'_>]) -> Result<String, String> {
    let mut out = Sink(String::new());
    let mut after_text = true;
    for item in items {
        let is_text = item.text().is_some();
        if !is_text && !after_text {
            out.add(" ")?;
        }
        value(&mut out, item, plain())?;
        after_text = is_text;
    }
    Ok(out.0)
}

/// Prints values as Go's `Sprintln`, with spaces between all.
pub(super) fn println(items: &[Item<'_>]) -> Result<String, String> {
    let mut out = Sink(String::new());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.add(" ")?;
        }
        value(&mut out, item, plain())?;
    }
    out.add("\n")?;
    Ok(out.0)
}

/// Prints values as Go's `Sprintf`.
pub(super) fn printf(format: &str, items: &[Item<'_>]) -> Result<String, String> {
    let mut out = Sink(String::new());
    let mut items = items.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.add(before)?;
        let Some((spec, after)) = spec(after)? else {
            out.add("%!(NOVERB)")?;
            rest = "";
            break;
        };
        rest = after;
        if spec.verb == '%' {
            out.add("%")?;
        } else if let Some(item) = items.next() {
            value(&mut out, item, spec)?;
        } else {
            out.add(&format!("%!{}(MISSING)", spec.verb))?;
        }
    }
    out.add(rest)?;
    extra(&mut out, items.as_slice())?;
    Ok(out.0)
}

/// Checks that a format has only what `printf` supports.
pub(super) fn check(format: &str) -> Result<(), String> {
    let mut rest = format;
    while let Some((_, after)) = rest.split_once('%') {
        match spec(after)? {
            Some((_, after)) => rest = after,
            None => break,
        }
    }
    Ok(())
}

/// Names the values that a format has no verb for.
fn extra(out: &mut Sink, items: &[Item<'_>]) -> Result<(), String> {
    if items.is_empty() {
        return Ok(());
    }
    out.add("%!(EXTRA ")?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.add(", ")?;
        }
        if matches!(item, Item::Nil) {
            out.add("<nil>")?;
            continue;
        }
        out.add(item.type_name())?;
        out.add("=")?;
        value(out, item, plain())?;
    }
    out.add(")")
}

fn plain() -> Spec {
    Spec { verb: 'v', ..Spec::default() }
}

/// Reads the flags, width, precision and verb after a percent sign, or
/// nothing if the format ends before the verb.
fn spec(text: &str) -> Result<Option<(Spec, &str)>, String> {
    let mut spec = Spec::default();
    let mut rest = text;
    loop {
        rest = match rest.bytes().next() {
            Some(b'-') => {
                spec.left = true;
                &rest[1..]
            }
            Some(b'+') => {
                spec.plus = true;
                &rest[1..]
            }
            Some(b'0') => {
                spec.zeros = true;
                &rest[1..]
            }
            _ => break,
        };
    }
    (spec.width, rest) = size(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = size(after)?;
        spec.precision = Some(precision);
        rest = after;
    }
    let mut chars = rest.chars();
    let Some(verb) = chars.next() else {
        return Ok(None);
    };
    spec.verb = verb;
    if "#* [".contains(verb) || OTHER_VERBS.contains(verb) || !allowed(spec) {
        let written = &text[..text.len() - chars.as_str().len()];
        return Err(format!(
            "printf does not support %{written}; there are %s, %v, %q, %d, %t and %%, \
             with - and a width, %d with + or 0, and %s with a precision"
        ));
    }
    Ok(Some((spec, chars.as_str())))
}

/// Whether the flags go with the verb; the others mean something of their
/// own in Go for each verb.
fn allowed(spec: Spec) -> bool {
    let signs = spec.plus || spec.zeros;
    match spec.verb {
        '%' => true,
        'd' => spec.precision.is_none(),
        's' => !signs,
        _ => !signs && spec.precision.is_none(),
    }
}

fn size(text: &str) -> Result<(usize, &str), String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (written, rest) = text.split_at(digits);
    if written.is_empty() {
        return Ok((0, rest));
    }
    match written.parse() {
        Ok(size) if size <= MAX_WIDTH => Ok((size, rest)),
        _ => Err(format!("printf is asked for a width of {written}, more than {MAX_WIDTH}")),
    }
}

/// Prints one value by its verb, or marks that the verb does not suit it.
fn value(out: &mut Sink, item: &Item<'_>, spec: Spec) -> Result<(), String> {
    match item {
        Item::Data(fields) => {
            let items = fields.iter().map(|(_, value)| Item::from(*value));
            return several(out, ["{", "}"], items, spec);
        }
        Item::List(values) => {
            return several(out, ["[", "]"], values.iter().map(Item::from), spec);
        }
        Item::Map(entries) => {
            out.add("map[")?;
            for (index, (key, entry)) in entries.iter().enumerate() {
                if index > 0 {
                    out.add(" ")?;
                }
                value(out, &Item::Text(key), spec)?;
                out.add(":")?;
                value(out, &Item::from(entry), spec)?;
            }
            return out.add("]");
        }
        _ => {}
    }
    match single(item, spec) {
        Some(text) => pad(out, &text, spec),
        None => unsuited(out, item, spec),
    }
}

fn several<'a>(
    out: &mut Sink,
    brackets: [&str; 2],
    items: impl Iterator<Item = Item<'a>>,
    spec: Spec,
) -> Result<(), String> {
    out.add(brackets[0])?;
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.add(" ")?;
        }
        value(out, &item, spec)?;
    }
    out.add(brackets[1])
}

/// Prints a single value without its padding, if the verb suits it.
fn single(item: &Item<'_>, spec: Spec) -> Option<String> {
    if let Some(text) = item.text() {
        return match spec.verb {
            's' | 'v' => Some(text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect()),
            'q' => Some(quote(text, '"')),
            _ => None,
        };
    }
    match (item, spec.verb) {
        (Item::Nil, 'v') => Some("<nil>".to_owned()),
        (Item::Bool(yes), 'v' | 't') => Some(yes.to_string()),
        (Item::Int(int), 'v') => Some(int.to_string()),
        (Item::Int(int), 'd') => Some(decimal(*int, spec)),
        (Item::Int(int), 'q') => {
            let plain = u32::try_from(*int).ok().and_then(char::from_u32);
            let plain = plain.unwrap_or(char::REPLACEMENT_CHARACTER);
            Some(quote(plain.encode_utf8(&mut [0; 4]), '\''))
        }
        (Item::Float(float), 'v') => Some(floating(*float)),
        _ => None,
    }
}

fn decimal(int: i64, spec: Spec) -> String {
    let zeros = if spec.zeros && !spec.left { spec.width } else { 0 };
    if spec.plus { format!("{int:+0zeros$}") } else { format!("{int:0zeros$}") }
}

fn pad(out: &mut Sink, text: &str, spec: Spec) -> Result<(), String> {
    let missing = spec.width.saturating_sub(text.chars().count());
    if spec.left {
        out.add(text)?;
    }
    out.add(&" ".repeat(missing))?;
    if spec.left { Ok(()) } else { out.add(text) }
}

/// Marks a value whose verb does not suit it, as Go does in the output.
fn unsuited(out: &mut Sink, item: &Item<'_>, spec: Spec) -> Result<(), String> {
    out.add(&format!("%!{}(", spec.verb))?;
    if matches!(item, Item::Nil) {
        return out.add("<nil>)");
    }
    out.add(item.type_name())?;
    out.add("=")?;
    value(out, item, Spec { verb: 'v', ..spec })?;
    out.add(")")
}
