//! Go regular expressions, compiled to Rust ones that mean the same.

mod class;
mod escape;
mod expand;
mod names;
mod repeat;
mod translate;

#[cfg(test)]
mod tests;

pub(super) use expand::{expand, literals};

/// What a compiled expression may take in memory, in bytes.
const SIZE_LIMIT: usize = 8 << 20;

/// What the cache of a search may take in memory, in bytes.
const CACHE_LIMIT: usize = 2 << 20;

/// The longest pattern, in bytes: a class of a few letters can come to
/// several kilobytes before the limit above is looked at.
const MAX_PATTERN: usize = 8 << 10;

/// Compiles a Go regular expression, with an error wherever Go gives one.
///
/// # Errors
///
/// The pattern is not one that Go accepts, or it is too large to compile.
pub(super) fn compile(pattern: &str) -> Result<regex::Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("a regexp of {} bytes is longer than {MAX_PATTERN}", pattern.len()));
    }
    let translated = translate::translate(pattern)
        .map_err(|problem| format!("error parsing regexp: {problem}"))?;
    regex::RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(CACHE_LIMIT)
        .build()
        .map_err(|problem| match problem {
            regex::Error::CompiledTooBig(limit) => {
                format!("regexp `{pattern}` takes more than {limit} bytes when compiled")
            }
            other => format!("regexp `{pattern}` cannot be compiled: {other}"),
        })
}
