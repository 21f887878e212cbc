//! The grammar of the parts of a reference.

/// Whether container tools treat the first part of a reference as a host and not as a part of the
/// repository.
pub(super) fn is_named_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

pub(super) fn is_registry(text: &str) -> bool {
    let (host, port) = if text.starts_with('[') {
        match text.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => match port.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None => return false,
            },
            None => return false,
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_host_label),
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    };
    is_host && port.is_none_or(is_port)
}

fn is_host_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

pub(super) fn is_repository_part(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_edge = |byte: Option<&u8>| byte.copied().is_some_and(is_word);
    let separators = text.split(|character: char| is_word_character(character));
    is_edge(text.as_bytes().first())
        && is_edge(text.as_bytes().last())
        && separators
            .filter(|separator| !separator.is_empty())
            .all(|text| matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-'))
}

fn is_word_character(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

pub(super) fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
        && text.as_bytes().first().copied().is_some_and(is_word)
}
