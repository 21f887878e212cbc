//! Go's templates for captured groups, such as `${1}_total`.

use super::escape;

/// Expands a template with the captures, as Go's `Regexp.ExpandString` does.
#[must_use]
pub(crate) fn expand(captures: &regex::Captures<'_>, template: &str) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            filled.push_str(captured(captures, name));
            rest = after;
        } else {
            // Go keeps a dollar sign that does not begin a reference.
            filled.push('$');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// The texts around the references of a template: what it gives begins with the first, ends with the
/// last, and has the others between them in their order.
#[must_use]
pub(crate) fn literals(template: &str) -> Vec<String> {
    let (mut all, mut text, mut rest) = (Vec::new(), String::new(), template);
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some((_, after)) = reference(after) {
            all.push(std::mem::take(&mut text));
            rest = after;
        } else {
            text.push('$');
            rest = after;
        }
    }
    text.push_str(rest);
    all.push(text);
    all
}

/// Splits a leading `name` or `{name}` off.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let mut rest = inner;
    while let Some((first, after)) = escape::split_first(rest) {
        if !(first == '_' || first.is_alphanumeric()) {
            break;
        }
        rest = after;
    }
    let name = &inner[..inner.len() - rest.len()];
    if name.is_empty() {
        return None;
    }
    let rest = if braced { rest.strip_prefix('}')? } else { rest };
    Some((name, rest))
}

/// Looks up a group by number, or by name if it is not a number without leading zeros.
fn captured<'a>(captures: &'a regex::Captures<'_>, name: &str) -> &'a str {
    let leading_zero = name.len() > 1 && name.starts_with('0');
    let number = name.bytes().all(|digit| digit.is_ascii_digit()) && !leading_zero;
    let group = if number {
        name.parse().ok().and_then(|index| captures.get(index))
    } else {
        captures.name(name)
    };
    group.map_or("", |group| group.as_str())
}
