//! Regular expressions of Go, translated to equivalent ones of Rust.

mod class;
mod escape;
mod expand;
mod names;
mod repeat;
mod translate;

#[cfg(test)]
mod tests;

pub(super) use expand::{expand, literals};

/// The maximum memory of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 8 << 20;

/// The maximum memory of the cache of a search, in bytes.
const MAX_CACHE_BYTES: usize = 2 << 20;

/// The maximum length of a pattern, in bytes: a class of a few letters can expand to several kilobytes
/// before the limits above apply.
const MAX_PATTERN: usize = 8 << 10;

/// Compiles a regular expression of Go. What Go refuses is an error here, too.
///
/// # Errors
///
/// The pattern is invalid in Go, or too large to compile.
pub(super) fn compile(pattern: &str) -> Result<regex::Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("a regexp of {} bytes is longer than {MAX_PATTERN}", pattern.len()));
    }
    let translated = translate::translate(pattern)
        .map_err(|problem| format!("error parsing regexp: {problem}"))?;
    regex::RegexBuilder::new(&translated)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_CACHE_BYTES)
        .build()
        .map_err(|problem| match problem {
            regex::Error::CompiledTooBig(limit) => {
                format!("regexp `{pattern}` takes more than {limit} bytes when compiled")
            }
            other => format!("regexp `{pattern}` cannot be compiled: {other}"),
        })
}
